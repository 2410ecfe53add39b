"""A series whose start or rule changed: what is kept of its end, its single dates and its changed occurrences."""

from datetime import date, datetime, timedelta

from providers.formats import values
from providers.formats.contentlines import Component, Line
from providers.formats.ical.resource import Resource, key_in
from providers.formats.ical.spans import When, line, when
from providers.formats.recurrence.rule import Rule, parse, write
from providers.formats.recurrence.series import Series
from providers.formats.recurrence.simple import range_of, until_of
from schemas.recurrence import RangeType


def moved(resource: Resource, old: Series) -> None:
    """After the master was written: occurrences that were changed follow a moved start and are dropped when the series
    has them no more; deleted ones follow too; the last day stays the last day."""
    master, now = resource.master, resource.span
    if master is None or now is None:
        return
    shift = _shift(old.start, now.start.wall)
    if shift is None:  # days became times, or the other way round: nothing single can follow
        _drop_dates(master)
        resource.drop(resource.overrides)
    elif shift or now.start.zone.rules != old.zone:
        _shift_dates(resource, master, old, shift, now.start)
    _put_until(master, old, now.start)
    series = resource.series() if resource.repeats else None
    gone = [one for one in resource.overrides if series is None or not _has(series, resource.key(one))]
    resource.drop(gone)


def _shift(old: date, new: date) -> timedelta | None:
    return None if isinstance(old, datetime) != isinstance(new, datetime) else new - old


def _has(series: Series, key: date | None) -> bool:
    return key is None or key in series.excluded or series.has(key)


def _shift_dates(resource: Resource, master: Component, old: Series, shift: timedelta, start: When) -> None:
    for name, days in (("EXDATE", sorted(old.excluded)), ("RDATE", sorted(old.added))):
        if days and master.get(name) is not None:
            lengths = old.lengths if name == "RDATE" else {}
            master.put(name, [_single(name, When(day + shift, start.zone), lengths.get(day)) for day in days])
    for override in resource.overrides:
        planned = override.get("RECURRENCE-ID")
        key = _old_key(resource, override, old)
        if planned is not None and key is not None:
            override.put("RECURRENCE-ID", [line("RECURRENCE-ID", When(key + shift, start.zone))])


def _single(name: str, day: When, length: timedelta | None) -> Line:
    """One date, or one period."""
    found = line(name, day)
    if length is None:
        return found
    return Line(name, f"{found.value}/{values.written_duration(length)}", {"VALUE": ("PERIOD",), **found.parameters})


def _old_key(resource: Resource, override: Component, old: Series) -> date | None:
    named = override.get("RECURRENCE-ID")
    planned = when(named, resource.zones)
    return key_in(named, planned, old.start, old.zone) if planned is not None else None


def _put_until(master: Component, old: Series, start: When) -> None:
    """UNTIL is of the type of the start, and late enough for the last day."""
    lines = [_with_until(one, old, start) for one in master.all("RRULE")]
    master.put("RRULE", lines)


def _with_until(one: Line, old: Series, start: When) -> Line:
    rule: Rule = parse(one.value)
    if rule.until is None:
        return one
    span_of = range_of(Series(old.start, old.zone, (rule,)))
    assert span_of.type is RangeType.BY_DATE and span_of.recurrence_end is not None
    first = start.wall.date() if isinstance(start.wall, datetime) else start.wall
    last = max(span_of.recurrence_end, first)
    return Line("RRULE", write(rule.but(until=until_of(last, start.wall, start.zone.rules))), one.parameters)


def _drop_dates(master: Component) -> None:
    for name in ("EXDATE", "RDATE"):
        master.put(name)
