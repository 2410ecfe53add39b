"""Times and recurrences of events: Google's JSON <-> the contract's. Pure.

Lost: nothing. Google wants an IANA zone for every series, so UTC stands where none is named.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from providers.base.errors import Invalid
from providers.formats.contentlines import read_line, write_line
from providers.formats.ical.repeating import lines_of
from providers.formats.ical.spans import Span, When, given
from providers.formats.recurrence.series import series
from providers.formats.recurrence.simple import NotSimple, pattern_of, range_of
from providers.formats.timezones.names import iana_name
from schemas.recurrence import Notation, Recurrence, RecurrenceIcal, RecurrenceSimple
from schemas.when import EventDateTime

Json = Mapping[str, Any]
_UTC_NAMES = ("UTC", "Etc/UTC", "GMT", "Etc/GMT")


def read(raw: Json | None) -> EventDateTime | None:
    """A start, an end or an original start; None where there is none that can be read."""
    if not raw:
        return None
    try:
        if raw.get("date"):
            return EventDateTime(date_only=date.fromisoformat(raw["date"]))
        moment = datetime.fromisoformat(raw["dateTime"])
    except (KeyError, ValueError):
        return None
    zone = iana_name(str(raw.get("timeZone") or ""))
    zone = None if zone in _UTC_NAMES else zone
    moment = moment if moment.tzinfo else moment.replace(tzinfo=EventDateTime(date_time=datetime.now(UTC)).zone)
    return EventDateTime(date_time=moment, timezone=zone)


def write(value: EventDateTime) -> dict[str, Any]:
    """For a patch: what the value is not is cleared."""
    if value.date_only is not None:
        return {"date": value.date_only.isoformat(), "dateTime": None, "timeZone": None}
    assert value.date_time is not None
    local = value.date_time.astimezone(value.zone)
    return {"date": None, "dateTime": local.isoformat(timespec="seconds"), "timeZone": value.timezone or "UTC"}


def moved(raw: Json, start: EventDateTime | None, end: EventDateTime | None) -> tuple[EventDateTime, EventDateTime]:
    """Start and end after a patch that names either or both; a moved start takes the end along. Raises `Invalid`."""
    old_start, old_end = read(raw.get("start")), read(raw.get("end"))
    first, last = start or old_start, end
    if first is None:
        raise Invalid("is required", path="start")
    if last is None and old_start is not None and old_end is not None and old_start.all_day == first.all_day:
        last = Span(given(old_start), given(old_end)).moved_to(given(first)).end.record() if start else old_end
        last = _in_zone(last, old_end)
    if last is None:
        raise Invalid("is required", path="end")
    if last.all_day != first.all_day:
        raise Invalid("start and end must both be dates or both be moments", path="end")
    if last.instant() < first.instant() or (last.all_day and last.instant() == first.instant()):
        raise Invalid("is before the start", path="end")
    return first, last


def _in_zone(value: EventDateTime, like: EventDateTime) -> EventDateTime:
    return value if value.all_day else value.model_copy(update={"timezone": like.timezone})


def recurrence(raw: Json) -> Recurrence | None:
    """Both notations of a master; `simple` is left out where it cannot say the same."""
    rules, start = raw.get("recurrence"), read(raw.get("start"))
    if not rules:
        return None
    return Recurrence(
        original=Notation.ICAL,
        ical=RecurrenceIcal(rules=list(rules), recurrence_start=start),
        simple=_simple(rules, start) if start is not None else None,
    )


def _simple(rules: Sequence[str], start: EventDateTime) -> RecurrenceSimple | None:
    first = given(start)
    lines = [line for line in map(read_line, rules) if line is not None]
    try:
        found = series(first.wall, first.zone.rules, lines)
        excluded = [When(wall, first.zone).record() for wall in sorted(found.excluded)]
        span = range_of(found) if found.rules else None
        return RecurrenceSimple(
            pattern=pattern_of(found),
            range=span and span.model_copy(update={"recurrence_start": start, "pattern_exclusions": excluded or None}),
        )
    except (NotSimple, Invalid):
        return None


def rules_of(wanted: Recurrence, start: EventDateTime, now: Recurrence | None = None) -> list[str]:
    """The lines of a recurrence that a caller hands in. Raises `Invalid` with the path."""
    return [write_line(line) for line in lines_of(wanted, given(start), now)]
