"""Which messages an account has, over all folders: kept in memory, proved with one question before every use.

One `LIST … RETURN (STATUS …)` tells the state of every folder. A folder whose UIDVALIDITY, UIDNEXT and number of
messages are those of the snapshot holds exactly the messages of the snapshot: UIDs only grow, so whatever came raises
UIDNEXT and whatever went lowers the number. Its flags are those that were read while HIGHESTMODSEQ stood where it
stands (RFC 7162). Only what differs is read again.
"""

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from providers.base.errors import NotFound, Pending, ProviderError
from providers.imap import listing, names
from providers.imap.connection import Connection, Namespace, Stop
from providers.imap.contents import Contents
from providers.imap.fetch import commands, read_times
from providers.imap.listing import Folder, Status
from providers.imap.pool import Pool
from providers.imap.roles import Role
from providers.imap.sets import read_search
from providers.imap.snapshot import Snapshot
from providers.imap.wire import Answer, Command, lines

_AT_ONCE = 10_000  # messages whose dates are asked for in one command
_STATUSES = 60  # STATUS commands in one refresh, where the server has no LIST-STATUS
_STIR = re.compile(rb"\d+ (?:EXISTS|EXPUNGE|FETCH)\b|VANISHED", re.IGNORECASE)


class Index:
    """The snapshot of one account. Safe for several threads: they share a refresh that began after they asked."""

    def __init__(self, pool: Pool, marks: Mapping[Role, str], patience: float) -> None:
        self._pool, self._marks, self._patience = pool, marks, patience
        self._turn = threading.Lock()
        self._proved_at = float("-inf")
        self._heard: list[tuple[bytes, ...]] = []  # the last answer to LIST, to see at a glance that nothing changed
        self._unread: set[str] = set()  # folders whose STATUS the server refuses
        self._rotation = 0
        self.snapshot = Snapshot()

    def refresh(self, only: str | None = None) -> Snapshot:
        """The state of the mailbox now, or at least of the folder `only`.

        Raises `NotFound` when `only` is gone or holds no messages, `Pending` while a large mailbox is read for the
        first time by somebody else, and what the server's failures are mapped to.
        """
        asked = time.monotonic()
        if not self._turn.acquire(timeout=self._patience):
            raise Pending("the mailbox is still being read for the first time", retry_after=2.0)
        try:
            if self._proved_at < asked:
                self._prove(only if only in self.snapshot.contents else None)
        finally:
            self._turn.release()
        if only is not None and only not in self.snapshot.contents:
            raise NotFound(f"there is no folder {names.shown(only)!r} that holds messages")
        return self.snapshot

    def forget(self) -> None:
        """Start again with the next refresh."""
        with self._turn:
            self._heard, self._proved_at, self.snapshot = [], float("-inf"), Snapshot()

    def _prove(self, only: str | None) -> None:
        began = time.monotonic()
        if only is None:
            self._pool.read(self._refresh_all)
            self._proved_at = began
        else:
            self._pool.read(lambda connection: self._refresh_one(connection, only))

    def _refresh_one(self, connection: Connection, name: str) -> None:
        statuses = self._ask_statuses(connection, [name])
        contents = {key: value for key, value in self.snapshot.contents.items() if key != name or name in statuses}
        contents |= self._brought_up(connection, statuses)
        self.snapshot = replace(self.snapshot, contents=contents)
        self._heard = self._heard if name in contents else []  # LIST may say the same, and yet it must be read again

    def _refresh_all(self, connection: Connection) -> None:
        asked = self._due(connection)
        lists = listing.list_commands(connection)
        answers = _undisturbed(connection, lists + [_status_command(connection, name) for name in asked])
        heard = list(lines([answer.check() for answer in answers[: len(lists)]] + answers[len(lists) :]))
        shape = [(line.text, *line.literals) for line in heard]
        if shape == self._heard and not (self._unread or asked):
            return
        folders = listing.read_folders(heard, utf8=connection.utf8)
        statuses = listing.read_statuses(heard, utf8=connection.utf8)
        statuses |= self._ask_missing(connection, folders, statuses)
        self._adopt(connection, folders, statuses)
        self._heard = shape if statuses.keys() <= self.snapshot.contents.keys() else []

    def _adopt(self, connection: Connection, folders: dict[str, Folder], statuses: dict[str, Status]) -> None:
        folders = listing.with_roles(folders, connection.namespaces, self._marks)
        brought_up = self._brought_up(connection, {name: statuses[name] for name in statuses if name in folders})
        known = self.snapshot.contents
        contents = {name: brought_up.get(name, known.get(name)) for name in folders if name not in self._unread}
        present = {name: value for name, value in contents.items() if value is not None and folders[name].selectable}
        for name, before in known.items():
            if name not in present or present[name].uidvalidity != before.uidvalidity:
                self._pool.forget(name)  # Dovecot goes on serving a deleted folder to whoever has it open
        self.snapshot = Snapshot(folders, present, connection.capabilities, _personal(connection, folders))

    def _due(self, connection: Connection) -> list[str]:
        """The folders to ask STATUS of along with LIST, where LIST does not bring it.

        Beyond `_STATUSES` of them it is half of that: those with a role and the most recently filled ones each time,
        the others in turns.
        """
        if listing.has_list_status(connection):
            return []
        known = self.snapshot.contents
        if len(known) <= _STATUSES:
            return list(known)
        recent = sorted(known, key=lambda name: (self.snapshot.folders[name].role is not None, _last(known[name])))
        others = sorted(recent[: -_STATUSES // 2])
        self._rotation = (self._rotation + _STATUSES // 2) % len(others)
        return recent[-_STATUSES // 2 :] + (others + others)[self._rotation : self._rotation + _STATUSES // 2]

    def _ask_missing(
        self, connection: Connection, folders: Mapping[str, Folder], statuses: Mapping[str, Status]
    ) -> dict[str, Status]:
        """STATUS of folders that are new, or that LIST said nothing of; who refuses is not asked again and again."""
        known = () if listing.has_list_status(connection) else self.snapshot.contents
        missing = [
            name
            for name, folder in folders.items()
            if folder.selectable and name not in statuses and name not in known and name not in self._unread
        ]
        found = self._ask_statuses(connection, missing)
        self._unread = (self._unread | set(missing)) & set(folders) - set(found) - set(statuses)
        return found

    def _ask_statuses(self, connection: Connection, mailboxes: Sequence[str]) -> dict[str, Status]:
        found: dict[str, Status] = {}
        for start in range(0, len(mailboxes), _STATUSES):
            plan = [_status_command(connection, name) for name in mailboxes[start : start + _STATUSES]]
            found |= listing.read_statuses(lines(_undisturbed(connection, plan)), utf8=connection.utf8)
        return found

    def _brought_up(self, connection: Connection, statuses: Mapping[str, Status]) -> dict[str, Contents]:
        """The contents of these folders at their new state; of those that can be opened."""
        found, behind = {}, []
        for name, status in statuses.items():
            old = self.snapshot.contents.get(name)
            if old is None or old.uidvalidity != status.uidvalidity:
                old = Contents(status.uidvalidity)
            if status.messages == 0:
                found[name] = Contents(status.uidvalidity).at(status.uidnext, status.modseq)
            elif len(old) == status.messages and old.uidnext == status.uidnext:
                found[name] = old if old.modseq == status.modseq else old.at(status.uidnext, status.modseq)
            else:
                behind.append((name, old, status))
        for trip in _trips(behind):
            found |= _read_trip(connection, trip)
        return found


_Behind = tuple[str, Contents, Status]


def _personal(connection: Connection, folders: Mapping[str, Folder]) -> Namespace:
    """The first personal namespace; without NAMESPACE the top, separated as INBOX is."""
    personal = connection.namespaces.personal
    return personal[0] if personal else Namespace("", folders["INBOX"].separator if "INBOX" in folders else "")


def _status_command(connection: Connection, name: str) -> Command:
    return (b"STATUS ", connection.mailbox(name), b" (" + listing.status_items(connection) + b")")


def _undisturbed(connection: Connection, plan: Sequence[Command]) -> list[Answer]:
    """The answers to LIST and STATUS commands, true of the selected folder too.

    Servers describe a selected folder as the connection last saw it, even when it was deleted since (Dovecot): so it
    is left first. Without UNSELECT (RFC 3691), NOOP makes the server tell what happened there; when it tells anything,
    the questions are repeated, now that the connection has caught up.
    """
    if not plan or connection.selected is None:
        return connection.pipeline(plan) if plan else []
    if connection.can("UNSELECT", "IMAP4REV2"):
        connection.selected = None
        return connection.pipeline([(b"UNSELECT",), *plan])[1:]
    answers = connection.pipeline([*plan, (b"NOOP",)])
    if any(_STIR.match(line.text) for line in lines(answers)):
        answers = connection.pipeline([*plan, (b"NOOP",)])
    return answers[:-1]


def _last(contents: Contents) -> int:
    return contents.order[-1] if contents.order else 0


def _trips(behind: Sequence[_Behind]) -> Iterator[list[_Behind]]:
    """Folders to visit in one round trip each, so that no answer holds more than `_AT_ONCE` dates or so."""
    trip: list[_Behind] = []
    for item in behind:
        if trip and sum(status.messages - len(old) for _, old, status in [*trip, item]) > _AT_ONCE:
            yield trip
            trip = []
        trip.append(item)
    if trip:
        yield trip


def _read_trip(connection: Connection, trip: Sequence[_Behind]) -> dict[str, Contents]:
    answers = connection.tour(Stop(name, _news(old, status), status.uidvalidity) for name, old, status in trip)
    found = {}
    for name, old, status in trip:
        answer = answers[name]
        if not isinstance(answer, ProviderError):
            news = {uid: at for uid, at in read_times(lines(answer)).items() if uid >= old.uidnext}
            contents = old.adding(news)
            if len(contents) != status.messages:
                contents = _relisted(connection, name, contents)
            found[name] = contents.at(status.uidnext, status.modseq)
    return found


def _news(old: Contents, status: Status) -> list[Command]:
    """What came since: `n:*` answers with the last message even when there is nothing new."""
    if status.uidnext == old.uidnext or status.messages - len(old) > _AT_ONCE:
        return []
    return [(b"UID FETCH %d:* (INTERNALDATE)" % old.uidnext,)]


def _relisted(connection: Connection, name: str, contents: Contents) -> Contents:
    """The contents after messages went, or of a large folder seen for the first time."""
    search = b"UID SEARCH RETURN (ALL) ALL" if connection.can("ESEARCH", "IMAP4REV2") else b"UID SEARCH ALL"
    [answer] = connection.on(name, [(search,)])
    uids = read_search(answer.check().lines)
    contents = contents.keeping(uids)
    new = [uid for uid in uids if uid not in contents]
    for start in range(0, len(new), _AT_ONCE):
        wanted = new[start : start + _AT_ONCE]
        answers = connection.on(name, commands(wanted, b"INTERNALDATE"))
        contents = contents.adding(read_times(chain.from_iterable(answer.check().lines for answer in answers)))
    return contents
