"""What our reader and CPython's `email.policy.default` say of one message, in a form that can be compared."""

import email
import email.policy
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from providers.formats.part import Part, leaves
from providers.formats.source import Source

ADDRESS_FIELDS = ("from", "to", "cc", "reply-to")


def ours(data: bytes) -> dict[str, Any]:
    """Subject, addresses, date, and the leaves with type, name and content."""
    source = Source(data)
    found: dict[str, Any] = {"subject": _line(source.headers.text("subject")), "date": source.headers.date("date")}
    for field in ADDRESS_FIELDS:
        found[field] = [(item.name or "", item.address or "") for item in source.headers.addresses(field)]
    found["leaves"] = [_leaf(source, part) for part in leaves(source.root)]
    return found


def _leaf(source: Source, part: Part) -> tuple[str, str | None, Any]:
    if part.mime_type.startswith("text/"):
        return part.mime_type, part.name, _lines(source.text(part))
    if part.mime_type == "message/rfc822":
        return part.mime_type, part.name, _lines(source.content(part.section).decode("latin-1")).rstrip("\n")
    return part.mime_type, part.name, source.content(part.section)


def theirs(data: bytes) -> dict[str, Any]:
    """The same by the other parser; where it fails, the error stands in place of the value."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    found: dict[str, Any] = {"subject": _try(lambda: _line(message["subject"])), "date": _try(lambda: _date(message))}
    for field in ADDRESS_FIELDS:
        found[field] = _try(lambda name=field: _addresses(message, name))
    found["leaves"] = [_their_leaf(part) for part in _their_leaves(message)]
    return found


def _their_leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.iter_parts():
            yield from _their_leaves(part)
    else:
        yield message


def _their_leaf(part: EmailMessage) -> Any:
    kind, name = part.get_content_type(), _try(part.get_filename)
    if kind == "message/rfc822":
        inner = part.get_payload(0)
        subject = _line(inner["subject"])
        return kind, name or f"{subject or 'message'}.eml", _lines(inner.as_bytes().decode("latin-1")).rstrip("\n")
    if kind.startswith("text/"):
        return kind, name, _try(lambda: _lines(part.get_content()))
    return kind, name, _try(lambda: part.get_payload(decode=True))


def _addresses(message: EmailMessage, field: str) -> list[tuple[str, str]]:
    return [(item.display_name, item.addr_spec) for item in message[field].addresses] if message[field] else []


def _date(message: EmailMessage) -> datetime | None:
    return message["date"].datetime if message["date"] else None


def _try(read: Any) -> Any:
    try:
        return read()
    except Exception as error:  # the other parser raises nearly everything
        return error


def _line(value: Any) -> str | None:
    return " ".join(str(value).split()) if value is not None else None


def _lines(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n")


def differences(data: bytes) -> dict[str, tuple[Any, Any]]:
    """Field -> (ours, theirs) where the two differ, but for what the other parser cannot read."""
    mine, other = ours(data), theirs(data)
    return {
        field: (mine[field], other[field])
        for field in mine
        if not isinstance(other[field], Exception) and not _same(mine[field], other[field])
    }


def _same(mine: Any, other: Any) -> bool:
    if isinstance(mine, list) and len(mine) == len(other):
        return all(_same_item(item, their) for item, their in zip(mine, other, strict=True))
    return bool(mine == other)


def _same_item(mine: Any, other: Any) -> bool:
    return all(their == own for own, their in zip(mine, other, strict=True) if not isinstance(their, Exception))
