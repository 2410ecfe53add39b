"""The MIME entity of an outgoing message: `multipart/mixed` of `alternative` of `related`, as much as is needed."""

import base64
import binascii
import mimetypes
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from providers.formats.fields import LINE, field, parameter_tokens
from providers.formats.inline import content_key, referenced
from providers.formats.part import clean_name
from providers.formats.text import html_to_text
from schemas.mail import BodyType
from schemas.outgoing import InvitationPart, OutgoingEmailAttachment

_COLUMNS = 76  # of Base64 (RFC 2045 6.8)
_SLICE = _COLUMNS * 800  # characters that are wrapped at a time
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,400}\Z")


@dataclass(frozen=True, slots=True, repr=False)
class Wrapped:
    """Base64 text that becomes lines only while it is written; the length is that of the lines."""

    text: str

    def __len__(self) -> int:
        return len(self.text) + 2 * -(-len(self.text) // _COLUMNS)

    def slices(self) -> Iterator[bytes]:
        """The lines, each with its line end, some at a time."""
        for start in range(0, len(self.text), _SLICE):
            octets = self.text[start : start + _SLICE].encode("ascii")
            lines = [octets[place : place + _COLUMNS] for place in range(0, len(octets), _COLUMNS)]
            yield b"\r\n".join(lines) + b"\r\n"


Piece = bytes | Wrapped


def entity(
    body: str, body_type: BodyType, attachments: Sequence[OutgoingEmailAttachment], boundary: str
) -> Iterator[Piece]:
    """Content header and content; `boundary` is a string that the caller makes unique."""
    shown = referenced(body) if body_type is BodyType.HTML else frozenset()
    related = [item for item in attachments if item.content_id and content_key(item.content_id) in shown]
    invitations = [item for item in attachments if isinstance(item, InvitationPart)]
    taken = [*related, *invitations]
    others = [item for item in attachments if not any(item is other for other in taken)]
    if not others:
        content = list(_content(body, body_type, related, boundary, invitations))
        last = content[-1]
        ended = isinstance(last, Wrapped) or last.endswith(b"\r\n")
        return iter(content if ended else [*content, b"\r\n"])
    parts = [list(_content(body, body_type, related, boundary, invitations)), *map(_attachment, others)]
    return _multipart("mixed", parts, boundary)


def _content(
    body: str,
    body_type: BodyType,
    related: list[OutgoingEmailAttachment],
    boundary: str,
    invitations: Sequence[InvitationPart],
) -> Iterator[Piece]:
    """An invitation is an alternative of the text, the one that a calendar program prefers (RFC 6047 2.4)."""
    if body_type is not BodyType.HTML:
        plain = _text(body, "plain")
        return (
            _multipart("alternative", [plain, *map(_invitation, invitations)], boundary) if invitations else iter(plain)
        )
    html: list[Piece] = list(_text(body, "html"))
    if related:
        html = list(_multipart("related", [html, *map(_inline, related)], boundary, '; type="text/html"'))
    return _multipart(
        "alternative", [_text(html_to_text(body), "plain"), html, *map(_invitation, invitations)], boundary
    )


def _invitation(part: InvitationPart) -> list[Piece]:
    head = f"Content-Type: text/calendar; charset=utf-8; method={part.method}\r\n"
    return [f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode("ascii"), Wrapped(part.content)]


def _multipart(kind: str, parts: Iterable[Iterable[Piece]], boundary: str, more: str = "") -> Iterator[Piece]:
    # "=_" occurs in no Base64 and no quoted-printable, and text that has it is not sent as it is.
    delimiter = f"=_{kind}_{boundary}"
    yield f'Content-Type: multipart/{kind}{more};\r\n boundary="{delimiter}"\r\n\r\n'.encode()
    for part in parts:
        yield f"--{delimiter}\r\n".encode()
        yield from part
        yield b"\r\n"
    yield f"--{delimiter}--\r\n".encode()


def _text(body: str, subtype: str) -> list[Piece]:
    encoding, octets = _encoded(body.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace"))
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return [head.encode(), octets]


def _encoded(octets: bytes) -> tuple[str, bytes]:
    """The transfer encoding of text, and the text in it, with CRLF."""
    lines = octets.split(b"\n")
    plain = octets.isascii() and b"=_" not in octets and b"\x00" not in octets
    if plain and all(len(line) <= LINE and not line.endswith((b" ", b"\t")) for line in lines):
        return "7bit", b"\r\n".join(lines)
    quoted = binascii.b2a_qp(octets)
    if len(quoted) > len(octets) * 3 // 2:
        crlf = b"\r\n".join(lines)
        return "base64", b"".join(Wrapped(base64.b64encode(crlf).decode()).slices())
    return "quoted-printable", quoted.replace(b"\n", b"\r\n")


def _inline(attachment: OutgoingEmailAttachment) -> list[Piece]:
    return _attachment(attachment, shown=True)


def _attachment(attachment: OutgoingEmailAttachment, shown: bool = False) -> list[Piece]:
    name = clean_name(attachment.name)
    tokens = parameter_tokens("name", name) if name else []
    head = field("Content-Type", _with_parameters(_media_type(attachment.mime_type, name), tokens))
    tokens = parameter_tokens("filename", name) if name else []
    disposition = "inline" if shown or attachment.inline else "attachment"
    head += field("Content-Disposition", _with_parameters(disposition, tokens))
    head += "Content-Transfer-Encoding: base64\r\n"
    if attachment.content_id:
        head += field("Content-ID", [f"<{_content_id(attachment.content_id)}>"])
    return [f"{head}\r\n".encode("ascii"), Wrapped(attachment.content)]


def _with_parameters(value: str, tokens: list[str]) -> list[str]:
    return [f"{value};", *tokens] if tokens else [value]


def _media_type(declared: str | None, name: str | None) -> str:
    """The type as declared, else by the name; what must not be in Base64 (RFC 2046 5.1, 5.2.1) goes as a file."""
    kind = (declared or mimetypes.guess_type(name or "")[0] or "").lower()
    return "application/octet-stream" if not kind or kind.startswith(("message/", "multipart/")) else kind


def _content_id(value: str) -> str:
    """As it was given where that can be written, else with percent signs, as `cid:` URLs have them (RFC 2392)."""
    bare = value.strip().strip("<>")
    return bare if _CONTENT_ID.match(bare) else quote(bare, safe="@!$&'*+,;=~-._")[:400]
