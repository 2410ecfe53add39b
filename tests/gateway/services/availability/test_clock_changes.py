"""Slots where the clock is put forward or back, by an hour, half of one, or a day."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.services.availability.members import Member
from gateway.services.availability.slots import slots
from tests.gateway.services.availability.days import BERLIN, ME, at, hours, rules, starts


def test_a_skipped_hour_has_no_slots_and_the_next_is_full() -> None:
    work = hours(BERLIN, "01:00-05:00")
    assert starts(rules(BERLIN), "2024-03-31 00:00", "2024-04-01 00:00", hours=work) == [
        "31 01:00",
        "31 03:00",
        "31 04:00",
    ]


def test_a_slot_across_the_gap_has_its_full_length() -> None:
    work = hours(BERLIN, "01:30-03:30")  # 60 minutes in that night
    found = starts(rules(BERLIN, 60, step_minutes=30), "2024-03-31 00:00", "2024-04-01 00:00", hours=work)
    assert found == ["31 01:30"]


def test_hours_wholly_in_the_gap_are_none() -> None:
    found = starts(
        rules(BERLIN, 5, step_minutes=5), "2024-03-31 00:00", "2024-03-31 12:00", hours=hours(BERLIN, "02:00-03:00")
    )
    assert found == []


def test_an_hour_that_comes_twice_is_offered_twice() -> None:
    work = hours(BERLIN, "02:00-04:00")
    assert starts(rules(BERLIN), "2024-10-27 00:00", "2024-10-28 00:00", hours=work) == [
        "27 02:00",
        "27 02:00",
        "27 03:00",
    ]


def test_hours_that_end_within_an_overlap_end_both_times() -> None:
    work = hours(BERLIN, "01:00-02:30")
    found = starts(rules(BERLIN, 30, step_minutes=30), "2024-10-27 00:00", "2024-10-28 00:00", hours=work)
    assert found == ["27 01:00", "27 01:30", "27 02:00", "27 02:00"]


@pytest.mark.parametrize(("evening", "expected"), [("2024-03-30", 7), ("2024-10-26", 9), ("2024-07-01", 8)])
def test_night_shifts_have_seven_or_nine_hours(evening: str, expected: int) -> None:
    day = date.fromisoformat(evening)
    work = hours(BERLIN, "22:00-06:00", days=[day.weekday()])
    found = starts(rules(BERLIN), f"{evening} 12:00", f"{day + timedelta(days=2)} 12:00", hours=work)
    assert len(found) == expected


def test_lord_howe_moves_by_half_an_hour() -> None:
    zone = "Australia/Lord_Howe"
    work = hours(zone, "01:00-04:00")
    spring = starts(rules(zone, 30, step_minutes=30), "2024-10-06 00:00", "2024-10-06 12:00", hours=work)
    assert spring == ["06 01:00", "06 01:30", "06 02:30", "06 03:00", "06 03:30"]
    autumn = starts(rules(zone, 30, step_minutes=30), "2024-04-07 00:00", "2024-04-07 12:00", hours=work)
    assert autumn == ["07 01:00", "07 01:30", "07 01:30", "07 02:00", "07 02:30", "07 03:00", "07 03:30"]
    assert starts(rules(zone), "2024-10-06 00:00", "2024-10-06 12:00", hours=work) == ["06 01:00", "06 03:00"]


def test_samoa_has_no_slots_on_the_day_that_was_not() -> None:
    zone = "Pacific/Apia"
    found = starts(rules(zone), "2011-12-29 20:00", "2011-12-31 03:00", hours=hours(zone, "00:00-24:00"))
    assert found == ["29 20:00", "29 21:00", "29 22:00", "29 23:00", "31 00:00", "31 01:00", "31 02:00"]


def test_kwajalein_lived_a_day_twice_and_lost_one() -> None:
    zone, work = "Pacific/Kwajalein", hours("Pacific/Kwajalein", "10:00-11:00")
    first = at("UTC", "1969-09-28 12:00")
    found = slots(rules(zone), ME, [Member(1, hours=work)], (first, first + 4 * 86_400), -(2**40))
    dates = [datetime.fromtimestamp(slot.start, ZoneInfo(zone)).day for slot in found]
    assert dates == [29, 30, 30, 1]  # the 30th came again, from 01:00
    lost = starts(rules(zone), "1993-08-20 00:00", "1993-08-23 00:00", hours=work)
    assert lost == ["20 10:00", "22 10:00"]


def test_a_night_shift_into_the_day_that_was_not_ends_at_midnight() -> None:
    zone = "Pacific/Apia"
    work = hours(zone, "22:00-02:00", days=[3])  # Thursday the 29th; Friday never came
    assert starts(rules(zone), "2011-12-29 00:00", "2011-12-31 12:00", hours=work) == ["29 22:00", "29 23:00"]


def test_days_without_a_midnight() -> None:
    work = hours("America/Sao_Paulo", "00:00-02:00", "23:00-24:00")
    found = starts(rules("America/Sao_Paulo"), "2018-11-03 22:00", "2018-11-04 04:00", hours=work)
    assert found == ["03 23:00", "04 01:00"]


def test_midnight_that_comes_twice() -> None:
    work = hours("America/Havana", "23:00-01:00")
    assert starts(rules("America/Havana"), "2024-11-02 22:00", "2024-11-03 04:00", hours=work) == [
        "02 23:00",
        "03 00:00",
        "03 00:00",
    ]
