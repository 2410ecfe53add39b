"""Fixtures: one PostgreSQL per test run, and a fresh, migrated database per test module.

The server is the embedded one, shared by the workers of pytest-xdist and deleted by the last of them; or the one that
POSTROOM_TEST_DATABASE_URL names, whose user must be allowed to create databases.

Data folders stay out of pytest's `tmp_path`: as root the server runs as a user of its own, and every start of pytest
closes the parent of that folder to others, also for the runs beside it. A server dies at its next checkpoint then.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from gateway.store.database import Database
from gateway.store.embedded import get_server

_LOCK = 7_077_123
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)[:12]  # the same in every worker of a test run


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Asynchronous tests run on the loop that the gateway runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A server for this test run."""
    if url := os.environ.get("POSTROOM_TEST_DATABASE_URL"):
        return url
    server = get_server(Path(tempfile.gettempdir(), f"postroom-pg-{_RUN}"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("alter system set fsync = off")
        connection.execute("select pg_reload_conf()")
    return str(server.get_uri())


@pytest.fixture
def var_dir() -> Iterator[Path]:
    """An empty folder that an embedded server may use."""
    with tempfile.TemporaryDirectory(prefix="postroom-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """The name of an empty database with the current schema; made by the first worker that asks."""
    name = f"postroom_template_{_RUN}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            connection.execute(f"create database {name}")
            asyncio.run(_migrate(url_of(postgres_url, name)))
    return name


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.migrate()
    await database.close()


@pytest.fixture(scope="module")
def database_url(postgres_url: str, template: str) -> Iterator[str]:
    """A fresh database for the tests of one module; they share it, so each makes applications of its own."""
    yield from fresh_database(postgres_url, f"template {template}")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The module's database, opened."""
    database = Database(database_url)
    yield database
    await database.close()


def fresh_database(server: str, source: str = "") -> Iterator[str]:
    """The URL of a new database, which is dropped afterwards."""
    name = f"postroom_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name} {source}")
        yield url_of(server, name)
        connection.execute(f"drop database {name} with (force)")


def url_of(server: str, name: str) -> str:
    """The URL of another database of the server."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)
