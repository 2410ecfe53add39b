"""RRULE as a value (RFC 5545 3.3.10). What is not understood is refused: guessing would show wrong days."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum
from typing import Any

from providers.base.errors import Invalid
from providers.formats import values

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,10}", re.ASCII)


class Unit(IntEnum):
    """FREQ, from the longest to the shortest."""

    YEARLY = 0
    MONTHLY = 1
    WEEKLY = 2
    DAILY = 3
    HOURLY = 4
    MINUTELY = 5
    SECONDLY = 6


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE. `by_day` has (nth, weekday) with nth 0 for every such day and 0 for Monday.

    `until` is as written: a date, a wall time (naive), or a moment in UTC."""

    unit: Unit
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    by_month: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 0

    def but(self, **changes: Any) -> "Rule":
        """A copy with other parts."""
        return replace(self, **changes)


def parse(text: str) -> Rule:
    """Read the value of an RRULE, with or without its name. Raises `Invalid`."""
    parts: dict[str, Any] = {}
    for piece in text.strip().removeprefix("RRULE:").rstrip(";").split(";"):
        name, _, value = piece.partition("=")
        reader = _READERS.get(name.strip().upper())
        if reader is None:
            raise Invalid(f"RRULE: {name.strip()[:40]!r} is not understood")
        field, read = reader
        parts[field] = _read(name, read, value.strip().upper())
    if "unit" not in parts:
        raise Invalid("RRULE: FREQ is missing")
    return Rule(**parts)


def _read(name: str, read: Callable[[str], Any], value: str) -> Any:
    try:
        return read(value)
    except (ValueError, KeyError):
        raise Invalid(f"RRULE: {name.strip().upper()}={value[:60]} is not valid (RFC 5545 3.3.10)") from None


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _NUMBER.fullmatch(text.strip()) or not lowest <= int(text) <= highest:
            raise ValueError
        return int(text)

    return read


def _numbers(highest: int, lowest: int | None = None) -> Callable[[str], tuple[int, ...]]:
    """Without `lowest`, the numbers count from either end and are not 0."""
    one = _number(-highest if lowest is None else lowest, highest)

    def read(text: str) -> tuple[int, ...]:
        found = tuple(sorted({one(piece) for piece in text.split(",")}))
        if lowest is None and 0 in found:
            raise ValueError
        return found

    return read


def _days(text: str) -> tuple[tuple[int, int], ...]:
    matches = [_DAY.fullmatch(piece.strip()) for piece in text.split(",")]
    found = {(int(match[1] or 0), WEEKDAYS.index(match[2])) for match in matches if match}
    if None in matches or any(abs(nth) > 53 for nth, _ in found):
        raise ValueError
    return tuple(sorted(found))


def _until(text: str) -> date | datetime:
    found = values.moment(text)
    if found is None:
        raise ValueError
    return found


def _count(text: str) -> int | None:
    """-1, which some programs write, is no limit."""
    return None if text == "-1" else _number(1, 2**31)(text)


_READERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "FREQ": ("unit", Unit.__getitem__),
    "INTERVAL": ("interval", _number(1, 2**31)),
    "COUNT": ("count", _count),
    "UNTIL": ("until", _until),
    "BYMONTH": ("by_month", _numbers(12, 1)),
    "BYWEEKNO": ("by_week_no", _numbers(53)),
    "BYYEARDAY": ("by_year_day", _numbers(366)),
    "BYMONTHDAY": ("by_month_day", _numbers(31)),
    "BYDAY": ("by_day", _days),
    "BYHOUR": ("by_hour", _numbers(23, 0)),
    "BYMINUTE": ("by_minute", _numbers(59, 0)),
    "BYSECOND": ("by_second", _numbers(60, 0)),
    "BYSETPOS": ("by_set_pos", _numbers(366)),
    "WKST": ("week_start", WEEKDAYS.index),
}


def write(rule: Rule) -> str:
    """The value of an RRULE; parts that say nothing new are left out."""
    written = {name: _written(getattr(rule, field)) for name, (field, _) in _READERS.items()}
    silent = {"INTERVAL": "1", "WKST": "MO"}
    written |= {"BYDAY": ",".join(f"{nth or ''}{WEEKDAYS[day]}" for nth, day in rule.by_day), "FREQ": rule.unit.name}
    written["WKST"] = WEEKDAYS[rule.week_start]
    return ";".join(f"{name}={value}" for name, value in written.items() if value and value != silent.get(name))


def _written(part: Any) -> str:
    if isinstance(part, date):
        return values.written(part)
    return ",".join(map(str, part)) if isinstance(part, tuple) else "" if part is None else str(part)
