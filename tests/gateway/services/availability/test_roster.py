"""Who must be free: one or all, alone and in groups."""

from gateway.services.availability.members import Event, Member
from gateway.services.availability.roster import Group, Required, Roster
from gateway.services.availability.slots import slots
from tests.gateway.services.availability.days import BERLIN, DAY, HOUR, LONG_AGO, at, hours, rules


def _who(roster: Roster, *busy_ones: int) -> list[tuple[tuple[int | str, ...], tuple[str, ...]]]:
    start = at(BERLIN, "2024-07-01 10:00")
    members = [Member(each, [Event(start, start + 60)] if each in busy_ones else []) for each in range(1, 6)]
    return [
        (slot.members, slot.groups) for slot in slots(rules(BERLIN), roster, members, (start, start + HOUR), LONG_AGO)
    ]


def test_one_is_enough_and_the_free_ones_are_named() -> None:
    assert _who(Roster(Required.ONE, (1, 2, 3)), 2) == [((1, 3), ())]
    assert _who(Roster(Required.ONE, (1, 2)), 1, 2) == []


def test_all_must_be_free() -> None:
    assert _who(Roster(Required.ALL, (1, 2, 3))) == [((1, 2, 3), ())]
    assert _who(Roster(Required.ALL, (1, 2, 3)), 2) == []


def test_groups_have_a_mode_of_their_own() -> None:
    groups = (Group("doctors", (1, 2), Required.ONE), Group("rooms", (3, 4), Required.ALL))
    assert _who(Roster(Required.ALL, (), groups), 1) == [((2, 3, 4), ("doctors", "rooms"))]
    assert _who(Roster(Required.ALL, (), groups), 3) == []
    assert _who(Roster(Required.ONE, (), groups), 3) == [((1, 2), ("doctors",))]
    assert _who(Roster(Required.ALL, (5,), groups), 1) == [((5, 2, 3, 4), ("doctors", "rooms"))]
    assert _who(Roster(Required.ALL, (5,), groups), 5) == []


def test_a_free_member_of_a_group_that_cannot_is_named_only_if_asked_for_alone() -> None:
    group = Group("rooms", (3, 4), Required.ALL)
    assert _who(Roster(Required.ONE, (1,), (group,)), 4) == [((1,), ())]
    assert _who(Roster(Required.ONE, (1, 3), (group,)), 4) == [((1, 3), ())]


def test_nobody_is_not_everybody() -> None:
    for required in Required:
        assert _who(Roster(required)) == []
        assert _who(Roster(required, (), (Group("empty", (), Required.ALL),))) == []
    assert _who(Roster(Required.ALL, (1,), (Group("empty", (), Required.ALL),))) == []
    assert _who(Roster(Required.ONE, (1,), (Group("empty", (), Required.ALL),))) == [((1,), ())]


def test_naming_a_member_twice_asks_once() -> None:
    assert _who(Roster(Required.ALL, (1, 1, 2))) == [((1, 2), ())]
    assert _who(Roster(Required.ALL, (1, 1), (Group("a", (1, 2, 2), Required.ALL),))) == [((1, 2), ("a",))]


def test_all_that_nobody_shares_gives_no_slot() -> None:
    window = (at(BERLIN, DAY[0]), at(BERLIN, DAY[1]))
    members = [Member(1, hours=hours(BERLIN, "08:00-12:00")), Member(2, hours=hours(BERLIN, "12:00-16:00"))]
    assert slots(rules(BERLIN), Roster(Required.ALL, (1, 2)), members, window, LONG_AGO) == []
    found = slots(rules(BERLIN), Roster(Required.ONE, (1, 2)), members, window, LONG_AGO)
    assert [slot.members for slot in found] == [(1,)] * 4 + [(2,)] * 4
