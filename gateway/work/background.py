"""All the background work of a process: pumps, watching, upkeep; which of it is done here is the operator's choice."""

import asyncio
from collections.abc import Callable, Collection, Coroutine

from gateway.services.identity import Identity
from gateway.services.watching import Watching
from gateway.work.engine import Engine

WATCH, UPKEEP = "watch", "upkeep"  # kinds of work beside the pumps


class UnknownQueue(Exception):
    """There is no such kind of work; the message names those that there are."""


def chosen(queues: Collection[str] | None, pumps: Collection[str], *, work: bool) -> frozenset[str]:
    """The kinds that this process does, of all that there are. Raises `UnknownQueue`."""
    known = frozenset({*pumps, WATCH, UPKEEP})
    if not work:
        return frozenset()
    if unknown := frozenset(queues or ()) - known:
        raise UnknownQueue(f"no such queue: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    return known if queues is None else frozenset(queues)


class Background:
    """Starts and stops it; hears, by `identity`, what processes announce."""

    def __init__(
        self,
        kinds: Collection[str],
        engine: Engine,
        watching: Watching,
        upkeep: Callable[[], Coroutine[None, None, None]],
        identity: Identity,
    ) -> None:
        self._engine, self._upkeep = engine, upkeep
        self._watching, self._kinds = watching, kinds
        self._keeping_up: asyncio.Task[None] | None = None
        identity.watch(engine.hear)
        if WATCH in kinds:
            identity.watch(watching.hear)

    async def start(self) -> None:
        """Begin; a database that is away is waited for."""
        await self._engine.start()
        if WATCH in self._kinds:
            await self._watching.start()
        if UPKEEP in self._kinds:
            self._keeping_up = asyncio.create_task(self._upkeep())

    async def close(self) -> None:
        """Stop within ten seconds: accounts are given back first, then runs end or are left to other processes."""
        if self._keeping_up is not None:
            self._keeping_up.cancel()
        await self._watching.close()
        await self._engine.close()
