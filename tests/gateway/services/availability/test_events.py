"""What blocks: events, their buffers, and what is unknown."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.services.availability.members import HELD, Event, Member, event
from gateway.services.availability.roster import Required, Roster
from gateway.services.availability.rules import to_read
from gateway.services.availability.slots import slots
from gateway.services.availability.spans import ALWAYS
from tests.gateway.services.availability.days import BERLIN, DAY, LONG_AGO, OPEN, at, busy, rules, starts


def test_back_to_back_is_fine_without_a_buffer() -> None:
    events = busy(BERLIN, "2024-07-01 09:00/10:00")
    assert starts(rules(BERLIN), *DAY, hours=OPEN, events=events) == ["01 08:00", "01 10:00", "01 11:00", "01 12:00"]


def test_a_second_is_enough_to_block() -> None:
    start = at(BERLIN, "2024-07-01 10:00")
    assert "01 09:00" not in starts(rules(BERLIN), *DAY, hours=OPEN, events=[Event(start - 1, start)])
    assert "01 10:00" in starts(rules(BERLIN), *DAY, hours=OPEN, events=[Event(start - 1, start)])


def test_a_buffer_lies_on_both_sides_and_may_reach_out_of_the_hours() -> None:
    events = busy(BERLIN, "2024-07-01 10:00/11:00", "2024-07-01 13:10/14:00")
    given = rules(BERLIN, 30, step_minutes=30, buffer_minutes=15)
    assert starts(given, *DAY, hours=OPEN, events=events) == [
        "01 08:00",
        "01 08:30",
        "01 09:00",
        "01 11:30",
        "01 12:00",
    ]
    assert starts(given, *DAY, hours=OPEN) == [f"01 {hour:02}:{half}" for hour in range(8, 13) for half in ("00", "30")]


def test_a_buffer_reaches_events_outside_of_the_window() -> None:
    events = busy(BERLIN, "2024-07-01 08:00/08:55")
    given = rules(BERLIN, buffer_minutes=10)
    assert starts(given, "2024-07-01 09:00", "2024-07-01 11:00", events=events) == ["01 10:00"]
    later = busy(BERLIN, "2024-07-01 12:05/12:30")
    assert starts(given, "2024-07-01 09:00", "2024-07-01 12:00", events=later) == ["01 09:00", "01 10:00"]


def test_calendars_must_be_known_from_a_buffer_before_to_a_buffer_after() -> None:
    assert to_read(rules(BERLIN, 30, buffer_minutes=10), (7200, 10_800)) == (6600, 13_200)


def test_events_overlap_nest_and_come_in_any_order() -> None:
    events = busy(BERLIN, "2024-07-01 11:00/12:00", "2024-07-01 08:00/10:30", "2024-07-01 08:30/09:00")
    assert starts(rules(BERLIN), *DAY, hours=OPEN, events=events) == ["01 12:00"]


def test_an_event_without_length_blocks_nothing_whatever_the_buffer() -> None:
    start = at(BERLIN, "2024-07-01 10:30")
    events = [Event(start, start), Event(start, start - 1)]
    assert len(starts(rules(BERLIN, buffer_minutes=30), *DAY, hours=OPEN, events=events)) == 5


@pytest.mark.parametrize(
    ("status", "free", "offered"),
    [
        ("free", {"free"}, 5),
        ("free", set(), 4),
        ("busy", {"free"}, 4),
        ("tentative", {"free"}, 4),
        ("tentative", {"free", "tentative"}, 5),
        ("outOfOffice", {"free", "tentative"}, 4),
        ("unknown", {"free", "unknown"}, 4),
        (HELD, {"free", "busy", HELD}, 4),
    ],
)
def test_which_statuses_block(status: str, free: set[str], offered: int) -> None:
    given = rules(BERLIN, free_statuses=frozenset(free))
    events = busy(BERLIN, "2024-07-01 10:00/11:00", status=status)
    assert len(starts(given, *DAY, hours=OPEN, events=events)) == offered


def test_what_is_unknown_is_never_free() -> None:
    assert starts(rules(BERLIN), *DAY, hours=OPEN, unknown=[ALWAYS]) == []
    noon = (at(BERLIN, "2024-07-01 10:00"), at(BERLIN, "2024-07-01 10:01"))
    assert "01 09:00" in starts(rules(BERLIN), *DAY, hours=OPEN, unknown=[noon])
    assert "01 09:00" not in starts(rules(BERLIN, buffer_minutes=1), *DAY, hours=OPEN, unknown=[noon])


def test_who_is_not_given_is_unknown() -> None:
    window = (at(BERLIN, DAY[0]), at(BERLIN, DAY[1]))
    assert slots(rules(BERLIN), Roster(Required.ALL, (1, 2)), [Member(1)], window, LONG_AGO) == []
    assert {
        slot.members for slot in slots(rules(BERLIN), Roster(Required.ONE, (1, 2)), [Member(1)], window, LONG_AGO)
    } == {(1,)}


def test_events_of_date_times_take_every_second_they_touch() -> None:
    start = datetime(2024, 7, 1, 9, 0, 0, 999_999, UTC)
    assert event(start, start + timedelta(microseconds=2)) == (
        Event(int(start.timestamp()), int(start.timestamp()) + 2)
    )
    before = datetime(1969, 12, 31, 23, 59, 59, 500_000, UTC)
    assert event(before, before.replace(microsecond=0)).start == -1
