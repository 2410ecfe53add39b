"""People whose time is asked for: what is known about each, and when each is free."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.services.availability.clock import moment
from gateway.services.availability.hours import Hours, open_spans
from gateway.services.availability.rules import Rules
from gateway.services.availability.spans import Span, Spans, common, grown, merged, without

MemberId = int | str  # an account's id, an attendee's address
UNKNOWN = "unknown"
HELD = "held"  # not of the contract: what is busy whatever else counts as free; our own holds and bookings


class Event(NamedTuple):
    """What stands in a calendar: a span and its status (`ShowAs`, or `HELD`). No title is here that could leak."""

    start: int
    end: int
    status: str = "busy"


def event(start: datetime, end: datetime, status: str = "busy") -> Event:
    """An event of date-times with an offset; a second that it touches is taken. Raises `Invalid` without offset."""
    return Event(moment(start), moment(end) + (end.microsecond > 0), status)


@dataclass(frozen=True, slots=True)
class Member:
    """`events` of all calendars of the member, in any order, and `HELD` ones. `unknown`: when something could be in the
    calendars that we cannot see; `ALWAYS` when one could not be read. `within`: at no other times."""

    id: MemberId
    events: Sequence[Event] = ()
    hours: Hours | None = None
    unknown: Sequence[Span] = ()
    within: Sequence[Span] | None = None


class Constraints(NamedTuple):
    """What holds for a member in a window: `open` is where hours, `within` and the profile's hours allow, `busy` the
    events, `kept` the events with their buffers, `unknown` what is unknown with its buffers."""

    open: Spans
    busy: Spans
    kept: Spans
    unknown: Spans


class Reader:
    """Looks at members for the time `[start, end)`; hours that many of them share are worked out once."""

    def __init__(self, rules: Rules, start: int, end: int) -> None:
        self._rules, self._start, self._end = rules, start, end
        self._free = rules.free_statuses - {UNKNOWN, HELD}
        self._open: dict[Hours, Spans] = {}

    def free(self, member: Member) -> Spans:
        """When the member can meet: slots that lie wholly within one of these spans suit."""
        blocked = [(start, end) for start, end, _ in self._near(member)]
        return without(self._allowed(member), grown([*blocked, *member.unknown], self._rules.buffer))

    def constraints(self, member: Member) -> Constraints:
        """The same by its reasons: open, less kept, less unknown."""
        buffer, near = self._rules.buffer, self._near(member)
        busy = [(start, end) for start, end, status in near if status != UNKNOWN]
        unknown = [(start, end) for start, end, status in near if status == UNKNOWN]
        dark = grown([*member.unknown, *unknown], buffer)
        return Constraints(self._allowed(member), merged(busy), grown(busy, buffer), dark)

    def _near(self, member: Member) -> list[Event]:
        """Events that do not count as free and are near enough to matter."""
        free, first, last = self._free, self._start - self._rules.buffer, self._end + self._rules.buffer
        return [event for event in member.events if event[0] < last and event[1] > first and event[2] not in free]

    def _allowed(self, member: Member) -> Spans:
        allowed = [(self._start, self._end)]
        for hours in (self._rules.hours, member.hours):
            allowed = allowed if hours is None else common(allowed, self._opened(hours))
        return allowed if member.within is None else common(allowed, merged(member.within))

    def _opened(self, hours: Hours) -> Spans:
        if hours not in self._open:
            self._open[hours] = open_spans(hours, self._start, self._end)
        return self._open[hours]
