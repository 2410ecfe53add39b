"""The occurrences of an event within a window, and those of a series that differ from it.

An event belongs to a window when it ends after `time_min` and starts before `time_max`, both exclusive
(behaviour.md, section 10). A cancelled override and an EXDATE both mean a deleted occurrence. An override of "this and
all future" occurrences (RANGE=THISANDFUTURE) says how all later ones are, moved by as much as it moves its own.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge

from providers.formats import values
from providers.formats.contentlines import Component
from providers.formats.ical.marks import is_cancelled
from providers.formats.ical.resource import Resource
from providers.formats.ical.spans import Span, When, span
from providers.formats.recurrence.series import Series
from providers.formats.recurrence.wall import wall_of
from schemas.recurrence import OccurrenceType

_MARGIN = timedelta(days=2)  # more than wall times and moments can differ by
_FIRST, _LAST = datetime(3, 1, 1, tzinfo=UTC), datetime(9997, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event of the calendar. `component` says what it is, `planned` is the start that it has in its series (None
    for a single event)."""

    component: Component
    span: Span
    planned: When | None
    type: OccurrenceType = OccurrenceType.REGULAR

    @property
    def key(self) -> str | None:
        """The planned start as `20260131` or `20260131T080000Z`: what tells the occurrences of a series apart."""
        return key_of(self.planned) if self.planned else None


def key_of(planned: When) -> str:
    """The key of an occurrence."""
    return values.written(planned.wall if planned.all_day else planned.moment)


def between(resource: Resource, time_min: datetime, time_max: datetime) -> Iterator[Occurrence]:
    """What lies in the window, deleted occurrences left out, in the order of the starts.

    Raises `Invalid` for a recurrence that cannot be expanded.
    """
    overrides = resource.current()
    replaced = {resource.key(override) for override in overrides}
    found = (override_of(resource, override) for override in overrides if not is_cancelled(override))
    changed = [one for one in found if one is not None and _is_in(one.span, time_min, time_max)]
    regular = _regular(resource, replaced, time_min, time_max)
    return merge(sorted(changed, key=_start), regular, key=_start)


def _start(found: Occurrence) -> datetime:
    return found.span.start.moment


def _regular(
    resource: Resource, replaced: Collection[date | None], time_min: datetime, time_max: datetime
) -> Iterator[Occurrence]:
    first = resource.span
    if resource.master is None or first is None:
        return
    if not resource.repeats:
        if first.start.wall not in replaced and _is_in(first, time_min, time_max):
            yield Occurrence(resource.master, first, None)
        return
    recurrence = resource.series()
    assert recurrence is not None
    ranges = ranges_of(resource)
    moves = max((abs(one.moves) for one in ranges), default=timedelta())
    lengths = [one.end.moment - one.start.moment for one in (first, *(one.span for one in ranges))]
    length = moves + max((*lengths, *recurrence.lengths.values()))
    earliest = time_min - length if time_min - _FIRST > length else _FIRST
    latest = time_max + moves if _LAST - moves > time_max else _LAST
    for wall in recurrence.between(*_walls(recurrence, earliest, latest)):
        found = occurrence_at(resource.master, first, ranges, wall, recurrence.lengths.get(wall))
        if wall not in replaced and _is_in(found.span, time_min, time_max):
            yield found


@dataclass(frozen=True, slots=True)
class Range:
    """How occurrences are from `key` on."""

    key: date
    component: Component
    span: Span
    moves: timedelta


def ranges_of(resource: Resource) -> list[Range]:
    """The overrides of this and all future occurrences that count, in order."""
    found = []
    for override in resource.overrides:
        planned, key, place = override.get("RECURRENCE-ID"), resource.key(override), span(override, resource.zones)
        says = planned is not None and (planned.parameter("RANGE") or "").upper() == "THISANDFUTURE"
        if says and key is not None and place is not None and not is_cancelled(override):
            same_kind = isinstance(key, datetime) == isinstance(place.start.wall, datetime)
            if same_kind:
                found.append(Range(key, override, place, place.start.wall - key))
    return sorted(found, key=lambda one: one.key)


