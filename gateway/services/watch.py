"""Watching one account: being told of changes, or asking now and then, and pulling them into the account's feed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gateway.identity import Account
from gateway.metrics import LAG, LISTENING
from gateway.pauses import jittered, pause
from gateway.services.changelog import ChangeLog
from gateway.services.pushed import Followed, Keeping, Pushed
from gateway.services.resources import READERS
from gateway.services.sessions import Sessions
from gateway.services.source import Open, Source
from gateway.services.sources import MESSAGES, Sources
from gateway.store.leases import Lease
from gateway.store.streams import Stream
from gateway.tracing import span
from providers.base.errors import (
    Denied,
    NotFound,
    ProviderError,
    Retryable,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from providers.base.provider import Listening, Notice, Provider

log = logging.getLogger("postroom.watching")
_SHORTEST, _LONGEST = 1.0, 300.0  # seconds until a provider that failed is tried again
_POLLED = 0.8, 1.2  # times the provider's polling floor, for accounts that can only be asked
_BACKED_UP = 1.0, 3.0  # the same beside a listener, which should have told everything by then
_SILENT = 2  # so often in a row the poll found what the listener had not told: it is taken for deaf
_MAIL = (MESSAGES, None)
_EARLY = 0.05  # seconds by which timers may be off
_LISTENS, _PULLS = 64, 16  # of a process at a time; they share a database pool of 8 with everything else


@dataclass(frozen=True, slots=True)
class Means:
    """What watching needs. `sure()`: whether this process certainly has its leases; `note` keeps failures. Pulls after
    a notice are not kept waiting by those that catch up, or look whether there is anything. `keeping`: of channels by
    which providers call."""

    sessions: Sessions
    log: ChangeLog
    sources: Sources
    sure: Callable[[], bool]
    note: Callable[[int, int, int, str | None], Awaitable[None]]
    keeping: Keeping | None = None
    listens: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LISTENS))
    calm: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PULLS))
    urgent: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LISTENS))


class Watch:
    """One account under one lease. Nothing of it runs while nothing happens: it has a listener and a timer."""

    __slots__ = (
        "_due",
        "_ended",
        "_failures",
        "_followed",
        "_given_up",
        "_known",
        "_listener",
        "_listening",
        "_looks",
        "_means",
        "_noticed",
        "_polling",
        "_pushed",
        "_silent",
        "_streams",
        "_task",
        "_timer",
        "account",
        "epoch",
    )

    def __init__(self, lease: Lease, means: Means) -> None:
        self.account, self.epoch = lease.account, lease.epoch
        self._failures = lease.failures
        self._means = means
        self._followed: set[Followed] = {_MAIL} if lease.account.scopes & set(READERS[MESSAGES]) else set()
        self._given_up: set[Followed] = set()  # what the account lacks, or has no more
        self._known = False  # whether it was looked up what is followed
        self._due: set[Followed] = set()  # to be pulled
        self._noticed: dict[Followed, float] = {}  # those of them that the provider told of, and when (loop time)
        self._looks: dict[Followed, float] = {}  # when it is looked whether there is anything (loop time)
        self._pushed = Pushed(means.keeping)
        self._listening = False  # whether there is nothing more to be done to be told
        self._listener: Listening | None = None
        self._polling = False  # what is pulled next was not told of, and should have been
        self._silent = 0
        self._streams: dict[Followed, Stream] = {}
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False

    def begin(self) -> None:
        """Listen and catch up; after failures, that of an earlier owner too, not at once."""
        self._due |= self._followed
        if self._failures:
            self._set_timer(pause(self._failures, _SHORTEST, _LONGEST))
        else:
            self.go_on()

    def go_on(self) -> None:
        """Do what is due, unless that is being done."""
        if self._task is None and not self._ended:
            if self._timer is not None:
                self._timer.cancel()
            self._task = asyncio.create_task(self._attend())

    def look_again(self) -> None:
        """Somebody has begun to follow something of the account."""
        self._known = False
        if not self._failures:  # else the timer knows when it is time to try again
            self.go_on()

    def wrote(self) -> None:
        """The gateway has written something itself: to be seen at once where nobody tells."""
        self._notice(self._followed - ({_MAIL} if self._listener is not None else set()))

    def told(self, port: str, parent: str | None) -> None:
        """The provider has called."""
        self._pushed.told(self._meant(port, parent))
        self._hear(Notice(port, parent))

    def change(self, account: Account) -> None:
        """The account's row has changed: with another version what is open belongs to former credentials."""
        newer, self.account = account.version > self.account.version, account
        if newer:
            self._listening, self._failures = False, 0
            self._known = False
            self._given_up.clear()
            self._due |= self._followed
            self.go_on()

    async def close(self) -> None:
        """Stop: nothing is heard or pulled any more. A pull under way ends by itself, as those of readers do."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._hang_up()

    def _hear(self, notice: Notice) -> None:
        if self._ended:
            return
        self._silent = 0
        if notice.error is not None:
            self._lose(notice.error)
        else:
            self._notice(self._meant(notice.port, notice.parent))

    def _meant(self, port: str, parent: str | None) -> set[Followed]:
        """What of that which is followed a notice is about."""
        return {one for one in self._followed if one[0] == port and parent in (None, one[1])}

    def _notice(self, told: set[Followed]) -> None:
        """Something has happened to these."""
        self._due |= told
        for followed in told:
            self._noticed.setdefault(followed, asyncio.get_running_loop().time())
        if told and not self._failures:  # else the timer knows when it is time to try again
            self.go_on()

    def _lose(self, error: ProviderError) -> None:
        """The listener hears nothing any more."""
        log.info("account %d: no longer told of changes: %s", self.account.id, error.message)
        self._listening = False
        self._due |= self._followed
        if self._task is None:
            self._failures += 1
            self._set_timer(_until(self._failures, error))

    async def _attend(self) -> None:
        failure: Exception | None = None
        try:
            await self._catch_up()
        except ProviderError as error:
            failure = error
            log.info("account %d: %s", self.account.id, error.message)
        except Exception as error:
            failure = error
            log.exception("account %d could not be watched", self.account.id)
        if failure is not None:
            self._failures += 1
            await self._note(str(failure))
        self._task = None
        if not self._ended:
            self._set_timer(self._rest() if failure is None else _until(self._failures, failure))

    async def _catch_up(self) -> None:
        """Listen if that is not so; pull what is due until nothing is. Without a certain lease nothing is done: the
        process goes on with it when it has made sure."""
        while (self._due or not self._listening or not self._known) and self._means.sure():
            if not self._known:
                await self._look_up()
            if not self._listening:
                await self._listen()
            if self._due:
                await self._pull(next(iter(self._due)))
            if self._listening and not self._due and self._failures:
                self._failures = 0
                await self._note(None)

    async def _look_up(self) -> None:
        """Follow what streams feed the account's feed; what is new among them is pulled."""
        self._known = True  # unless somebody says otherwise meanwhile
        try:
            streams = await self._means.log.feeding(self.account.id)
            fresh = {(stream.port, stream.parent) for stream in streams} - self._followed - self._given_up
            self._followed |= fresh
            self._due |= fresh
            await self._pushed.look(self.account, self._followed)
        except BaseException:
            self._known = False
            raise
        now = asyncio.get_running_loop().time()
        for followed, look in self._looks.items():  # sooner, where nothing is told any more
            self._looks[followed] = min(look, now + self._floor(followed))

    async def _listen(self) -> None:
        await self._hang_up()
        self._listening = True  # unless it is lost before we know
        try:
            async with self._means.listens:
                self._listener = await self._means.sessions.listen(self.account, self._hear)
            LISTENING.labels(self.account.service_type.value).inc()
        except Unsupported:
            pass  # it is asked now and then
        except BaseException:
            self._listening = False
            raise
        self._due |= self._followed
        self._polling = False

    async def _pull(self, followed: Followed) -> None:
        told = self._noticed.pop(followed, None)
        async with self._means.calm if told is None else self._means.urgent:
            self._due.discard(followed)
            try:
                before = await self._stream(followed)
                after = self._streams[followed] = await self._refreshed(before, told)
            except Unauthorized:
                self._due.add(followed)
                raise
            except (Unsupported, NotFound, Denied) as error:
                self._give_up(followed, error)
                return
            except BaseException:
                self._due.add(followed)
                raise
        self._looks[followed] = asyncio.get_running_loop().time() + self._floor(followed)
        if self._polling and told is None and followed not in self._noticed and after.sequence > before.sequence:
            await self._suspect(followed)

    def _give_up(self, followed: Followed, error: ProviderError) -> None:
        """The account lacks it, or the calendar or list is gone: the others are watched on."""
        log.info("account %d: %s of %s is not watched: %s", self.account.id, *followed, error.message)
        self._followed.discard(followed)
        self._given_up.add(followed)

    async def _refreshed(self, stream: Stream, told: float | None) -> Stream:
        opened = self._opener(stream)
        if told is None:
            return await self._means.log.refresh(stream, opened)
        service = self.account.service_type.value
        with span("notice", account=self.account.id, service=service, port=stream.port):
            stream = await self._means.log.refresh(stream, opened)
        LAG.labels(service).observe(asyncio.get_running_loop().time() - told)
        return stream

    def _opener(self, stream: Stream) -> Open[Any]:
        """Opens the stream's source, for as long as this process certainly has the lease: it may have been stopped
        between here and there."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Source[Any]]:
            async with self._means.sources.open(self.account, stream)() as source:
                if not self._means.sure():
                    raise Unavailable("this process has to make sure first that nobody else watches the account")
                yield source

        return opened

    async def _stream(self, followed: Followed) -> Stream:
        if followed not in self._streams:
            self._streams[followed] = await self._means.log.find_or_create(self.account.id, *followed, {})
        return self._streams[followed]

    async def _suspect(self, followed: Followed) -> None:
        """A poll has found something."""
        if await self._pushed.missed(self.account, followed):
            log.warning("account %d: changes of %s were found that no call told of", self.account.id, followed[0])
        self._silent += 1
        if self._listener is not None and self._silent >= _SILENT:
            log.warning("account %d: changes were found that nobody told of; listening anew", self.account.id)
            self._silent, self._listening = 0, False

    async def _hang_up(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            LISTENING.labels(self.account.service_type.value).dec()
            with suppress(ProviderError):
                await listener.close()

    async def _note(self, error: str | None) -> None:
        try:
            await self._means.note(self.account.id, self.epoch, self._failures, error and error[:500])
        except ProviderError as failure:
            log.info("account %d: a failure could not be noted: %s", self.account.id, failure.message)

    def _rest(self) -> float:
        """Seconds until something is asked for changes although nothing was heard."""
        now = asyncio.get_running_loop().time()
        looks = [self._looks[followed] for followed in self._followed if followed in self._looks]
        if self._due or not looks:  # it waits for the lease to be certain
            return self._floor(_MAIL)
        return max(min(looks) - now, _EARLY)

    def _floor(self, followed: Followed) -> float:
        """Seconds until this is asked for changes although nothing was heard."""
        provider: Provider | type[Provider] = Provider
        with suppress(Unsupported):
            provider = self._means.sessions.provider(self.account)
        polled = provider.polling_floor * jittered(*(_POLLED if self._listener is None else _BACKED_UP))
        if told := self._pushed.left(followed):
            return min(provider.pushed_floor * jittered(*_POLLED), told + polled)
        return polled

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._poll)

    def _poll(self) -> None:
        self._polling = self._listening and not self._failures
        if self._pushed.lacks(self.account, self._followed):
            self._known = False
        now = asyncio.get_running_loop().time() + _EARLY
        self._due |= {one for one in self._followed if not self._polling or self._looks.get(one, now) <= now}
        self.go_on()


def _until(failures: int, error: Exception) -> float:
    return pause(failures, _SHORTEST, _LONGEST, error.retry_after if isinstance(error, Retryable) else None)
