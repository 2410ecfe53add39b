"""Values of content lines: texts, lists, dates, durations (RFC 5545 3.3, RFC 6350 4). Read leniently."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r"[\\;,]|\r\n?|\n")
_DATE = re.compile(
    r"\s*(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d))?(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)?)?\s*", re.ASCII | re.I
)
_DURATION = re.compile(
    r"\s*([+-])?P(?:(\d{1,7})W)?(?:(\d{1,7})D)?(?:T?(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?\s*", re.ASCII | re.I
)
_OFFSET = re.compile(r"\s*([+-]?)(\d\d):?(\d\d)(?::?(\d\d))?\s*", re.ASCII)
_DAY, _HOUR, _MINUTE = 86400, 3600, 60  # seconds


def text(value: str) -> str:
    """A TEXT value without its escapes."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def escaped(value: str) -> str:
    """A TEXT value as it is written; line ends of any kind become one."""
    return _TO_ESCAPE.sub(lambda found: "\\n" if found[0] in ("\r\n", "\r", "\n") else "\\" + found[0], value)


def split(value: str, separator: str) -> list[str]:
    """The pieces between unescaped separators, each still escaped."""
    if "\\" not in value:
        return value.split(separator)
    pieces, start, place = [], 0, 0
    while place < len(value):
        if value[place] == "\\":
            place += 1
        elif value[place] == separator:
            pieces.append(value[start:place])
            start = place + 1
        place += 1
    return [*pieces, value[start:]]


def texts(value: str, separator: str = ",") -> list[str]:
    """The texts of a list or of a structured value, without their escapes."""
    return [text(piece) for piece in split(value, separator)]


def moment(value: str) -> date | datetime | None:
    """A DATE as a date, a DATE-TIME as a naive datetime (wall time) or one in UTC; None when it is neither."""
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        if hour is None:
            return date(int(year), int(month), int(day))
        found = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second or 0), 59))
        return (found - (offset(zone) or timedelta())).replace(tzinfo=UTC) if zone else found
    except (ValueError, OverflowError):
        return None


def written(value: date | datetime) -> str:
    """A date, a naive datetime or one in any zone (written in UTC)."""
    if not isinstance(value, datetime):
        return f"{value.year:04}{value.month:02}{value.day:02}"
    wall = value if value.tzinfo is None else value.astimezone(UTC)
    clock = f"T{wall.hour:02}{wall.minute:02}{wall.second:02}"
    return written(wall.date()) + clock + ("" if value.tzinfo is None else "Z")


@lru_cache(maxsize=1000)
def duration(value: str) -> timedelta | None:
    """A DURATION; None when it is none. A day has 24 hours here."""
    match = _DURATION.fullmatch(value)
    if match is None or not any(match.groups()[1:]):
        return None
    weeks, days, hours, minutes, seconds = (int(piece or 0) for piece in match.groups()[1:])
    try:
        found = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return None
    return -found if match[1] == "-" else found


def written_duration(value: timedelta) -> str:
    """A duration in days and smaller units."""
    total = int(value.total_seconds())
    sign, total = ("-", -total) if total < 0 else ("", total)
    days, rest = divmod(total, _DAY)
    if not rest:
        return f"{sign}P{days}D" if days else "PT0S"
    clock = ((rest // _HOUR, "H"), (rest % _HOUR // _MINUTE, "M"), (rest % _MINUTE, "S"))
    return f"{sign}P{f'{days}D' if days else ''}T" + "".join(f"{number}{unit}" for number, unit in clock if number)


def offset(value: str) -> timedelta | None:
    """A UTC-OFFSET; None when it is none or a day and more."""
    if value.strip() in ("Z", "z"):
        return timedelta()
    match = _OFFSET.fullmatch(value)
    if match is None:
        return None
    found = timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4] or 0))
    return None if found >= timedelta(days=1) else -found if match[1] == "-" else found
