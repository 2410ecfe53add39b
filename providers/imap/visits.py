"""Looking into the folders that changed: flags of many messages and what tells them from others, all folders in one
round trip."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from providers.base.errors import ProviderError
from providers.imap import fetch, kin
from providers.imap.connection import Connection, Stop
from providers.imap.contents import Contents
from providers.imap.facts import LINK_ITEMS, link_headers, thread_id
from providers.imap.facts import links as links_of
from providers.imap.fetch import Items
from providers.imap.reader import Place, thread_items
from providers.imap.snapshot import Snapshot
from providers.imap.told import Told
from providers.imap.wire import Answer, Command, lines

_NAME = b"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"


class Identity(NamedTuple):
    """What tells a message from others: its Message-ID ("" without one) and its `kin`. Its conversation is the server's
    `thread_id`, or follows from `links` where they were asked for."""

    message_id: str
    kin: str | None
    thread_id: str | None
    links: tuple[int, ...] | None


class Found(NamedTuple):
    """A message: `flags` is None where the server did not say, `identity` where it was not asked."""

    flags: frozenset[str] | None
    identity: Identity | None

    @property
    def hidden(self) -> bool:
        """Marked for removal: gone for people."""
        return self.flags is not None and "\\Deleted" in self.flags


@dataclass(slots=True)
class Visit:
    """A folder to look into.

    `told` is UID -> version of what the consumer has. `new` are the messages to be read now, `upto` the UID from which
    on they are left to the next round. `late` are removals that are left to it.
    """

    folder: str
    known: Told
    contents: Contents
    told: dict[int, str]
    new: Sequence[int]
    upto: int
    late: bool

    def commands(self, names: bytes = b"") -> list[Command]:
        """What to ask: flags, and `names` where given."""
        items = b"FLAGS " + names if names else b"FLAGS"
        return self._of_the_known(items) + fetch.commands(self.new, items)

    def _of_the_known(self, items: bytes) -> list[Command]:
        """Flags that changed since `known.modseq`; all flags where that number says nothing (RFC 7162 3.1.2.2)."""
        last, before, now = self.known.uidnext - 1, self.known.modseq, self.contents.modseq
        if not last or not len(self.contents) or (now and before == now):
            return []
        if 0 < before < now:
            return [(b"UID FETCH 1:%d (" % last + items + b") (CHANGEDSINCE %d)" % before,)]
        return [(b"UID FETCH 1:%d (FLAGS)" % last,)]


def read(connection: Connection, visits: Sequence[Visit], *, links: bool) -> dict[str, dict[int, Found]]:
    """What the visits find; a folder that went in the meantime is left out. Raises `Refused`, `Lost`, `OSError`."""
    due = {visit.folder: visit for visit in visits}
    names = _names(connection, links)
    stops = [
        Stop(visit.folder, plan, visit.contents.uidvalidity) for visit in visits if (plan := visit.commands(names))
    ]
    if stops:
        # A folder that stays selected may be shown as it was, even behind a NOOP in the same pipeline (Dovecot).
        # SELECT shows it as it is, and removes nothing (RFC 3501 6.3.1).
        connection.selected = None
    answers = connection.tour(stops)
    found: dict[str, dict[int, Found]] = {}
    for name, visit in due.items():
        answer = answers.get(name, [])
        if not isinstance(answer, ProviderError):
            found[name] = _read(connection, visit, answer, links)
    return found


def _names(connection: Connection, links: bool) -> bytes:
    """What to FETCH for `Identity`."""
    header = LINK_ITEMS if links else _NAME
    return header + b" " + kin.items(connection.capabilities) + thread_items(connection.capabilities)


def _read(connection: Connection, visit: Visit, answers: Sequence[Answer], links: bool) -> dict[int, Found]:
    """Where a message without a readable header makes the server refuse the rest, flags alone have to do."""
    if any(answer.status != "OK" for answer in answers):
        again = connection.on(visit.folder, visit.commands(), uidvalidity=visit.contents.uidvalidity)
        answers = [*answers, *(answer.check() for answer in again)]
    return {
        uid: Found(fetch.flags(items), _identity(items, visit.contents.time(uid), links))
        for uid, items in fetch.read(lines(answers)).items()
    }


def identities(
    connection: Connection, snapshot: Snapshot, wanted: Mapping[str, Iterable[int]], *, links: bool
) -> dict[Place, Identity]:
    """What tells messages from others, by folder and UID; nothing for one that went."""
    names = _names(connection, links)
    answers = connection.tour(
        Stop(name, fetch.commands(uids, names), snapshot.contents[name].uidvalidity) for name, uids in wanted.items()
    )
    return {
        (name, uid): identity
        for name, answer in answers.items()
        if not isinstance(answer, ProviderError)
        for uid, items in fetch.read(lines(answer)).items()
        if (identity := _identity(items, snapshot.contents[name].time(uid), links)) is not None
    }


def _identity(items: Items, received: int | None, linked: bool) -> Identity | None:
    if b"BODY[HEADER.FIELDS]" not in items:
        return None
    headers = link_headers(items)
    message_id = headers.message_id or ""
    known = kin.kin(items, message_id, received)
    return Identity(message_id, known, thread_id(items), links_of(headers) if linked else None)
