"""What clocks show: changes of the offset, days that are skipped or begin late, all-day events."""

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from gateway.services.availability.clock import (
    all_day,
    changes,
    midnight,
    moment,
    pieces,
    showing,
    wall,
    zone_named,
)
from providers.base.errors import Invalid
from tests.gateway.services.availability.cases import ZONES
from tests.gateway.services.availability.days import at, shown
from tests.gateway.services.availability.zone_files import offset_changes

HOUR, DAY = 3600, 86_400


def test_no_zone_changes_its_offset_twice_within_the_days_between_two_looks() -> None:
    apart = {
        later[0] - earlier[0]
        for zone in ZONES
        for found in [offset_changes(zone)]
        for earlier, later in pairwise(found)
    }
    assert min(apart) > 2 * DAY


@pytest.mark.parametrize(
    "zone", ["Africa/Casablanca", "America/St_Johns", "Pacific/Apia", "Europe/Dublin", "Asia/Gaza"]
)
def test_changes_are_those_of_the_zone_file(zone: str) -> None:
    start, end = wall(date(1900, 1, 1)), wall(date(2037, 1, 1))
    expected = [change for change in offset_changes(zone) if start <= change[0] < end]
    assert [tuple(change) for change in changes(ZoneInfo(zone), start, end)] == expected


@pytest.mark.long
@pytest.mark.parametrize("zone", ZONES)
def test_changes_of_every_zone_are_those_of_its_file(zone: str) -> None:
    test_changes_are_those_of_the_zone_file(zone)


def test_a_change_belongs_to_the_span_that_begins_with_it() -> None:
    zone, turn = ZoneInfo("Europe/Berlin"), at("UTC", "2024-03-31 01:00")
    assert [change.moment for change in changes(zone, turn, turn + 1)] == [turn]
    assert changes(zone, turn - DAY, turn) == []
    assert [piece.offset for piece in pieces(zone, turn, turn + DAY)] == [2 * HOUR]


def test_a_change_as_utc_begins_a_year_is_found_from_both_sides() -> None:
    zone, turn = ZoneInfo("Africa/Niamey"), at("UTC", "1960-01-01 00:00")
    for start, end in ((turn, turn + DAY), (turn - DAY, turn + 1), (turn, turn + 1)):
        assert changes(zone, start, end) == [(turn, 0, HOUR)]
    assert changes(zone, turn - DAY, turn) == changes(zone, turn + 1, turn + DAY) == []


def test_pieces_of_an_empty_span() -> None:
    assert list(pieces(ZoneInfo("Europe/Berlin"), 100, 100)) == []


def test_showing_a_time_twice_once_and_never() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    autumn, spring = wall(date(2024, 10, 27)), wall(date(2024, 3, 31))
    twice = showing(berlin, autumn + 2 * HOUR, autumn + 2 * HOUR + 1800)
    assert twice == [(first := at("Europe/Berlin", "2024-10-27 02:00"), first + 1800), (first + HOUR, first + 5400)]
    assert showing(berlin, spring + 2 * HOUR, spring + 3 * HOUR) == []
    assert len(showing(berlin, spring + HOUR, spring + 4 * HOUR)) == 1


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Europe/Berlin", date(2024, 3, 31), "31 00:00"),
        ("America/Sao_Paulo", date(2018, 11, 4), "04 01:00"),  # midnight is skipped
        ("Asia/Beirut", date(2024, 3, 31), "31 01:00"),
        ("America/Havana", date(2024, 11, 3), "03 00:00"),  # 00:00 comes twice: the first
        ("America/St_Johns", date(1988, 4, 3), "03 00:00"),  # 00:01 becomes 02:01
        ("Pacific/Apia", date(2011, 12, 30), "31 00:00"),  # the day that was not
        ("Pacific/Apia", date(2011, 12, 31), "31 00:00"),
        ("Pacific/Kwajalein", date(1993, 8, 21), "22 00:00"),
        ("Pacific/Kwajalein", date(1969, 9, 30), "30 00:00"),  # comes twice: the first
    ],
)
def test_where_a_day_begins(zone: str, day: date, begins: str) -> None:
    assert shown(zone, [midnight(ZoneInfo(zone), day)]) == [begins]


def test_newfoundland_went_back_to_the_day_before_a_minute_past_midnight() -> None:
    zone, day = ZoneInfo("America/St_Johns"), date(1988, 10, 30)
    first = midnight(zone, day)
    turn = next(change.moment for change in changes(zone, first, first + DAY))
    assert turn == first + 60
    # the day before: from its midnight, and again from 22:01 (it went two hours back in 1988) until midnight
    assert all_day(zone, date(1988, 10, 29), day) == [(first - DAY, first), (turn, turn + 7140)]
    assert all_day(zone, day, date(1988, 10, 31)) == [(first, turn), (turn + 7140, midnight(zone, date(1988, 10, 31)))]


def test_all_day_events_have_as_many_hours_as_their_days() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    lengths = [
        sum(end - start for start, end in all_day(berlin, first, last)) // HOUR
        for first, last in [
            (date(2024, 3, 31), date(2024, 4, 1)),
            (date(2024, 10, 27), date(2024, 10, 28)),
            (date(2024, 7, 1), date(2024, 7, 3)),
        ]
    ]
    assert lengths == [23, 25, 48]
    assert all_day(ZoneInfo("Pacific/Apia"), date(2011, 12, 30), date(2011, 12, 31)) == []


@pytest.mark.parametrize(
    "name", ["", "Europe", "Europe/Atlantis", "../etc/passwd", "/etc/passwd", "\0", "\udcff", "x" * 9000]
)
def test_no_zone_of_that_name(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        zone_named(name, "workHours.timezone")
    assert caught.value.path == "workHours.timezone"


def test_a_moment_needs_an_offset() -> None:
    with pytest.raises(Invalid):
        moment(datetime(2024, 1, 1))


@pytest.mark.parametrize("at", [-(2**60), 2**60])
def test_moments_outside_of_all_calendars_are_refused(at: int) -> None:
    with pytest.raises(Invalid):
        list(pieces(ZoneInfo("Europe/Berlin"), at, at + DAY))
