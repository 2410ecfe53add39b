"""The live feed: readers that wait for what happens, by a call that waits or in a stream that does not end.

A reader holds a position and nothing else. Whatever breaks off, it goes on from the last position that it has.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from gateway.identity import Caller, Standing
from gateway.live import Batch, Told
from gateway.positions import Place
from gateway.services import resources
from gateway.services.attention import Attention
from gateway.services.readers import Reader, Readers
from gateway.store import feed
from gateway.store.feed_places import FeedPlaces, Whose, moved_on
from providers.base.errors import RateLimited, Unauthorized
from schemas.feed import FeedEvent, FeedPage

MAX_WAIT = 25.0  # seconds
_PAGE = 100  # events of a stream that are read at once
Frames = Callable[[Batch], bytes]
_BRIEF = 50  # accounts in a position that is given with every event, not only with the last that was read at once
_LOOKS = 4  # at the database at a time: streams leave connections to requests


class Cursors(Protocol):
    """Places <-> the positions that clients hold; `account_id` is None for those of an application."""

    def seal(self, place: Place, account_id: int | None) -> str: ...
    def open(self, text: str, account_id: int | None) -> Place | int: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between signs of life, the longest wait of a call; for how long accounts are wanted after a call and
    while a stream is open; readers of one process."""

    heartbeat: float = 15.0
    wait: float = MAX_WAIT
    called: timedelta = timedelta(minutes=5)
    open: timedelta = timedelta(minutes=2)
    readers: int = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose events a caller asks for, and of which resources (none: all)."""

    caller: Caller
    whose: Whose
    resources: frozenset[str]


@dataclass(slots=True)
class _Look:
    """What was found behind a place; `full` when there may be more. Many readers share it."""

    told: Sequence[Told]
    place: Place
    position: str
    full: bool
    _pieces: dict[frozenset[str], bytes] = field(default_factory=dict)

    def chosen(self, resources: frozenset[str]) -> Sequence[Told]:
        """What of it was asked for (no resources: all). The last one has the position behind everything."""
        found = [told for told in self.told if not resources or told.event.resource in resources]
        return [*found[:-1], Told(found[-1].event, self.position)] if found else found

    def piece(self, resources: frozenset[str], frames: Frames) -> bytes:
        """The same as it is sent; nothing where there is none."""
        if resources not in self._pieces:
            found = self.chosen(resources)
            self._pieces[resources] = frames(Batch(found, self.position)) if found else b""
        return self._pieces[resources]


class Live:
    """Feeds as clients follow them."""

    def __init__(
        self, places: FeedPlaces, cursors: Cursors, frames: Frames, attention: Attention, pace: Pace | None = None
    ) -> None:
        self._places, self._cursors, self._frames = places, cursors, frames
        self._attention, self._pace = attention, pace or Pace()
        self._readers: Readers[_Look] = Readers()
        self._gate = asyncio.Semaphore(_LOOKS)
        self.heard, self.leave = self._readers.heard, self._readers.leave

    async def page(
        self, caller: Caller, standing: Standing, since: str | None, names: Sequence[str], limit: int, wait: float
    ) -> FeedPage:
        """Events behind a position (None: now), as soon as there are any, or none after `wait` seconds.

        Raises `Invalid` for an unknown resource, `RateLimited` when there are too many readers."""
        asked, place = await self._begun(caller, since, names)
        position = self._seal(asked, place)
        await self._want(asked, self._pace.called)
        until = asyncio.get_running_loop().time() + min(wait, self._pace.wait)
        with self._readers.joined(asked.whose) as reader:
            while True:
                look = await self._look(reader, asked, place, position, limit)
                place, position, found = look.place, look.position, look.chosen(asked.resources)
                left = until - asyncio.get_running_loop().time()
                if found or self._readers.left or not (look.full or await reader.news_within(max(left, 0))):
                    return FeedPage(records=[told.event for told in found], length=len(found), next=position)
                if not await _stands(reader, standing):
                    raise Unauthorized("The credentials were revoked while the call waited")

    async def stream(
        self, caller: Caller, standing: Standing, since: str | None, names: Sequence[str]
    ) -> AsyncIterator[bytes]:
        """Events behind a position (None: now) in the pieces that are sent, until the credentials are void. The first
        piece, and one whenever there was nothing for a while, has a position only. Raises as `page`."""
        asked, place = await self._begun(caller, since, names)
        return self._pieces(asked, standing, place)

    async def _pieces(self, asked: Asked, standing: Standing, place: Place) -> AsyncIterator[bytes]:
        position = self._seal(asked, place)
        with self._readers.joined(asked.whose) as reader:
            yield self._frames(Batch((), position))
            while not self._readers.left and await _stands(reader, standing):
                await self._want(asked, self._pace.open)
                look = await self._look(reader, asked, place, position, _PAGE)
                place, position, full = look.place, look.position, look.full
                piece = look.piece(asked.resources, self._frames)
                del look  # a reader that takes its time holds what is sent and no more
                if piece:
                    yield piece
                if full or await reader.news_within(self._pace.heartbeat):
                    continue
                reader.doubt = True  # should an announcement have been lost
                yield self._frames(Batch((), position))

    async def _begun(self, caller: Caller, since: str | None, names: Sequence[str]) -> tuple[Asked, Place]:
        if self._readers.count >= self._pace.readers:
            raise RateLimited(f"this process has its {self._pace.readers} readers of events: come back", retry_after=5)
        whose = Whose(caller.application.id, caller.account.id if caller.account else None)
        asked = Asked(caller, whose, await self._names(caller, names))
        given = self._cursors.open(since, whose.account_id) if since else None
        if given is None:
            return asked, await self._places.now(whose)
        if isinstance(given, Place):
            return asked, given
        assert whose.account_id is not None, "mere sequences are of one account"
        return asked, await self._places.behind(whose.account_id, given)

    async def _names(self, caller: Caller, names: Sequence[str]) -> frozenset[str]:
        """The resources that are asked for, as the feed names them: `primary` and `default` are of one account."""
        found = [resources.resource(name, "resources") for name in names]
        if caller.account is None:
            return frozenset(one.name for one in found)
        return frozenset([await self._attention.named(caller.account, one) for one in found])

    async def _want(self, asked: Asked, span: timedelta) -> None:
        await self._attention.want(asked.caller.application, asked.whose.account_id, span)

    async def _look(self, reader: Reader[_Look], asked: Asked, place: Place, position: str, limit: int) -> _Look:
        async def make() -> _Look:
            async with self._gate:
                events = await self._places.read(asked.whose, place, limit)
            told, behind = self._told(asked, place, events)
            return _Look(told, behind, self._seal(asked, behind), len(events) == limit)

        return await reader.look(f"{limit} {position}", make)

    def _told(self, asked: Asked, place: Place, events: Sequence[feed.FeedEvent]) -> tuple[list[Told], Place]:
        """The events, each with the position behind it unless that is long, and the place behind all."""
        told, account = [], asked.caller.account
        for event in events:
            place = moved_on(place, event)
            if account is not None and not resources.readable(account.scopes, event.port):
                continue
            told.append(Told(_shown(event), self._seal(asked, place) if len(place.moved) <= _BRIEF else None))
        return told, place

    def _seal(self, asked: Asked, place: Place) -> str:
        return self._cursors.seal(place, asked.whose.account_id)


async def _stands(reader: Reader[_Look], standing: Standing) -> bool:
    doubt, reader.doubt = reader.doubt, False
    return not doubt or await standing.holds()


def _shown(event: feed.FeedEvent) -> FeedEvent:
    return FeedEvent(
        sequence=event.sequence,
        account_id=event.account_id,
        resource=resources.name(event.port, event.parent),
        id=event.item_id,
        change_type=event.change,
        attributes=dict(event.attributes) if event.attributes else None,
        at=event.at,
    )
