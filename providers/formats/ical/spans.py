"""When a component takes place: DTSTART with DTEND, DUE or DURATION, in whatever shape they come."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from providers.formats import values
from providers.formats.contentlines import Component, Line
from providers.formats.recurrence.series import in_zone
from providers.formats.recurrence.wall import LAST_YEAR, end_of, moment, wall_of
from providers.formats.timezones.calendar_zones import IN_UTC, Zone, Zones, named
from schemas.when import EventDateTime

_DAY = timedelta(days=1)
_FIRST_YEAR = 2  # earlier moments cannot be written in every zone


@dataclass(frozen=True, slots=True)
class When:
    """A date, or a wall time (naive) in its zone; `place` is where a date's midnight is."""

    wall: date
    zone: Zone

    @property
    def all_day(self) -> bool:
        """Whether this is a date."""
        return not isinstance(self.wall, datetime)

    @property
    def moment(self) -> datetime:
        """In UTC; of a date its beginning."""
        return moment(self.wall, self.zone.rules)

    def record(self) -> EventDateTime:
        """As the contract has it."""
        if not isinstance(self.wall, datetime):
            return EventDateTime(date_only=self.wall)
        return EventDateTime(date_time=self.moment, timezone=self.zone.name)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` (exclusive); both are dates or both wall times, and the end is not before the start."""

    start: When
    end: When

    def at(self, wall: date) -> "Span":
        """The span of another occurrence: the same wall times, or the same length where it ends in another zone."""
        return self.moved_to(When(wall, self.start.zone))

    def moved_to(self, start: When) -> "Span":
        """The span from another start, in whatever zone; the end comes along as in `at`."""
        if self.end.zone == self.start.zone:
            length = self.end.wall - self.start.wall
            return Span(start, When(end_of(start.wall, length, start.zone.rules), start.zone))
        length = self.end.moment - self.start.moment
        end = end_of(wall_of(start.moment, UTC), length, UTC)  # the true length
        return Span(start, When(in_zone(end, start.wall, self.end.zone.rules, UTC), self.end.zone))

    def lasting(self, length: timedelta) -> "Span":
        """The span of that true length."""
        wall = wall_of(self.start.moment + length, self.start.zone.rules)
        return Span(self.start, When(wall if wall.year <= LAST_YEAR else self.start.wall, self.start.zone))


def when(line: Line | None, zones: Zones) -> When | None:
    """The time that a property says; None when it says none."""
    found = values.moment(line.value) if line is not None else None
    if line is None or found is None or not _FIRST_YEAR <= found.year <= LAST_YEAR:
        return None
    if not isinstance(found, datetime):
        return When(found, zones.floating)
    if found.tzinfo is not None:
        return When(found.replace(tzinfo=None), IN_UTC)
    return When(found, zones.zone(line.parameter("TZID")))


def span(component: Component, zones: Zones) -> Span | None:
    """When a VEVENT takes place; None without a DTSTART that can be read."""
    start = when(component.get("DTSTART"), zones)
    if start is None:
        return None
    end = when(component.get("DTEND"), zones)
    return Span(start, _end(start, end, values.duration(component.value("DURATION") or "")))


def _end(start: When, end: When | None, length: timedelta | None) -> When:
    """Without either, a day for a date and no time for a moment (RFC 5545 3.6.1)."""
    if end is None:
        length = max(length or timedelta(), timedelta())
        return When(end_of(start.wall, length, start.zone.rules), start.zone)
    if start.all_day:
        last = end.wall.date() if isinstance(end.wall, datetime) else end.wall
        return When(max(last, start.wall + _DAY), start.zone)
    if end.all_day:
        end = When(datetime.combine(end.wall, datetime.min.time()), start.zone)
    return end if end.moment >= start.moment else start


def given(value: EventDateTime) -> When:
    """The time that a caller hands in."""
    return When(value.wall, named(value.timezone or "UTC"))


def line(name: str, value: When) -> Line:
    """A DTSTART, DTEND, EXDATE, RECURRENCE-ID ... with its value type and zone."""
    if value.all_day:
        return Line(name, values.written(value.wall), {"VALUE": ("DATE",)})
    if value.zone.name in (None, "UTC", "Etc/UTC"):
        return Line(name, values.written(value.moment.astimezone(UTC)))
    return Line(name, values.written(value.wall), {"TZID": (str(value.zone.name),)})
