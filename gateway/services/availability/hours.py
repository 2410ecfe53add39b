"""Work hours: wall time and zone in, moments out. The package says what happens when the clock is changed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.services.availability.clock import DAY, Piece, pieces, wall
from gateway.services.availability.spans import Spans, merged
from providers.base.errors import Invalid

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?", re.ASCII)
_LAST_SECOND = DAY - 1


class DayHours(NamedTuple):
    """Seconds of the wall clock since midnight, `0 <= start < DAY`, `start < end <= start + DAY`: what lies above DAY
    is on the next date."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DatedHours:
    """The hours of each date from `first` to `last`, both inclusive, instead of the week's; none: not at work."""

    first: date
    last: date
    hours: tuple[DayHours, ...]


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of each weekday, Monday first, in the wall time of a zone, and of dates that differ. Where `dates` overlap,
    the hours of all of them hold."""

    zone: ZoneInfo
    week: tuple[tuple[DayHours, ...], ...]
    dates: tuple[DatedHours, ...] = ()

    def on(self, day: date) -> Sequence[DayHours]:
        """What begins on a date."""
        replaced = [dated.hours for dated in self.dates if dated.first <= day <= dated.last]
        return [hours for dated in replaced for hours in dated] if replaced else self.week[day.weekday()]


#: a week without end, for hours of which only some dates are given
ALL_WEEK = ((DayHours(0, DAY),),) * 7


def day_hours(start: str, end: str, path: str = "workingIntervals") -> DayHours:
    """An interval as the contract writes it, `HH:MM:SS`; seconds may be missing. An end that is not after the start is
    on the next date, so 00:00 to 00:00 is all day; 24:00 and 23:59:59, the last that some clients and Outlook can
    write, are midnight. Raises `Invalid` with the field's path."""
    first, last = _seconds(start, f"{path}.start"), _end(end, f"{path}.end")
    return DayHours(first, last if last > first else last + DAY)


def week(days: Mapping[int, Iterable[DayHours]]) -> tuple[tuple[DayHours, ...], ...]:
    """Hours by weekday, 0 for Monday; days that are not named are free days."""
    return tuple(tuple(days.get(day, ())) for day in range(7))


def open_spans(hours: Hours, start: int, end: int) -> Spans:
    """When the hours hold within a span."""
    return merged(span for piece in pieces(hours.zone, start, end) for span in _within(hours, piece))


def _within(hours: Hours, piece: Piece) -> Iterator[tuple[int, int]]:
    """Within one offset wall time and moments run alike. The date before may reach into the first."""
    first, last = (piece.start + piece.offset) // DAY - 1, (piece.end + piece.offset) // DAY
    for day in range(first, last + 1):
        midnight = day * DAY - piece.offset
        for begin, finish in hours.on(_date(day)):
            yield max(piece.start, midnight + begin), min(piece.end, midnight + finish)


def _date(day: int) -> date:
    return date.fromordinal(day - wall(date.min) // DAY + 1)


def _end(text: str, path: str) -> int:
    if re.fullmatch("24:00(:00)?", text):
        return DAY
    seconds = _seconds(text, path)
    return DAY if seconds == _LAST_SECOND else seconds


def _seconds(text: str, path: str) -> int:
    if not (found := _TIME.fullmatch(text)):
        raise Invalid(f"{text[:40]!r} is not a time of day such as 09:00:00", path=path)
    hour, minute, second = (int(part or 0) for part in found.groups())
    return hour * 3600 + minute * 60 + second
