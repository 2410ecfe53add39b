"""Watching: this process's part of the accounts that are wanted, each under a lease (design section 6)."""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress

from gateway.pauses import jittered, pause
from gateway.services.changelog import ChangeLog
from gateway.services.pushed import Keeping
from gateway.services.sessions import Sessions
from gateway.services.sources import Sources
from gateway.services.watch import Means, Watch
from gateway.store.leases import Lease, Leases, Survey
from providers.base.errors import Unavailable

log = logging.getLogger("postroom.watching")
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps
_BATCH = 200  # leases taken by one statement
_SLACK = 0.1  # so much more than its fair share a process may have
_HANG_UP = 2.0  # seconds that listeners get to close when the process stops
_GATHER = 0.05  # seconds at most in which announcements are gathered, and processes get out of step


class Watching:
    """Watches accounts from `start` to `close`. It looks around every quarter of the leases' life, and at once when an
    announcement says that an account is wanted or has changed."""

    def __init__(
        self,
        leases: Leases,
        sessions: Sessions,
        changelog: ChangeLog,
        sources: Sources,
        keeping: Keeping | None = None,
    ) -> None:
        self._leases = leases
        self._means = Means(sessions, changelog, sources, self._is_sure, leases.note, keeping)
        self._watches: dict[int, Watch] = {}
        self._sure_until = 0.0
        self._changed: set[int] = set()  # accounts to be read again
        self._prompt = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._registered = False
        self._alone = False  # whether nobody else could be watching
        self._written: set[int] = set()  # accounts that others are to be told of
        self._telling: asyncio.Task[None] | None = None

    @property
    def accounts(self) -> dict[int, int]:
        """The epoch of every account that is watched here."""
        return {account_id: watch.epoch for account_id, watch in self._watches.items()}

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop listening and give every lease back, for others to take at once. Fit for one that was never started."""
        for task in (self._task, self._telling):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        try:
            async with asyncio.timeout(_HANG_UP):
                await self._end(list(self._watches))
        except TimeoutError:
            log.warning("some servers did not let this process hang up")
        if not self._registered:
            return
        try:
            await self._leases.leave()
        except Exception as error:
            log.warning("leases end by themselves: %s", error)

    def hear(self, topic: str | None) -> None:
        """An announcement (gateway/store/announcements.py); None: anything may have happened."""
        kind, _, name = (topic or "").partition(":")
        if topic is None:
            self._changed |= set(self._watches)
        elif kind in ("account", "gone"):
            self._changed |= {int(name)} & set(self._watches)
        elif kind == "wrote" and (watch := self._watches.get(int(name))) is not None:
            watch.wrote()
        elif kind == "told":
            self._told(name)
        elif kind == "watch" and (watch := self._watches.get(int(name))) is not None:
            watch.look_again()
        if topic is None or kind in ("account", "gone", "watch"):
            self._prompt.set()

    def _told(self, name: str) -> None:
        account_id, port, *parent = name.split(":", 2)
        if (watch := self._watches.get(int(account_id))) is not None:
            watch.told(port, parent[0] if parent else None)

    def wrote(self, account_id: int) -> None:
        """This process, which may watch nothing itself, has written to an account: whoever watches it looks."""
        if (watch := self._watches.get(account_id)) is not None:
            watch.wrote()
        elif self._task is None or not self._alone:
            self._written.add(account_id)
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._written:
            await asyncio.sleep(_GATHER)
            written, self._written = self._written, set()
            with suppress(Unavailable):  # they are polled
                await self._leases.tell(written)

    def _is_sure(self) -> bool:
        """Whether nobody else can have taken a lease of this process: it was renewed not too long ago."""
        return time.clock_gettime(_CLOCK) < self._sure_until

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._look()
                failures, wait = 0, self._leases.ttl / 4
            except Exception as error:
                failures += 1
                wait = pause(failures, 0.5, self._leases.ttl / 4)
                log.warning("watching waits for the database: %s", error)
                await self._give_up_if_late()
            await self._wait(wait)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # wait_for may take a cancellation for an answer, up to Python 3.11
                await self._prompt.wait()
            await asyncio.sleep(jittered(0.0, _GATHER))
        self._prompt.clear()

    async def _look(self) -> None:
        await self._renew()
        await self._read_again()
        survey = await self._leases.survey()
        self._alone = survey.alive <= 1
        if survey.unwanted:
            await self._end(survey.unwanted)
            await self._leases.forget(survey.unwanted)
        await self._reconcile(survey)
        await self._balance(survey)

    async def _renew(self) -> None:
        began, was_sure = time.clock_gettime(_CLOCK), self._is_sure()
        kept = self._registered and await self._leases.beat()
        if not kept:
            if self._watches:
                log.warning("this process was silent for too long: others watch its %d accounts", len(self._watches))
            await self._end(list(self._watches))
            await self._leases.register()
            self._registered = True
        self._sure_until = began + self._leases.ttl
        if kept and not was_sure:
            self._resume()

    def _resume(self) -> None:
        """Do what was heard and put off."""
        for watch in self._watches.values():
            watch.go_on()

    async def _give_up_if_late(self) -> None:
        """Not heard by the database for so long, this process must assume that others watch by now."""
        if self._watches and time.clock_gettime(_CLOCK) > self._sure_until + self._leases.ttl:
            log.warning("the database is away for too long: %d accounts are let go", len(self._watches))
            await self._end(list(self._watches))

    async def _read_again(self) -> None:
        """Accounts that changed. Those that are gone are given back; those that are dead are wanted no more."""
        changed, self._changed = self._changed & set(self._watches), set()
        if not changed:
            return
        try:
            found = {account.id: account for account in await self._leases.accounts(changed)}
        except BaseException:
            self._changed |= changed
            raise
        await self._end(changed - set(found))
        for account_id, account in found.items():
            self._watches[account_id].change(account)

    async def _reconcile(self, survey: Survey) -> None:
        """What this process holds by the database and does not know of is given back; the other way round, see why."""
        known = len(self._watches) + len(survey.unwanted)
        if survey.held > known:
            await self._leases.release_others(list(self._watches))
        elif survey.held < known:  # some went with their application
            self._changed |= set(self._watches)

    async def _balance(self, survey: Survey) -> None:
        share = -(-survey.wanted // max(survey.alive, 1))
        most = share + max(1, int(share * _SLACK))
        if survey.alive > 1 and len(self._watches) > most:
            excess = list(self._watches)[share:]
            await self._end(excess)
            await self._leases.release(excess)
        free = survey.free
        while free > 0 and (room := most - len(self._watches)) > 0:
            leases = await self._leases.claim(min(room, _BATCH))
            self._begin(leases)
            free = free - len(leases) if leases else 0

    def _begin(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            if lease.account.id not in self._watches:
                self._watches[lease.account.id] = watch = Watch(lease, self._means)
                watch.begin()

    async def _end(self, ids: Iterable[int]) -> None:
        ended = [self._watches.pop(account_id) for account_id in list(ids) if account_id in self._watches]
        await asyncio.gather(*(watch.close() for watch in ended))
