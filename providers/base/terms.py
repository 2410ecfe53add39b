"""What the fields of a search expression take, one small function each; `ValueError` says what was expected."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Never

from providers.base.search import LABELS, Contains, Flag, In, Is, Not, Received, Search, Size, Where


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` (aware) for relative times, `zone` for where days begin."""

    now: datetime
    zone: tzinfo


_US_DATE = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})\Z", re.ASCII)
_ISO_DATE = re.compile(r"(?P<year>\d{4})(?P<mark>[/-])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})\Z", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_EPOCH = re.compile(r"\d{1,3}\Z|\d{5,7}\Z|\d{9,12}\Z", re.ASCII)  # 4 and 8 digits are a year or a date without marks
_AGE = re.compile(r"(\d{1,6})([hdwmy])\Z", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,15})([kmg]?)\Z", re.ASCII | re.IGNORECASE)

_FACTOR = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SPAN = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LARGEST = (1 << 63) - 1  # octets (RFC 9051 number64)
_IS: Mapping[str, Search] = {
    "read": Is(Flag.READ),
    "unread": Not(Is(Flag.READ)),
    "flagged": Is(Flag.FLAGGED),
    "starred": Is(Flag.FLAGGED),
    "unflagged": Not(Is(Flag.FLAGGED)),
    "answered": Is(Flag.ANSWERED),
    "unanswered": Not(Is(Flag.ANSWERED)),
}
_OTHER_NAMES = {"drafts": "draft", "spam": "junk"}


def _instant(value: str, clock: Clock) -> datetime:
    try:
        if match := _US_DATE.match(value) or _ISO_DATE.match(value):
            year, month, day = (int(match[part]) for part in ("year", "month", "day"))
            return datetime(year, month, day, tzinfo=clock.zone).astimezone(UTC)
        if _INSTANT.match(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        if _EPOCH.match(value):
            return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError):
        pass  # such as 02/30/2026: refused like any other text
    raise ValueError(f"{_shown(value)} is no date such as 2026-01-31, 01/31/2026, 2026-01-31T09:00:00Z or 1769850000")


def _since(value: str, clock: Clock) -> Search:
    return Received(since=_instant(value, clock))


def _before(value: str, clock: Clock) -> Search:
    return Received(until=_instant(value, clock))


def _ago(value: str, clock: Clock) -> datetime:
    match = _AGE.match(value)
    if not match:
        raise ValueError(f"{_shown(value)} is no age such as 12h, 3d, 2w, 6m (months) or 1y")
    number, unit = int(match[1]), match[2].lower()
    now = clock.now.astimezone(UTC)
    try:
        return now - number * _SPAN[unit] if unit in _SPAN else _months_back(now, number * (12 if unit == "y" else 1))
    except (ValueError, OverflowError):
        raise ValueError(f"{_shown(value)} reaches back before the year 1") from None


def _months_back(now: datetime, months: int) -> datetime:
    """The same day of that month, or the month's last one."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))


def _newer(value: str, clock: Clock) -> Search:
    return Received(since=_ago(value, clock))


def _older(value: str, clock: Clock) -> Search:
    return Received(until=_ago(value, clock))


def _octets(value: str) -> int:
    match = _SIZE.match(value)
    size = int(match[1]) * _FACTOR[match[2].lower()] if match else _LARGEST + 1
    if size > _LARGEST:
        raise ValueError(f"{_shown(value)} is no size such as 5000, 200K, 10M or 1G")
    return size


def _larger(value: str, _: Clock) -> Search:
    return Size(over=_octets(value))


def _smaller(value: str, _: Clock) -> Search:
    return Size(under=_octets(value))


def _is(value: str, _: Clock) -> Search:
    return _IS.get(value.lower()) or _refuse("is:", value, _IS)


def _has(value: str, _: Clock) -> Search:
    return Is(Flag.ATTACHMENT) if value.lower() == "attachment" else _refuse("has:", value, ["attachment"])


def _in(value: str, _: Clock) -> Search:
    label = _OTHER_NAMES.get(value.lower(), value.lower())
    return In(label if label in LABELS else value)


def _text(where: Where) -> Callable[[str, Clock], Search]:
    return lambda value, _: Contains(where, value)


def _refuse(field: str, value: str, known: Mapping[str, Search] | list[str]) -> Never:
    raise ValueError(f"{field} takes {', '.join(known)}, not {_shown(value)}")


def _shown(value: str) -> str:
    """The value in quotes, shortened, fit for one line."""
    return repr(value if len(value) <= 40 else value[:39] + "…")


#: Field name -> what makes a term of its value.
FIELDS: Mapping[str, Callable[[str, Clock], Search]] = {
    **{where.value: _text(where) for where in Where if where is not Where.TEXT},
    "has": _has,
    "is": _is,
    "in": _in,
    "after": _since,
    "since": _since,
    "before": _before,
    "newer_than": _newer,
    "older_than": _older,
    "larger": _larger,
    "smaller": _smaller,
}
