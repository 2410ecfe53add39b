"""The MIME structure of a message, the same whether it was read from the source or from IMAP's BODYSTRUCTURE."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

MAX_NAME = 200  # characters; file systems take 255 octets

# Control characters, and the marks that reverse the reading direction ("exe.gpj" for "jpg.exe").
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_SEPARATOR = re.compile(r"[/\\]")
_TYPE = re.compile(r"[^\s/]+/[^\s/]+\Z")
_CHARSET = re.compile(r"[^\s\"'();,]+")


class Part(NamedTuple):
    """One node. `section` is IMAP's part number (RFC 3501 6.4.5): "" for a multipart root, else "1", "1.2".

    Types, encodings, dispositions and `method` are lower case; `size` is in encoded octets, `decoded_size` in decoded
    ones where it is known; `content_id` has no brackets. An attached message is a leaf.
    """

    section: str
    mime_type: str
    charset: str | None = None
    encoding: str = "7bit"
    size: int = 0
    name: str | None = None
    disposition: str | None = None
    content_id: str | None = None
    location: str | None = None
    method: str | None = None
    children: tuple["Part", ...] = ()
    decoded_size: int | None = None


def build(
    section: str,
    mime_type: str,
    parameters: Mapping[str, str],
    *,
    encoding: str | None = None,
    size: int = 0,
    disposition: str | None = None,
    disposition_parameters: Mapping[str, str] | None = None,
    content_id: str | None = None,
    location: str | None = None,
    subject: str | None = None,
    decoded_size: int | None = None,
    children: tuple[Part, ...] = (),
) -> Part:
    """A part from decoded MIME parameters (`parameters.decode`); `subject` names an attached message without a name."""
    kind = mime_type.strip().lower()
    kind = kind if _TYPE.match(kind) else "text/plain"  # RFC 2045 5.2
    filename = (disposition_parameters or {}).get("filename") or parameters.get("name")
    charset = _CHARSET.search(parameters["charset"]) if "charset" in parameters else None
    return Part(
        section=section,
        mime_type=kind,
        charset=charset[0] if charset else None,
        encoding=(encoding or "").strip().lower() or "7bit",
        size=size,
        name=clean_name(filename) or (message_name(subject) if kind == "message/rfc822" else None),
        disposition=(disposition or "").strip().lower() or None,
        content_id=(content_id or "").strip().strip("<>").strip() or None,
        location="".join((location or "").split()) or None,
        method=parameters.get("method", "").strip().lower() or None,
        decoded_size=decoded_size,
        children=children,
    )


def clean_name(name: str | None) -> str | None:
    """A file name without path separators, control characters and direction marks; None when nothing is left."""
    if not name:
        return None
    name = _SEPARATOR.sub("_", _INVISIBLE.sub("", name)).strip()
    if len(name) > MAX_NAME:
        stem, dot, suffix = name.rpartition(".")
        name = stem[: MAX_NAME - len(suffix) - 1] + "." + suffix if dot and len(suffix) <= 10 else name[:MAX_NAME]
    return name if name.strip(". ") else None


def message_name(subject: str | None) -> str:
    """The file name of an attached message: its subject, or `message.eml`."""
    return (clean_name((subject or "")[:100]) or "message") + ".eml"


def leaves(root: Part) -> Iterator[Part]:
    """Every part that has content of its own, in order."""
    if not root.children:
        yield root
    for child in root.children:
        yield from leaves(child)
