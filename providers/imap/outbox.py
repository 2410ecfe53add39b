"""One message on its way out: submitted once, then found or filed exactly once in the sent folder."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from providers.base.errors import ProviderError, Timeout, Unavailable
from providers.base.lane import call_back
from providers.base.ports import Leaving, Sent
from providers.imap import copies, filing, presets, smtp
from providers.imap.account import Account, marks
from providers.imap.connection import Connection
from providers.imap.ids import MessageId
from providers.imap.roles import Role
from providers.imap.smtp import Envelope


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message as it goes over the wire (without Bcc), and as it is filed (with it); chunks can be asked for again."""

    message_id: str
    envelope: Envelope
    wire: Callable[[], Iterable[bytes]]
    copy_size: int
    copy: Callable[[], Iterable[bytes]]
    keywords: Sequence[str] = ()


class Outbox:
    """The way out of one account. Its methods block."""

    def __init__(self, account: Account) -> None:
        self._pool, self._grant, self._settings = account.pool, account.grant, account.settings
        self._marks = marks(account.mailbox)
        files_itself, wish = presets.files_copies(account.grant.brand), account.mailbox.copy_to_sent
        self._appends = not files_itself if wish is None else wish

    def check_keywords(self, keywords: Sequence[str]) -> None:
        """Whether the sent folder takes them, before anything leaves. Raises `Invalid(keywords.N)`."""
        with self._pool.borrow() as connection:
            target = copies.existing(connection, Role.SENT, self._marks)
            filing.keyword_changes(keywords, frozenset(), connection.select(target or "INBOX"))

    def deliver(self, parcel: Parcel, leaving: Leaving | None = None) -> Sent:
        """Submit and file. Raises as `smtp.submit`; what fails after that is in the notes."""
        called = partial(call_back, leaving) if leaving else None
        refused = smtp.submit(self._grant, self._settings, parcel.envelope, parcel.wire(), called)
        place: MessageId | None = None
        notes: tuple[str, ...] = ()
        try:
            place = self._filed(parcel)
        except ProviderError as error:
            notes = (f"the message was sent, but its copy in the sent folder is missing: {error.message}",)
        return Sent(parcel.message_id, str(place) if place else None, refused=refused, notes=notes)

    def find(self, message_id: str) -> MessageId | None:
        """The message of that Message-ID in the sent folder."""

        def look(connection: Connection) -> MessageId | None:
            target = copies.existing(connection, Role.SENT, self._marks)
            return filing.locate(connection, target, message_id) if target else None

        return self._pool.read(look)

    def _filed(self, parcel: Parcel) -> MessageId | None:
        """Once more when the connection broke: it looks for the copy before it makes one."""
        try:
            with self._pool.borrow() as connection:
                return self._file(connection, parcel)
        except Timeout:
            raise
        except Unavailable:
            with self._pool.borrow() as connection:
                return self._file(connection, parcel)

    def _file(self, connection: Connection, parcel: Parcel) -> MessageId | None:
        if not self._appends:
            target = copies.existing(connection, Role.SENT, self._marks)
            found = copies.wait_for(connection, target, parcel.message_id) if target else None
            if found and parcel.keywords:
                filing.store(connection, found.uid, parcel.keywords, ())
            return found
        target = copies.folder(connection, Role.SENT, self._marks)
        if found := filing.locate(connection, target, parcel.message_id):
            return found
        flags = ["\\Seen", *parcel.keywords]
        return copies.append(connection, target, flags, parcel.copy_size, parcel.copy(), parcel.message_id)
