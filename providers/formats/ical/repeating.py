"""The recurrence of a VEVENT <-> the contract's, in both notations."""

from collections.abc import Sequence

from providers.base.errors import Invalid
from providers.formats.contentlines import Line, write_line
from providers.formats.ical.resource import RULES, Resource
from providers.formats.ical.spans import When, line
from providers.formats.recurrence.rule import write
from providers.formats.recurrence.series import checked
from providers.formats.recurrence.simple import NotSimple, pattern_of, range_of, rule_of
from schemas.recurrence import Notation, Recurrence, RecurrenceIcal, RecurrenceSimple
from schemas.when import EventDateTime


def recurrence(resource: Resource) -> Recurrence | None:
    """Both notations of a series; `simple` is left out where it cannot say the same, or the rule cannot be read."""
    first = resource.span
    if resource.master is None or not resource.repeats:
        return None
    rules = [write_line(one) for one in resource.master.lines if one.name in RULES]
    start = first.start.record() if first is not None else None
    return Recurrence(
        original=Notation.ICAL,
        ical=RecurrenceIcal(rules=rules, recurrence_start=start),
        simple=_simple(resource, start),
    )


def _simple(resource: Resource, start: EventDateTime | None) -> RecurrenceSimple | None:
    try:
        series, first = resource.series(), resource.span
        if series is None or first is None:
            return None
        excluded = [When(wall, first.start.zone).record() for wall in sorted(series.excluded)]
        span = range_of(series) if series.rules else None
        return RecurrenceSimple(
            pattern=pattern_of(series),
            range=span and span.model_copy(update={"recurrence_start": start, "pattern_exclusions": excluded or None}),
        )
    except (NotSimple, Invalid):
        return None


def lines_of(wanted: Recurrence, start: When, now: Recurrence | None = None) -> list[Line]:
    """The lines of a recurrence that a caller hands in, for an event that starts then.

    Where both notations come, the one that differs from what the event has `now` counts; of two, the iCalendar lines.
    Raises `Invalid` with the path of what cannot be carried out.
    """
    rules, simple = wanted.ical.rules if wanted.ical else None, wanted.simple
    same = now is not None and now.ical is not None and rules == now.ical.rules
    if rules is not None and not (same and simple is not None and now is not None and simple != now.simple):
        return _ready(checked(rules), start)
    if simple is None or simple.pattern is None:
        raise Invalid("needs a simple pattern or iCalendar rules", path="recurrence")
    found = Line("RRULE", write(rule_of(simple.pattern, simple.range, start.wall, start.zone.rules)))
    return [found, *([] if now is None or now.ical is None else _excluded(now.ical.rules or ()))]


def _excluded(rules: Sequence[str]) -> list[Line]:
    """Deleted occurrences stay deleted when the pattern changes."""
    return [one for one in checked(rules) if one.name == "EXDATE"]


def _ready(lines: list[Line], start: When) -> list[Line]:
    """Dates get the value type and the zone of the start: what differs matches nothing (RFC 5545 3.8.5.1)."""
    if not any(one.name in ("RRULE", "RDATE") for one in lines):
        raise Invalid("an RRULE or RDATE line is missing", path="recurrence.ical.rules")
    return [_typed(one, start) if one.name in ("RDATE", "EXDATE") else one for one in lines]


def _typed(one: Line, start: When) -> Line:
    if one.parameters or one.value.rstrip().upper().endswith("Z"):
        return one
    return Line(one.name, one.value, line(one.name, start).parameters)
