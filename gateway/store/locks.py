"""Named locks between processes: PostgreSQL's advisory locks, all of a process on one connection of its own.

A process that dies, or loses that connection, loses its locks: they keep work from being done twice, and what is
written under them is fenced besides (`Deltas` compares before it sets).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg

from providers.base.errors import Unavailable

log = logging.getLogger("postroom.store")
_SHORTEST, _LONGEST = 0.005, 0.1  # seconds between looks at a lock that somebody holds
_TAKE: LiteralString = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
_GIVE: LiteralString = "select pg_advisory_unlock(hashtextextended(%s, 0))"


class Locks:
    """`url` (libpq form) must not run through a pooler."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[tuple[bool]] | None = None
        self._turn = asyncio.Lock()
        self._held: set[str] = set()  # a session may take its own lock twice, so this says no

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Hold the lock, waiting for it as long as it takes. Raises `Unavailable`."""
        pause = _SHORTEST
        while not await self._take(name):
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST)
        try:
            yield
        finally:
            await self._give(name)

    async def close(self) -> None:
        """Let go of everything."""
        if self._connection is not None:
            await self._connection.close()

    async def _take(self, name: str) -> bool:
        if name in self._held:
            return False
        self._held.add(name)
        taken = False
        try:
            taken = await self._ask(_TAKE, name)
        except psycopg.OperationalError as error:
            log.error("the database failed: %s", error)
            raise Unavailable("The gateway's database is not available at the moment") from error
        finally:
            if not taken:
                self._held.discard(name)
        return taken

    async def _give(self, name: str) -> None:
        try:
            await self._ask(_GIVE, name)
        except psycopg.OperationalError as error:  # the lock went with the connection
            log.warning("the connection that held locks was lost: %s", error)
        finally:
            self._held.discard(name)

    async def _ask(self, statement: LiteralString, name: str) -> bool:
        async with self._turn:
            if self._connection is None or self._connection.closed:
                self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
            row = await (await self._connection.execute(statement, [name], prepare=False)).fetchone()
            return row is not None and row[0]
