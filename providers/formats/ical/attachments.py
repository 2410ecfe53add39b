"""ATTACH (RFC 5545 3.8.1.1, RFC 8607) -> attachment descriptions and contents."""

import base64
import binascii
import hashlib
import re
from urllib.parse import unquote, urlsplit

from providers.base.errors import NotFound
from providers.formats.contentlines import Component, Line
from providers.formats.transfer import estimated_size
from schemas.mail import EmailAttachment

_SPACE = re.compile(r"\s+")


def attachments(component: Component) -> list[EmailAttachment]:
    """What is attached: inline content, or the place where the content is."""
    return [_description(line) for line in component.all("ATTACH")]


def _description(line: Line) -> EmailAttachment:
    inline = _is_inline(line)
    size = line.parameter("SIZE") or ""
    return EmailAttachment(
        id=_id(line),
        name=_name(line),
        mime_type=line.parameter("FMTTYPE"),
        size=int(size)
        if size.isascii() and size.isdigit()
        else estimated_size(len(line.value), "base64")
        if inline
        else None,
        content_location=None if inline else line.value,
    )


def _id(line: Line) -> str:
    """The server's own id where it manages attachments, else a digest: positions change."""
    managed = line.parameter("MANAGED-ID")
    return managed or hashlib.blake2b(line.value.encode("utf-8", "replace"), digest_size=9).hexdigest()


def _name(line: Line) -> str | None:
    named = line.parameter("FILENAME") or line.parameter("X-FILENAME") or line.parameter("X-APPLE-FILENAME")
    if named or _is_inline(line):
        return named
    try:
        return unquote(urlsplit(line.value).path.rpartition("/")[2]) or None
    except ValueError:
        return None


def _is_inline(line: Line) -> bool:
    return (line.parameter("VALUE") or "").upper() == "BINARY" or (line.parameter("ENCODING") or "").upper() == "BASE64"


def content(component: Component, attachment_id: str) -> bytes | str:
    """The decoded content of an inline attachment, the URI of any other. Raises `NotFound`."""
    line = next((line for line in component.all("ATTACH") if _id(line) == attachment_id), None)
    if line is None:
        raise NotFound("the event has no such attachment")
    if not _is_inline(line):
        return line.value
    try:
        text = _SPACE.sub("", line.value)
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise NotFound("the attachment's content is damaged in the calendar") from None
