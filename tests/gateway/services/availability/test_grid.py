"""Where slots begin, and the numbers of a profile."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.services.availability.members import Member
from gateway.services.availability.slots import slots
from providers.base.errors import Invalid
from tests.gateway.services.availability.days import (
    BERLIN,
    HOUR,
    LONG_AGO,
    ME,
    at,
    hours,
    rules,
    starts,
)


def test_slots_stand_on_the_clock_not_on_the_hours() -> None:
    work = hours(BERLIN, "09:10-11:00")
    assert starts(rules(BERLIN, 30, step_minutes=30), "2024-07-01 00:00", "2024-07-02 00:00", hours=work) == [
        "01 09:30",
        "01 10:00",
        "01 10:30",
    ]


@pytest.mark.parametrize("step", [5, 10, 15, 20, 30, 60])
def test_every_step(step: int) -> None:
    work = hours(BERLIN, "09:00-10:00")
    found = starts(rules(BERLIN, 5, step_minutes=step), "2024-07-01 00:00", "2024-07-02 00:00", hours=work)
    assert found == [f"01 09:{minute:02}" for minute in range(0, 60, step)]


@pytest.mark.parametrize("step", [0, 1, 7, 45, 120, -5])
def test_no_other_step(step: int) -> None:
    with pytest.raises(Invalid) as caught:
        rules(BERLIN, step_minutes=step)
    assert caught.value.path == "availabilityStep"


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ({"duration_minutes": 0}, "durationMinutes"),
        ({"duration_minutes": 10_081}, "durationMinutes"),
        ({"buffer_minutes": -1}, "bufferBetweenMinutes"),
        ({"start_after_minutes": -1}, "startAfterMinutes"),
    ],
)
def test_numbers_out_of_bounds(field: dict[str, int], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        replace(rules(BERLIN), **field)
    assert caught.value.path == path


def test_nepal_and_chatham_begin_on_their_own_hours() -> None:
    for zone, minute in (("Asia/Kathmandu", 15), ("Pacific/Chatham", 15), ("Asia/Kolkata", 30)):
        window = (at(zone, "2024-07-01 09:00"), at(zone, "2024-07-01 11:00"))
        found = slots(rules(zone), ME, [Member(1)], window, LONG_AGO)
        assert [datetime.fromtimestamp(slot.start, UTC).minute for slot in found] == [minute, minute]


def test_an_offset_of_odd_seconds() -> None:
    """Liberia was 44 minutes and 30 seconds behind until 1972."""
    window = (at("Africa/Monrovia", "1971-07-01 09:00"), at("Africa/Monrovia", "1971-07-01 11:00"))
    found = slots(rules("Africa/Monrovia"), ME, [Member(1)], window, LONG_AGO)
    assert [slot.start % HOUR for slot in found] == [44 * 60 + 30] * 2


def test_a_member_elsewhere_is_asked_on_the_profiles_grid() -> None:
    work = hours("Asia/Kathmandu", "12:00-15:00")  # 08:15 to 11:15 in Berlin in summer
    assert starts(rules(BERLIN), "2024-07-01 00:00", "2024-07-02 00:00", hours=work) == ["01 09:00", "01 10:00"]
