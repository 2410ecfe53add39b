"""Batches of events -> server-sent events on the wire.

A piece is asked for when the socket has taken the one before, so a reader that does not read costs its buffers and no
more; after `patience` seconds it is cut, and resumes by itself when it reads again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.http.route import Media
from gateway.live import Batch
from providers.base.errors import ProviderError

log = logging.getLogger("postroom.http")
PATIENCE = 30.0  # seconds
RETRY = 1000  # milliseconds until a browser connects again
_HEADERS = {
    "content-type": f"{Media.EVENTS.value}; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx and others: pass on at once
}


def frames(batch: Batch) -> bytes:
    """A batch as events; without any a comment, and the position for a reader that connects again."""
    if not batch.told:
        return b":\nid: %b\n\n" % batch.position.encode()
    return b"".join(
        (b"" if told.position is None else b"id: %b\n" % told.position.encode())
        + b"data: %b\n\n" % told.event.to_json()
        for told in batch.told
    )


class EventStream(Response):
    """An answer that goes on until the pieces end, the client goes, or does not read."""

    def __init__(self, pieces: AsyncIterator[bytes], status: int = 200, patience: float = PATIENCE) -> None:
        super().__init__(None, status, _HEADERS)
        del self.headers["content-length"]
        self._pieces, self._patience = pieces, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`scope["state"]` is the connection's (connection.py): `cut` ends it."""
        state = scope.get("state", {})
        state["streaming"] = True
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not sending.result() and "cut" in state:
                state["cut"]()
                await leaving
        finally:
            await _ended(sending, leaving)

    async def _send(self, send: Send) -> bool:
        """False when the client did not take something in time."""
        try:
            await self._one(send, b"retry: %d\n\n" % RETRY)
            async with aclosing(self._pieces) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    await self._one(send, piece)
            await self._one(send, b"", more=False)
        except TimeoutError:
            return False
        except ProviderError as error:  # it may go on elsewhere, or later: the client connects again
            log.warning("a stream of events was broken off: %s", error.message)
            await self._one(send, b"", more=False)
        return True

    async def _one(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._patience):
            await send({"type": "http.response.body", "body": body, "more_body": more})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: asyncio.Task[bool] | asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
