"""`suggestMeetingTimes`: times that suit every attendee."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from gateway.services.availability.hours import ALL_WEEK, DatedHours, Hours
from gateway.services.availability.members import HELD, Event, Member
from gateway.services.availability.roster import Required, Roster
from gateway.services.availability.rules import FREE, Rules
from gateway.services.availability.slots import slots
from gateway.services.availability.spans import ALWAYS, Span
from gateway.services.availability.windows import bounded


@dataclass(frozen=True, slots=True)
class Attendee:
    """`events` are what was read of the calendar, `busy` and `free` the spans that the request names. Busy ones block
    like events; free ones, when there are any, are the only times that suit.

    `unknown` is what could not be read (`ALWAYS` after an error). An attendee from `outside` has no calendar that we
    could read: what the request says counts as all there is to know; if it names no spans, nothing is known."""

    events: Sequence[Event] = ()
    busy: Sequence[Span] = ()
    free: Sequence[Span] = ()
    hours: Hours | None = None
    zone: ZoneInfo | None = None
    unknown: Sequence[Span] = ()
    outside: bool = False

    def is_known(self) -> bool:
        """Whether anything tells when an attendee from outside can come; always so of others."""
        return not self.outside or bool(self.busy or self.free)


@dataclass(frozen=True, slots=True)
class Search:
    """A meeting of `duration_minutes` wholly within `span`. `hours` are those of attendees who have none of their own;
    `dates` replace everybody's, each in the own wall time. Slots begin by the clock of `zone`."""

    span: Span
    duration_minutes: int
    zone: ZoneInfo
    step_minutes: int = 30
    buffer_minutes: int = 0
    hours: Hours | None = None
    dates: tuple[DatedHours, ...] = ()
    free_statuses: frozenset[str] = FREE


def suggested(search: Search, attendees: Sequence[Attendee]) -> list[Span]:
    """Times that suit every attendee, in order; without attendees none. They may be past, if the span is.

    Raises `Invalid` with the contract's name of the field for a span that is empty or far too long and for numbers out
    of bounds."""
    start, _ = bounded(search.span)
    members = [_member(search, number, attendee) for number, attendee in enumerate(attendees)]
    roster = Roster(Required.ALL, tuple(member.id for member in members))
    return [(slot.start, slot.end) for slot in slots(_rules(search), roster, members, search.span, start)]


def _rules(search: Search) -> Rules:
    return Rules(
        zone=search.zone,
        duration_minutes=search.duration_minutes,
        step_minutes=search.step_minutes,
        buffer_minutes=search.buffer_minutes,
        start_after_minutes=0,
        end=search.span[1],
        free_statuses=search.free_statuses,
    )


def _member(search: Search, number: int, attendee: Attendee) -> Member:
    return Member(
        number,
        events=[*attendee.events, *(Event(*span, HELD) for span in attendee.busy)],
        hours=_hours(search, attendee),
        unknown=attendee.unknown if attendee.is_known() else [ALWAYS],
        within=attendee.free or None,
    )


def _hours(search: Search, attendee: Attendee) -> Hours | None:
    """Own hours, or the default's in the own zone, or none; with the dates of the search over them."""
    hours = attendee.hours or search.hours
    if hours and not attendee.hours and attendee.zone:
        hours = replace(hours, zone=attendee.zone)
    if not search.dates:
        return hours
    return replace(hours or Hours(attendee.zone or search.zone, ALL_WEEK), dates=search.dates)
