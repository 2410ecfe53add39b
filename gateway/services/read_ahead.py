"""Values that are worked out before they are asked for, such as the next page while a consumer digests this one."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

V = TypeVar("V")


class ReadAhead(Generic[V]):
    """At most `limit` values, each for `life` seconds, each given once. What failed counts as not there."""

    def __init__(self, life: float, limit: int) -> None:
        self._life, self._limit = life, limit
        self._under_way: OrderedDict[Hashable, asyncio.Task[V]] = OrderedDict()

    def begin(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, V]]) -> None:
        """Start working a value out."""
        if key in self._under_way:
            return
        self._under_way[key] = task = asyncio.create_task(make())
        task.add_done_callback(_seen)
        asyncio.get_running_loop().call_later(self._life, self._drop, key, task)
        while len(self._under_way) > self._limit:
            self._under_way.popitem(last=False)[1].cancel()

    async def take(self, key: Hashable) -> V | None:
        """The value, which is then forgotten; None when nobody began it, or it failed."""
        task = self._under_way.pop(key, None)
        if task is None:
            return None
        await asyncio.wait({task})
        return None if _seen(task) else task.result()

    def close(self) -> None:
        """Break off what is under way."""
        while self._under_way:
            self._under_way.popitem()[1].cancel()

    def _drop(self, key: Hashable, task: "asyncio.Task[V]") -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]
            task.cancel()


def _seen(task: "asyncio.Task[Any]") -> bool:
    """Whether a task failed; asyncio warns of failures that nobody looked at."""
    return task.cancelled() or task.exception() is not None
