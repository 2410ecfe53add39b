"""Ids of messages and folders, opaque to callers: URL-safe base64 without padding.

A message is named by (folder, UIDVALIDITY, UID), which is all that IMAP promises to keep (RFC 3501 2.3.1.1). A move or
a rebuilt folder gives a new id; under a renamed folder's old name ids are still found, as long as its UIDVALIDITY is
told apart (`account.py`). `kin.py` says which message had which id.
"""

import binascii
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from providers.base.errors import NotFound

_HEAD = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class MessageId:
    """Where a message lies."""

    folder: str
    uidvalidity: int
    uid: int

    def __str__(self) -> str:
        return _encode(_HEAD.pack(self.uidvalidity, self.uid) + self.folder.encode("utf-8"))


def message_id(text: str) -> MessageId:
    """The place that an id names. Raises `NotFound` for what is no id of ours."""
    data = _decode(text, "message")
    try:
        uidvalidity, uid = _HEAD.unpack_from(data)
        folder = data[_HEAD.size :].decode("utf-8")
    except (struct.error, UnicodeDecodeError):
        raise _unknown("message", text) from None
    if not (uidvalidity and uid and folder) or str(found := MessageId(folder, uidvalidity, uid)) != text:
        raise _unknown("message", text)
    return found


def folder_id(name: str) -> str:
    """The id of a folder."""
    return _encode(name.encode("utf-8"))


def folder_name(text: str) -> str:
    """The folder that an id names. Raises `NotFound` for what is no id of ours."""
    try:
        name = _decode(text, "folder").decode("utf-8")
    except UnicodeDecodeError:
        raise _unknown("folder", text) from None
    if not name or folder_id(name) != text:
        raise _unknown("folder", text)
    return name


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str, kind: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise _unknown(kind, text) from None


def _unknown(kind: str, text: str) -> NotFound:
    return NotFound(f"there is no {kind} with the id {text[:80]!r}")
