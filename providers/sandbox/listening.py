"""Hearing of changes: at once when this process wrote, within a second when another one did."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from providers.base.errors import ProviderError
from providers.base.lane import Lane
from providers.base.provider import Hear, Listening, Notice
from providers.sandbox.client import Client

LOOK = 1.0  # seconds between two looks at the change counters of all accounts
_COUNTERS = """
SELECT id AS account, 'messages' AS port, change FROM account UNION ALL SELECT account, port, change FROM counter
"""
Counters = Mapping[str, int]  # port -> change counter


class SandboxListening(Listening):
    """Of one account."""

    def __init__(self, ears: "Ears", number: int, hear: Hear) -> None:
        self._ears, self.number, self._hear = ears, number, hear
        self._closed = False

    async def close(self) -> None:
        """See `Listening.close`."""
        self._closed = True
        self._ears.forget(self)

    def tell(self, notice: Notice) -> None:
        """Pass it on, unless nobody listens any more."""
        if not self._closed:
            self._hear(notice)


class Ears:
    """All listeners of the process, served by one task that lasts while there are any."""

    def __init__(self, client: Client) -> None:
        self._client, self._lane = client, Lane(1)
        self._listening: dict[SandboxListening, Counters] = {}  # -> the counters up to which it was told
        self._task: asyncio.Task[None] | None = None

    async def listen(self, number: int, hear: Hear) -> SandboxListening:
        """Hear of every change of an account after this."""
        counters = await self._lane.run(self._counters)
        listening = SandboxListening(self, number, hear)
        self._listening[listening] = counters.get(number, {})
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return listening

    def forget(self, listening: SandboxListening) -> None:
        """Tell it nothing any more."""
        self._listening.pop(listening, None)

    def close(self) -> None:
        """End all."""
        self._listening.clear()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        written, loop = asyncio.Event(), asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(written.set)

        self._client.written.add(wake)
        try:
            while self._listening:
                await self._look(written)
        except ProviderError as error:
            self._lose(error)
        finally:
            self._client.written.discard(wake)

    async def _look(self, written: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(LOOK):
                await written.wait()
        except TimeoutError:
            pass
        written.clear()
        counters = await self._lane.run(self._counters)
        for listening, told in list(self._listening.items()):
            now = counters.get(listening.number, told)
            for port in [port for port, counter in now.items() if counter != told.get(port)]:
                asyncio.get_running_loop().call_soon(listening.tell, Notice(port))
            if listening in self._listening:
                self._listening[listening] = now

    def _lose(self, error: ProviderError) -> None:
        lost, self._listening = self._listening, {}
        for listening in lost:
            asyncio.get_running_loop().call_soon(listening.tell, Notice(error=error))

    def _counters(self) -> Mapping[int, Counters]:
        found: dict[int, dict[str, int]] = {}
        with self._client.reading() as db:
            for row in db.execute(_COUNTERS):
                found.setdefault(row["account"], {})[row["port"]] = row["change"]
        return found
