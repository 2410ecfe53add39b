"""Starts equal those of dateutil wherever dateutil follows RFC 5545, and the RFC's own examples wherever not."""

import time
from datetime import date, datetime, timedelta
from itertools import islice

import pytest
from dateutil import rrule as dateutil
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from providers.base.errors import Invalid
from providers.formats.recurrence.expand import MAX_COUNTED, starts
from providers.formats.recurrence.rule import Rule, Unit, parse, write
from tests.providers.formats.recurrence.strategies import dates, rules, walls

_END = datetime(9999, 1, 1)
_FORTNIGHTLY = "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU"


def _dateutil(rule: Rule, start: datetime, after: datetime, before: datetime) -> list[datetime]:
    """dateutil forgets the weekday of the start with BYWEEKNO, and wants BYDAY with and without numbers at once (the
    strategy makes neither); with BYSETPOS its first week begins on the day of the start."""
    assume(not (rule.unit is Unit.WEEKLY and rule.by_set_pos))
    try:
        found = dateutil.rrulestr(write(rule), dtstart=start, cache=False)
    except ValueError:  # BYHOUR and an INTERVAL that never meet
        return []
    return list(islice(found.between(after, before - timedelta(seconds=1), inc=True), 3000))


@settings(max_examples=80, deadline=None)
@given(rules(timed=True), walls, st.integers(0, 3000), st.integers(1, 800))
def test_starts_with_times_are_those_of_dateutil(rule: Rule, start: datetime, skipped: int, length: int) -> None:
    after = start + timedelta(days=skipped)
    before = after + timedelta(days=min(length, 20) if rule.unit is Unit.HOURLY else length)
    ours = [wall for wall in islice(starts(rule, start, after, before), 3000) if wall != start]
    assert ours == [wall for wall in _dateutil(rule, start, after, before) if wall != start]


@settings(max_examples=60, deadline=None)
@given(rules(timed=False), dates, st.integers(0, 3000), st.integers(1, 800))
def test_dates_are_those_of_dateutil(rule: Rule, start: date, skipped: int, length: int) -> None:
    after = start + timedelta(days=skipped)
    before = after + timedelta(days=length)
    midnight = datetime.min.time()
    found = _dateutil(rule, *(datetime.combine(day, midnight) for day in (start, after, before)))
    assert [day for day in starts(rule, start, after, before) if day != start] == [
        wall.date() for wall in found if wall.date() != start
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(rules(timed=True, shortest=Unit.DAILY), walls, st.integers(1, 30))
def test_counts_are_those_of_dateutil(rule: Rule, begin: datetime, count: int) -> None:
    """From a start that the rule picks: dateutil does not count another."""
    start = next(starts(rule, begin, begin, begin + timedelta(days=2000), always_first=False), None)
    assume(isinstance(start, datetime))
    assert isinstance(start, datetime)
    before = start + timedelta(days=1500)
    found = _dateutil(rule.but(count=count), start, start, before)
    assert list(starts(rule.but(count=count), start, start, before)) == found


@settings(max_examples=300, deadline=None)
@given(rules(timed=True), walls, st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 400))
def test_a_window_shows_what_the_whole_shows(rule: Rule, start: datetime, first: int, gap: int, length: int) -> None:
    """The jump to the window loses and adds nothing."""
    if rule.unit is Unit.HOURLY:
        first, gap, length = first // 20, gap // 20, length // 20
    after = start + timedelta(days=gap)
    before = after + timedelta(days=length)
    whole = starts(rule, start, start, before)
    assert list(starts(rule, start, after, before)) == [wall for wall in whole if wall >= after]


@settings(max_examples=300, deadline=None)
@given(st.booleans().flatmap(lambda timed: rules(timed=timed)), st.none() | st.integers(1, 10**6), st.none() | walls)
def test_a_rule_survives_writing(rule: Rule, count: int | None, until: datetime | None) -> None:
    rule = rule.but(count=count, until=until)
    assert parse(write(rule)) == rule


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        # dateutil gives all seven days of week 20
        ("FREQ=YEARLY;BYWEEKNO=20;COUNT=3", "1997-05-12", "1997-05-12 1998-05-11 1999-05-17"),
        # dateutil gives nothing
        ("FREQ=MONTHLY;BYDAY=MO,2TU;COUNT=4", "2026-01-05", "2026-01-05 2026-01-12 2026-01-13 2026-01-19"),
        # the second of these days, of the whole first week too
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE;BYSETPOS=2;COUNT=2", "2000-01-04", "2000-01-04 2000-01-11"),
        # the start counts although it does not match
        ("FREQ=MONTHLY;BYMONTHDAY=15;COUNT=3", "2026-01-10", "2026-01-10 2026-01-15 2026-02-15"),
        # days that a month lacks are skipped
        ("FREQ=MONTHLY;COUNT=4", "2026-01-31", "2026-01-31 2026-03-31 2026-05-31 2026-07-31"),
        ("FREQ=YEARLY;COUNT=3", "2024-02-29", "2024-02-29 2028-02-29 2032-02-29"),
        # RFC 5545 3.3.10: the week start matters
        (f"{_FORTNIGHTLY};WKST=MO", "1997-08-05", "1997-08-05 1997-08-10 1997-08-19 1997-08-24"),
        (f"{_FORTNIGHTLY};WKST=SU", "1997-08-05", "1997-08-05 1997-08-17 1997-08-19 1997-08-31"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=4", "1998-02-13", "1998-02-13 1998-03-13 1998-11-13 1999-08-13"),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", "1997-09-04 1997-10-07 1997-11-06"),
        # a number has no meaning within a week
        ("FREQ=WEEKLY;BYDAY=2MO,WE;COUNT=3", "2026-01-07", "2026-01-07 2026-01-12 2026-01-14"),
        ("FREQ=DAILY;UNTIL=20260103", "2026-01-01", "2026-01-01 2026-01-02 2026-01-03"),
    ],
)  # fmt: skip
def test_examples(rule: str, start: str, expected: str) -> None:
    found = starts(parse(rule), date.fromisoformat(start), date.fromisoformat(start), date(2100, 1, 1))
    assert " ".join(day.isoformat() for day in found) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYMONTH=2;BYDAY=MO;BYSETPOS=9",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=2147483647",
        "FREQ=YEARLY;INTERVAL=2147483647",
        "FREQ=SECONDLY;INTERVAL=2147483647",
    ],
)
def test_a_rule_that_never_matches_ends(rule: str) -> None:
    start = datetime(2026, 1, 1)
    begun = time.process_time()
    assert len(list(starts(parse(rule), start, start, _END))) <= 130
    assert time.process_time() - begun < 5  # seconds of CPU; dateutil needs minutes for some


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY;COUNT=1000000000", "FREQ=DAILY;BYHOUR=0,1,2,3,4,5;COUNT=1000000000"])
def test_a_bomb_is_refused(rule: str) -> None:
    with pytest.raises(Invalid, match=str(MAX_COUNTED)):
        list(starts(parse(rule), datetime(2026, 1, 1), datetime(2400, 1, 1), _END))


@pytest.mark.parametrize(
    "text",
    [
        "", "COUNT=3", "FREQ=DAYLY", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;BYMONTHDAY=0", "FREQ=DAILY;BYMONTH=13", "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYDAY=MO\r\nX-EVIL:1", "FREQ=DAILY;RSCALE=CHINESE", "FREQ=YEARLY;BYDAY=54MO",
        "FREQ=DAILY;COUNT=" + "9" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="RRULE"):
        parse(text)
