"""Spans that somebody asks for: a slot to be booked, a window to be free in."""

import pytest

from gateway.services.availability.members import Event, Member
from gateway.services.availability.slots import slot_at, slots, throughout
from providers.base.errors import Invalid
from tests.gateway.services.availability.days import BERLIN, HOUR, LONG_AGO, ME, OPEN, at, rules


def test_a_booking_takes_a_slot_that_is_offered_and_nothing_else() -> None:
    start = at(BERLIN, "2024-07-01 10:00")
    members = [Member(1, hours=OPEN)]
    found = slot_at(rules(BERLIN), ME, members, (start, start + HOUR), LONG_AGO)
    assert found and (found.start, found.end, found.members) == (start, start + HOUR, (1,))
    for wrong in (
        (start, start + 1800),
        (start + 900, start + 4500),
        (start - 6 * HOUR, start - 5 * HOUR),
        (start, start),
    ):
        assert slot_at(rules(BERLIN), ME, members, wrong, LONG_AGO) is None
    assert slot_at(rules(BERLIN), ME, members, (start, start + HOUR), start) is None  # too late
    assert slot_at(rules(BERLIN), ME, [Member(1, [Event(start, start + 1)])], (start, start + HOUR), LONG_AGO) is None


def test_who_is_free_throughout_any_span() -> None:
    start = at(BERLIN, "2024-07-01 10:07")
    found = throughout(rules(BERLIN), ME, [Member(1, hours=OPEN)], (start, start + 2 * HOUR), LONG_AGO)
    assert found and (found.start, found.end) == (start, start + 2 * HOUR)
    assert throughout(rules(BERLIN), ME, [Member(1, hours=OPEN)], (start, start + 3 * HOUR), LONG_AGO) is None
    assert throughout(rules(BERLIN), ME, [Member(1)], (start, start + HOUR), start) is None
    for wrong in ((start, start), (start, start - 1), (start, 2**40)):
        with pytest.raises(Invalid):
            throughout(rules(BERLIN), ME, [Member(1)], wrong, LONG_AGO)


def test_an_empty_window_has_no_slots_and_an_absurd_one_is_refused() -> None:
    assert slots(rules(BERLIN), ME, [Member(1)], (100, 100), LONG_AGO) == []
    assert slots(rules(BERLIN), ME, [Member(1)], (100, 0), LONG_AGO) == []
    with pytest.raises(Invalid):
        slots(rules(BERLIN), ME, [Member(1)], (2**50, 2**50 + HOUR), LONG_AGO)
