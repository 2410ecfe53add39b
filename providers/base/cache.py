"""Memory for what cannot change: bounded, shared by all accounts of the process, the longest unused goes first."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """A value that knows about how many octets of memory it takes."""

    @property
    def weight(self) -> int: ...


V = TypeVar("V", bound=Sized)

_KEY_WEIGHT = 200  # octets of a key and of its place in the dictionary


class Cache(Generic[V]):
    """A dictionary of at most `limit` octets. Safe for several threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def get(self, key: Hashable) -> V | None:
        """The value, which is then the most recently used one."""
        with self._lock:
            if (entry := self._values.get(key)) is None:
                return None
            self._values.move_to_end(key)
            return entry[0]

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value, in place of the one there was."""
        weight = value.weight + _KEY_WEIGHT
        with self._lock:
            _, old = self._values.pop(key, (None, 0))
            self.weight += weight - old
            self._values[key] = (value, weight)
            while self.weight > self._limit and self._values:
                _, (_, gone) = self._values.popitem(last=False)
                self.weight -= gone
