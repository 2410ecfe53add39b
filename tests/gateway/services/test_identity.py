"""Credentials, remembered for seconds, forgotten at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import sqlalchemy as sa

from gateway.services import uses
from gateway.services.cache import Cache
from gateway.services.identity import Identity
from gateway.store.database import Database
from tests.gateway.services.conftest import House, open_house

pytestmark = pytest.mark.anyio


@contextmanager
def _statements(database: Database) -> Iterator[list[str]]:
    """Every SQL statement that is sent while the block runs."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


@asynccontextmanager
async def _neighbour(house: House) -> AsyncIterator[Identity]:
    """The identity service of another process."""
    async with open_house(house.database, house.vault, house.provider) as other:
        await other.identity.start()
        assert other.identity._listener is not None
        await asyncio.wait_for(other.identity._listener.ready.wait(), 5)
        yield other.identity


async def test_applications_are_known_by_id_and_secret(house: House) -> None:
    client_id = house.application.client_id
    assert await house.identity.application(client_id, house.client_secret) == house.application
    assert await house.identity.application(client_id, "wrong") is None
    assert await house.identity.application(client_id, "") is None
    assert await house.identity.application("nobody", house.client_secret) is None
    assert await house.identity.application_by_client_id(client_id) == house.application
    assert await house.identity.application_by_client_id("nobody") is None


async def test_tokens_are_known(house: House) -> None:
    saved = await house.link()
    found = await house.identity.token(saved.access_token)
    assert found == (house.application, await house.account(saved))
    for wrong in ("", "x", saved.access_token[:-1], saved.access_token.swapcase(), "\0", "ü", "\ud800"):
        assert await house.identity.token(wrong) is None


async def test_a_warm_request_costs_no_statement(house: House) -> None:
    saved = await house.link()
    for expected in (True, False):
        with _statements(house.database) as seen:
            await house.identity.token(saved.access_token)
            await house.identity.account(house.application, saved.account_id)
            await house.identity.application(house.application.client_id, house.client_secret)
            await house.identity.trusted_origin("https://app.example.com")
        assert bool(seen) is expected


async def test_what_is_unknown_is_not_remembered(house: House) -> None:
    assert await house.identity.account(house.application, 2**62) is None
    with _statements(house.database) as seen:
        assert await house.identity.account(house.application, 2**62) is None
        assert await house.identity.token("nobody's") is None
        assert await house.identity.token("nobody's") is None
    assert len(seen) == 3


async def test_other_processes_hear_of_changes(house: House) -> None:
    saved = await house.link()
    async with _neighbour(house) as neighbour:
        found = await neighbour.token(saved.access_token)
        assert found is not None
        await house.accounts.set_marks(found[1], {"archive": "f1"})

        async def changed() -> bool:
            again = await neighbour.token(saved.access_token)
            return again is not None and again[1].marks == (("archive", "f1"),)

        await _soon(changed)
        await house.accounts.delete(house.application, saved.account_id)

        async def gone() -> bool:
            return await neighbour.token(saved.access_token) is None

        await _soon(gone)


async def test_other_processes_hear_of_trusted_domains(house: House) -> None:
    origin = f"https://{house.application.client_id}.example.com"
    async with _neighbour(house) as neighbour:
        assert not await neighbour.trusted_origin(origin)
        await house.applications.change_domains(house.application.name, add=[origin])

        async def trusted() -> bool:
            return await neighbour.trusted_origin(origin.upper())

        await _soon(trusted)
        application = await neighbour.application(house.application.client_id, house.client_secret)
        assert application is not None
        assert application.trusted_domains == (origin,)


async def _soon(check: Callable[[], Awaitable[bool]]) -> None:
    """Well before the cached values would expire by themselves."""
    async with asyncio.timeout(2):
        while not await check():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)


async def test_the_use_of_tokens_is_noted_in_one_statement_and_once_a_minute(house: House) -> None:
    accounts = [(await house.link(f"u{number}@example.com")).account_id for number in range(2)]
    async with house.database.read() as session:
        found = await session.scalars(
            sa.text("select id from access_token where account_id = any(:ids)"), {"ids": accounts}
        )
        tokens = found.all()
    noted = uses.Uses(house.database)
    with _statements(house.database) as seen:
        for _ in range(5):
            for token in tokens:
                noted.note(token)
        assert not seen  # never in the way of the request that uses the token
        await noted.close()
        for token in tokens:
            noted.note(token)
        await noted.close()
    assert len([statement for statement in seen if statement.startswith("UPDATE access_token")]) == 1
    for account_id in accounts:
        assert (await house.accounts.get(house.application, account_id)).token_last_activity is not None


async def test_the_use_of_a_token_is_written_in_the_background(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "_DELAY", 0.01)
    saved = await house.link()
    await house.identity.token(saved.access_token)

    async def written() -> bool:
        return (await house.accounts.get(house.application, saved.account_id)).token_last_activity is not None

    await _soon(written)


async def test_uses_are_written_at_the_end(house: House) -> None:
    saved = await house.link()
    await house.identity.token(saved.access_token)
    await house.identity.close()
    assert (await house.accounts.get(house.application, saved.account_id)).token_last_activity is not None


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_cache_forgets_in_time_by_topic_and_when_full() -> None:
    clock = _Clock()
    cache: Cache[str] = Cache(5, 3, clock)
    cache.put("a", "A", ["t1", "t2"], cache.age)
    cache.put("b", "B", ["t2"], cache.age)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("A", "B", None)
    cache.drop("t1")
    assert (cache.get("a"), cache.get("b")) == (None, "B")
    clock.now = 5.0
    assert cache.get("b") is None
    for key in "wxyz":
        cache.put(key, key, [key], cache.age)
    assert [cache.get(key) for key in "wxyz"] == [None, "x", "y", "z"]
    cache.drop(None)
    assert [cache.get(key) for key in "xyz"] == [None] * 3
    assert not cache._topics


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    cache: Cache[str] = Cache(5, 3)
    age = cache.age
    cache.drop("account:1")
    cache.put("a", "stale", ["account:1"], age)
    assert cache.get("a") is None
