"""Wall times and moments. A series keeps its wall time; a moment is worked out for each occurrence (RFC 5545 3.3.5): a
time in a gap is read with the offset before the gap, a time that comes twice is the first one."""

from datetime import UTC, date, datetime, timedelta, tzinfo

LAST_YEAR = 9998  # later moments cannot be written in every zone
_DAY = timedelta(days=1)


def moment(wall: date, zone: tzinfo) -> datetime:
    """The moment in UTC of a wall time, or of the beginning of a day."""
    naive = wall if isinstance(wall, datetime) else datetime(wall.year, wall.month, wall.day)
    return naive.replace(tzinfo=zone, fold=0).astimezone(UTC)


def wall_of(value: datetime, zone: tzinfo) -> datetime:
    """The naive wall time of a moment."""
    return value.astimezone(zone).replace(tzinfo=None, fold=0)


def in_gap(wall: datetime, zone: tzinfo) -> bool:
    """Whether clocks skip that wall time."""
    return wall_of(moment(wall, zone), zone) != wall


def end_of(start: date, length: timedelta, zone: tzinfo) -> date:
    """The wall end of an occurrence: it keeps its wall time, like its start. Where the start falls into a gap and is
    moved, or where clocks would turn the end before the start, the true length is kept instead."""
    try:
        end = _end(start, length, zone)
    except OverflowError:
        end = date.max
    if end.year <= LAST_YEAR:
        return end
    return start if isinstance(start, datetime) else start + _DAY  # it does not end within the calendar


def _end(start: date, length: timedelta, zone: tzinfo) -> date:
    if not isinstance(start, datetime):
        return start + max(length, _DAY)
    end = start + length
    if not in_gap(start, zone) and moment(end, zone) >= moment(start, zone):
        return end
    return wall_of(moment(start, zone) + length, zone)
