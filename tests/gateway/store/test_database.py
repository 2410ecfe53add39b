"""Opening, migrating and asking the database, on a real PostgreSQL."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.settings import Settings
from gateway.store.announcements import announce
from gateway.store.database import POOL, Database, DatabaseUnavailable
from providers.base.errors import Unavailable
from tests.gateway.database import fresh_database

pytestmark = pytest.mark.anyio


@pytest.fixture
def blank(postgres_url: str) -> Iterator[str]:
    yield from fresh_database(postgres_url)


async def test_an_empty_database_is_not_ready_until_migrated(blank: str) -> None:
    database = Database(blank)
    assert "run `postroom migrate`" in (await database.ready() or "")
    await database.migrate()
    assert await database.ready() is None
    await database.close()


async def test_processes_that_migrate_at_once_do_not_collide(blank: str) -> None:
    databases = [Database(blank) for _ in range(4)]
    await asyncio.gather(*(database.migrate() for database in databases))
    assert [await database.ready() for database in databases] == [None] * 4
    await asyncio.gather(*(database.close() for database in databases))


async def test_a_database_that_is_away_is_named(tmp_path: Path) -> None:
    database = Database("postgresql://me:hunter2@127.0.0.1:9/mail")
    reason = await database.ready()
    assert reason is not None
    assert "127.0.0.1" in reason
    assert "mail" in reason
    with pytest.raises(DatabaseUnavailable) as raised:
        await database.migrate()
    assert "hunter2" not in reason + str(raised.value)
    with pytest.raises(Unavailable) as outage:
        async with database.read() as session:
            await session.execute(sa.text("select 1"))
    assert "hunter2" not in str(outage.value)
    await database.close()


async def test_a_restarted_database_is_used_again_at_once(database: Database) -> None:
    kill = sa.text(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    async with database.read() as one, database.read() as other:
        await other.execute(sa.text("select 1"))
        await one.execute(kill)
    for _ in range(3):
        async with database.session() as session:
            assert await session.scalar(sa.text("select 1")) == 1


async def test_waiting_for_a_connection_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database._engine.sync_engine.pool, "_timeout", 0.05)
    async with AsyncExitStack() as stack:
        for _ in range(POOL):
            session = await stack.enter_async_context(database.read())
            await session.execute(sa.text("select 1"))
        with pytest.raises(Unavailable):
            async with database.read() as session:
                await session.execute(sa.text("select 1"))


async def test_a_transaction_is_undone_when_its_block_raises(database: Database) -> None:
    statement = sa.text(
        "insert into application (client_id, secret_hash, sealed_signing_secret, name) "
        "values ('undone', '', '', 'undone')"
    )
    with pytest.raises(ZeroDivisionError):
        async with database.session() as session:
            await session.execute(statement)
            raise ZeroDivisionError
    async with database.read() as session:
        assert await session.scalar(sa.text("select count(*) from application where name = 'undone'")) == 0


async def test_announcements_arrive_when_the_transaction_commits(database: Database) -> None:
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    listener = database.listen(heard.put_nowait)
    assert await asyncio.wait_for(heard.get(), 5) is None  # connected: whatever was known before may be stale
    with pytest.raises(ZeroDivisionError):
        async with database.session() as session:
            await announce(session, "account:1")
            raise ZeroDivisionError
    async with database.session() as session:
        await announce(session, "account:2")
        assert heard.empty()
    assert await asyncio.wait_for(heard.get(), 5) == "account:2"
    await listener.close()


async def test_a_listener_survives_a_lost_connection(database: Database) -> None:
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    listener = database.listen(heard.put_nowait)
    assert await asyncio.wait_for(heard.get(), 5) is None
    async with database.read() as session:
        await session.execute(
            sa.text(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' "
                "and datname = current_database()"
            )
        )
    assert await asyncio.wait_for(heard.get(), 10) is None
    async with database.session() as session:
        await announce(session, "account:3")
    assert await asyncio.wait_for(heard.get(), 5) == "account:3"
    await listener.close()


_PROCESS = """
import asyncio, sys
from contextlib import AsyncExitStack
from pathlib import Path
from gateway.settings import Settings
from gateway.store.database import Database

async def main():
    database = await Database.open(Settings(var_dir=Path(sys.argv[1])))
    await database.migrate()
    print(await database.ready(), flush=True)
    await asyncio.sleep(float(sys.argv[2]))
    await database.close()

asyncio.run(main())
"""


def _embedded(var_dir: Path, seconds: float = 0) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", _PROCESS, str(var_dir), str(seconds)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _postmaster(var_dir: Path) -> Path:
    return var_dir / "pg" / "postmaster.pid"


def test_processes_share_the_embedded_server_and_the_last_one_stops_it(var_dir: Path) -> None:
    processes = [_embedded(var_dir) for _ in range(3)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [out.strip() for out, _ in answers] == ["None"] * 3, answers
    assert not _postmaster(var_dir).exists()


def test_the_embedded_server_starts_beside_a_pid_file_of_another_program(var_dir: Path) -> None:
    """As after the restart of a container: the number in the file is somebody else's by now."""
    out, error = _embedded(var_dir).communicate(timeout=60)
    assert out.strip() == "None", error
    _postmaster(var_dir).write_text(f"{os.getpid()}\n{var_dir}/pg\n1700000000\n5432\n{var_dir}/pg\n\n 1 2\nready\n")
    out, error = _embedded(var_dir).communicate(timeout=60)
    assert out.strip() == "None", error


def test_the_embedded_server_survives_a_killed_process(var_dir: Path) -> None:
    first = _embedded(var_dir, 60)
    assert first.stdout is not None
    assert first.stderr is not None
    assert first.stdout.readline().strip() == "None", first.stderr.read()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    out, error = _embedded(var_dir).communicate(timeout=60)
    assert out.strip() == "None", error
    assert not _postmaster(var_dir).exists()  # the killed one does not count as a user


async def test_the_database_named_by_the_settings_is_used(database_url: str) -> None:
    database = await Database.open(Settings.from_environment({"POSTROOM_DATABASE_URL": database_url}))
    assert await database.ready() is None
    await database.close()
