"""Why slots are not offered."""

from dataclasses import fields, replace
from datetime import datetime

from gateway.services.availability.explain import Block, Kind, Refusal, refusals
from gateway.services.availability.members import Event, Member
from gateway.services.availability.roster import Group, Required, Roster
from gateway.services.availability.spans import ALWAYS
from tests.gateway.services.availability.days import BERLIN, DAY, HOUR, LONG_AGO, OPEN, at, busy, hours, reasons, rules


def test_each_reason_by_itself() -> None:
    events = [*busy(BERLIN, "2024-07-01 10:00/11:00"), *busy(BERLIN, "2024-07-01 12:00/12:30", status="unknown")]
    given = rules(BERLIN, buffer_minutes=10, end=at(BERLIN, "2024-07-01 17:00"))
    found = reasons(given, *DAY, now=at(BERLIN, "2024-07-01 07:30"), hours=hours(BERLIN, "00:00-24:00"), events=events)
    assert found == {
        **{f"01 {hour:02}:00": {Kind.NOTICE} for hour in range(9)},
        "01 09:00": {Kind.BUFFER},
        "01 10:00": {Kind.EVENT},
        "01 11:00": {Kind.BUFFER, Kind.UNKNOWN},
        "01 12:00": {Kind.UNKNOWN},
        **{f"01 {hour:02}:00": {Kind.RULE} for hour in range(17, 24)},
    }


def test_every_reason_is_told_not_just_the_first() -> None:
    events = busy(BERLIN, "2024-07-01 06:00/06:30")
    found = reasons(rules(BERLIN), *DAY, now=at(BERLIN, "2024-07-01 06:00"), hours=OPEN, events=events)
    assert found["01 06:00"] == {Kind.NOTICE, Kind.EVENT, Kind.RULE}


def test_times_that_the_clock_skips_are_named() -> None:
    given = rules(BERLIN, 30, step_minutes=30)
    found = reasons(given, "2024-03-31 01:00", "2024-03-31 04:00")
    assert found == {"31 02:00": {Kind.GAP}, "31 02:30": {Kind.GAP}}


def test_the_gap_stands_where_the_clock_jumps() -> None:
    first, turn = at(BERLIN, "2024-03-31 01:00"), at("UTC", "2024-03-31 01:00")
    dark = [Member(1, unknown=[ALWAYS])]
    found = refusals(rules(BERLIN), Roster(Required.ONE, (1,)), dark, (first, turn + HOUR), LONG_AGO)
    assert [(each.start, each.wall.hour, each.blocks[0].kind) for each in found] == [
        (first, 1, Kind.UNKNOWN),
        (turn, 2, Kind.GAP),
        (turn, 3, Kind.UNKNOWN),
    ]


def test_the_whole_day_that_was_not_is_a_gap() -> None:
    found = reasons(rules("Pacific/Apia"), "2011-12-29 20:00", "2011-12-31 03:00")
    assert found == {f"30 {hour:02}:00": {Kind.GAP} for hour in range(24)}


def test_lord_howe_skips_half_an_hour() -> None:
    zone = "Australia/Lord_Howe"
    found = reasons(rules(zone, 10, step_minutes=10), "2024-10-06 01:30", "2024-10-06 03:30")
    assert found == {f"06 02:{minute:02}": {Kind.GAP} for minute in (0, 10, 20)}


def test_a_gap_that_begins_beside_the_grid() -> None:
    zone = "America/St_Johns"  # 00:01 became 02:01
    found = reasons(rules(zone), "1988-04-03 00:00", "1988-04-03 04:00")
    assert found == {"03 01:00": {Kind.GAP}, "03 02:00": {Kind.GAP}}


def test_reasons_name_the_member_and_leave_out_who_is_free() -> None:
    start = at(BERLIN, "2024-07-01 10:00")
    members = [Member(1), Member(2, [Event(start, start + 60)]), Member(3, hours=hours(BERLIN, "12:00-13:00"))]
    window = (start, start + HOUR)
    everybody = Roster(Required.ALL, (1, 2, 3, 4))
    assert refusals(rules(BERLIN), everybody, members, window, LONG_AGO) == [
        Refusal(
            start,
            datetime(2024, 7, 1, 10),
            (Block(Kind.EVENT, 2), Block(Kind.RULE, 3), Block(Kind.UNKNOWN, 4)),
        )
    ]
    assert refusals(rules(BERLIN), replace(everybody, required=Required.ONE), members, window, LONG_AGO) == []


def test_nobody_to_be_free_is_a_rule() -> None:
    start = at(BERLIN, "2024-07-01 10:00")
    for roster in (Roster(Required.ALL), Roster(Required.ALL, (1,), (Group("empty", (), Required.ONE),))):
        found = refusals(rules(BERLIN), roster, [Member(1)], (start, start + 1), LONG_AGO)
        assert [refusal.blocks for refusal in found] == [(Block(Kind.RULE),)]


def test_no_place_for_a_title() -> None:
    assert [field.name for field in fields(Block)] == ["kind", "member"]
    assert Event._fields == ("start", "end", "status")


def test_an_empty_window_refuses_nothing() -> None:
    assert refusals(rules(BERLIN), Roster(Required.ONE, (1,)), [Member(1)], (100, 100), LONG_AGO) == []
