"""Slots that can be booked, and who can hold each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.services.availability.grid import grid
from gateway.services.availability.members import Member, MemberId, Reader
from gateway.services.availability.roster import Choice, Roster, choice
from gateway.services.availability.rules import Rules, limits
from gateway.services.availability.spans import Span, inside
from gateway.services.availability.windows import bounded


@dataclass(frozen=True, slots=True)
class Slot:
    """`[start, end)` and who can hold a meeting then; `groups` are the client's ids."""

    start: int
    end: int
    members: tuple[MemberId, ...]
    groups: tuple[str, ...]


def slots(rules: Rules, roster: Roster, members: Iterable[Member], window: Span, now: int) -> list[Slot]:
    """Slots that start within the window, in order. Each member is given once; whoever of the roster is not given is
    unknown, so not free. Raises `Invalid` for times that no calendar reaches."""
    notice, first, last = limits(rules, now)
    start, end = max(window[0], notice, first), min(window[1], last - rules.duration + 1)
    return _judged(rules, roster, members, grid(rules.zone, rules.step_minutes, start, end), rules.duration)


def slot_at(rules: Rules, roster: Roster, members: Iterable[Member], span: Span, now: int) -> Slot | None:
    """The slot of exactly this span, if it is offered: the check before a booking."""
    found = slots(rules, roster, members, (span[0], span[0] + 1), now)
    return found[0] if found and found[0].end == span[1] else None


def throughout(rules: Rules, roster: Roster, members: Iterable[Member], span: Span, now: int) -> Slot | None:
    """The whole span as if it were a slot, grid and duration aside: who is free all the time, or None. Raises `Invalid`
    for a span that is empty or far too long."""
    bounded(span)
    notice, first, last = limits(rules, now)
    if not max(notice, first) <= span[0] <= span[1] <= last:
        return None
    return next(iter(_judged(rules, roster, members, [span[0]], span[1] - span[0])), None)


def _judged(rules: Rules, roster: Roster, members: Iterable[Member], starts: Sequence[int], length: int) -> list[Slot]:
    """Slots at those of the starts at which the roster holds."""
    judged: dict[tuple[MemberId, ...], Choice | None] = {}  # many slots have the same people
    found: list[Slot] = []
    for start, row in zip(starts, _rows(rules, _asked(roster, members), starts, length), strict=True):
        free = tuple(row)
        if free not in judged:
            judged[free] = choice(roster, free)
        if (able := judged[free]) is not None:
            found.append(Slot(start, start + length, *able))
    return found


def _asked(roster: Roster, members: Iterable[Member]) -> list[Member]:
    given = {member.id: member for member in members}
    return [given[each] for each in roster.everyone() if each in given]


def _rows(rules: Rules, members: Iterable[Member], starts: Sequence[int], length: int) -> list[list[MemberId]]:
    """For each start, who is free for the length."""
    rows: list[list[MemberId]] = [[] for _ in starts]
    if starts:
        reader = Reader(rules, starts[0], starts[-1] + length)
        for member in members:
            for run in inside(starts, reader.free(member), length):
                for row in rows[run.start : run.stop]:
                    row.append(member.id)
    return rows
