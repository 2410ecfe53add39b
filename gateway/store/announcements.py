"""What processes tell each other through PostgreSQL's LISTEN and NOTIFY: which cached rows are stale.

A topic is `application:ID`, `account:ID`, or `gone:ID` for an account whose grant no longer exists; `feed:ACCOUNT` and
`feeds:APPLICATION` when an account's feed has grown; `watch:ACCOUNT` when somebody has come to follow an account,
`watch:0` when a process came, or gave accounts back; `wrote:ACCOUNT` when a process that does not watch the account has
written to it; `told:ACCOUNT:PORT[:PARENT]` when its provider said that something changed there. Announcements are made
in the transaction of the change and arrive when it commits.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import psycopg
from sqlalchemy import ARRAY, Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

log = logging.getLogger("postroom.store")
CHANNEL = "postroom_changes"
_DRAIN = 0.05  # seconds without a notice after which the connection is left alone
_RETRY = 1.0  # seconds between attempts to reach the database again

Hear = Callable[[str | None], None]


async def announce(session: AsyncSession, *topics: str) -> None:
    """Tell every listening process when the session's transaction commits."""
    told = func.unnest(cast(list(topics), ARRAY(Text))).column_valued("topic")
    await session.execute(select(func.pg_notify(CHANNEL, told)))


class Listener:
    """Calls `hear` with each topic; with None when notices may have been missed, after a lost connection.

    Holds one connection of its own, which must not run through a pooler (`url`: libpq form)."""

    def __init__(self, url: str, hear: Hear) -> None:
        self._url, self._hear = url, hear
        self._task = asyncio.create_task(self._run())
        self.ready = asyncio.Event()

    async def close(self) -> None:
        """Stop listening."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except psycopg.OperationalError as error:
                log.warning("the listening connection to the database was lost: %s", error)
            self.ready.clear()
            await asyncio.sleep(_RETRY)

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(f"listen {CHANNEL}")
            self._hear(None)
            self.ready.set()
            while True:
                await _readable(connection.fileno())
                async for notice in connection.notifies(timeout=_DRAIN):
                    self._hear(notice.payload)


async def _readable(file: int) -> None:
    """Wait until there is something to read. (`notifies` would look ten times a second by itself.)"""
    loop, there = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(file, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(file)
