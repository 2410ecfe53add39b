"""How often one visitor may ask, and who a visitor is."""

import pytest

from gateway.services.booking.visitors import Rate, Visitors
from providers.base.errors import RateLimited

RATE = Rate(3, 10.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_allowance_refills_and_belongs_to_one_address_and_one_purpose() -> None:
    clock = Clock()
    visitors = Visitors(clock)
    for _ in range(3):
        visitors.admit("192.0.2.1", RATE)
    with pytest.raises(RateLimited) as caught:
        visitors.admit("192.0.2.1", RATE)
    assert caught.value.retry_after == 10
    visitors.admit("192.0.2.2", RATE)
    visitors.admit("192.0.2.1", Rate(1, 1.0))
    clock.now = 10.0
    visitors.admit("192.0.2.1", RATE)
    with pytest.raises(RateLimited):
        visitors.admit("192.0.2.1", RATE)
    clock.now = 1000.0
    for _ in range(3):
        visitors.admit("192.0.2.1", RATE)


def test_a_household_is_one_visitor() -> None:
    visitors = Visitors(Clock())
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::9"):
        visitors.admit(address, RATE)
    with pytest.raises(RateLimited):
        visitors.admit("2001:db8::3", RATE)
    visitors.admit("2001:db8:0:1::3", RATE)
    for address in ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"):
        visitors.admit(address, RATE)
    with pytest.raises(RateLimited):
        visitors.admit("192.0.2.1", RATE)
    for _ in range(9):
        visitors.admit(None, RATE)
