"""Conversations of an account: the server's where it has them, else ours over all folders, read in the background.

Gmail (X-GM-THRID) and OBJECTID servers (RFC 8474 THREADID) know the thread of each message. THREAD=REFERENCES
(RFC 5256) is not used: it covers one mailbox, and replies in Sent would be lost.
"""

import asyncio
import re
import threading
from collections.abc import Iterator, Sequence
from functools import partial

from providers.base.errors import NotFound, Pending, ProviderError
from providers.base.lane import Lane
from providers.imap import fetch
from providers.imap.connection import Connection
from providers.imap.contents import Contents
from providers.imap.conversations import Conversations
from providers.imap.facts import LINK_ITEMS, Facts, link_headers, links
from providers.imap.ids import MessageId
from providers.imap.index import Index
from providers.imap.pool import Pool
from providers.imap.reader import Reader
from providers.imap.roles import VIEWS
from providers.imap.sets import read_search
from providers.imap.snapshot import Position, Snapshot
from providers.imap.wire import lines

_OBJECTID = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")  # RFC 8474 section 7: never quoted
_WINDOW = 1000  # messages whose links are read in one job, so that others get their turn
_INLINE = 200  # new messages that a list may read on the way


class Threads:
    """Thread ids of messages, and the messages of threads."""

    def __init__(self, index: Index, pool: Pool, reader: Reader) -> None:
        self._index, self._pool, self._reader = index, pool, reader
        self._lane = Lane(1)  # beside the account's own lane: page requests are not to wait behind it
        self._lock = threading.Lock()
        self._conversations = Conversations()
        self._added: dict[str, Contents] = {}  # what has been read of each folder
        self._task: asyncio.Task[None] | None = None
        self.complete = False  # whether all threads are known
        self._absorbed: Snapshot | None = None  # nothing has come since

    async def ready(self, patience: float) -> bool:
        """Whether all threads are known; starts finding them out, and waits for it at most so many seconds."""
        if self.complete:
            return True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._build())
        await asyncio.wait([self._task], timeout=patience)
        return self.complete

    async def require(self, patience: float) -> None:
        """Wait for all threads. Raises `Pending` when that takes too long."""
        if not await self.ready(patience):
            raise Pending("the conversations of this mailbox are still being worked out", retry_after=2.0)

    def forget(self) -> None:
        """Find everything out again when somebody asks."""
        with self._lock:
            self._conversations, self._added, self._absorbed, self.complete = Conversations(), {}, None, False

    def close(self) -> None:
        """Stop finding out."""
        if self._task is not None:
            self._task.cancel()

    async def _build(self) -> None:
        try:
            snapshot = await self._lane.run(self._index.refresh)
            if not _by_server(snapshot):
                for name, uids in self._windows(snapshot):
                    await self._lane.run(partial(self._read, snapshot, name, uids))
            self.complete = True
        except ProviderError:
            pass  # whoever asked goes on without thread ids; the next one who asks tries again

    def _windows(self, snapshot: Snapshot) -> Iterator[tuple[str, list[int]]]:
        for name, uids in self._missing(snapshot).items():
            for start in range(0, len(uids), _WINDOW):
                yield name, uids[start : start + _WINDOW]

    def _missing(self, snapshot: Snapshot) -> dict[str, list[int]]:
        """The messages that have not been read yet, by folder."""
        found = {}
        for name, contents in snapshot.contents.items():
            if snapshot.role_of(name) not in VIEWS:
                if new := _new(self._added.get(name), contents):
                    found[name] = new
                else:
                    self._added[name] = contents  # those that went are forgotten, and the next comparison is quick
        return found

    def _read(self, snapshot: Snapshot, name: str, uids: Sequence[int]) -> None:
        contents = snapshot.contents[name]
        read = self._pool.read(lambda connection: _links(connection, name, contents.uidvalidity, uids), name)
        self._add(name, contents, uids, read)

    def _add(self, name: str, contents: Contents, uids: Sequence[int], read: dict[int, tuple[int, ...]]) -> None:
        """File what was read; a message that went in the meantime counts as read."""
        with self._lock:
            before = self._added.get(name)
            known = before if before is not None and before.uidvalidity == contents.uidvalidity else None
            for uid in _new(known, contents, among=uids):
                if uid in read and (received := contents.time(uid)) is not None:
                    self._conversations.add(MessageId(name, contents.uidvalidity, uid), read[uid], received)
            times = {uid: contents.time(uid) or 0 for uid in uids}
            added = (known or Contents(contents.uidvalidity)).adding(times)
            self._added[name] = contents if added.uids == contents.uids else added

    def absorb(self, snapshot: Snapshot) -> None:
        """Read the messages that came since, when they are few; else that is left to the next `ready`."""
        if not self.complete or _by_server(snapshot) or snapshot is self._absorbed:
            return
        missing = self._missing(snapshot)
        if sum(map(len, missing.values())) > _INLINE:
            self.complete = False
            return
        known = self._reader.load(snapshot, [(name, uid) for name, uids in missing.items() for uid in uids])
        for name, uids in missing.items():
            read = {uid: known[name, uid].facts.links for uid in uids if (name, uid) in known}
            self._add(name, snapshot.contents[name], uids, read)
        self._absorbed = snapshot

    def id_of(self, snapshot: Snapshot, place: MessageId, facts: Facts) -> str | None:
        """The thread of a message; None while it is not known."""
        return facts.thread_id if _by_server(snapshot) else self.find(place, facts.links)

    def find(self, place: MessageId, links: tuple[int, ...]) -> str | None:
        """The thread that we have worked out for a message with these links."""
        with self._lock:
            return self._conversations.id_of(place, links)

    def wants_links(self, snapshot: Snapshot) -> bool:
        """Whether all threads are known, and stay so if whoever reads messages reads their links along."""
        return self.complete and not _by_server(snapshot)

    def learn(self, snapshot: Snapshot, name: str, read: dict[int, tuple[int, ...]]) -> None:
        """File messages of a folder whose links were read along with something else."""
        self._add(name, snapshot.contents[name], list(read), read)

    def members(self, snapshot: Snapshot, thread_id: str, *, trash_and_junk: bool) -> list[Position]:
        """The messages of a thread, oldest first. Raises `NotFound`."""
        mailboxes = snapshot.mailboxes(trash_and_junk=trash_and_junk)
        if _by_server(snapshot):
            places = self._pool.read(lambda connection: _searched(connection, snapshot, mailboxes, thread_id))
        else:
            with self._lock:
                places = self._conversations.members(thread_id)
        if places is None:
            raise NotFound(f"there is no conversation with the id {thread_id[:80]!r}")
        return sorted(_present(snapshot, mailboxes, places))


