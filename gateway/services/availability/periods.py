"""ISO 8601 periods such as P4W, on the calendar of a zone."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gateway.services.availability.clock import DAY, date_at, elapsed_from, pieces, wall
from providers.base.errors import Invalid

# the vendor's pages write 30D without the P
_PERIOD = re.compile(
    r"P?(?=[\dT])(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?",
    re.ASCII | re.IGNORECASE,
)
_LONGEST = 100 * 12 * 31 * DAY  # seconds


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time, longer than nothing: months and days of the calendar, then seconds of elapsed time."""

    months: int = 0
    days: int = 0
    seconds: int = 0


def period(text: str, path: str | None = None) -> Period:
    """Read a period: `P1Y2M3W4DT5H6M7S`, any part may be missing, the P too. Raises `Invalid` with the field's path,
    also for what is longer than a hundred years."""
    found = _PERIOD.fullmatch(text.strip())
    years, months, weeks, days, hours, minutes, seconds = (
        (int(part or 0) for part in found.groups()) if found else [0] * 7
    )
    read = Period(years * 12 + months, weeks * 7 + days, hours * 3600 + minutes * 60 + seconds)
    if not 0 < (read.months * 31 + read.days) * DAY + read.seconds <= _LONGEST:
        raise Invalid(f"{text[:40]!r} is not a period such as P4W, P30D or PT36H", path=path)
    return read


def date_after(on: date, length: Period) -> date:
    """The date a period later, time of day counted as a whole day more; the 31st of a short month is its last day.
    Raises `Invalid` where the calendar ends."""
    try:
        return _months_after(on, length.months) + timedelta(days=length.days - -length.seconds // DAY)
    except (ValueError, OverflowError):
        raise Invalid("The period ends after the calendar does") from None


def moment_after(zone: ZoneInfo, at: int, length: Period) -> int:
    """The moment a period later: at the same time of the wall clock on a later date, then elapsed seconds on."""
    if length == Period(seconds=length.seconds):
        return at + length.seconds
    on = date_at(zone, at)
    shown = at + next(pieces(zone, at, at + 1)).offset
    later = date_after(on, Period(length.months, length.days))
    return elapsed_from(zone, wall(later) + shown - wall(on)) + length.seconds


def _months_after(on: date, months: int) -> date:
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    return on.replace(year=year, month=month + 1, day=min(on.day, monthrange(year, month + 1)[1]))
