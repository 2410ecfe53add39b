"""Why a slot is not offered: for every time on the grid, what blocks it. Kinds only, never what the event is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.services.availability.grid import grid, skipped
from gateway.services.availability.members import Member, MemberId, Reader
from gateway.services.availability.roster import Roster, choice
from gateway.services.availability.rules import Limits, Rules, limits
from gateway.services.availability.spans import ALWAYS, Span, Spans, crossing, without


class Kind(StrEnum):
    """What blocks a slot."""

    EVENT = "event"  # something in a calendar, a hold or a booking
    BUFFER = "buffer"  # too close to such a thing
    RULE = "rule"  # outside hours, dated hours, `within`, or the start and end of the profile
    NOTICE = "notice"  # too soon, or past
    UNKNOWN = "unknown"  # a calendar that could not be read, a status that is unknown
    GAP = "gap"  # the clock skips this time


@dataclass(frozen=True, slots=True)
class Block:
    """One reason; `member` is None where it holds for all. Strangers must not be told the member."""

    kind: Kind
    member: MemberId | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A time on the grid that is not offered. `wall` is what the clock of the profile's zone shows; where it skips
    that, there is no moment and `start` is the moment of the change. There is at least one block."""

    start: int
    wall: datetime
    blocks: tuple[Block, ...]


def refusals(rules: Rules, roster: Roster, members: Iterable[Member], window: Span, now: int) -> list[Refusal]:
    """Every time on the grid within the window that `slots` does not offer, in order of the clock."""
    starts = grid(rules.zone, rules.step_minutes, *window)
    blocks = [*_gaps(rules, window), *_blocked(rules, roster, list(members), starts, limits(rules, now))]
    return sorted(blocks, key=lambda refusal: (refusal.start, refusal.blocks[0].kind is not Kind.GAP, refusal.wall))


def _gaps(rules: Rules, window: Span) -> Iterator[Refusal]:
    for start, shown in skipped(rules.zone, rules.step_minutes, *window):
        yield Refusal(start, _wall(shown), (Block(Kind.GAP),))


def _blocked(
    rules: Rules, roster: Roster, members: Sequence[Member], starts: list[int], limits: Limits
) -> Iterator[Refusal]:
    known = _known(roster, members)
    rows = _rows(rules, known, starts)
    for start, row in zip(starts, rows, strict=True):
        general = _general(limits, start, start + rules.duration)
        blocked = {block.member for block in row}
        if general or choice(roster, tuple(member.id for member in known if member.id not in blocked)) is None:
            wall = datetime.fromtimestamp(start, rules.zone).replace(tzinfo=None)
            yield Refusal(start, wall, (*general, *row) or (Block(Kind.RULE),))  # nobody in the roster


def _known(roster: Roster, members: Sequence[Member]) -> list[Member]:
    """Everyone of the roster; nothing is known about whom the members lack."""
    given = {member.id: member for member in members}
    return [given.get(each) or Member(each, unknown=(ALWAYS,)) for each in roster.everyone()]


def _general(limits: Limits, start: int, end: int) -> tuple[Block, ...]:
    """What blocks a slot for everybody."""
    soon, outside = start < limits.notice, start < limits.first or end > limits.last
    return (*[Block(Kind.NOTICE)] * soon, *[Block(Kind.RULE)] * outside)


def _rows(rules: Rules, members: Sequence[Member], starts: list[int]) -> list[list[Block]]:
    """For each start, what blocks it for single members."""
    rows: list[list[Block]] = [[] for _ in starts]
    if starts:
        reader = Reader(rules, starts[0], starts[-1] + rules.duration)
        for member in members:
            for kind, hits in _hits(rules, reader, member, starts):
                block = Block(kind, member.id)
                for index in hits:
                    rows[index].append(block)
    return rows


def _hits(rules: Rules, reader: Reader, member: Member, starts: list[int]) -> Iterator[tuple[Kind, set[int]]]:
    """The indices of the starts that something blocks for a member, by kind."""
    found = reader.constraints(member)

    def crossed(spans: Spans) -> set[int]:
        return {index for run in crossing(starts, spans, rules.duration) for index in run}

    events = crossed(found.busy)
    yield Kind.EVENT, events
    yield Kind.BUFFER, crossed(found.kept) - events
    yield Kind.UNKNOWN, crossed(found.unknown)
    yield Kind.RULE, crossed(without([ALWAYS], found.open))


def _wall(shown: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=shown)
