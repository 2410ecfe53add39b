"""How much one visitor may ask: an allowance for each address that refills steadily, apart for looking and for booking.

Addresses are those that the server sees (or that a trusted proxy names); of IPv6 the network of 64 bits that a
household has. What is kept is forgotten once it has filled up again, and there is never more than `_KEPT` of it.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.services.networks import network_of
from providers.base.errors import RateLimited

_KEPT = 20_000  # addresses that are remembered


@dataclass(frozen=True, slots=True)
class Rate:
    """`most` requests at once, then one in `seconds`."""

    most: float
    seconds: float


LOOKING, BOOKING = Rate(300, 0.2), Rate(120, 1.0)


class Visitors:
    """The allowances of visitors of this process. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: OrderedDict[tuple[Rate, str], tuple[float, float]] = OrderedDict()  # how much was used, and when

    def admit(self, address: str | None, rate: Rate) -> None:
        """Count a request. Raises `RateLimited` with the time to wait; whoever has no address is not counted."""
        if address is None:
            return
        key, now = (rate, network_of(address) or address[:100]), self._clock()
        used, since = self._used.pop(key, (0.0, now))
        used = max(0.0, used - (now - since) / rate.seconds)
        if used > rate.most - 1:
            self._used[key] = (used, now)
            wait = math.ceil((used - rate.most + 1) * rate.seconds)
            raise RateLimited("You are asking too often: try again in a moment", retry_after=wait)
        self._used[key] = (used + 1, now)
        while len(self._used) > _KEPT:
            self._used.popitem(last=False)