def occurrence_at(
    master: Component, first: Span, ranges: list[Range], wall: date, length: timedelta | None = None
) -> Occurrence:
    """The occurrence that is planned for this start and has no override of its own; `length` where it was added as a
    period."""
    planned = When(wall, first.start.zone)
    ruling = next((one for one in reversed(ranges) if one.key <= wall), None)
    if ruling is None:
        return Occurrence(master, first.at(wall) if length is None else first.at(wall).lasting(length), planned)
    return Occurrence(ruling.component, ruling.span.at(wall + ruling.moves), planned, OccurrenceType.MODIFIED)


def _is_in(found: Span, time_min: datetime, time_max: datetime) -> bool:
    return found.end.moment > time_min and found.start.moment < time_max


def _walls(series: Series, first: datetime, last: datetime) -> tuple[date, date]:
    """The window in the terms of the series, a little wider."""
    begin, end = wall_of(first, series.zone) - _MARGIN, wall_of(last, series.zone) + _MARGIN
    return (begin, end) if isinstance(series.start, datetime) else (begin.date(), end.date())


def override_of(resource: Resource, component: Component) -> Occurrence | None:
    """The occurrence that a component with a RECURRENCE-ID is; None without a start."""
    found, planned = span(component, resource.zones), _planned(resource, component)
    return Occurrence(component, found, planned, OccurrenceType.MODIFIED) if found is not None else None


def _planned(resource: Resource, component: Component) -> When | None:
    wall = resource.key(component)
    if wall is None:
        return None
    zone = resource.span or span(component, resource.zones)
    return When(wall, zone.start.zone) if zone is not None else None


def modified(resource: Resource) -> list[Occurrence]:
    """The occurrences that differ from their series."""
    found = (override_of(resource, override) for override in resource.current() if not is_cancelled(override))
    return [one for one in found if one is not None]


def deleted(resource: Resource) -> list[When]:
    """The planned starts of the deleted occurrences, in order. Raises `Invalid`."""
    overrides = resource.current()
    first, recurrence = resource.span, resource.series()
    cancelled = (_planned(resource, override) for override in overrides if is_cancelled(override))
    found = {when.wall: when for when in cancelled if when is not None}
    if first is not None and recurrence is not None:
        clock = recurrence.start.time() if isinstance(recurrence.start, datetime) else time()
        days = {datetime.combine(day, clock) for day in recurrence.excluded_days}
        found |= {wall: When(wall, first.start.zone) for wall in recurrence.excluded | days}
    there = {resource.key(override) for override in overrides if not is_cancelled(override)}
    return [found[wall] for wall in sorted(found.keys() - there)]


def planned_at(resource: Resource, key: str) -> Occurrence | None:
    """The occurrence with that planned start: a key, a date, or a date-time with an offset (`occurrences/{ost}`). None
    when the series has no such occurrence, or has it deleted."""
    wanted, first, recurrence = values.moment(key), resource.span, resource.series()
    if wanted is None:
        return None
    for override in resource.current():
        found = override_of(resource, override)
        if found is not None and found.planned is not None and _matches(found.planned, wanted):
            return None if is_cancelled(override) else found
    if resource.master is None or first is None or recurrence is None or not resource.repeats:
        return None
    return next(_of_day(resource.master, first, recurrence, wanted, ranges_of(resource)), None)


def _of_day(
    master: Component, first: Span, recurrence: Series, wanted: date, ranges: list[Range]
) -> Iterator[Occurrence]:
    wall = wall_of(wanted, recurrence.zone) if isinstance(wanted, datetime) and wanted.tzinfo else wanted
    begin = datetime(wall.year, wall.month, wall.day)
    last = begin + timedelta(days=1)
    timed = isinstance(recurrence.start, datetime)
    for start in recurrence.between(begin if timed else begin.date(), last if timed else last.date()):
        if _matches(When(start, first.start.zone), wanted):
            yield occurrence_at(master, first, ranges, start, recurrence.lengths.get(start))


def _matches(planned: When, wanted: date) -> bool:
    """A date means any time of that day."""
    if not isinstance(wanted, datetime):
        wall = planned.wall
        return (wall.date() if isinstance(wall, datetime) else wall) == wanted
    if planned.all_day:
        return wanted.date() == planned.wall
    return planned.moment == wanted if wanted.tzinfo else planned.wall == wanted
