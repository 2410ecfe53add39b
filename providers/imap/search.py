"""Searching: which messages an expression asks for, over several folders, newest first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from providers.base.errors import ProviderError
from providers.base.search import LABELS, Search
from providers.imap import names
from providers.imap.connection import Connection, Stop
from providers.imap.criteria import Branch, Every, Server, Some, branches, holds, served, settle
from providers.imap.errors import translate
from providers.imap.ids import folder_id
from providers.imap.inspection import Inspection
from providers.imap.pool import Pool
from providers.imap.reader import Reader
from providers.imap.roles import LABELS as ROLE_LABELS
from providers.imap.roles import Role
from providers.imap.sets import read_search
from providers.imap.snapshot import Position, Snapshot
from providers.imap.wire import Answer, Command, Refused, lines

_AT_ONCE = 100  # messages that are looked at together
_LIMIT = 5000  # messages that one page may look at


class _NoCharset(Exception):
    """The server does not take UTF-8 in SEARCH."""


@dataclass(slots=True)
class _Plan:
    """What is sought in one folder, and which messages the server named for each branch it was asked."""

    branch: Branch
    answers: dict[Server, set[int]] = field(default_factory=dict)


class Finder:
    """Carries out searches for one account."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool, self._reader = pool, reader
        self._utf8 = True  # until the server refuses it

    def find(self, snapshot: Snapshot, mailboxes: Iterable[str], search: Search, before: Position | None) -> "Matches":
        """The messages of these folders that match, from behind `before`."""
        mailboxes = list(mailboxes)
        try:
            plans = self._ask(snapshot, mailboxes, search)
        except _NoCharset:
            self._utf8 = False
            plans = self._ask(snapshot, mailboxes, search)
        return Matches(snapshot, plans, before, Inspection(self._pool, self._reader, snapshot))

    def _ask(self, snapshot: Snapshot, mailboxes: Sequence[str], search: Search) -> dict[str, _Plan]:
        plans = {}
        for name in mailboxes:
            branch = branches(settle(search, partial(is_in, snapshot, name)), utf8=self._utf8)
            if not _is_never(branch):
                plans[name] = _Plan(branch)
        if any(served(plan.branch) for plan in plans.values()):
            self._pool.read(lambda connection: _fill(connection, snapshot, plans), next(iter(plans)))
        return plans


class Matches:
    """Matching messages, newest first; `stopped_at` tells how far it got when too many had to be looked at."""

    def __init__(
        self, snapshot: Snapshot, plans: dict[str, _Plan], before: Position | None, inspection: Inspection
    ) -> None:
        self._snapshot, self._plans, self._before, self._inspection = snapshot, plans, before, inspection
        self.stopped_at: Position | None = None

    def __iter__(self) -> Iterator[Position]:
        candidates = self._candidates()
        for _ in range(_LIMIT // _AT_ONCE):
            group = list(islice(candidates, _AT_ONCE))
            yield from self._decided(group)
            if len(group) < _AT_ONCE:
                return
            self.stopped_at = group[-1]

    def _candidates(self) -> Iterator[Position]:
        """What is not ruled out, newest first."""
        decided = (position for position in self._possible() if self._holds(position) is not False)
        return iter(decided)

    def _possible(self) -> Iterator[Position]:
        """Every message of the folders; only those that the server named, where all that match are among them."""
        named = {name: _named(plan) for name, plan in self._plans.items()}
        if any(uids is None for uids in named.values()):
            return self._snapshot.newest(named, self._before)
        found = [
            Position(received, name, uid)
            for name, uids in named.items()
            for uid in uids or ()
            if (received := self._snapshot.contents[name].time(uid)) is not None
        ]
        return iter(sorted((one for one in found if self._before is None or one < self._before), reverse=True))

    def _decided(self, group: Sequence[Position]) -> Iterator[Position]:
        results = [self._holds(position) for position in group]
        unclear = [position for position, result in zip(group, results, strict=True) if result is None]
        self._inspection.prepare(
            [(one.folder, one.uid) for one in unclear], [self._plans[one.folder].branch for one in unclear]
        )
        for position, result in zip(group, results, strict=True):
            if result or (result is None and self._holds(position, looking=True)):
                yield position

    def _holds(self, position: Position, *, looking: bool = False) -> bool | None:
        plan = self._plans[position.folder]
        look = self._inspection.at((position.folder, position.uid)) if looking else _no_look
        return holds(plan.branch, position.uid, position.time, plan.answers, look)


def _no_look(_: object) -> None:
    return None


def _named(plan: _Plan) -> set[int] | None:
    if isinstance(plan.branch, Server):
        return plan.answers[plan.branch]
    if isinstance(plan.branch, Every):
        return next((plan.answers[one] for one in plan.branch.branches if isinstance(one, Server)), None)
    return None


def _is_never(branch: Branch) -> bool:
    if isinstance(branch, Every):
        return any(_is_never(inner) for inner in branch.branches)
    return isinstance(branch, Some) and all(_is_never(inner) for inner in branch.branches)


def is_in(snapshot: Snapshot, name: str, folder: str) -> bool:
    """Whether a folder is what `in:` says: a label, `anywhere`, its name or path (any case) or its id."""
    label = folder.lower()
    if label in LABELS:
        role = snapshot.role_of(name)
        return label == "anywhere" or label == (role is not None and _label(role))
    known = snapshot.folders[name]
    return folder == folder_id(name) or label in (known.own_name.lower(), names.shown(name).lower())


def _label(role: Role) -> str:
    return ROLE_LABELS[role].value if role in ROLE_LABELS else role.value


def _fill(connection: Connection, snapshot: Snapshot, plans: dict[str, _Plan]) -> None:
    """Ask the server about all branches in all folders. Raises `_NoCharset`.

    ESEARCH answers name their command, so that all go in one round trip; SEARCH answers do not (RFC 3501 5.5).
    """
    asked = {name: list(dict.fromkeys(served(plan.branch))) for name, plan in plans.items()}
    if connection.can("ESEARCH", "IMAP4REV2"):
        _ask(connection, snapshot, plans, asked)
    else:
        for turn in range(max(map(len, asked.values()))):
            _ask(connection, snapshot, plans, {name: found[turn : turn + 1] for name, found in asked.items()})


def _ask(
    connection: Connection, snapshot: Snapshot, plans: dict[str, _Plan], asked: Mapping[str, Sequence[Server]]
) -> None:
    answers = connection.tour(
        Stop(name, [_command(connection, branch) for branch in found], snapshot.contents[name].uidvalidity)
        for name, found in asked.items()
        if found
    )
    for name, given in answers.items():
        if isinstance(given, ProviderError):
            plans.pop(name, None)  # the folder went in the meantime
        elif name in plans:
            heard = list(lines(given))  # an answer may stand before that of an earlier command
            for branch, answer in zip(asked[name], given, strict=True):
                _check(branch, answer)
                plans[name].answers[branch] = set(read_search(heard, answer.tag))


def _command(connection: Connection, branch: Server) -> Command:
    options = b"RETURN (ALL) " if connection.can("ESEARCH", "IMAP4REV2") else b""
    charset = b"" if branch.ascii or connection.utf8 else b"CHARSET UTF-8 "
    return (b"UID SEARCH " + options + charset, *branch.words)


def _check(branch: Server, answer: Answer) -> None:
    if answer.status != "OK":
        if not branch.ascii and (answer.code == "BADCHARSET" or not answer.code):
            raise _NoCharset
        raise translate(Refused(answer.status, answer.code, answer.text))
