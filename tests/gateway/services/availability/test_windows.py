"""Periods, and pages of slots by date."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from gateway.services.availability.members import Member
from gateway.services.availability.periods import Period, date_after, moment_after, period
from gateway.services.availability.rules import Rules
from gateway.services.availability.slots import slots
from gateway.services.availability.windows import LONGEST, window
from providers.base.errors import Invalid
from tests.gateway.services.availability.days import BERLIN, ME, at, hours, rules, shown

NOW = at(BERLIN, "2024-07-01 12:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P4W", Period(days=28)),
        ("30D", Period(days=30)),
        ("p30d", Period(days=30)),
        (" 2W ", Period(days=14)),
        ("P1Y2M10D", Period(months=14, days=10)),
        ("PT36H", Period(seconds=129_600)),
        ("T90M", Period(seconds=5400)),
        ("P1DT12H", Period(days=1, seconds=43_200)),
        ("PT1S", Period(seconds=1)),
    ],
)
def test_periods(text: str, expected: Period) -> None:
    assert period(text) == expected


NONE = ("", "P", "PT", "T", "30", "P0D", "-P1D", "P-1D", "P1DT", "1.5D", "D30", "P1H", "٣D", "P9999999999Y", "P101Y")


@pytest.mark.parametrize("text", NONE)
def test_no_periods(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        period(text, "timeAvailableFor")
    assert caught.value.path == "timeAvailableFor"


def test_periods_run_on_the_wall_clock_and_hours_are_elapsed() -> None:
    zone, noon = ZoneInfo(BERLIN), at(BERLIN, "2024-03-30 12:00")
    moments = [moment_after(zone, noon, period(text)) for text in ("P1D", "PT24H", "P1DT24H", "P1M")]
    assert shown(BERLIN, moments) == ["31 12:00", "31 13:00", "01 12:00", "30 12:00"]


def test_a_period_into_a_gap_and_into_an_overlap() -> None:
    zone = ZoneInfo(BERLIN)
    gap = moment_after(zone, at(BERLIN, "2024-03-30 02:30"), Period(days=1))
    assert gap == at("UTC", "2024-03-31 01:30")
    assert moment_after(zone, at(BERLIN, "2024-10-26 02:30"), Period(days=1)) == at(BERLIN, "2024-10-27 02:30", fold=0)
    apia = moment_after(ZoneInfo("Pacific/Apia"), at("Pacific/Apia", "2011-12-29 12:00"), Period(days=1))
    assert shown("Pacific/Apia", [apia]) == ["31 12:00"]


def test_months_end_where_they_end() -> None:
    assert date_after(date(2024, 1, 31), Period(months=1)) == date(2024, 2, 29)
    assert date_after(date(2023, 12, 31), Period(months=2, days=1)) == date(2024, 3, 1)
    assert date_after(date(2024, 7, 1), Period(seconds=1)) == date(2024, 7, 2)
    assert date_after(date(2024, 7, 1), Period(days=1, seconds=86_400)) == date(2024, 7, 3)


@pytest.mark.parametrize("length", [Period(months=12 * 9000), Period(days=999_999 * 7)])
def test_periods_beyond_the_calendar(length: Period) -> None:
    with pytest.raises(Invalid):
        moment_after(ZoneInfo(BERLIN), NOW, length)
    with pytest.raises(Invalid):
        date_after(date(2024, 7, 1), length)


def _dates(rules: Rules, first: str | None, length: str | None, now: int = NOW) -> tuple[date, list[str], date | None]:
    found = window(rules, now, first and date.fromisoformat(first), length and period(length))
    return found.first, shown(rules.zone.key, found.span), found.next


def test_a_window_of_whole_dates_and_where_the_next_one_begins() -> None:
    assert _dates(rules(BERLIN), "2024-07-03", "P1W") == (date(2024, 7, 3), ["03 00:00", "10 00:00"], date(2024, 7, 10))
    assert _dates(rules(BERLIN), "2024-07-03", "PT1H")[2] == date(2024, 7, 4)


def test_the_first_window_begins_with_the_first_slot_that_can_be() -> None:
    assert _dates(rules(BERLIN), None, "P1D")[0] == date(2024, 7, 1)
    assert _dates(rules(BERLIN, start_after_minutes=720), None, "P1D")[0] == date(2024, 7, 2)
    assert _dates(rules(BERLIN, start=at(BERLIN, "2024-09-01 15:00")), None, "P1D")[0] == date(2024, 9, 1)
    # 12:00 in Berlin is the evening of the same day there, and the next morning on Kiritimati
    assert _dates(rules("Pacific/Kiritimati"), None, "P1D")[0] == date(2024, 7, 2)


def test_without_a_length_all_that_can_be_had_is_one_page() -> None:
    month = rules(BERLIN, available_for=period("P4W"))
    assert _dates(month, None, None)[2] is None
    assert _dates(rules(BERLIN), "2024-07-01", None)[2] == date_after(date(2024, 7, 1), Period(days=LONGEST))
    assert _dates(rules(BERLIN), "2024-07-01", "P5Y")[2] == date_after(date(2024, 7, 1), Period(days=LONGEST))


def test_no_next_window_when_no_slot_can_come() -> None:
    end = at(BERLIN, "2024-07-08 00:00")
    assert _dates(rules(BERLIN, end=end), "2024-07-01", "P6D")[2] == date(2024, 7, 7)
    assert _dates(rules(BERLIN, end=end), "2024-07-01", "P7D")[2] is None
    assert _dates(rules(BERLIN, end=end + 3599), "2024-07-01", "P7D")[2] is None
    assert _dates(rules(BERLIN, end=end + 3600), "2024-07-01", "P7D")[2] == date(2024, 7, 8)
    assert _dates(rules(BERLIN, end=NOW - 1), None, None)[2] is None


def test_dates_that_no_calendar_reaches() -> None:
    for first in (date.max, date.min):
        with pytest.raises(Invalid):
            window(rules(BERLIN), NOW, first, Period(days=1))


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("Pacific/Apia", "2011-12-27", "2012-01-03"),
        ("America/Havana", "2024-11-01", "2024-11-06"),
        ("America/St_Johns", "1988-10-28", "1988-11-02"),
        ("America/Sao_Paulo", "2018-11-02", "2018-11-07"),
        ("Australia/Lord_Howe", "2024-04-05", "2024-04-10"),
    ],
)
def test_pages_give_every_slot_once(zone: str, first: str, last: str) -> None:
    given = rules(zone, 90, step_minutes=15, end=at(zone, f"{last} 00:00"), hours=hours(zone, "21:00-03:00"))
    now = at(zone, f"{first} 00:00")
    whole = window(given, now, date.fromisoformat(first))
    pages, follow = [], whole.first
    while follow is not None:
        page = window(given, now, follow, period("P1D"))
        assert page.next is None or page.next > page.first
        pages += slots(given, ME, [Member(1)], page.span, now)
        follow = page.next
    assert pages == slots(given, ME, [Member(1)], whole.span, now)
    assert len({slot.start for slot in pages}) == len(pages) > 50
