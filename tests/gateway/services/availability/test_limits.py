"""Notice, start, end, and how long a profile is available."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from gateway.services.availability.periods import Period
from gateway.services.availability.rules import Rules
from tests.gateway.services.availability.days import (
    BERLIN,
    DAY,
    OPEN,
    at,
    hours,
    rules,
    starts,
)


def test_an_hours_notice_unless_said_otherwise() -> None:
    now = at(BERLIN, "2024-07-01 09:00")
    assert Rules(ZoneInfo(BERLIN), 30).start_after_minutes == 60
    assert starts(rules(BERLIN), *DAY, now=now, hours=OPEN) == ["01 10:00", "01 11:00", "01 12:00"]
    assert starts(rules(BERLIN), *DAY, now=now + 1, hours=OPEN) == ["01 11:00", "01 12:00"]
    assert starts(rules(BERLIN, start_after_minutes=0), *DAY, now=now, hours=OPEN)[0] == "01 09:00"


def test_a_start_in_the_past_means_now_an_end_in_the_past_no_slots() -> None:
    now = at(BERLIN, "2024-07-01 10:30")
    past = rules(BERLIN, start=now - 86_400, start_after_minutes=0)
    assert starts(past, *DAY, now=now, hours=OPEN) == ["01 11:00", "01 12:00"]
    assert starts(replace(past, end=now - 1), *DAY, now=now, hours=OPEN) == []


def test_slots_lie_within_start_and_end() -> None:
    given = rules(BERLIN, start=at(BERLIN, "2024-07-01 09:00"), end=at(BERLIN, "2024-07-01 11:00"))
    assert starts(given, *DAY, hours=OPEN) == ["01 09:00", "01 10:00"]
    assert starts(replace(given, end=given.end - 1 if given.end else None), *DAY, hours=OPEN) == ["01 09:00"]


def test_available_for_counts_from_the_start_or_from_now_and_the_earlier_end_wins() -> None:
    work, week = hours(BERLIN, "09:00-10:00"), ("2024-07-01 00:00", "2024-07-31 00:00")
    now = at(BERLIN, "2024-07-02 12:00")
    given = rules(BERLIN, available_for=Period(days=3))
    assert starts(given, *week, now=now, hours=work) == ["03 09:00", "04 09:00", "05 09:00"]
    past = replace(given, start=now - 40 * 86_400)
    assert starts(past, *week, now=now, hours=work) == ["03 09:00", "04 09:00", "05 09:00"]
    later = replace(given, start=at(BERLIN, "2024-07-20 00:00"))
    assert starts(later, *week, now=now, hours=work) == ["20 09:00", "21 09:00", "22 09:00"]
    ended = replace(later, end=at(BERLIN, "2024-07-21 00:00"))
    assert starts(ended, *week, now=now, hours=work) == ["20 09:00"]
