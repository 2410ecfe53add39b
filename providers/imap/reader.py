"""Headers, structure and flags of many messages: from memory as far as they are known, the rest in one round trip."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from providers.base.cache import Cache
from providers.base.errors import ProviderError
from providers.imap import excerpt, fetch
from providers.imap.connection import Connection, Stop
from providers.imap.contents import Contents
from providers.imap.facts import ITEMS, SOURCE_ITEMS, Facts, facts, from_source
from providers.imap.fetch import Items
from providers.imap.pool import Pool
from providers.imap.snapshot import Snapshot
from providers.imap.structure import Malformed
from providers.imap.wire import Answer, Command, lines

HEADER_ITEM = b"BODY.PEEK[HEADER]<0.1048576>"

Place = tuple[str, int]  # folder name, UID


class Known(NamedTuple):
    """A message as far as a list needs it; `flags` is None where the server keeps them to itself."""

    facts: Facts
    flags: frozenset[str] | None

    @property
    def deleted(self) -> bool:
        """Marked for removal: still there for IMAP, gone for people."""
        return self.flags is not None and "\\Deleted" in self.flags


@dataclass(slots=True)
class _Load:
    """What is wanted of one folder, and what was found."""

    folder: str
    contents: Contents
    uids: list[int] = field(default_factory=list)
    facts: dict[int, Facts] = field(default_factory=dict)
    flags: dict[int, frozenset[str] | None] = field(default_factory=dict)

    def without_facts(self) -> list[int]:
        return [uid for uid in self.uids if uid not in self.facts]

    def without_flags(self) -> list[int]:
        return [uid for uid in self.uids if uid not in self.flags]


class Reader:
    """Reads for one account; what never changes goes into the cache of the process."""

    def __init__(self, account: Hashable, pool: Pool, cache: Cache[Facts]) -> None:
        self._account, self._pool, self._cache = account, pool, cache

    def remembered(self, folder: str, uidvalidity: int, uid: int) -> Facts | None:
        """What the cache has of a message."""
        return self._cache.get((self._account, folder, uidvalidity, uid))

    def remember(self, folder: str, uidvalidity: int, uid: int, known: Facts) -> None:
        """Keep what was learned of a message."""
        self._cache.put((self._account, folder, uidvalidity, uid), known)

    def load(
        self, snapshot: Snapshot, places: Iterable[Place], *, header: bool = False, snippet: bool = False
    ) -> dict[Place, Known]:
        """What is known of these messages; those that are gone are left out.

        `header`: with the whole header in `facts.header`. `snippet`: with the beginning of the text.
        """
        loads = self._from_memory(snapshot, places)
        if any(_commands(load, snapshot, header) for load in loads):
            self._pool.read(lambda connection: self._tour(connection, loads, snapshot, header), loads[-1].folder)
        if snippet and any(known.snippet is None for load in loads for known in load.facts.values()):
            self._pool.read(lambda connection: self._excerpts(connection, loads), loads[-1].folder)
        return {
            (load.folder, uid): Known(load.facts[uid], load.flags.get(uid))
            for load in loads
            for uid in load.uids
            if uid in load.facts
        }

    def _from_memory(self, snapshot: Snapshot, places: Iterable[Place]) -> list[_Load]:
        loads: dict[str, _Load] = {}
        for folder, uid in places:
            if folder not in loads:
                loads[folder] = _Load(folder, snapshot.contents[folder])
            load = loads[folder]
            load.uids.append(uid)
            if found := self.remembered(folder, load.contents.uidvalidity, uid):
                load.facts[uid] = found
            if load.contents.flags is not None and uid in load.contents.flags:
                load.flags[uid] = load.contents.flags[uid]
        return list(loads.values())

    def _tour(self, connection: Connection, loads: Sequence[_Load], snapshot: Snapshot, header: bool) -> None:
        due = {load.folder: load for load in loads if _commands(load, snapshot, header)}
        answers = connection.tour(
            Stop(load.folder, _commands(load, snapshot, header), load.contents.uidvalidity) for load in due.values()
        )
        for folder, answer in answers.items():
            if isinstance(answer, ProviderError):
                due[folder].uids.clear()  # the folder went in the meantime
            else:
                self._file(connection, due[folder], answer)

    def _file(self, connection: Connection, load: _Load, answers: Sequence[Answer]) -> None:
        found = fetch.read(lines(answers), set(load.uids))
        for uid, items in found.items():
            self._file_flags(load, uid, items)
        missing = load.without_facts()
        unclear = [uid for uid in missing if not self._file_facts(load, uid, found.get(uid, {}))]
        refused = any(answer.status != "OK" for answer in answers)
        self._from_sources(connection, load, [uid for uid in unclear if refused or uid in found])
        for uid, items in found.items():
            if isinstance(whole := items.get(b"BODY[HEADER]"), bytes) and uid in load.facts:
                self._learn(load, uid, load.facts[uid].knowing(header=whole))

    def _file_flags(self, load: _Load, uid: int, items: Items) -> None:
        flags = fetch.flags(items)
        if flags is not None:
            load.flags[uid] = flags
            if load.contents.flags is not None:
                load.contents.flags[uid] = flags

    def _file_facts(self, load: _Load, uid: int, items: Items) -> bool:
        try:
            self._learn(load, uid, facts(items))
        except Malformed:
            return False
        return True

    def _from_sources(self, connection: Connection, load: _Load, uids: Sequence[int]) -> None:
        """Read the messages themselves where the server could not describe them, each on its own."""
        if uids:
            plan: list[Command] = [(b"UID FETCH %d (" % uid + SOURCE_ITEMS + b")",) for uid in uids]
            for uid, items in fetch.read(lines(connection.on(load.folder, plan)), set(uids)).items():
                self._learn(load, uid, from_source(items))

    def _excerpts(self, connection: Connection, loads: Sequence[_Load]) -> None:
        due = {load.folder: load for load in loads}
        plans = {
            load.folder: excerpt.commands({uid: f.plan for uid, f in load.facts.items() if f.snippet is None})
            for load in loads
        }
        answers = connection.tour(
            Stop(folder, plan, due[folder].contents.uidvalidity) for folder, plan in plans.items() if plan
        )
        for folder, load in due.items():
            answer = answers.get(folder, [])
            found = {} if isinstance(answer, ProviderError) else fetch.read(lines(answer), set(load.uids))
            for uid, known in list(load.facts.items()):
                if known.snippet is None:
                    self._learn(load, uid, known.knowing(snippet=excerpt.text(known.plan, found.get(uid, {}))))

    def _learn(self, load: _Load, uid: int, known: Facts) -> None:
        load.facts[uid] = known
        self.remember(load.folder, load.contents.uidvalidity, uid, known)


def _commands(load: _Load, snapshot: Snapshot, header: bool) -> list[Command]:
    headless = [uid for uid, known in load.facts.items() if known.header is None] if header else []
    unknown = load.without_facts()
    items = ITEMS + thread_items(snapshot.capabilities) + (b" " + HEADER_ITEM if header else b"")
    return [
        *fetch.commands(load.without_flags(), fetch.flag_items(snapshot.capabilities)),
        *fetch.commands(unknown, items),
        *fetch.commands(headless, HEADER_ITEM),
    ]


def thread_items(capabilities: frozenset[str]) -> bytes:
    """What to FETCH for the server's own thread ids."""
    if "X-GM-EXT-1" in capabilities:
        return b" X-GM-THRID"
    return b" THREADID" if "OBJECTID" in capabilities else b""
