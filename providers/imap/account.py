"""What the ports of one open account share."""

from collections.abc import Callable
from typing import TypeVar

from providers.base.cache import Cache
from providers.base.errors import NotFound
from providers.base.lane import Lane
from providers.base.provider import Mailbox, ProviderSettings
from providers.imap import ids
from providers.imap.facts import Facts
from providers.imap.grant import ImapGrant
from providers.imap.hosts import Hosts
from providers.imap.ids import MessageId
from providers.imap.index import Index
from providers.imap.ledger import Ledger
from providers.imap.pool import Pool
from providers.imap.reader import Reader
from providers.imap.roles import Role
from providers.imap.search import Finder
from providers.imap.snapshot import Snapshot
from providers.imap.threads import Threads

T = TypeVar("T")


class Account:
    """One mailbox: its connections, what is known of its folders and messages."""

    def __init__(
        self, mailbox: Mailbox, settings: ProviderSettings, cache: Cache[Facts], ledger: Ledger, hosts: Hosts
    ) -> None:
        self.mailbox, self.settings, self._ledger = mailbox, settings, ledger
        self.grant = ImapGrant.model_validate(mailbox.grant)
        self._budget = hosts.budget(self.grant)  # held, so that it is not forgotten
        limit = max(1, min(settings.connections_per_account, self._budget.most - 1))  # one place is the listener's
        self.lane = Lane(limit)
        self.pool = Pool(lambda: hosts.open(self.grant), limit, settings.read_timeout, self._is_cramped)
        self.index = Index(self.pool, marks(mailbox), settings.read_timeout)
        self.reader = Reader((mailbox.key, self.grant.imap.host, self.grant.login), self.pool, cache)
        self.finder = Finder(self.pool, self.reader)
        self.threads = Threads(self.index, self.pool, self.reader)

    def snapshot(self) -> Snapshot:
        """The folders as they were last seen; asked for when nothing is known yet."""
        return self.index.snapshot if self.index.snapshot.folders else self.refresh()

    def refresh(self, only: str | None = None) -> Snapshot:
        """The folders and messages as they are now, or at least those of one folder; conversations keep up.

        Raises as `Index.refresh`.
        """
        snapshot = self.index.refresh(only)
        self._ledger.use(id(self), snapshot.size, self.forget)
        self.threads.absorb(snapshot)
        return snapshot

    def forget(self) -> None:
        """Give memory back; what is wanted again is read again."""
        self.index.forget()
        self.threads.forget()

    def at(self, place: MessageId, job: Callable[[MessageId], T]) -> T:
        """The result of a job on a message, in the folder's new place when it was renamed. Raises `NotFound`."""
        try:
            return job(place)
        except NotFound:
            moved = self._renamed(place)
            if moved is None:
                raise
        return job(moved)

    def _renamed(self, place: MessageId) -> MessageId | None:
        """The message under its folder's new name: the only folder with that UIDVALIDITY (RFC 3501 6.3.5)."""
        contents = self.index.refresh().contents
        if place.folder in contents:
            return None
        names = [name for name, held in contents.items() if held.uidvalidity == place.uidvalidity]
        return MessageId(names[0], place.uidvalidity, place.uid) if len(names) == 1 else None

    def _is_cramped(self) -> bool:
        return self._budget.is_cramped

    def close(self) -> None:
        """Close every connection."""
        self._ledger.leave(id(self))
        self.threads.close()
        self.pool.close()


def marks(mailbox: Mailbox) -> dict[Role, str]:
    """The folders that the account's owner chose for a use; ids that name nothing any more do not count."""
    found = {}
    for role in (Role.ARCHIVE, Role.SENT):
        try:
            found[role] = ids.folder_name(mailbox.marks.get(role.value) or "")
        except NotFound:
            continue
    return found
