"""RRULE <-> the contract's simple pattern.

What the pattern cannot say, and `NotSimple` names: several rules, added dates, excluded rules, excluded dates together
with a count (is the count before or after them?), numbers such as the fifth Friday or the second last day, several days
of a month, several months, times of day, week and year days, units below a day. Both ways, day 31 skips months that are
shorter, as RRULE has it; providers that move it to the last day convert that themselves.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, tzinfo

from providers.base.errors import Invalid
from providers.formats.recurrence.rule import Rule, Unit
from providers.formats.recurrence.series import MAX_COUNT, Series
from providers.formats.recurrence.wall import moment, wall_of
from schemas.recurrence import (
    Frequency,
    Instance,
    RangeType,
    RecurrenceSimplePattern,
    RecurrenceSimpleRange,
    WeekStart,
)
from schemas.when import DayOfWeek

_DAYS = tuple(DayOfWeek)  # Monday first, like `Rule.by_day`
_NTH = {1: Instance.FIRST, 2: Instance.SECOND, 3: Instance.THIRD, 4: Instance.FOURTH, -1: Instance.LAST}
_NUMBER = {instance: number for number, instance in _NTH.items()}
_WEEK_STARTS = {0: WeekStart.MONDAY, 6: WeekStart.SUNDAY}
_PATH = "recurrence.simple"


class NotSimple(ValueError):
    """The simple pattern cannot say this; the message names what it lacks."""


def pattern_of(series: Series) -> RecurrenceSimplePattern:
    """The pattern of a series. Raises `NotSimple`."""
    if len(series.rules) != 1 or series.added or series.excluded_rules or series.excluded_days:
        raise NotSimple("several rules, or dates added to the rule")
    rule = series.rules[0]
    if rule.count is not None and series.excluded:
        raise NotSimple("a count together with excluded dates")
    if (
        rule.by_hour
        or rule.by_minute
        or rule.by_second
        or rule.by_week_no
        or rule.by_year_day
        or rule.unit > Unit.DAILY
    ):
        raise NotSimple("times of day, week numbers, days of the year, or a unit shorter than a day")
    return _READERS[rule.unit](rule, series.start)


def _daily(rule: Rule, start: date) -> RecurrenceSimplePattern:
    if rule.interval == 1 and rule.by_day and not rule.by_month_day:
        return _weekly(rule.but(unit=Unit.WEEKLY), start)  # the same days
    _none_of(rule.by_day, rule.by_month_day, rule.by_month, rule.by_set_pos)
    return RecurrenceSimplePattern(frequency=Frequency.DAILY, interval=rule.interval)


def _weekly(rule: Rule, start: date) -> RecurrenceSimplePattern:
    _none_of(rule.by_month_day, rule.by_month, rule.by_set_pos)
    days = sorted({day for _, day in rule.by_day}) or [start.weekday()]
    week_start = _WEEK_STARTS.get(rule.week_start)
    if week_start is None and rule.interval > 1:
        raise NotSimple("weeks that begin neither on Monday nor on Sunday")
    return RecurrenceSimplePattern(
        frequency=Frequency.WEEKLY,
        interval=rule.interval,
        days_of_week=[_DAYS[day] for day in days],
        week_start=week_start or WeekStart.MONDAY,
    )


def _monthly(rule: Rule, start: date) -> RecurrenceSimplePattern:
    _none_of(rule.by_month)
    if rule.by_day:
        return _relative(rule, Frequency.MONTHLY_RELATIVE, None)
    return RecurrenceSimplePattern(
        frequency=Frequency.MONTHLY, interval=rule.interval, day_of_month=_month_day(rule, start)
    )


def _yearly(rule: Rule, start: date) -> RecurrenceSimplePattern:
    if len(rule.by_month) > 1 or (not rule.by_month and (rule.by_day or rule.by_month_day)):
        raise NotSimple("several months in a year, or days counted over the whole year")
    month = rule.by_month[0] if rule.by_month else start.month
    if rule.by_day:
        return _relative(rule, Frequency.YEARLY_RELATIVE, month)
    return RecurrenceSimplePattern(
        frequency=Frequency.YEARLY,
        interval=rule.interval,
        day_of_month=_month_day(rule, start),
        month_of_year=month,
    )


_READERS = {Unit.DAILY: _daily, Unit.WEEKLY: _weekly, Unit.MONTHLY: _monthly, Unit.YEARLY: _yearly}


def _none_of(*parts: Sequence[object]) -> None:
    if any(parts):
        raise NotSimple("months, days of the month or positions that limit the rule further")


def _month_day(rule: Rule, start: date) -> int:
    days = rule.by_month_day or (start.day,)
    if len(days) > 1 or days[0] < 1 or rule.by_set_pos:
        raise NotSimple("several days of a month, or days counted from its end")
    return days[0]


def _relative(rule: Rule, frequency: Frequency, month: int | None) -> RecurrenceSimplePattern:
    numbers = {nth for nth, _ in rule.by_day}
    if len(rule.by_day) == 1 and not rule.by_set_pos:
        number = numbers.pop()
    elif numbers == {0} and len(rule.by_set_pos) == 1:
        number = rule.by_set_pos[0]
    else:
        raise NotSimple("several numbered weekdays")
    if number not in _NTH or rule.by_month_day:
        raise NotSimple("weekdays other than the first to fourth and the last")
    return RecurrenceSimplePattern(
        frequency=frequency,
        interval=rule.interval,
        days_of_week=[_DAYS[day] for _, day in rule.by_day],
        month_of_year=month,
        instance=_NTH[number],
    )


def range_of(series: Series) -> RecurrenceSimpleRange:
    """How the first rule of a series ends; the caller adds its start and the excluded dates."""
    rule = series.rules[0]
    if rule.count is not None:
        return RecurrenceSimpleRange(type=RangeType.BY_COUNT, count=rule.count)
    if rule.until is None:
        return RecurrenceSimpleRange(type=RangeType.UNBOUNDED)
    return RecurrenceSimpleRange(type=RangeType.BY_DATE, recurrence_end=_last_day(rule.until, series))


def _last_day(until: date, series: Series) -> date:
    """The last day on which an occurrence may start."""
    if not isinstance(until, datetime):
        return until
    start = series.start
    wall = wall_of(until, series.zone) if until.tzinfo is not None and isinstance(start, datetime) else until
    early = isinstance(start, datetime) and wall.time().replace(tzinfo=None) < start.time()
    return date.fromordinal(wall.toordinal() - 1) if early else wall.date()


def rule_of(pattern: RecurrenceSimplePattern, span: RecurrenceSimpleRange | None, start: date, zone: tzinfo) -> Rule:
    """The rule of a pattern that a caller hands in; what it leaves out comes from `start`. Raises `Invalid`."""
    if pattern.frequency is None:
        raise Invalid("is missing", path=f"{_PATH}.pattern.frequency")
    unit, relative = _UNITS[pattern.frequency]
    rule = Rule(unit, pattern.interval, week_start=6 if pattern.week_start is WeekStart.SUNDAY else 0)
    if unit is Unit.YEARLY:
        rule = rule.but(by_month=(pattern.month_of_year or start.month,))
    if relative:
        rule = _with_nth(rule, pattern, start)
    elif unit is Unit.WEEKLY:
        days = sorted({_DAYS.index(day) for day in pattern.days_of_week or ()}) or [start.weekday()]
        rule = rule.but(by_day=tuple((0, day) for day in days))
    elif unit <= Unit.MONTHLY:
        rule = rule.but(by_month_day=(pattern.day_of_month or start.day,))
    return _limited(rule, span or RecurrenceSimpleRange(), start, zone)


_UNITS = {
    Frequency.DAILY: (Unit.DAILY, False),
    Frequency.WEEKLY: (Unit.WEEKLY, False),
    Frequency.MONTHLY: (Unit.MONTHLY, False),
    Frequency.MONTHLY_RELATIVE: (Unit.MONTHLY, True),
    Frequency.YEARLY: (Unit.YEARLY, False),
    Frequency.YEARLY_RELATIVE: (Unit.YEARLY, True),
}


def _with_nth(rule: Rule, pattern: RecurrenceSimplePattern, start: date) -> Rule:
    """Several weekdays mean the first (second, ...) day that is one of them."""
    days = sorted({_DAYS.index(day) for day in pattern.days_of_week or ()}) or [start.weekday()]
    if pattern.instance is None:
        raise Invalid("is missing", path=f"{_PATH}.pattern.instance")
    number = _NUMBER[pattern.instance]
    if len(days) == 1:
        return rule.but(by_day=((number, days[0]),))
    return rule.but(by_day=tuple((0, day) for day in days), by_set_pos=(number,))


def _limited(rule: Rule, span: RecurrenceSimpleRange, start: date, zone: tzinfo) -> Rule:
    if span.type is RangeType.BY_COUNT or (span.type is None and span.count):
        if span.count is None:
            raise Invalid("is missing", path=f"{_PATH}.range.count")
        if span.count > MAX_COUNT:
            raise Invalid(f"the largest count is {MAX_COUNT}", path=f"{_PATH}.range.count")
        return rule.but(count=span.count)
    if span.type is RangeType.BY_DATE or (span.type is None and span.recurrence_end):
        if span.recurrence_end is None:
            raise Invalid("is missing", path=f"{_PATH}.range.recurrenceEnd")
        return rule.but(until=until_of(span.recurrence_end, start, zone))
    return rule


def until_of(day: date, start: date, zone: tzinfo) -> date:
    """UNTIL for a last day: a date for a series of days, else the end of that day in the zone, written in UTC."""
    first = start.date() if isinstance(start, datetime) else start
    if day < first:
        raise Invalid("is before the start", path=f"{_PATH}.range.recurrenceEnd")
    if not isinstance(start, datetime):
        return day
    return moment(datetime.combine(day, time(23, 59, 59)), zone).astimezone(UTC)
