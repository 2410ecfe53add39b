"""Writing to a stream, and the locks that writers hold."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from cryptography.fernet import Fernet

from gateway.services.applications import Applications
from gateway.store.database import Database
from gateway.store.deltas import Deltas, Overtaken
from gateway.store.locks import Locks
from gateway.store.queries import accounts
from gateway.store.streams import Stream, Streams
from gateway.store.vault import Vault
from providers.base.collection import Change

pytestmark = pytest.mark.anyio
_NAMES = iter(range(1000))


@pytest.fixture
async def stream(database: Database) -> Stream:
    """A new stream of a new account."""
    applications = Applications(database, Vault([Fernet.generate_key().decode()]))
    application, _, _ = await applications.create(f"streams {next(_NAMES)}")
    columns = {"service_type": "IMAP", "email": "ann@example.com", "application_id": application.id}
    async with database.session() as session:
        account = await accounts.add(session, columns)
    return await Streams(database).find_or_create(account.id, "messages", None, {})


@pytest.fixture
async def locks(database: Database) -> AsyncIterator[list[Locks]]:
    """Those of two processes."""
    made = [database.locks(), database.locks()]
    yield made
    for one in made:
        await one.close()


async def test_starts_at_once_find_one_stream(database: Database, stream: Stream) -> None:
    asked = [Streams(database).find_or_create(stream.account_id, "messages", "p", {"days": 1}) for _ in range(8)]
    assert len({found.id for found in await asyncio.gather(*asked)}) == 1


async def test_whoever_was_overtaken_writes_nothing(database: Database, stream: Stream) -> None:
    deltas, streams = Deltas(database), Streams(database)
    first = await deltas.apply(stream, [Change("a", "1")], [], "c1", more=False)
    with pytest.raises(Overtaken):
        await deltas.apply(stream, [Change("b", "1")], [], "c1", more=False)
    with pytest.raises(Overtaken):
        await deltas.replace(stream, [], "c1")
    with pytest.raises(Overtaken):
        await deltas.republish(stream, ["a"])
    assert (await streams.live(stream.id), first.sequence) == (1, 1)


async def test_the_same_again_changes_nothing(database: Database, stream: Stream) -> None:
    deltas = Deltas(database)
    change = Change("a", "1", "inbox", "<a@x>")
    first = await deltas.apply(stream, [change], [], "c1", more=True)
    assert (first.sequence, first.ready) == (1, False)
    again = await deltas.apply(first, [change], ["never seen"], "c2", more=False)
    assert (again.sequence, again.ready, again.cursor) == (1, True, "c2")
    moved = await deltas.apply(again, [Change("a", "1", "archive", "<a@x>")], [], "c3", more=False)
    assert moved.sequence == 2


async def test_a_lock_has_one_holder(locks: list[Locks]) -> None:
    inside, most = 0, 0

    async def enter(mine: Locks) -> None:
        nonlocal inside, most
        async with mine.hold("stream:1"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.002)
            inside -= 1

    await asyncio.gather(*(enter(locks[number % 2]) for number in range(12)))
    assert most == 1


async def test_a_lock_is_free_when_its_holder_loses_the_database(database_url: str, locks: list[Locks]) -> None:
    dying, next_one = locks
    async with dying.hold("stream:2"):
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
                " and database = (select oid from pg_database where datname = current_database())"
            )
        async with next_one.hold("stream:2"):
            pass
    async with dying.hold("stream:2"):  # and it finds its way back
        pass
