"""Looking into the folders that changed: flags and Message-IDs of many messages, all folders in one round trip."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from providers.base.errors import ProviderError
from providers.imap import fetch
from providers.imap.connection import Connection, Stop
from providers.imap.contents import Contents
from providers.imap.facts import link_headers
from providers.imap.fetch import Items
from providers.imap.reader import Place
from providers.imap.snapshot import Snapshot
from providers.imap.told import Told
from providers.imap.wire import Answer, Command, lines

_NAME = b"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"


class Found(NamedTuple):
    """A message: `flags` is None where the server did not say, `identity` (Message-ID) where it was not asked."""

    flags: frozenset[str] | None
    identity: str | None

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

    def commands(self, *, names: bool = True) -> list[Command]:
        """What to ask; the names (Message-IDs) may be left out."""
        items = b"FLAGS " + _NAME if names else b"FLAGS"
        return self._of_the_known(items) + fetch.commands(self.new, items)

    def _of_the_known(self, items: bytes) -> list[Command]:
        """Flags that changed since `known.modseq`; all flags where that number says nothing (RFC 7162 3.1.2.2)."""
        last, before, now = self.known.uidnext - 1, self.known.modseq, self.contents.modseq
        if not last or not len(self.contents) or (now and before == now):
            return []
        if 0 < before < now:
            return [(b"UID FETCH 1:%d (" % last + items + b") (CHANGEDSINCE %d)" % before,)]
        return [(b"UID FETCH 1:%d (FLAGS)" % last,)]


def read(connection: Connection, visits: Sequence[Visit]) -> dict[str, dict[int, Found]]:
    """What the visits find; a folder that went in the meantime is left out. Raises `Refused`, `Lost`, `OSError`."""
    due = {visit.folder: visit for visit in visits}
    stops = [Stop(visit.folder, plan, visit.contents.uidvalidity) for visit in visits if (plan := visit.commands())]
    if stops:
        # A folder that stays selected may be shown as it was, even behind a NOOP in the same pipeline (Dovecot).
        # SELECT shows it as it is, and removes nothing (RFC 3501 6.3.1).
        connection.selected = None
    answers = connection.tour(stops)
    found: dict[str, dict[int, Found]] = {}
    for name, visit in due.items():
        answer = answers.get(name, [])
        if not isinstance(answer, ProviderError):
            found[name] = _read(connection, visit, answer)
    return found


def _read(connection: Connection, visit: Visit, answers: Sequence[Answer]) -> dict[int, Found]:
    """Where a message without a readable header makes the server refuse the rest, flags alone have to do."""
    if any(answer.status != "OK" for answer in answers):
        plan = visit.commands(names=False)
        again = connection.on(visit.folder, plan, uidvalidity=visit.contents.uidvalidity)
        answers = [*answers, *(answer.check() for answer in again)]
    return {uid: Found(fetch.flags(items), _identity(items)) for uid, items in fetch.read(lines(answers)).items()}


def identities(connection: Connection, snapshot: Snapshot, wanted: Mapping[str, Iterable[int]]) -> dict[Place, str]:
    """Message-IDs by folder and UID; "" for a message without one, nothing for one that went."""
    answers = connection.tour(
        Stop(name, fetch.commands(uids, _NAME), snapshot.contents[name].uidvalidity) for name, uids in wanted.items()
    )
    return {
        (name, uid): identity
        for name, answer in answers.items()
        if not isinstance(answer, ProviderError)
        for uid, items in fetch.read(lines(answer)).items()
        if (identity := _identity(items)) is not None
    }


def _identity(items: Items) -> str | None:
    if b"BODY[HEADER.FIELDS]" not in items:
        return None
    return link_headers(items).message_id or ""
