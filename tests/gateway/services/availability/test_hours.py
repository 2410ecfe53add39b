"""Work hours: over midnight, touching, of single dates, of profile and member."""

from datetime import date

import pytest

from gateway.services.availability.hours import DatedHours, day_hours
from providers.base.errors import Invalid
from tests.gateway.services.availability.days import BERLIN, WORKDAYS, at, hours, rules, starts


def test_hours_over_midnight_belong_to_the_day_they_begin_on() -> None:
    work = hours(BERLIN, "22:00-02:00", days=[0])
    found = starts(rules(BERLIN), "2024-07-01 00:00", "2024-07-03 00:00", hours=work)
    assert found == ["01 22:00", "01 23:00", "02 00:00", "02 01:00"]


def test_sunday_reaches_into_monday() -> None:
    work = hours(BERLIN, "23:00-01:00", days=[6])
    assert starts(rules(BERLIN), "2024-07-01 00:00", "2024-07-01 12:00", hours=work) == ["01 00:00"]


def test_hours_that_touch_are_one() -> None:
    work = hours(BERLIN, "09:00-10:30", "10:30-12:00")
    assert starts(rules(BERLIN), "2024-07-01 00:00", "2024-07-02 00:00", hours=work) == [
        "01 09:00",
        "01 10:00",
        "01 11:00",
    ]


@pytest.mark.parametrize(
    "text", ["00:00:00-00:00:00", "00:00:00-24:00:00", "00:00:00-23:59:59", "00:00-23:59:59.9999999"]
)
def test_all_day_long(text: str) -> None:
    found = starts(rules(BERLIN), "2024-07-01 00:00", "2024-07-03 00:00", hours=hours(BERLIN, text))
    assert len(found) == 48


@pytest.mark.parametrize("text", ["9:00", "25:00:00", "09:60:00", "", "09:00:00Z", "٠٩:٠٠:٠٠", "-1:00:00"])
def test_no_time_of_day(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        day_hours(text, "17:00:00", "workHours.daySchedules.0.workingIntervals.0")
    assert caught.value.path == "workHours.daySchedules.0.workingIntervals.0.start"


def test_seconds_count() -> None:
    work = hours(BERLIN, "09:00:01-11:00:00")
    assert starts(rules(BERLIN), "2024-07-01 00:00", "2024-07-02 00:00", hours=work) == ["01 10:00"]


def test_dated_hours_replace_the_weeks() -> None:
    dates = (
        DatedHours(date(2024, 7, 2), date(2024, 7, 3), (day_hours("14:00", "15:00"),)),
        DatedHours(date(2024, 7, 3), date(2024, 7, 3), (day_hours("20:00", "21:00"),)),
        DatedHours(date(2024, 7, 4), date(2024, 7, 4), ()),
    )
    work = hours(BERLIN, "09:00-10:00", days=WORKDAYS, dates=dates)
    assert starts(rules(BERLIN), "2024-07-01 00:00", "2024-07-06 00:00", hours=work) == [
        "01 09:00",
        "02 14:00",
        "03 14:00",
        "03 20:00",
        "05 09:00",
    ]


def test_a_closed_date_keeps_the_end_of_the_night_before_and_loses_its_own_night() -> None:
    closed = (DatedHours(date(2024, 7, 2), date(2024, 7, 2), ()),)
    work = hours(BERLIN, "23:00-01:00", dates=closed)
    assert starts(rules(BERLIN), "2024-07-01 12:00", "2024-07-03 12:00", hours=work) == ["01 23:00", "02 00:00"]


def test_the_profiles_hours_and_the_members_both_hold() -> None:
    given = rules(BERLIN, hours=hours(BERLIN, "08:00-11:00"))
    assert starts(given, "2024-07-01 00:00", "2024-07-02 00:00", hours=hours(BERLIN, "10:00-17:00")) == ["01 10:00"]


def test_without_hours_any_time_suits() -> None:
    assert len(starts(rules(BERLIN), "2024-07-01 00:00", "2024-07-02 00:00")) == 24


def test_within_restricts_and_joins() -> None:
    spans = [
        (at(BERLIN, "2024-07-01 10:00"), at(BERLIN, "2024-07-01 11:30")),
        (at(BERLIN, "2024-07-01 11:30"), at(BERLIN, "2024-07-01 12:30")),
    ]
    assert starts(rules(BERLIN), "2024-07-01 00:00", "2024-07-02 00:00", within=spans) == ["01 10:00", "01 11:00"]
