"""Which days of a period a rule picks (RFC 5545 3.3.10, table of BYxxx parts)."""

import calendar
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from providers.formats.recurrence.rule import Rule, Unit

DayTest = Callable[[date], bool]


def with_implied_days(rule: Rule, start: date) -> Rule:
    """The rule with what it leaves to its start made explicit: the day, the weekday or the month."""
    if rule.by_year_day or rule.by_month_day or rule.by_day:
        return rule
    if rule.unit is Unit.WEEKLY or (rule.unit is Unit.YEARLY and rule.by_week_no):
        return rule.but(by_day=((0, start.weekday()),))
    if rule.unit is Unit.YEARLY:
        return rule.but(by_month=rule.by_month or (start.month,), by_month_day=(start.day,))
    return rule.but(by_month_day=(start.day,)) if rule.unit is Unit.MONTHLY else rule


def day_test(rule: Rule) -> DayTest:
    """Whether a day passes every BYxxx part that speaks of days."""
    tests: list[DayTest] = []
    if rule.by_month:
        months = frozenset(rule.by_month)
        tests.append(lambda day: day.month in months)
    if rule.by_week_no:
        weeks = frozenset(rule.by_week_no)
        tests.append(lambda day: not weeks.isdisjoint(_week_numbers(day, rule.week_start)))
    if rule.by_year_day:
        tests.append(_counted(rule.by_year_day, lambda day: (day.timetuple().tm_yday, _year_length(day.year))))
    if rule.by_month_day:
        tests.append(_counted(rule.by_month_day, lambda day: (day.day, _month_length(day))))
    if rule.by_day:
        tests.append(_weekday_test(rule))
    return lambda day: all(test(day) for test in tests)


def _counted(numbers: tuple[int, ...], position: Callable[[date], tuple[int, int]]) -> DayTest:
    """Days counted from the start of their period or, by negative numbers, from its end."""
    wanted = frozenset(numbers)

    def test(day: date) -> bool:
        number, length = position(day)
        return number in wanted or number - length - 1 in wanted

    return test


def _weekday_test(rule: Rule) -> DayTest:
    """A number counts within the month, or within the year where neither unit nor part speaks of months; where the unit
    has no such counting it is ignored."""
    counts = rule.unit <= Unit.MONTHLY and not rule.by_week_no
    monthly = rule.unit is Unit.MONTHLY or bool(rule.by_month)
    every = frozenset(weekday for nth, weekday in rule.by_day if not nth or not counts)
    nth_days = frozenset(pair for pair in rule.by_day if pair[0])

    def test(day: date) -> bool:
        weekday = day.weekday()
        if weekday in every or not counts or not nth_days:
            return weekday in every
        number = day.day if monthly else day.timetuple().tm_yday
        left = (_month_length(day) if monthly else _year_length(day.year)) - number
        return ((number - 1) // 7 + 1, weekday) in nth_days or (-(left // 7) - 1, weekday) in nth_days

    return test


def _week_numbers(day: date, week_start: int) -> set[int]:
    """The number of the day's week, counted from either end of the year that the week belongs to: the one that has at
    least four of its days."""
    first = day - timedelta(days=(day.weekday() - week_start) % 7)
    year = (first + timedelta(days=3)).year if first.year < date.max.year else first.year
    number = (first - _first_week(year, week_start)).days // 7 + 1
    weeks = 53 if _has_53_weeks(year, week_start) else 52
    return {number, number - weeks - 1}


def _first_week(year: int, week_start: int) -> date:
    fourth = date(year, 1, 4)  # always lies in the first week
    return fourth - timedelta(days=(fourth.weekday() - week_start) % 7)


def _has_53_weeks(year: int, week_start: int) -> bool:
    return year < date.max.year and (_first_week(year + 1, week_start) - _first_week(year, week_start)).days > 52 * 7


def _year_length(year: int) -> int:
    return 366 if calendar.isleap(year) else 365


def _month_length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def days_of(rule: Rule, first: date) -> Iterator[date]:
    """The days of the period that begins on `first`, as far as dates go; months that cannot match are left out."""
    if rule.unit is Unit.YEARLY and rule.by_month:
        for month in rule.by_month:
            begin = date(first.year, month, 1)
            yield from _days(begin, _month_length(begin))
        return
    length = {Unit.YEARLY: _year_length(first.year), Unit.MONTHLY: _month_length(first), Unit.WEEKLY: 7}
    yield from _days(first, length.get(rule.unit, 1))


def _days(first: date, length: int) -> Iterator[date]:
    begin = first.toordinal()
    return map(date.fromordinal, range(begin, min(begin + length, date.max.toordinal())))
