"""Single statements past SQLAlchemy's sessions, for what happens many times a second: they cost a fifth so."""

import asyncio
import select
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from sqlalchemy import TextClause, make_url

from gateway.metrics import CONNECTIONS

Row = tuple[Any, ...]
_DIALECT = make_url("postgresql+psycopg://").get_dialect()()


class Plain:
    """At most `size` connections to `url` (libpq form), made when they are needed. `options` are psycopg's."""

    def __init__(self, url: str, size: int, **options: Any) -> None:
        self._url, self._options = url, options
        self._slots = asyncio.Semaphore(size)
        self._idle: list[AsyncConnection[Row]] = []

    async def rows(self, statement: TextClause, values: Mapping[str, Any]) -> list[Row]:
        """What one statement answers. Raises psycopg's errors; it is never sent a second time."""
        async with self._connection() as connection:
            cursor = await connection.execute(_compiled(statement), values)
            return await cursor.fetchall() if cursor.description else []

    async def close(self) -> None:
        """Close the connections."""
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Row]]:
        async with self._slots:
            connection = await self._kept() or await self._new()
            CONNECTIONS.inc()
            try:
                yield connection
            finally:
                CONNECTIONS.dec()
                if connection.info.transaction_status == TransactionStatus.IDLE:
                    self._idle.append(connection)
                else:
                    await connection.close()

    async def _kept(self) -> AsyncConnection[Row] | None:
        """The connection used last, unless the server hung up."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not speaks(connection.fileno()):
                return connection
            await connection.close()
        return None

    async def _new(self) -> AsyncConnection[Row]:
        return await AsyncConnection.connect(self._url, autocommit=True, **self._options)


def speaks(descriptor: int) -> bool:
    """Whether a server that nobody asked has something to say: that it hung up, as a rule. Found without asking."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(0))


@lru_cache(maxsize=256)
def _compiled(statement: TextClause) -> bytes:
    """The statement with psycopg's placeholders."""
    return str(statement.compile(dialect=_DIALECT)).encode()
