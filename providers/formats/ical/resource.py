"""The events of a calendar text, by UID: a master and the occurrences that differ from it (RFC 4791 4.1)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo

from providers.base.errors import Invalid, Unsupported
from providers.formats import contentlines, values
from providers.formats.contentlines import Component, Line
from providers.formats.ical.spans import Span, When, span, when
from providers.formats.recurrence.series import Series, fit, in_zone, series
from providers.formats.timezones.calendar_zones import Zones

MAX_EVENTS = 20_000  # in one text
PRODID = "-//Postroom//Postroom//EN"
RULES = ("RRULE", "RDATE", "EXDATE", "EXRULE")


@dataclass(slots=True)
class Resource:
    """Everything of one UID. `master` is None where the account was invited to single occurrences only.

    `overrides` are the other components, by what they replace; of several for one occurrence the newest (SEQUENCE).
    """

    uid: str
    calendar: Component
    zones: Zones
    master: Component | None = None
    overrides: list[Component] = field(default_factory=list)

    @property
    def main(self) -> Component:
        """The master, else the first of the occurrences."""
        return self.master if self.master is not None else self.overrides[0]

    @property
    def span(self) -> Span | None:
        """When the master takes place first."""
        return span(self.master, self.zones) if self.master is not None else None

    @property
    def repeats(self) -> bool:
        """Whether the master describes a series."""
        return self.master is not None and any(self.master.get(name) is not None for name in ("RRULE", "RDATE"))

    def series(self) -> Series | None:
        """The recurrence of the master; None without a master that has a start. Raises `Invalid`."""
        found = self.span
        if self.master is None or found is None:
            return None
        lines = [line for line in self.master.lines if line.name in RULES]
        start = found.start
        return series(start.wall, start.zone.rules, lines, lambda tzid: self.zones.zone(tzid).rules)

    def drop(self, overrides: Sequence[Component]) -> None:
        """Take overrides out of the text."""
        gone = {id(one) for one in overrides}
        self.calendar.children = [child for child in self.calendar.children if id(child) not in gone]
        self.overrides = [one for one in self.overrides if id(one) not in gone]

    def refuse_ranges(self) -> None:
        """Before a change: raises `Unsupported` where a component changes all future occurrences too."""
        for override in self.overrides:
            line = override.get("RECURRENCE-ID")
            if line is not None and (line.parameter("RANGE") or "").upper() == "THISANDFUTURE":
                raise Unsupported("a change of this and all future occurrences (RANGE=THISANDFUTURE) cannot be written")

    def current(self) -> list[Component]:
        """The overrides that count. One that is older than its master (SEQUENCE) counts while the series still has what
        it replaces. Raises `Invalid`."""
        series = self.series() if self.repeats else None
        if self.master is None or series is None:
            return self.overrides
        newest = sequence(self.master)
        return [one for one in self.overrides if sequence(one) >= newest or self._has(series, one)]

    def _has(self, series: Series, override: Component) -> bool:
        key = self.key(override)
        return key is None or series.has(key)

    def key(self, override: Component) -> date | None:
        """Which occurrence a component replaces, in the terms of the master."""
        line = override.get("RECURRENCE-ID")
        planned = when(line, self.zones)
        if planned is None:
            return None
        start = self.span.start if self.span is not None else planned
        return key_in(line, planned, start.wall, start.zone.rules)


def key_in(line: Line | None, planned: When, start: date, zone: tzinfo) -> date:
    """A RECURRENCE-ID in the terms of a series that starts then; a wall time that names no zone is in that of the
    series."""
    own = line is not None and line.parameter("TZID") is None and not line.value.rstrip().upper().endswith("Z")
    return fit(in_zone(planned.wall, start, zone, zone if own else planned.zone.rules), start)


def resources(data: bytes, floating: str | None = None) -> list[Resource]:
    """The events of a text, in the order of their UIDs' first mention; one without a UID stands alone.

    `floating` is the IANA name of where wall times without a zone are. Raises `Invalid` for a text without a calendar,
    `TooLarge`.
    """
    calendars = [component for component in contentlines.parse(data) if component.name == "VCALENDAR"]
    if not calendars:
        raise Invalid("this is no iCalendar text: BEGIN:VCALENDAR is missing")
    return [resource for calendar in calendars for resource in of(calendar, floating)]


def of(calendar: Component, floating: str | None = None) -> list[Resource]:
    """The events of a VCALENDAR."""
    zones = Zones(calendar, floating)
    found: dict[str, Resource] = {}
    for number, event in enumerate(calendar.of("VEVENT")[:MAX_EVENTS]):
        uid = values.text(event.value("UID") or "").strip()
        resource = found.setdefault(uid or f"\n{number}", Resource(uid, calendar, zones))
        _place(resource, event)
    for resource in found.values():
        resource.overrides = _newest(resource)
    return list(found.values())


def _place(resource: Resource, event: Component) -> None:
    if event.get("RECURRENCE-ID") is not None:
        resource.overrides.append(event)
    elif resource.master is None or sequence(event) > sequence(resource.master):
        resource.master = event


def sequence(event: Component) -> int:
    """SEQUENCE; 0 where it is missing or no number."""
    written = (event.value("SEQUENCE") or "").strip()
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else 0


def _newest(resource: Resource) -> list[Component]:
    newest: dict[str, Component] = {}
    for override in resource.overrides:
        line = override.get("RECURRENCE-ID")
        key = contentlines.write_line(line) if line is not None else ""
        if key not in newest or sequence(override) >= sequence(newest[key]):
            newest[key] = override
    return list(newest.values())


def calendar(children: Sequence[Component], method: str | None = None) -> Component:
    """A VCALENDAR around components."""
    head = [Line("VERSION", "2.0"), Line("PRODID", PRODID), *([Line("METHOD", method)] if method else [])]
    return Component("VCALENDAR", head, list(children))
