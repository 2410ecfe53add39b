"""Gmail's `MessagePart` tree as the structure that all formats share. Pure.

Sections are Gmail's part ids, which do not change, and name attachments towards clients; its `attachmentId` is a token
that every look makes anew. Text comes as UTF-8 whatever the part declares, as far as Gmail could convert it.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from providers.formats import body
from providers.formats.charset import decode_text
from providers.formats.headers import Headers
from providers.formats.parameters import parse as parse_parameters
from providers.formats.part import Part, build

ROOT = "0"  # the part id of a message that has one part only, for which Gmail has none

_SHORT = 100  # characters of a field whose parameters are remembered
_PLAIN = frozenset(("content-type", "content-transfer-encoding", "mime-version"))  # fields of parts that tell no more
_SWITCHING = ("iso-2022", "utf-7", "hz")  # charsets of octets below 128


@dataclass(frozen=True, slots=True)
class Payload:
    """`data` has the content of parts that came along, as Base64, `tokens` where the others are to be had."""

    headers: Headers
    root: Part
    plan: body.Plan
    data: Mapping[str, str]
    tokens: Mapping[str, str]

    def text(self, part: Part, content: bytes) -> str:
        """Content of a part of this message as text."""
        charset = (part.charset or "").lower()
        if not (charset.startswith(_SWITCHING) and b"\x1b" in content):
            try:
                return content.decode("utf-8")
            except UnicodeDecodeError:
                pass
        return decode_text(content, part.charset, html=part.mime_type == "text/html")


def read(payload: Mapping[str, Any]) -> Payload:
    """The payload of a message in the format `full`."""
    data: dict[str, str] = {}
    tokens: dict[str, str] = {}
    headers = _headers(payload)
    root = _part(payload, headers, data, tokens)
    return Payload(headers, root, body.plan(root), data, tokens)


def decode(text: str) -> bytes:
    """Base64 in either alphabet, with or without padding."""
    try:
        return base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_").rstrip("=") + "==")
    except (binascii.Error, ValueError):
        return b""


def encode(octets: bytes) -> str:
    """Base64 as Gmail's `raw` wants it."""
    return base64.urlsafe_b64encode(octets).decode("ascii")


def _part(raw: Mapping[str, Any], headers: Headers | None, data: dict[str, str], tokens: dict[str, str]) -> Part:
    kind = str(raw.get("mimeType") or "text/plain").lower()
    section, inner = str(raw.get("partId") or ""), raw.get("parts")
    if inner and not kind.startswith("message/"):
        return Part(section, kind, children=tuple([_part(part, None, data, tokens) for part in inner]))
    section, held = section or ROOT, raw.get("body", {})
    if held.get("data"):
        data[section] = held["data"]
    if held.get("attachmentId"):
        tokens[section] = held["attachmentId"]
    size = int(held.get("size") or 0)
    if headers is None and (usual := _usual(raw, kind)) is not None:
        return usual._replace(section=section, size=size, decoded_size=size)
    return _leaf(raw, headers or _headers(raw), kind, section, size)


def _usual(raw: Mapping[str, Any], kind: str) -> Part | None:
    """A part that declares no more than its type and encoding, as most do: without section and size."""
    fields = raw.get("headers", ())
    names = {field.get("name", "").lower(): field.get("value", "") for field in fields}
    if raw.get("filename") or kind == "message/rfc822" or len(names) != len(fields) or not names.keys() <= _PLAIN:
        return None
    declared: str = names.get("content-type", "")
    return _declared(kind, declared) if len(declared) <= _SHORT and declared.isprintable() else None


@lru_cache(maxsize=1024)
def _declared(kind: str, value: str) -> Part:
    """Most parts are declared in one of a few ways."""
    return build("", kind, parse_parameters(value.strip())[1])


def _leaf(raw: Mapping[str, Any], headers: Headers, kind: str, section: str, size: int) -> Part:
    _, parameters = parse_parameters(headers.raw("content-type") or "")
    disposition, disposition_parameters = parse_parameters(headers.raw("content-disposition") or "")
    if raw.get("filename") and "filename" not in disposition_parameters and "name" not in parameters:
        disposition_parameters = {**disposition_parameters, "filename": str(raw["filename"])}
    return build(
        section,
        kind,
        parameters,
        size=size,
        disposition=disposition,
        disposition_parameters=disposition_parameters,
        content_id=headers.raw("content-id"),
        location=headers.raw("content-location"),
        subject=_inner_subject(raw) if kind == "message/rfc822" else None,
        decoded_size=size,
    )


def _inner_subject(raw: Mapping[str, Any]) -> str | None:
    inner = raw.get("parts") or ()
    return _headers(inner[0]).text("subject") if inner else None


def _headers(raw: Mapping[str, Any]) -> Headers:
    return Headers([(field.get("name", ""), field.get("value", "")) for field in raw.get("headers", ())])
