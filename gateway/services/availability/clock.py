"""What the clocks of a zone show: offsets from UTC as pieces of time, found once per zone and year.

A wall time is given like a moment, as the seconds since 1970 that it would be in UTC: showing = moment + offset.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.services.availability.spans import Spans, merged
from providers.base.errors import Invalid

DAY = 86_400
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH = date(1970, 1, 1).toordinal()
#: furthest that a clock's showing has been from UTC is 15 h 14 min (Juneau, Manila before 1900)
_FAR = DAY
_YEARS = range(1800, 9000)  # room for arithmetic on both sides of what datetime can hold


class Change(NamedTuple):
    """From `moment` on the offset is `after` seconds east of UTC, until then it was `before`."""

    moment: int
    before: int
    after: int


class Piece(NamedTuple):
    """Time of one offset: `[start, end)`, `offset` seconds east of UTC."""

    start: int
    end: int
    offset: int


def zone_named(name: str, path: str | None = None) -> ZoneInfo:
    """The zone of an IANA name. Raises `Invalid`, with the field's path, for any other text."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a zone's name (../x, empty, NUL), a folder such as Europe
        raise Invalid(f"{name[:100]!r} is not the name of a time zone", path=path) from None


def moment(at: datetime) -> int:
    """Seconds since 1970; what is below a second is cut off. Raises `Invalid` for a wall time without a zone."""
    if at.tzinfo is not UTC and at.utcoffset() is None:
        raise Invalid("A date-time needs its offset from UTC")
    since = at - _BEGINNING
    return since.days * DAY + since.seconds


def wall(on: date) -> int:
    """The wall time at which a date begins."""
    return (on.toordinal() - _EPOCH) * DAY


def date_at(zone: ZoneInfo, at: int) -> date:
    """The date that the clock shows."""
    return _moment_in(zone, at).date()


def changes(zone: ZoneInfo, start: int, end: int) -> list[Change]:
    """Changes of the offset with `start <= moment < end`, in order."""
    years = range(_year(start - 1), _year(end) + 1) if start < end else ()
    return [change for year in years for change in _changes(zone, year) if start <= change.moment < end]


def pieces(zone: ZoneInfo, start: int, end: int) -> Iterator[Piece]:
    """The span, cut where the offset changes; nothing of an empty one."""
    if start >= end:
        return
    offset = _offset(zone, start)
    for change in changes(zone, start + 1, end):
        yield Piece(start, change.moment, offset)
        start, offset = change.moment, change.after
    yield Piece(start, end, offset)


def showing(zone: ZoneInfo, first: int, last: int) -> Spans:
    """When the clock shows a wall time in `[first, last)`: no span, one, or one for each time that it shows them."""
    return merged(
        (max(piece.start, first - piece.offset), min(piece.end, last - piece.offset))
        for piece in pieces(zone, first - _FAR, last + _FAR)
    )


def midnight(zone: ZoneInfo, on: date) -> int:
    """The moment at which a date begins: the first at which the clock shows it or a later one."""
    first = wall(on)
    for piece in pieces(zone, first - _FAR, first + 2 * _FAR):
        if max(piece.start, first - piece.offset) < piece.end:
            return max(piece.start, first - piece.offset)
    raise AssertionError(f"{zone} never shows {on}")  # the clock would have to be a day from UTC


def all_day(zone: ZoneInfo, first: date, last: date) -> Spans:
    """What an all-day event takes, from the date `first` to before the date `last`: every moment of these dates."""
    return showing(zone, wall(first), wall(last))


def elapsed_from(zone: ZoneInfo, shown: int) -> int:
    """The moment of a wall time: of two the first; of one that is skipped, as if the clock had not been changed yet
    (RFC 5545 3.3.5)."""
    naive = datetime(1970, 1, 1) + timedelta(seconds=shown)
    return shown - _seconds(naive.replace(tzinfo=zone).utcoffset())


@lru_cache(maxsize=8192)  # all zones, ten years and more: a few MB
def _changes(zone: ZoneInfo, year: int) -> tuple[Change, ...]:
    """Changes of the offset from behind the beginning of a year of UTC to its very end. One look a day finds them all:
    no zone has ever changed its offset twice within three days (a test holds this)."""
    days = range(wall(date(year, 1, 1)), wall(date(year + 1, 1, 1)), DAY)
    offsets = [_offset(zone, day) for day in [*days, days.stop]]
    pairs = zip(days, offsets, offsets[1:], strict=False)
    return tuple(Change(_turn(zone, day, day + DAY), old, new) for day, old, new in pairs if old != new)


def _turn(zone: ZoneInfo, start: int, end: int) -> int:
    """The first moment of the offset that holds at `end` and does not at `start`."""
    old = _offset(zone, start)
    while end - start > 1:
        middle = (start + end) // 2
        start, end = (middle, end) if _offset(zone, middle) == old else (start, middle)
    return end


def _offset(zone: ZoneInfo, at: int) -> int:
    return _seconds(_moment_in(zone, at).utcoffset())


def _moment_in(zone: ZoneInfo, at: int) -> datetime:
    _year(at)
    return datetime.fromtimestamp(at, zone)


def _year(at: int) -> int:
    if not wall(date(_YEARS.start, 1, 1)) <= at < wall(date(_YEARS.stop, 1, 1)):
        raise Invalid(f"Times are computed for the years {_YEARS.start} to {_YEARS.stop - 1} only")
    return datetime.fromtimestamp(at, UTC).year


def _seconds(offset: timedelta | None) -> int:
    assert offset is not None
    return offset.days * DAY + offset.seconds
