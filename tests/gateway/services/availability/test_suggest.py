"""Times that suit every attendee."""

from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.services.availability.hours import DatedHours, day_hours
from gateway.services.availability.members import Event
from gateway.services.availability.spans import ALWAYS
from gateway.services.availability.suggest import Attendee, Search, suggested
from providers.base.errors import Invalid
from tests.gateway.services.availability.days import BERLIN, OPEN, at, busy, hours, shown

SPAN = (at(BERLIN, "2024-07-01 00:00"), at(BERLIN, "2024-07-02 00:00"))
SEARCH = Search(SPAN, 60, ZoneInfo(BERLIN), step_minutes=60, hours=OPEN)


def between(start: str, end: str) -> tuple[int, int]:
    return at(BERLIN, f"2024-07-01 {start}"), at(BERLIN, f"2024-07-01 {end}")


def found(*attendees: Attendee, **more: Any) -> list[str]:
    """The hours at which a suggestion begins."""
    search = replace(SEARCH, **more)
    return [text[3:5] for text in shown(BERLIN, [start for start, _ in suggested(search, attendees)])]


def test_every_attendee_must_be_free() -> None:
    one, other = Attendee(busy(BERLIN, "2024-07-01 09:00/10:00")), Attendee(busy(BERLIN, "2024-07-01 11:00/11:30"))
    assert found(one) == ["08", "10", "11", "12"]
    assert found(one, other) == ["08", "10", "12"]


def test_two_attendees_alike_are_two() -> None:
    assert found(Attendee(), Attendee(busy=[between("08:00", "13:00")])) == []


def test_without_attendees_nothing_is_suggested() -> None:
    assert found() == []


def test_busy_spans_block_and_free_spans_restrict() -> None:
    assert found(Attendee(busy=[between("09:00", "10:00")])) == ["08", "10", "11", "12"]
    assert found(Attendee(free=[between("09:00", "11:00")])) == ["09", "10"]
    assert found(Attendee(free=[between("09:00", "11:00")], busy=[between("09:30", "09:40")])) == ["10"]
    assert found(Attendee(free=[between("06:00", "09:00")])) == ["08"]  # hours hold nevertheless
    assert found(Attendee(events=busy(BERLIN, "2024-07-01 09:00/10:00"), free=[between("09:00", "11:00")])) == ["10"]


def test_statuses_that_count_as_free() -> None:
    maybe = Attendee([Event(*between("09:00", "10:00"), "tentative")])
    assert "09" not in found(maybe)
    assert "09" in found(maybe, free_statuses=frozenset({"free", "tentative"}))
    assert "09" not in found(Attendee(busy=[between("09:00", "10:00")]), free_statuses=frozenset({"free", "busy"}))


def test_an_attendee_that_could_not_be_read_is_never_free() -> None:
    dark = Attendee(unknown=[ALWAYS])
    assert found(dark) == found(Attendee(), dark) == []
    assert found(replace(dark, free=[between("09:00", "11:00")])) == []


def test_an_attendee_from_outside_is_known_by_what_the_request_says() -> None:
    assert found(Attendee(outside=True)) == []
    assert found(Attendee(outside=True, busy=[between("08:00", "12:00")])) == ["12"]
    assert found(Attendee(outside=True, free=[between("08:00", "10:00")])) == ["08", "09"]


def test_hours_of_ones_own_and_of_the_default_in_ones_own_zone() -> None:
    lisbon = ZoneInfo("Europe/Lisbon")  # an hour behind
    assert found(Attendee(hours=hours(BERLIN, "10:00-12:00"))) == ["10", "11"]
    assert found(Attendee(hours=hours(BERLIN, "10:00-12:00"), zone=lisbon)) == ["10", "11"]
    assert found(Attendee(zone=lisbon)) == ["09", "10", "11", "12", "13"]
    assert found(Attendee(), Attendee(zone=lisbon)) == ["09", "10", "11", "12"]
    assert len(found(Attendee(), hours=None)) == 24


def test_dates_replace_everybodys_hours() -> None:
    dates = (DatedHours(date(2024, 7, 1), date(2024, 7, 1), (day_hours("15:00", "17:00"),)),)
    assert found(Attendee(), dates=dates) == ["15", "16"]
    assert found(Attendee(hours=hours(BERLIN, "10:00-12:00")), dates=dates) == ["15", "16"]
    assert found(Attendee(zone=ZoneInfo("Europe/Lisbon")), dates=dates, hours=None) == [
        "00",
        "16",
        "17",
    ]  # 30 June, 23:00
    elsewhere = (DatedHours(date(2024, 7, 2), date(2024, 7, 2), ()),)
    assert len(found(Attendee(), dates=elsewhere, hours=None)) == 24


def test_suggestions_lie_wholly_within_the_span_and_may_be_long_past() -> None:
    assert found(Attendee(), span=between("09:00", "11:30")) == ["09", "10"]
    assert found(Attendee(), span=between("09:00", "09:59")) == []
    assert len(suggested(Search((-(10**9), 86_400 - 10**9), 60, ZoneInfo("UTC")), [Attendee()])) > 40


def test_a_buffer_keeps_attendees_apart_from_their_events() -> None:
    assert found(Attendee(busy(BERLIN, "2024-07-01 10:00/11:00")), buffer_minutes=1) == ["08", "12"]


def test_input_that_cannot_be() -> None:
    for more, path in (
        ({"span": between("10:00", "10:00")}, "timeMax"),
        ({"span": between("11:00", "10:00")}, "timeMax"),
        ({"span": (SPAN[0], SPAN[0] + 64 * 86_400)}, "timeMax"),
        ({"duration_minutes": 0}, "durationMinutes"),
        ({"step_minutes": 25}, "availabilityStep"),
    ):
        with pytest.raises(Invalid) as caught:
            found(Attendee(), **more)
        assert caught.value.path == path
