"""VTIMEZONE of an IANA zone, for what we write. icalendar's own generator (7.3.0) writes onsets in the new offset
instead of the old one, so that every change of the clock comes an hour late."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from providers.formats import values
from providers.formats.contentlines import Component, Line
from providers.formats.recurrence.rule import WEEKDAYS
from providers.formats.timezones.rules import Onset

_FIRST, _LAST = 2000, 2040  # years that are described one by one where no rule covers them
_DAY = timedelta(days=1)
_STEP = timedelta(days=4)  # no zone changes twice within
_SECOND = timedelta(seconds=1)


def vtimezone(name: str) -> Component:
    """The description of a zone by its IANA name."""
    return _described(name).copy()


@lru_cache(maxsize=600)
def _described(name: str) -> Component:
    zone = ZoneInfo(name)
    kinds: dict[tuple[timedelta, timedelta, bool, str], list[Onset]] = {}
    for onset in _onsets(zone):
        kinds.setdefault((onset.before, onset.after, onset.daylight, onset.name), []).append(onset)
    return Component(
        "VTIMEZONE", [Line("TZID", name)], [part for kind in kinds.values() for part in _observances(kind)]
    )


def _onsets(zone: ZoneInfo) -> Iterator[Onset]:
    """What holds at the beginning, then every change."""
    day, end = datetime(_FIRST, 1, 1, tzinfo=UTC), datetime(_LAST, 1, 1, tzinfo=UTC)
    yield _onset(zone, day, day)
    while day < end:
        if _state(zone, day) != _state(zone, day + _STEP):
            yield _onset(zone, *_change(zone, day, day + _STEP))
        day += _STEP


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> tuple[datetime, datetime]:
    """The last moment of the old state and the first of the new one."""
    while after - before > _SECOND:
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        before, after = (middle, after) if _state(zone, middle) == _state(zone, before) else (before, middle)
    return before, after


def _state(zone: ZoneInfo, moment: datetime) -> tuple[timedelta | None, bool, str | None]:
    local = moment.astimezone(zone)
    return local.utcoffset(), bool(local.dst()), local.tzname()


def _onset(zone: ZoneInfo, before: datetime, after: datetime) -> Onset:
    old, (new, daylight, name) = before.astimezone(zone).utcoffset(), _state(zone, after)
    assert old is not None and new is not None
    return Onset(after.replace(tzinfo=None), old, new, daylight, name or "")


def _observances(onsets: list[Onset]) -> Iterator[Component]:
    """Single onsets, then the rule that the last ones follow to the end."""
    regular = _regular(onsets)
    single = onsets[: len(onsets) - len(regular)]
    if single:
        yield _observance(single, "")
    if regular:
        yield _observance(regular[:1], _rule(regular))


def _regular(onsets: list[Onset]) -> list[Onset]:
    """The longest run of yearly onsets at the end that one rule gives; none when the changes end before."""
    if onsets[-1].at.year < _LAST - 1:
        return []
    for start in range(len(onsets) - 2):
        run = onsets[start:]
        if _rule(run) and all(later.at.year - earlier.at.year == 1 for earlier, later in pairwise(run)):
            return run
    return []


def _rule(run: list[Onset]) -> str:
    walls = [onset.at + onset.before for onset in run]
    if len({(wall.month, wall.weekday(), wall.time()) for wall in walls}) > 1:
        return ""
    last = all((wall + 7 * _DAY).month != wall.month for wall in walls)
    numbers = {-1} if last else {(wall.day - 1) // 7 + 1 for wall in walls}
    day = WEEKDAYS[walls[0].weekday()]
    return f"FREQ=YEARLY;BYMONTH={walls[0].month};BYDAY={numbers.pop()}{day}" if len(numbers) == 1 else ""


def _observance(onsets: list[Onset], rule: str) -> Component:
    walls = [values.written(onset.at + onset.before) for onset in onsets]
    first = onsets[0]
    lines = [
        Line("DTSTART", walls[0]),
        Line("TZOFFSETFROM", _offset(first.before)),
        Line("TZOFFSETTO", _offset(first.after)),
        *([Line("TZNAME", values.escaped(first.name))] if first.name else []),
        *([Line("RRULE", rule)] if rule else []),
        *([Line("RDATE", ",".join(walls[1:]))] if walls[1:] else []),
    ]
    return Component("DAYLIGHT" if first.daylight else "STANDARD", lines)


def _offset(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    rest = f"{seconds % 60:02}" if seconds % 60 else ""
    return f"{sign}{seconds // 3600:02}{seconds // 60 % 60:02}{rest}"
