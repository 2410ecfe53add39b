"""A source as Gmail's `MessagePart` tree, read by the standard library: another reader than the gateway's."""

import base64
import email
import uuid
from email.message import Message

from tests.servers.google.mailbox import Mail, Stored
from tests.servers.google.world import Json


def payload(mail: Mail, stored: Stored, *, whole: bool, only: list[str] | None = None) -> Json:
    """`whole` False: the headers alone (`format=metadata`), `only` those where it names some."""
    message = email.message_from_bytes(stored.source)
    if whole:
        return _part(mail, stored, message, "")
    wanted = {name.lower() for name in only or ()}
    headers = [header for header in _headers(message) if not wanted or header["name"].lower() in wanted]
    return {"mimeType": message.get_content_type(), "headers": headers}


def content(stored: Stored, part_id: str) -> bytes:
    """The decoded octets of a part."""
    part = email.message_from_bytes(stored.source)
    for number in part_id.split("."):
        part = part.get_payload()[int(number)] if part.is_multipart() else part
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()[0]
        return inner.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n", max_line_length=None))
    return _decoded(part)


def _part(mail: Mail, stored: Stored, part: Message, part_id: str) -> Json:
    kind = part.get_content_type()
    out: Json = {"partId": part_id, "mimeType": kind, "filename": part.get_filename() or "", "headers": _headers(part)}
    if part.is_multipart():
        prefix = f"{part_id}." if part_id else ""
        out["parts"] = [_part(mail, stored, one, f"{prefix}{n}") for n, one in enumerate(part.get_payload())]
        out["body"] = {"size": 0}
        if kind == "message/rfc822":
            out["body"] = _attached(mail, stored, part_id, len(content(stored, part_id)))
        return out
    data = _decoded(part)
    attached = out["filename"] or part.get_content_maintype() != "text"
    if attached and part_id:
        out["body"] = _attached(mail, stored, part_id, len(data))
    else:
        data = data if attached else _as_utf8(data, part)
        out["body"] = {"size": len(data), **({"data": base64.urlsafe_b64encode(data).decode()} if data else {})}
    return out


def _attached(mail: Mail, stored: Stored, part_id: str, size: int) -> Json:
    """Attachments are named by tokens, other ones with each look."""
    token = f"ANGjdJ{uuid.uuid4().hex}"
    mail.attachments[token] = (stored.id, part_id)
    return {"attachmentId": token, "size": size}


def _decoded(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _as_utf8(data: bytes, part: Message) -> bytes:
    try:
        return data.decode(part.get_content_charset() or "utf-8").encode()
    except (LookupError, ValueError):
        return data


def _headers(message: Message) -> list[Json]:
    return [
        {"name": name, "value": " ".join(_clean(str(value)).split("\n")).strip()}
        for name, value in message._headers  # as they were written, without the header classes
    ]


def _clean(value: str) -> str:
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\r\n", "\n")
