"""The runs of pumps in this process: of each key one at a time, here and, by a lock, everywhere."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from gateway.metrics import RUN_SECONDS, RUNS
from gateway.store.locks import Locks
from gateway.work.pump import Pump, mark_leaving
from providers.base.errors import Unavailable

log = logging.getLogger("postroom.work")
Otherwise = Callable[[str, int], Awaitable[None]]


@dataclass(slots=True)
class _Run:
    otherwise: Otherwise | None
    again: bool = True  # it was asked for since it last began
    task: "asyncio.Task[None]" = field(init=False)


class Runs:
    """Starts runs and remembers wishes that come while one is under way."""

    def __init__(self, locks: Locks, pumps: Iterable[Pump]) -> None:
        self._locks = locks
        self._slots = {pump.name: asyncio.Semaphore(pump.at_once) for pump in pumps}
        self._running: dict[tuple[str, int], _Run] = {}
        self._leaving = asyncio.Event()

    def start(
        self, pump: Pump, key: int, *, patience: float = 0.0, otherwise: Otherwise | None = None
    ) -> "asyncio.Task[None]":
        """Run a key now; again, if it runs already. When another process runs it for more than `patience` seconds,
        `otherwise` is called with the pump's name and the key."""
        run = self._running.get((pump.name, key))
        if run is not None:
            run.again, run.otherwise = True, run.otherwise or otherwise
            return run.task
        self._running[pump.name, key] = run = _Run(otherwise)
        run.task = asyncio.create_task(self._attend(pump, key, run, patience))
        return run.task

    async def close(self, patience: float) -> list[tuple[str, int]]:
        """Ask all to stop, and break off those that have not within `patience` seconds: (pump, key) of each."""
        self._leaving.set()
        if tasks := [run.task for run in self._running.values()]:
            await asyncio.wait(tasks, timeout=patience)
        left = dict(self._running)
        for run in left.values():
            run.task.cancel()
        await asyncio.gather(*(run.task for run in left.values()), return_exceptions=True)
        return list(left)

    async def _attend(self, pump: Pump, key: int, run: _Run, patience: float) -> None:
        mark_leaving(self._leaving)
        held = True
        try:
            async with self._slots[pump.name]:
                while run.again and held:
                    held = await self._locked(pump, key, run, patience)
        finally:  # nobody gets a turn between the last look at `again` and this
            del self._running[pump.name, key]
        if run.otherwise is not None and not held:
            await run.otherwise(pump.name, key)

    async def _locked(self, pump: Pump, key: int, run: _Run, patience: float) -> bool:
        """Run as often as was asked for; False when another process has the key."""
        try:
            async with self._locks.try_hold(f"{pump.name}:{key}", patience) as held:
                while held and run.again and not self._leaving.is_set():
                    run.again = False
                    with RUN_SECONDS.labels(pump.name).time():
                        await pump.run(key)
                    RUNS.labels(pump.name, "done").inc()
                return held and not self._leaving.is_set()
        except Unavailable as error:  # it is due still: the sweep finds it
            RUNS.labels(pump.name, "put off").inc()
            log.warning("%s %d was put off: %s", pump.name, key, error)
        except Exception:
            RUNS.labels(pump.name, "failed").inc()
            log.exception("%s %d failed", pump.name, key)
        run.again = False
        return True
