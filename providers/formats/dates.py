"""Dates of header fields (RFC 5322 section 3.3, obsolete forms 4.3)."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

EARLIEST, LATEST = 1970, 2100  # years; what lies outside comes from a broken clock

_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_USUAL = re.compile(
    r"\s*(?:[A-Za-z]{3},)?\s*(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})\s+(\d\d):(\d\d):(\d\d)\s+([+-])(\d\d)([0-5]\d)(?!\d)"
)


def parse_date(value: str) -> datetime | None:
    """An aware instant, in the zone it was written in; UTC where the zone is unknown. None when it is no sound date."""
    match = _USUAL.match(value)
    try:
        moment = _usual(match) if match else _unusual(value)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return moment if moment and EARLIEST <= moment.year <= LATEST else None


def _usual(match: re.Match[str]) -> datetime | None:
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    number = _MONTHS.get(month.lower())
    if number is None:
        return None
    offset = (int(zone_hours) * 60 + int(zone_minutes)) * (-1 if sign == "-" else 1)
    return _at((int(year), number, int(day), int(hour), int(minute), int(second)), offset * 60)


def _unusual(value: str) -> datetime | None:
    fields = parsedate_tz(value)
    return _at(fields[:6], fields[9] or 0) if fields else None


def _at(fields: tuple[int, ...], offset: int) -> datetime:
    """`offset` is in seconds east of UTC."""
    year, month, day, hour, minute, second = fields
    zone = timezone(timedelta(seconds=offset)) if offset else UTC
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)  # 60 is a leap second
