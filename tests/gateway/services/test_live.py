"""The live feed as a service: limits, credentials that end, looks that readers share, and lost announcements."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway.http.event_cursors import EventCursors
from gateway.http.event_stream import frames
from gateway.identity import Account, Caller, Standing
from gateway.positions import Place
from gateway.services.attention import Attention
from gateway.services.changelog import ChangeLog
from gateway.services.live import Live, Pace
from gateway.services.sources import Sources
from gateway.store.feed import FeedEvent
from gateway.store.feed_places import FeedPlaces, Whose
from gateway.store.wants import Wants
from providers.base.errors import RateLimited, Unauthorized
from tests.gateway.services.conftest import House
from tests.gateway.store.feeds import append

pytestmark = pytest.mark.anyio


class CountedPlaces(FeedPlaces):
    """Counts looks."""

    looks = 0

    async def read(self, whose: Whose, place: Place, limit: int) -> list[FeedEvent]:
        self.looks += 1
        return await super().read(whose, place, limit)


def sequences(piece: bytes) -> list[int]:
    lines = piece.decode().splitlines()
    return [json.loads(line.removeprefix("data: "))["sequence"] for line in lines if line.startswith("data: ")]


class Following:
    """The live feed of a house, one account, and credentials that can be revoked."""

    def __init__(self, house: House, account: Account, **pace: Any) -> None:
        self.database, self.account = house.database, account
        self.changelog = ChangeLog(house.database)
        self.attention = Attention(Wants(house.database), house.identity, self.changelog, Sources(house.sessions))
        self.places = CountedPlaces(house.database)
        self.live = Live(self.places, EventCursors(), frames, self.attention, Pace(**pace))
        house.identity.watch(self.live.heard)
        self.caller, self.valid = Caller(house.application, account), True

    async def holds(self) -> bool:
        return self.valid

    async def stream(self, since: str | None = None) -> AsyncIterator[bytes]:
        return await self.live.stream(self.caller, Standing(self.holds), since, ())

    async def page(self, since: str | None = None, wait: float = 0) -> list[int]:
        page = await self.live.page(self.caller, Standing(self.holds), since, (), 100, wait)
        return [event.sequence for event in page.records]

    async def append(self, *items: str) -> None:
        await append(self.database, self.account.id, [(item, "created") for item in items])


@pytest.fixture
async def following(house: House) -> AsyncIterator[Any]:
    made: list[Following] = []

    async def make(**pace: Any) -> Following:
        account = await house.account(await house.link())
        made.append(Following(house, account, **pace))
        return made[-1]

    yield make
    for one in made:
        await one.attention.close()
        await one.changelog.close()


async def test_readers_beyond_the_limit_are_told_to_come_back(following: Any) -> None:
    one = await following(readers=1)
    stream = await one.stream()
    await anext(stream)
    for call in (one.stream, one.page):
        with pytest.raises(RateLimited) as caught:
            await call()
        assert caught.value.retry_after
    await stream.aclose()
    assert await one.page() == []


async def test_void_credentials_end_streams_and_calls(following: Any, house: House) -> None:
    one = await following()
    await house.identity.start()
    stream = await one.stream()
    await anext(stream)
    rest = asyncio.create_task(anext(stream, None))
    call = asyncio.create_task(one.page(wait=20))
    await asyncio.sleep(0.1)
    one.valid = False
    house.identity.forget(f"gone:{one.account.id}")
    assert await asyncio.wait_for(rest, 10) is None
    with pytest.raises(Unauthorized):
        await asyncio.wait_for(call, 10)


async def test_readers_at_one_position_share_a_look(following: Any, house: House) -> None:
    one = await following()
    await house.identity.start()
    streams = [await one.stream() for _ in range(20)]
    for stream in streams:
        await anext(stream)
    waiting = [asyncio.create_task(anext(stream)) for stream in streams]
    await asyncio.sleep(0.3)
    one.places.looks = 0
    await one.append("x")
    pieces = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert [sequences(piece) for piece in pieces] == [[1]] * 20
    assert one.places.looks < 10
    for stream in streams:
        await stream.aclose()


async def test_a_quiet_stream_shows_that_it_lives_and_checks_credentials(following: Any) -> None:
    one = await following(heartbeat=0.05)
    stream = await one.stream("0")
    signs = [await anext(stream) for _ in range(3)]
    assert signs == [b":\nid: 0.0\n\n"] * 3
    one.valid = False
    assert await anext(stream, None) is None


async def test_without_announcements_a_heartbeat_brings_the_news(following: Any) -> None:
    one = await following(heartbeat=0.05)  # nobody listens: `identity.start` was not called
    stream = await one.stream()
    await anext(stream)
    await one.append("x", "y")
    pieces = [await anext(stream) for _ in range(4)]
    assert sequences(b"".join(pieces)) == [1, 2]
    await stream.aclose()


async def test_a_call_ends_when_the_process_does(following: Any) -> None:
    one = await following()
    call = asyncio.create_task(one.page(wait=20))
    await asyncio.sleep(0.1)
    one.live.leave()
    assert await asyncio.wait_for(call, 10) == []


async def test_wants_last_longer_the_longer_somebody_stays(following: Any, house: House) -> None:
    one = await following()
    await one.page()
    wants = Wants(house.database)
    await wants.want(Whose(house.application.id, one.account.id), timedelta(seconds=1))
    async with house.database.read() as session:
        asked = text("select wanted_until - now() from watch where account_id = :account")
        left = await session.scalar(asked, {"account": one.account.id})
    assert left > timedelta(minutes=4)
