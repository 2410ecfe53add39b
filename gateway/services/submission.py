"""Submissions under way: they go on when whoever asked for them has gone, and their row is settled in any case."""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from gateway.store.sends import LOOKS, LoggedSend, Sends, SendState
from providers.base.errors import ProviderError, Unavailable
from providers.base.ports import Sent

log = logging.getLogger("postroom.sending")
T = TypeVar("T")

#: How long a stopping process waits for its submissions.
GRACE = 8.0  # seconds


class Submissions:
    """The submissions of this process, and how they end in the log."""

    def __init__(self, sends: Sends) -> None:
        self.sends = sends
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run to the end, whatever becomes of the caller."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        """The log has how it ended, also when nobody is left who waits for it."""
        self._running.discard(task)
        if not task.cancelled():
            task.exception()

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end, and wait for it."""
        return await asyncio.shield(self.start(work))

    async def close(self) -> None:
        """Wait for those under way, for some seconds."""
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE)

    async def sent(self, send: LoggedSend, sent: Sent) -> None:
        """It left."""
        await self._settle(send, SendState.SENT, sent=sent)

    async def uncertain(self, send: LoggedSend, error: ProviderError) -> None:
        """It may have left."""
        await self._settle(send, SendState.UNKNOWN, error=error.message, after=LOOKS[0])

    async def failed(self, send: LoggedSend, words: str) -> None:
        """Nothing left, and nothing will."""
        await self._settle(send, SendState.FAILED, error=words)

    async def later(self, send: LoggedSend, error: ProviderError, delay: timedelta) -> None:
        """Nothing left; once more after a while."""
        await self._settle(send, SendState.QUEUED, error=error.message, after=delay)

    async def _settle(self, send: LoggedSend, state: SendState, **more: Any) -> None:
        """An outage of our own database must not hide how it ended; what the row says until it is settled is true."""
        try:
            await self.sends.settle(send, state, **more)
        except Unavailable as error:
            log.error("send %s ended as %s, which could not be noted: %s", send.id, state, error.message)
