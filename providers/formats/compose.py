"""A message as it leaves: headers, text with its alternative, attachments.

The content of an attachment is held once, as the Base64 text it came in: it is wrapped into lines slice by slice
while the message is written. Everything is 7-bit, but for addresses that are not ASCII (RFC 6532).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.utils import format_datetime

from providers.base.ports import Outgoing
from providers.formats.entity import Piece, Wrapped, entity
from providers.formats.fields import field as header
from providers.formats.fields import mailbox_tokens, text_tokens, wire_address
from providers.formats.headers import message_ids
from schemas.mail import EmailAddress
from schemas.outgoing import RESERVED_FIELDS, OutgoingEmail

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>\Z")
_MAX_REFERENCES = 900  # characters; a line may have 998
_FIELD_NAME = re.compile(r"[!-9;-~]{1,76}\Z")
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready for SMTP. `recipients` are the addresses of To, Cc and Bcc, each once; `size` is in octets."""

    envelope_from: str
    recipients: tuple[str, ...]
    size: int
    needs_smtputf8: bool
    eight_bit: bool
    pieces: tuple[Piece, ...] = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """The octets in order, with CRLF line ends, in pieces of about 64 KB; may be called again."""
        waiting = bytearray()
        for piece in self.pieces:
            for octets in piece.slices() if isinstance(piece, Wrapped) else (piece,):
                waiting += octets
                if len(waiting) >= _CHUNK:
                    yield bytes(waiting)
                    waiting.clear()
        if waiting:
            yield bytes(waiting)


def compose(outgoing: Outgoing, sender: EmailAddress, *, bcc: bool) -> Composed:
    """Write the message; `sender` is the account's own mailbox, used where the caller names no other.

    `bcc`: keep the Bcc field (for the sender's own copy). Deterministic: the same input gives the same octets.
    Raises `ValueError` for addresses, message ids and field names that cannot be written.
    """
    email = outgoing.email
    author = _author(email, sender)
    headers = "".join(_headers(outgoing, author, bcc))
    boundary = hashlib.sha256(f"{outgoing.message_id} {email.subject}".encode("utf-8", "replace")).hexdigest()[:32]
    pieces = (headers.encode(), *entity(email.body or "", outgoing.body_type, email.attachments or (), boundary))
    recipients: dict[str, str] = {}
    for address in map(_transmitted, email.recipients):
        recipients.setdefault(address.lower(), address)
    addresses = (
        _transmitted(author),
        _transmitted(sender),
        *recipients.values(),
        *map(_transmitted, email.reply_to or ()),
    )
    international = not all(map(str.isascii, addresses))
    return Composed(
        envelope_from=_transmitted(sender),
        recipients=tuple(recipients.values()),
        size=sum(map(len, pieces)),
        needs_smtputf8=international,
        eight_bit=not headers.isascii(),
        pieces=pieces,
    )


def _transmitted(mailbox: EmailAddress) -> str:
    return wire_address(mailbox.address or "")


def _author(email: OutgoingEmail, sender: EmailAddress) -> EmailAddress:
    """Who it is from; the account's name goes with the account's own address."""
    chosen = email.from_ or sender
    own = (chosen.address or "").lower() == (sender.address or "").lower()
    return EmailAddress(name=chosen.name or (sender.name if own else None), address=chosen.address)


def _headers(outgoing: Outgoing, author: EmailAddress, bcc: bool) -> Iterator[str]:
    email = outgoing.email
    if not _MESSAGE_ID.match(outgoing.message_id):
        raise ValueError("the Message-ID must be <printable ASCII> without spaces and brackets")
    yield header("Message-ID", [outgoing.message_id])
    yield header("Date", format_datetime(outgoing.date).split(" "))
    lists: Iterable[tuple[str, list[EmailAddress] | None]] = (
        ("From", [author]), ("To", email.to), ("Cc", email.cc),
        ("Bcc", email.bcc if bcc else None), ("Reply-To", email.reply_to),
    )  # fmt: skip
    for name, mailboxes in lists:
        if mailboxes:
            yield header(name, mailbox_tokens(mailboxes))
    if email.subject is not None:
        yield header("Subject", text_tokens(email.subject))
    for name, ids in (("In-Reply-To", email.in_reply_to), ("References", email.references)):
        if tokens := [item for item in _trim(message_ids(ids)) if _MESSAGE_ID.match(item)]:
            yield header(name, tokens)
    for extra in email.x_headers or ():
        if not _FIELD_NAME.match(extra.name) or extra.name.lower() in RESERVED_FIELDS:
            raise ValueError(f"{extra.name[:80]!r} cannot be written as an extra header field")
        yield header(extra.name, text_tokens(extra.value))
    yield "MIME-Version: 1.0\r\n"


def _trim(references: list[str]) -> list[str]:
    """At most `_MAX_REFERENCES` characters of them: the first and the last ones are kept."""
    kept = [item for item in references if len(item) < _MAX_REFERENCES // 2]
    while sum(map(len, kept)) + len(kept) > _MAX_REFERENCES:
        del kept[1]
    return kept
