"""A window of a calendar whose end moves on as time passes.

A provider tells what changed since a cursor; an event that a window merely reaches has not changed. So whenever the end
has moved, what lies in the days that were added is listed by itself and told on top of what changed: nothing else is
read again, and what was told already has the version that it had. Ends move in whole days since the stream began, each
stream at its own hour.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from providers.base.collection import Delta
from providers.base.errors import CursorExpired
from providers.base.ports import EventQuery

Ask = Callable[[str | None, EventQuery], Awaitable[Delta]]
_DAY = timedelta(days=1)
_OVERLAP = _DAY  # an event without length at the very seam would lie in neither part; days begin when they do somewhere
_LATEST = datetime(9998, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """From `time_min` to `time_max`, as it was when the stream `began`."""

    time_min: datetime
    time_max: datetime
    began: datetime

    def end(self, now: datetime) -> datetime:
        """Where it ends now; never earlier than before, whatever clocks do, is for the caller to see to."""
        days = max(0, (now - self.began) // _DAY)
        return self.time_max if self.time_max > _LATEST - days * _DAY else self.time_max + days * _DAY


@dataclass(frozen=True, slots=True)
class _Place:
    """The provider's cursor `at` under a window that ends at `end`. While days are added: up to which `goal`, and the
    cursor `part` within the listing of them."""

    at: str
    end: str
    goal: str | None = None
    part: str | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises `CursorExpired`."""
        try:
            found = cls(**json.loads(text))
            datetime.fromisoformat(found.end)
        except (ValueError, TypeError):
            raise CursorExpired("the position is none of a window") from None
        return found

    def text(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})


class Growing:
    """Changes of a window, as `Collection.changes` without a query. `now` is the clock."""

    def __init__(
        self, ask: Ask, window: Window, query: EventQuery, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._ask, self._window, self._query, self._now = ask, window, query, now

    async def changes(self, cursor: str | None) -> Delta:
        """What changed in the window, and what it has reached since. Raises `CursorExpired`."""
        end = self._window.end(self._now())
        if cursor is None:
            return await self._changed(None, end)
        place = _Place.read(cursor)
        reached = datetime.fromisoformat(place.end)
        goal = datetime.fromisoformat(place.goal) if place.goal else end
        return await (self._added(place, reached, goal) if goal > reached else self._changed(place.at, reached))

    async def _changed(self, at: str | None, end: datetime) -> Delta:
        delta = await self._ask(at, replace(self._query, time_min=self._window.time_min, time_max=end))
        return replace(delta, cursor=_Place(delta.cursor, end.isoformat()).text())

    async def _added(self, place: _Place, reached: datetime, goal: datetime) -> Delta:
        """What lies in the added days; what went is for the changes to tell, which are asked for next."""
        begin = max(reached - _OVERLAP, self._window.time_min)
        delta = await self._ask(place.part, replace(self._query, time_min=begin, time_max=goal))
        after = replace(place, goal=goal.isoformat(), part=delta.cursor) if delta.more else None
        after = after or _Place(place.at, goal.isoformat())
        return Delta(delta.changed, (), after.text(), more=True, adds=True)
