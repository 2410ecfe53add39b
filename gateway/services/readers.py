"""Who follows feeds in this process. A reader is a flag that is raised when there may be news; nothing is queued.

Readers of the same feeds that stand at the same position share one look at the database.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from gateway.store.feed_places import Whose

L = TypeVar("L")


class Reader(Generic[L]):
    """One who waits. `doubt`: something happened to its account or application, so its credentials may be void."""

    def __init__(self, group: "_Group[L]") -> None:
        self._group, self._news = group, asyncio.Event()
        self.doubt = False

    def wake(self, *, doubt: bool) -> None:
        """There may be news."""
        self.doubt = self.doubt or doubt
        self._news.set()

    async def look(self, position: str, make: Callable[[], Awaitable[L]]) -> L:
        """What `make` gives, or gives already to another reader at this position. What happens later is news."""
        self._news.clear()
        return await self._group.look(position, make)

    async def news_within(self, seconds: float) -> bool:
        """Wait for news since the last look."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True


class _Group(Generic[L]):
    """The readers of the same feeds."""

    def __init__(self) -> None:
        self.readers: set[Reader[L]] = set()
        self._looks: dict[str, asyncio.Future[L]] = {}

    def wake(self, *, doubt: bool) -> None:
        self._looks = {}  # who looks from now on must see what this is about
        for reader in self.readers:
            reader.wake(doubt=doubt)

    async def look(self, position: str, make: Callable[[], Awaitable[L]]) -> L:
        looks = self._looks
        look = looks.get(position)
        if look is None:
            look = looks[position] = asyncio.ensure_future(make())
            look.add_done_callback(lambda _: looks.pop(position))
        return await asyncio.shield(look)


class Readers(Generic[L]):
    """All readers of this process. `left` is set when it is about to end."""

    def __init__(self) -> None:
        self._groups: defaultdict[Whose, _Group[L]] = defaultdict(_Group)
        self._topics: defaultdict[str, set[Whose]] = defaultdict(set)
        self.count = 0
        self.left = False

    @contextmanager
    def joined(self, whose: Whose) -> Iterator[Reader[L]]:
        """Be a reader."""
        group = self._groups[whose]
        reader = Reader(group)
        group.readers.add(reader)
        for topic in _topics(whose):
            self._topics[topic].add(whose)
        self.count += 1
        try:
            yield reader
        finally:
            self.count -= 1
            group.readers.discard(reader)
            if not group.readers:
                self._drop(whose)

    def heard(self, topic: str | None) -> None:
        """What was announced (gateway/store/announcements.py); None: anything may have been."""
        doubt = topic is None or not topic.startswith("feed")
        for whose in list(self._groups if topic is None else self._topics.get(topic, ())):
            self._groups[whose].wake(doubt=doubt)

    def leave(self) -> None:
        """Have everybody stop."""
        self.left = True
        self.heard(None)

    def _drop(self, whose: Whose) -> None:
        del self._groups[whose]
        for topic in _topics(whose):
            self._topics[topic].discard(whose)
            if not self._topics[topic]:
                del self._topics[topic]


def _topics(whose: Whose) -> tuple[str, ...]:
    if whose.account_id is None:
        return f"feeds:{whose.application_id}", f"application:{whose.application_id}"
    account = whose.account_id
    return f"feed:{account}", f"account:{account}", f"gone:{account}", f"application:{whose.application_id}"
