"""Memory of a few seconds: what was just read from the database, until somebody says that it changed."""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

V = TypeVar("V")


class Cache(Generic[V]):
    """At most `limit` values, each for `life` seconds. A value is filed under topics; dropping one forgets its values.

    `age` grows with every drop: a value that was read before a drop is not kept after it."""

    def __init__(self, life: float, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._life, self._limit, self._clock = life, limit, clock
        self._values: OrderedDict[Hashable, tuple[float, V, tuple[str, ...]]] = OrderedDict()
        self._topics: defaultdict[str, set[Hashable]] = defaultdict(set)
        self.age = 0

    def get(self, key: Hashable) -> V | None:
        """The value, while it is fresh."""
        found = self._values.get(key)
        if found is None:
            return None
        if found[0] <= self._clock():
            self._forget(key)
            return None
        return found[1]

    def put(self, key: Hashable, value: V, topics: Iterable[str], age: int) -> None:
        """Keep a value that was read when the cache had this `age`."""
        if age != self.age:
            return
        self._forget(key)
        filed = tuple(topics)
        self._values[key] = (self._clock() + self._life, value, filed)
        for topic in filed:
            self._topics[topic].add(key)
        while len(self._values) > self._limit:
            self._forget(next(iter(self._values)))

    def drop(self, topic: str | None) -> None:
        """Forget what is filed under the topic; everything for None."""
        self.age += 1
        for key in list(self._values if topic is None else self._topics.get(topic, ())):
            self._forget(key)

    def _forget(self, key: Hashable) -> None:
        found = self._values.pop(key, None)
        for topic in found[2] if found else ():
            filed = self._topics[topic]
            filed.discard(key)
            if not filed:
                del self._topics[topic]
