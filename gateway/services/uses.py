"""When access tokens were last used: noted once a minute for each, never in a request's way."""

import asyncio
import logging
import time

from gateway.store.database import Database
from gateway.store.queries import tokens
from providers.base.errors import Unavailable

log = logging.getLogger("postroom.identity")

_EVERY = 60.0  # seconds between notes of one token
_DELAY = 1.0  # seconds in which notes are gathered into one statement
_LIMIT = 100_000  # tokens remembered


class Uses:
    """Gathers notes and writes them in the background."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[int, float] = {}
        self._pending: set[int] = set()
        self._writer: asyncio.Task[None] | None = None

    def note(self, token_id: int) -> None:
        """This token was used now."""
        now = time.monotonic()
        if self._noted.get(token_id, -_EVERY) + _EVERY > now:
            return
        if len(self._noted) >= _LIMIT:
            self._noted.clear()
        self._noted[token_id] = now
        self._pending.add(token_id)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        while self._pending:
            await asyncio.sleep(_DELAY)
            await self._write()

    async def _write(self) -> None:
        taken, self._pending = self._pending, set()
        if not taken:
            return
        try:
            async with self._database.read() as session:
                await tokens.touch(session, taken)
        except Unavailable as error:
            log.warning("the use of %d tokens could not be noted: %s", len(taken), error)

    async def close(self) -> None:
        """Write what is still pending."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        await self._write()
