"""Occurrences in order, a page at a time: of a window over many texts, and of one series."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from heapq import merge

from providers.base.errors import Invalid
from providers.formats import values
from providers.formats.ical.marks import is_cancelled
from providers.formats.ical.occurrences import Occurrence, between, occurrence_at, override_of, ranges_of
from providers.formats.ical.resource import Resource
from providers.formats.recurrence.series import Series
from providers.formats.recurrence.wall import LAST_YEAR

Placed = tuple[str, Resource, Occurrence]  # id of the text, its events, one of them
_SECOND = timedelta(seconds=1)
_FIRST_LOOK = timedelta(days=366)  # how far a series is looked through at first, then twice as far


def window(
    texts: Iterable[tuple[str, Resource]], time_min: datetime, time_max: datetime, cursor: str | None, limit: int
) -> tuple[list[Placed], str | None]:
    """What ends after `time_min` and starts before `time_max`, by start; at most `limit` behind the cursor, and the
    cursor behind those, None at the end. What cannot be expanded is left out. Raises `Invalid` for a bad cursor."""
    after = position(cursor)
    begin = max(time_min, after[0] - _SECOND) if after else time_min
    found: list[tuple[tuple[datetime, str], Placed]] = []
    for item, resource in texts:
        found += _first(item, resource, begin, time_max, after, limit + 1)
    found.sort(key=lambda one: one[0])
    shown = found[:limit]
    more = f"{values.written(shown[-1][0][0])}.{shown[-1][0][1]}" if len(found) > limit else None
    return [placed for _, placed in shown], more


def _first(
    item: str, resource: Resource, begin: datetime, end: datetime, after: tuple[datetime, str] | None, limit: int
) -> Iterator[tuple[tuple[datetime, str], Placed]]:
    """The first ones behind a position."""
    count = 0
    try:
        for one in between(resource, begin, end):
            place = (one.span.start.moment, f"{item}_{one.key or ''}")
            if after is not None and place <= after:
                continue
            yield place, (item, resource, one)
            count += 1
            if count == limit:
                return
    except Invalid:
        return  # a rule that nobody can carry out


def position(cursor: str | None) -> tuple[datetime, str] | None:
    """The start and the id behind which a page of `window` begins. Raises `Invalid`."""
    if cursor is None:
        return None
    written, _, item = cursor.partition(".")
    moment = values.moment(written)
    if not isinstance(moment, datetime) or moment.tzinfo is None or not item:
        raise Invalid("the page token is invalid: it names no position in a list", path="pageToken")
    return moment, item


def run(resource: Resource, cursor: str | None, limit: int) -> tuple[list[Occurrence], str | None]:
    """The occurrences of a series in the order of their planned starts, as `window`. Raises `Invalid` too for a
    recurrence that cannot be expanded."""
    after, found = _planned(resource, cursor), list[Occurrence]()
    for one in _occurrences(resource, after):
        if len(found) == limit:
            return found, found[-1].key
        found.append(one)
    return found, None


def _planned(resource: Resource, cursor: str | None) -> date | None:
    """The planned start that a cursor names, in the terms of the series."""
    if cursor is None:
        return None
    wanted, first = values.moment(cursor), resource.span
    if wanted is None or first is None or isinstance(wanted, datetime) == first.start.all_day:
        raise Invalid("the page token is invalid: it names no position in a list", path="pageToken")
    if isinstance(wanted, datetime):
        return (
            (wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC))
            .astimezone(first.start.zone.rules)
            .replace(tzinfo=None, fold=0)
        )
    return wanted


def _occurrences(resource: Resource, after: date | None) -> Iterator[Occurrence]:
    first, series, master = resource.span, resource.series(), resource.master
    if first is None or series is None or master is None:
        return
    replaced = {
        resource.key(one): None if is_cancelled(one) else override_of(resource, one) for one in resource.current()
    }
    keys = sorted(key for key in replaced if key is not None and (after is None or key > after))
    last, ranges = after, ranges_of(resource)
    for wall in merge(_walls(series, after or series.start), keys):
        if last is not None and wall <= last:
            continue
        last = wall
        length = series.lengths.get(wall)
        found = replaced[wall] if wall in replaced else occurrence_at(master, first, ranges, wall, length)
        if found is not None:
            yield found


def _walls(series: Series, begin: date) -> Iterator[date]:
    """The starts from `begin` on, looked for further and further: rules may pick none for long, or never any more."""
    step = _FIRST_LOOK
    while begin.year < LAST_YEAR:
        try:
            end = begin + step
        except OverflowError:
            end = begin.replace(year=LAST_YEAR, month=12, day=31)
        yield from series.between(begin, end)
        begin, step = end, step * 2
