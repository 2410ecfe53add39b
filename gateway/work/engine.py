"""The engine of background work: it runs pumps, now in this process when it can, else by a job in any."""

import asyncio
import logging
import time
from collections.abc import Collection, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from gateway.pauses import jittered
from gateway.store.database import Database
from gateway.work.jobs import Jobs
from gateway.work.pump import Pump
from gateway.work.runs import Runs
from providers.base.errors import Unavailable

V = TypeVar("V")

log = logging.getLogger("postroom.work")
STOP = 5.0  # seconds that runs under way get when the process is to stop; then others go on with them
_LOOK = 0.5, 1.5  # seconds until a process looks after a feed that another one wrote to
_OWN = 3.0  # seconds in which news of a feed that this process wrote to itself is no news
_NEWCOMERS = 0.02  # seconds until it is asked who else wants to know, so that those who are known go first
_PATIENCE = 5.0  # seconds that a job waits for a key that another process runs
_SWEPT = 500  # keys that one sweep takes up
_REMEMBERED = 10_000  # accounts of which something is kept in mind
_LOCAL = 32  # of them in this process; the others are left to all


class Engine:
    """Runs of `pumps` only those named in `here` (None: all; empty: none, which leaves everything to other processes).

    `stop`, in seconds: how long runs get to end by themselves."""

    def __init__(
        self, database: Database, pumps: Sequence[Pump], here: Collection[str] | None = None, *, stop: float = STOP
    ) -> None:
        self._pumps = list(pumps)
        self._here = {pump.name: pump for pump in pumps if here is None or pump.name in here}
        self._locks = database.locks()
        self._runs = Runs(self._locks, self._here.values())
        self._jobs = Jobs(database.direct_url, self._attend)
        self._stop = stop
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeps: list[asyncio.Task[None]] = []
        self._own: dict[int, float] = {}  # account -> when this process last wrote to its feed
        self._wanting: dict[int, frozenset[tuple[str, int]]] = {}  # account -> keys of pumps that were woken for it
        self._heard: set[int] = set()  # accounts that will be looked after
        self._leaving = False

    async def start(self) -> None:
        """Begin: take up what is due already, and what comes."""
        await self._jobs.open()
        if self._here:
            self._jobs.work(self._here, self._stop)
        self._sweeps = [asyncio.create_task(self._sweep(pump)) for pump in self._here.values()]

    def wake(self, name: str, key: int) -> None:
        """Something is due for this key of the pump `name`: run it now, and again should it be running."""
        pump = self._here.get(name)
        if pump is None or self._leaving:
            self._spawn(self._leave(name, key))
        else:
            self._runs.start(pump, key, otherwise=self._leave)

    async def defer(self, name: str, key: int, at: datetime) -> None:
        """Wake a key at a time, in any process. Its row must be due then: should the job be lost, the sweep sees it.

        Raises `Unavailable`."""
        await self._jobs.leave_for(name, key, at)

    def told(self, account_id: int) -> None:
        """This process has appended to the account's feed: run at once what wants to know."""
        self._keep(self._own, account_id, time.monotonic())
        self._spawn(self._wake_wanting(account_id))

    def hear(self, topic: str | None) -> None:
        """An announcement (gateway/store/announcements.py). Who writes to a feed wakes those who wait for it; should
        that process have died in between, the others have a look a little later."""
        kind, _, account_id = (topic or "").partition(":")
        if kind == "feed" and self._here and int(account_id) not in self._heard:
            self._heard.add(int(account_id))
            asyncio.get_running_loop().call_later(jittered(*_LOOK), self._look_after, int(account_id))

    async def close(self) -> None:
        """Stop within some seconds: what does not end is broken off, and left to others."""
        self._leaving = True
        for sweep in self._sweeps:
            sweep.cancel()
        _, left = await asyncio.gather(self._jobs.stop(self._stop + 1.0), self._runs.close(self._stop))
        for name, key in left:
            self._spawn(self._leave(name, key))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        await self._jobs.close()
        await self._locks.close()

    async def _attend(self, name: str, key: int) -> None:
        """A job: run the key, waiting a little for whoever has it."""
        if (pump := self._here.get(name)) is not None:
            await asyncio.shield(self._runs.start(pump, key, patience=_PATIENCE, otherwise=self._leave))

    async def _leave(self, name: str, key: int) -> None:
        try:
            await self._jobs.leave(name, key)
        except Unavailable as error:  # it is due still: the sweep finds it
            log.warning("%s %d was put off: %s", name, key, error)

    async def _wake_wanting(self, account_id: int) -> None:
        """Those who wanted to know the last time are woken before anybody is asked."""
        earlier = self._wanting.get(account_id, frozenset())
        for name, key in earlier:
            self.wake(name, key)
        if earlier:
            await asyncio.sleep(_NEWCOMERS)
        try:
            now = {(pump.name, key) for pump in self._pumps if pump.wanted for key in await pump.wanted(account_id)}
            self._keep(self._wanting, account_id, frozenset(now))
            for name, key in now - earlier:
                self.wake(name, key)
        except Unavailable as error:
            log.warning("those who follow account %d are told later: %s", account_id, error)

    @staticmethod
    def _keep(memory: dict[int, V], account_id: int, value: V) -> None:
        if len(memory) > _REMEMBERED:
            memory.clear()
        memory[account_id] = value

    def _look_after(self, account_id: int) -> None:
        self._heard.discard(account_id)
        own = self._own.get(account_id)
        if not self._leaving and (own is None or time.monotonic() - own > _OWN):
            self._spawn(self._wake_wanting(account_id))

    async def _sweep(self, pump: Pump) -> None:
        """Now and then take up what is due and has been forgotten; no two processes at the same moment."""
        wait = jittered(0.0, min(1.0, pump.every))
        while True:
            await asyncio.sleep(wait)
            wait = pump.every * jittered(0.8, 1.2)
            try:
                async with self._locks.try_hold(f"sweep:{pump.name}") as mine:
                    if mine and await self._take_up(pump) == _SWEPT:
                        wait = min(1.0, pump.every)
            except Unavailable as error:
                log.warning("the sweep of %s was put off: %s", pump.name, error)
            except Exception:
                log.exception("the sweep of %s failed", pump.name)

    async def _take_up(self, pump: Pump) -> int:
        due = await pump.due(_SWEPT)
        for key in due[:_LOCAL]:
            self._runs.start(pump, key)  # one that runs elsewhere is taken care of
        for key in due[_LOCAL:]:
            await self._jobs.leave(pump.name, key)
        return len(due)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
