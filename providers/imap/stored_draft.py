"""A draft as some mail program stored it, made ready to leave: its header is rewritten in front of the source."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime, formataddr

from providers.base.errors import Invalid, NotFound
from providers.formats.headers import Headers, body_offset
from providers.imap import fetch
from providers.imap.connection import Connection
from providers.imap.outbox import Parcel
from providers.imap.smtp import Envelope
from schemas.mail import EmailAddress
from schemas.outgoing import is_address

_PIECE = 256 * 1024  # octets fetched, and handed on, at a time
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*|[^\n]*\n")
_HIDDEN = frozenset({b"bcc", b"resent-bcc"})
_RENEWED = frozenset({b"date", b"message-id"})


def read(connection: Connection, uid: int) -> bytes:
    """The source of a message in the selected folder, fetched in pieces. Raises `NotFound`, `Refused`."""
    source = bytearray()
    while True:
        answer = connection.run(b"UID FETCH %d (BODY.PEEK[]<%d.%d>)" % (uid, len(source), _PIECE))
        piece = fetch.read(answer.lines, {uid}).get(uid, {}).get(b"BODY[]")
        if piece is None:
            raise NotFound("the draft does not exist any more")
        source += piece
        if len(piece) < _PIECE:
            return bytes(source)


class StoredDraft:
    """A draft's source, with the Message-ID (its own, else `message_id`) and the date under which it leaves."""

    def __init__(self, source: bytes, message_id: str, sender: EmailAddress, date: datetime) -> None:
        self._source, self._sender = source, sender
        self._body = body_offset(source)
        self._headers = Headers.parse(source[: self._body])
        self.message_id = self._headers.message_id or message_id
        self._renewed = f"Message-ID: {self.message_id}\r\nDate: {format_datetime(date)}\r\n".encode()

    @property
    def recipients(self) -> list[str]:
        """The envelope: To, Cc and Bcc. Raises `Invalid` with the field for what is no address."""
        return [self._checked(field, one) for field in ("to", "cc", "bcc") for one in self._headers.addresses(field)]

    def parcel(self, keywords: Sequence[str]) -> Parcel:
        """The message in both of its forms. Raises `Invalid`."""
        wire, copy = self._header(bcc=False), self._header(bcc=True)
        rest, recipients = len(self._source) - self._body, self.recipients
        envelope = Envelope(
            sender=self._sender.address or "",
            recipients=recipients,
            size=len(wire) + rest,
            smtputf8=not all(map(str.isascii, recipients)),
            eight_bit=not self._source.isascii(),
        )
        return Parcel(
            message_id=self.message_id,
            envelope=envelope,
            wire=lambda: self._chunks(wire),
            copy_size=len(copy) + rest,
            copy=lambda: self._chunks(copy),
            keywords=keywords,
        )

    def _checked(self, field: str, found: EmailAddress) -> str:
        if not found.address or not is_address(found.address):
            raise Invalid(f"the draft's {field} holds {found.address or found.name!r}: no e-mail address", path=field)
        return found.address

    def _header(self, *, bcc: bool) -> bytes:
        """The header section with its blank line; what could not be read as a field is left out."""
        head = self._source[: self._body]
        dropped = _RENEWED if bcc else _RENEWED | _HIDDEN
        kept = [match[0] for match in _FIELD.finditer(head) if match[1] and match[1].lower() not in dropped]
        author = b"" if self._headers.raw("from") else b"From: " + self._author() + b"\r\n"
        return self._renewed + author + b"".join(kept) + b"\r\n"

    def _author(self) -> bytes:
        return formataddr((self._sender.name or "", self._sender.address or ""), "utf-8").encode()

    def _chunks(self, header: bytes) -> Iterator[bytes]:
        yield header
        view = memoryview(self._source)
        for start in range(self._body, len(view), _PIECE):
            yield bytes(view[start : start + _PIECE])
