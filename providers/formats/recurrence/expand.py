"""A rule -> its starts, as wall times.

An engine of our own, since it has to be bounded: `dateutil` walks from the start of the series to the year 9999 for a
rule that never matches, and cannot skip to the window that is asked for. The start of the series is always its first
occurrence and counts (RFC 5545 3.3.10, COUNT), also where it does not match.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import product

from providers.base.errors import Invalid
from providers.formats.recurrence.days import day_test, days_of, with_implied_days
from providers.formats.recurrence.rule import Rule, Unit

#: Days looked at without one that matches: a rule so rare never matches (Monday, 29 February comes within 40 years).
MAX_EMPTY_DAYS = 366 * 100
#: Starts that are walked through to count; more is no calendar but an attack.
MAX_COUNTED = 100_000

#: The same for units shorter than a day, in steps.
MAX_EMPTY_STEPS = 200_000

_DAYS = {Unit.YEARLY: 366, Unit.MONTHLY: 31, Unit.WEEKLY: 7}
_SECONDS = {Unit.HOURLY: 3600, Unit.MINUTELY: 60, Unit.SECONDLY: 1}


def starts(
    rule: Rule, start: date, after: date, before: date, zone: tzinfo | None = None, *, always_first: bool = True
) -> Iterator[date]:
    """The starts of a series from `after` (inclusive) to `before` (exclusive), in order, each once.

    `start`, `after`, `before` and what comes out are all dates, or all naive datetimes of the zone; `zone` is what an
    UNTIL in UTC is read by. `always_first`: the start is one also where the rule does not pick it. Raises `Invalid`
    when too much would have to be counted.
    """
    until = _until(rule, start, zone)
    begin = after if rule.count is None else start
    for number, wall in enumerate(_from_start(rule, start, begin, before, always_first), 1):
        if wall >= before or (until is not None and wall > until) or (rule.count is not None and number > rule.count):
            return
        if number > MAX_COUNTED:
            raise Invalid(f"this recurrence has more than {MAX_COUNTED} occurrences: it is not expanded")
        if wall >= after:
            yield wall


def _from_start(rule: Rule, start: date, after: date, before: date, always_first: bool) -> Iterator[date]:
    first = always_first and start >= after
    if first:
        yield start
    for wall in _walls(rule, start, after, before):
        if wall > start or (wall == start and not first):
            yield wall


def _until(rule: Rule, start: date, zone: tzinfo | None) -> date | None:
    """The last possible start in the terms of `start`; a date given for a series with times means all of that day."""
    until = rule.until
    if until is None:
        return None
    if isinstance(until, datetime) and until.tzinfo is not None:
        until = until.astimezone(zone or UTC).replace(tzinfo=None) if isinstance(start, datetime) else until.date()
    if isinstance(start, datetime):
        return until if isinstance(until, datetime) else datetime.combine(until, time.max)
    return until.date() if isinstance(until, datetime) else until


def _walls(rule: Rule, start: date, after: date, before: date) -> Iterator[date]:
    """The starts that the rule picks, without its limits, in the periods from that of `after` to that of `before`."""
    rule = with_implied_days(rule, start)
    if rule.unit >= Unit.HOURLY:
        return _within_days(rule, start, after, before)
    return _by_days(rule, start, after, before)


def _by_days(rule: Rule, start: date, after: date, before: date) -> Iterator[date]:
    test, clocks, empty = day_test(rule), _clocks(rule, start), 0
    for first in _periods(rule, start, after, before):
        days = [day for day in days_of(rule, first) if test(day)]
        found = _picked([datetime.combine(day, clock) for day in days for clock in clocks] or days, rule.by_set_pos)
        empty = 0 if found else empty + _DAYS.get(rule.unit, 1)
        if empty > MAX_EMPTY_DAYS:
            return
        yield from found


def _picked(found: Sequence[date], positions: tuple[int, ...]) -> Sequence[date]:
    if not positions:
        return found
    places = {place - 1 if place > 0 else len(found) + place for place in positions}
    return [found[place] for place in sorted(places) if 0 <= place < len(found)]


def _clocks(rule: Rule, start: date) -> list[time]:
    """The times of a day; none for a series of dates. Second 60 is a leap second."""
    if not isinstance(start, datetime):
        return []
    hours = rule.by_hour or (start.hour,)
    minutes, seconds = rule.by_minute or (start.minute,), rule.by_second or (start.second,)
    return sorted({time(hour, minute, min(second, 59)) for hour, minute, second in product(hours, minutes, seconds)})


def _periods(rule: Rule, start: date, after: date, before: date) -> Iterator[date]:
    """The first days of the periods, from the one that `after` lies in or the one before."""
    last = _day(before)
    day, goal = _day(start), _day(after)
    first = day - timedelta(days=(day.weekday() - rule.week_start) % 7) if rule.unit is Unit.WEEKLY else day
    number = max(0, _distance(rule.unit, first, goal) // rule.interval - 1)
    while (period := _period(rule.unit, first, number * rule.interval)) is not None and period <= last:
        yield period
        number += 1


def _distance(unit: Unit, first: date, goal: date) -> int:
    if unit is Unit.YEARLY:
        return goal.year - first.year
    if unit is Unit.MONTHLY:
        return (goal.year - first.year) * 12 + goal.month - first.month
    return (goal - first).days // (7 if unit is Unit.WEEKLY else 1)


def _period(unit: Unit, first: date, steps: int) -> date | None:
    """The first day of the period that many steps on; None at the end of the calendar."""
    if unit <= Unit.MONTHLY:
        months = first.year * 12 + (first.month - 1 + steps if unit is Unit.MONTHLY else 12 * steps)
        year, month = divmod(months, 12)
        return date(year, month + 1, 1) if year <= date.max.year else None
    ordinal = first.toordinal() + steps * (7 if unit is Unit.WEEKLY else 1)
    return date.fromordinal(ordinal) if ordinal <= date.max.toordinal() - 7 else None


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _within_days(rule: Rule, start: date, after: date, before: date) -> Iterator[date]:
    """Units shorter than a day: steps of seconds over wall time; days that do not pass are stepped over whole."""
    if not isinstance(start, datetime):
        raise Invalid(f"RRULE: FREQ={rule.unit.name} needs a start with a time")
    test, step, empty = day_test(rule), _SECONDS[rule.unit] * rule.interval, 0
    begin = start - timedelta(seconds=start.second if step % 60 == 0 else 0)
    begin = begin - timedelta(minutes=begin.minute) if rule.unit is Unit.HOURLY else begin
    number = max(0, int((_moment(after) - begin).total_seconds()) // step - 1)
    while (wall := _later(begin, number * step)) is not None and wall <= _moment(before) and empty <= MAX_EMPTY_STEPS:
        if not test(wall.date()):
            empty += 5  # as much work
            midnight = datetime.combine(wall.date() + timedelta(days=1), time())
            number = max(number + 1, -(-int((midnight - begin).total_seconds()) // step))
            continue
        number += 1
        found = [] if not _of_hour(rule, wall) else _picked(_in_step(rule, wall, start), rule.by_set_pos)
        empty = 0 if found else empty + 1
        yield from found


def _later(begin: datetime, seconds: int) -> datetime | None:
    try:
        return begin + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _of_hour(rule: Rule, wall: datetime) -> bool:
    """The parts that are longer than or as long as the unit limit it."""
    hour = not rule.by_hour or wall.hour in rule.by_hour
    minute = rule.unit is Unit.HOURLY or not rule.by_minute or wall.minute in rule.by_minute
    return hour and minute and (rule.unit < Unit.SECONDLY or not rule.by_second or wall.second in rule.by_second)


def _in_step(rule: Rule, wall: datetime, start: datetime) -> list[datetime]:
    """The parts that are shorter than the unit widen it."""
    minutes = (rule.by_minute or (start.minute,)) if rule.unit is Unit.HOURLY else (wall.minute,)
    seconds = (rule.by_second or (start.second,)) if rule.unit < Unit.SECONDLY else (wall.second,)
    return [wall.replace(minute=minute, second=min(second, 59)) for minute, second in product(minutes, seconds)]


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())
