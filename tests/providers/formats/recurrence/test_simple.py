"""RRULE and the simple pattern say the same, both ways, or the pattern is not offered."""

from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from providers.base.errors import Invalid
from providers.formats.recurrence.rule import Rule, Unit, parse, write
from providers.formats.recurrence.series import Series
from providers.formats.recurrence.simple import NotSimple, pattern_of, range_of, rule_of
from schemas.recurrence import (
    Frequency,
    Instance,
    RangeType,
    RecurrenceSimplePattern,
    RecurrenceSimpleRange,
    WeekStart,
)
from schemas.when import DayOfWeek
from tests.providers.formats.recurrence.strategies import ZONES, dates, limited, rules, walls

_zones = st.sampled_from(ZONES).map(ZoneInfo)


@st.composite
def patterns(draw: st.DrawFn) -> RecurrenceSimplePattern:
    frequency = draw(st.sampled_from(list(Frequency)))
    relative = frequency in (Frequency.MONTHLY_RELATIVE, Frequency.YEARLY_RELATIVE)
    weekly = frequency is Frequency.WEEKLY
    days = draw(st.sets(st.sampled_from(list(DayOfWeek)), min_size=1)) if relative or weekly else None
    return RecurrenceSimplePattern(
        frequency=frequency,
        interval=draw(st.integers(1, 12)),
        days_of_week=[day for day in DayOfWeek if day in days] if days else None,
        week_start=draw(st.sampled_from(list(WeekStart))) if weekly else None,
        day_of_month=draw(st.integers(1, 31)) if frequency in (Frequency.MONTHLY, Frequency.YEARLY) else None,
        month_of_year=draw(st.integers(1, 12)) if frequency.value.startswith("yearly") else None,
        instance=draw(st.sampled_from(list(Instance))) if relative else None,
    )


@settings(max_examples=300, deadline=None)
@given(patterns(), dates | walls, _zones, st.data())
def test_a_pattern_survives_as_a_rule(
    pattern: RecurrenceSimplePattern, start: date, zone: ZoneInfo, data: st.DataObject
) -> None:
    first = start.date() if isinstance(start, datetime) else start
    span = data.draw(
        st.one_of(
            st.just(RecurrenceSimpleRange(type=RangeType.UNBOUNDED)),
            st.integers(1, 10_000).map(lambda count: RecurrenceSimpleRange(type=RangeType.BY_COUNT, count=count)),
            st.integers(0, 5000).map(
                lambda days: RecurrenceSimpleRange(type=RangeType.BY_DATE, recurrence_end=first + timedelta(days=days))
            ),
        )
    )
    rule = parse(write(rule_of(pattern, span, start, zone)))
    series = Series(start, zone, (rule,))
    assert pattern_of(series) == pattern
    assert range_of(series) == span


@settings(max_examples=400, deadline=None)
@given(st.booleans(), _zones, st.data())
def test_a_rule_that_has_a_pattern_means_the_same(timed: bool, zone: ZoneInfo, data: st.DataObject) -> None:
    start = data.draw(walls if timed else dates)
    rule = data.draw(limited(data.draw(rules(timed=timed)), start))
    series = Series(start, zone, (rule,))
    try:
        pattern = pattern_of(series)
    except NotSimple:
        assume(False)
        return
    span = range_of(series)
    first = start.date() if isinstance(start, datetime) else start
    assume(span.recurrence_end is None or span.recurrence_end >= first)
    again = Series(start, zone, (rule_of(pattern, span, start, zone),))
    end = start + timedelta(days=1500)
    assert list(islice(series.between(start, end), 200)) == list(islice(again.between(start, end), 200))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MONTHLY;BYDAY=5FR", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYMONTHDAY=1,15", "FREQ=YEARLY;BYDAY=9MO",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "FREQ=DAILY;BYHOUR=8,12", "FREQ=HOURLY", "FREQ=YEARLY;BYMONTH=1,7",
        "FREQ=DAILY;INTERVAL=2;BYDAY=MO", "FREQ=WEEKLY;INTERVAL=2;WKST=WE", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    ],
)  # fmt: skip
def test_what_the_pattern_cannot_say_is_not_said(rule: str) -> None:
    with pytest.raises(NotSimple):
        pattern_of(Series(datetime(2026, 1, 5, 9), rules=(parse(rule),)))


def test_added_and_counted_excluded_dates_are_not_simple() -> None:
    start, other = datetime(2026, 1, 5, 9), datetime(2026, 1, 6, 9)
    daily = Rule(Unit.DAILY)
    assert pattern_of(Series(start, rules=(daily,), excluded=frozenset({other}))).frequency is Frequency.DAILY
    for series in (
        Series(start, rules=(daily,), added=(other,)),
        Series(start, rules=(daily, daily)),
        Series(start, rules=(daily.but(count=3),), excluded=frozenset({other})),
    ):
        with pytest.raises(NotSimple):
            pattern_of(series)


def test_working_days_are_a_week() -> None:
    series = Series(datetime(2026, 1, 5, 9), rules=(parse("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR"),))
    assert pattern_of(series).frequency is Frequency.WEEKLY
    assert pattern_of(series).days_of_week == list(DayOfWeek)[:5]


def test_an_end_before_the_time_of_the_start_is_the_day_before() -> None:
    rule = parse("FREQ=DAILY;UNTIL=20260110T080000Z")  # 09:00 in Berlin, before the start at 10:00
    series = Series(datetime(2026, 1, 5, 10), ZoneInfo("Europe/Berlin"), (rule,))
    assert range_of(series).recurrence_end == date(2026, 1, 9)


@pytest.mark.parametrize(
    ("pattern", "span", "path"),
    [
        ({}, {}, "recurrence.simple.pattern.frequency"),
        ({"frequency": "monthlyRelative"}, {}, "recurrence.simple.pattern.instance"),
        ({"frequency": "daily"}, {"type": "byCount"}, "recurrence.simple.range.count"),
        ({"frequency": "daily"}, {"type": "byCount", "count": 10**9}, "recurrence.simple.range.count"),
        ({"frequency": "daily"}, {"type": "byDate"}, "recurrence.simple.range.recurrenceEnd"),
        ({"frequency": "daily"}, {"recurrenceEnd": "2025-01-01"}, "recurrence.simple.range.recurrenceEnd"),
    ],
)
def test_a_pattern_that_lacks_something_names_it(pattern: object, span: object, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        rule_of(
            RecurrenceSimplePattern.model_validate(pattern),
            RecurrenceSimpleRange.model_validate(span),
            datetime(2026, 1, 5, 9),
            ZoneInfo("Europe/Berlin"),
        )
    assert caught.value.path == path
