"""Named locks between processes: PostgreSQL's advisory locks, all of a process on one connection of its own.

A process that dies, loses that connection, or says nothing on it for a while (it was stopped) loses its locks: they
keep work from being done twice, and what is written under them is fenced besides (`Deltas` compares before it sets).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg

from providers.base.errors import Unavailable

log = logging.getLogger("postroom.store")
PATIENCE = 20.0  # seconds of silence after which PostgreSQL takes the locks away
_SHORTEST, _LONGEST = 0.005, 0.1  # seconds between looks at a lock that somebody holds
_TAKE: LiteralString = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
_GIVE: LiteralString = "select pg_advisory_unlock(hashtextextended(%s, 0))"


class Locks:
    """`url` (libpq form) must not run through a pooler; `patience` in seconds."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self._url, self._patience = url, patience
        self._connection: psycopg.AsyncConnection[tuple[bool]] | None = None
        self._turn = asyncio.Lock()
        self._held: set[str] = set()  # a session may take its own lock twice, so this says no
        self._taken = 0
        self._spoke = 0.0  # when the connection was last used
        self._signs: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Hold the lock, waiting for it as long as it takes. Raises `Unavailable`."""
        async with self.try_hold(name, float("inf")):
            yield

    @asynccontextmanager
    async def try_hold(self, name: str, patience: float = 0.0) -> AsyncIterator[bool]:
        """Hold the lock if it can be had within `patience` seconds; says whether it was. Raises `Unavailable`."""
        if not (taken := await self._wait(name, patience)):
            yield False
            return
        try:
            yield taken
        finally:
            await self._give(name)

    async def close(self) -> None:
        """Let go of everything."""
        if self._signs is not None:
            self._signs.cancel()
        if self._connection is not None:
            await self._connection.close()

    async def _wait(self, name: str, patience: float) -> bool:
        pause, until = _SHORTEST, time.monotonic() + patience
        while not (taken := await self._take(name)) and time.monotonic() < until:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST)
        return taken

    async def _take(self, name: str) -> bool:
        if name in self._held:
            return False
        self._held.add(name)
        taken = False
        try:
            taken = await self._ask_again(_TAKE, name)
        except psycopg.OperationalError as error:
            log.error("the database failed: %s", error)
            raise Unavailable("The gateway's database is not available at the moment") from error
        finally:
            if taken:
                self._taken += 1
                self._give_signs()
            else:
                self._held.discard(name)
        return taken

    async def _give(self, name: str) -> None:
        try:
            await self._ask(_GIVE, name)
        except psycopg.OperationalError as error:  # the lock went with the connection
            log.warning("the connection that held locks was lost: %s", error)
        finally:
            self._taken -= 1
            self._held.discard(name)

    async def _ask_again(self, statement: LiteralString, name: str) -> bool:
        """Ask; when that shows that the connection was lost meanwhile, once more on a new one."""
        try:
            return await self._ask(statement, name)
        except psycopg.OperationalError as error:
            log.info("the connection for locks was lost: %s", error)
            return await self._ask(statement, name)

    async def _ask(self, statement: LiteralString, name: str) -> bool:
        async with self._turn:
            connection = await self._connected()
            self._spoke = time.monotonic()
            row = await (await connection.execute(statement, [name], prepare=False)).fetchone()
            return row is not None and row[0]

    async def _connected(self) -> psycopg.AsyncConnection[tuple[bool]]:
        """The connection; a new one when it was lost, or will have been for having nothing to say."""
        forgotten = not self._taken and time.monotonic() - self._spoke > self._patience / 2
        if self._connection is not None and forgotten:
            await self._connection.close()
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
            limit = f"set idle_session_timeout = {int(self._patience * 1000)}"
            await self._connection.execute(limit)
        return self._connection

    def _give_signs(self) -> None:
        if self._signs is None or self._signs.done():
            self._signs = asyncio.create_task(self._signs_of_life())

    async def _signs_of_life(self) -> None:
        """Say something now and then, as long as locks are held."""
        while self._taken:
            await asyncio.sleep(self._patience / 4)
            if self._taken and time.monotonic() - self._spoke > self._patience / 5:
                await self._sign()

    async def _sign(self) -> None:
        try:
            await self._ask("select %s = ''", "")
        except psycopg.OperationalError as error:
            log.warning("the connection that held locks was lost: %s", error)