def _by_server(snapshot: Snapshot) -> bool:
    return not snapshot.capabilities.isdisjoint({"X-GM-EXT-1", "OBJECTID"})


def _new(before: Contents | None, now: Contents, *, among: Sequence[int] | None = None) -> list[int]:
    """The UIDs (of `among`) that `before` lacks."""
    if before is None or before.uidvalidity != now.uidvalidity:
        return list(now.uids if among is None else among)
    if before.uids is now.uids:
        return []
    if among is None and len(before) and before.uids == now.uids[: len(before)]:
        return list(now.uids[len(before) :])
    known = set(before.uids)
    return [uid for uid in (now.uids if among is None else among) if uid not in known]


def _links(connection: Connection, name: str, uidvalidity: int, uids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    answers = connection.on(name, fetch.commands(uids, LINK_ITEMS), uidvalidity=uidvalidity)
    return {uid: links(link_headers(items)) for uid, items in fetch.read(lines(answers), set(uids)).items()}


def _searched(
    connection: Connection, snapshot: Snapshot, mailboxes: Sequence[str], thread_id: str
) -> list[MessageId] | None:
    """Ask the server, folder by folder."""
    gmail = "X-GM-EXT-1" in snapshot.capabilities
    try:
        key = b"X-GM-THRID %d" % int(thread_id, 16) if gmail else b"THREADID " + thread_id.encode("ascii")
    except ValueError:
        return None
    if not gmail and not _OBJECTID.match(thread_id):
        return None
    found: list[MessageId] = []
    for name in mailboxes:
        [answer] = connection.on(name, [(b"UID SEARCH " + key,)])
        uidvalidity = snapshot.contents[name].uidvalidity
        found += [MessageId(name, uidvalidity, uid) for uid in read_search(answer.lines)]
    return found or None


def _present(snapshot: Snapshot, mailboxes: Sequence[str], places: Sequence[MessageId]) -> Iterator[Position]:
    for place in dict.fromkeys(places):
        contents = snapshot.contents.get(place.folder)
        if contents is not None and place.folder in mailboxes and contents.uidvalidity == place.uidvalidity:
            received = contents.time(place.uid)
            if received is not None:
                yield Position(received, place.folder, place.uid)
