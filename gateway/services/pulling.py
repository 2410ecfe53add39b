"""Pulls: asking a provider what changed and writing it into a stream, one at a time for each stream."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from gateway.metrics import CHANGES, REPAIRS
from gateway.services.differences import cleaned, is_drastic, is_suspicious, listed, masters
from gateway.services.source import Open, Source, T, hydrate
from gateway.store.deltas import Deltas, Overtaken
from gateway.store.locks import Locks
from gateway.store.quarantine import Quarantine
from gateway.store.streams import Stream, Streams
from gateway.tracing import span
from providers.base.collection import Change, Delta
from providers.base.errors import CursorExpired, NotFound, ProviderError, Unavailable

log = logging.getLogger("postroom.sync")
Told = Callable[[int], None]  # the account whose feed has grown
_LISTINGS = 3  # how often a listing may break off before the pull is given up
_MANY = 1000  # accounts
_REMEMBERED = 60.0  # seconds; whoever follows has pulled long since
_RETRIED = 100  # items of the quarantine tried again by one pull


@dataclass(frozen=True, slots=True)
class Audit:
    """What a comparison found: items at the provider, in the index before, and differences that were repaired."""

    seen: int
    indexed: int
    repaired: int


class Pulls:
    """Runs pulls as tasks of their own: a caller that goes away leaves the pull to those who come after."""

    def __init__(
        self, streams: Streams, deltas: Deltas, quarantine: Quarantine, locks: Locks, fresh: float, told: Told
    ) -> None:
        self._streams, self._deltas, self._quarantine, self._locks = streams, deltas, quarantine, locks
        self._fresh = fresh  # seconds
        self._told = told
        self._running: dict[int, asyncio.Task[Stream]] = {}
        self._written: dict[int, float] = {}  # account -> when this process wrote to it

    def is_fresh(self, stream: Stream) -> bool:
        """Whether the last complete pull began so recently that another one can be spared; not before what this process
        has written to the account itself."""
        recent = stream.ready and stream.age is not None and stream.age < self._fresh
        return recent and not self.is_behind(stream)

    def wrote(self, account_id: int) -> None:
        """This process has written to the account: whoever asks next is told of it."""
        now = time.monotonic()
        if len(self._written) >= _MANY:
            self._written = {one: at for one, at in self._written.items() if now - at < _REMEMBERED}
        self._written[account_id] = now

    def is_behind(self, stream: Stream) -> bool:
        """Whether this process has written to the account since the last complete pull began."""
        written = self._written.get(stream.account_id)
        return written is not None and stream.age is not None and stream.clock - stream.age < written

    def begin(self, stream_id: int, open: Open[T], *, known: Stream | None = None) -> "asyncio.Task[Stream]":
        """The pull of this stream that is under way in this process, or a new one. Shield it when waiting. A new one is
        spared when another process has just made one, unless the stream is `known`: then it begins there.

        It raises what the provider raises, and notes it on the stream."""
        task = self._running.get(stream_id)
        if task is None:
            self._running[stream_id] = task = asyncio.create_task(self._noted(stream_id, open, known))
            task.add_done_callback(lambda done: self._ended(stream_id, done))
        return task

    async def now(self, stream: Stream, open: Open[T]) -> Stream:
        """A pull that asks the provider after this was called; it costs least when `stream` is as it is now. Raises as
        `begin`."""
        if (running := self._running.get(stream.id)) is not None:
            await asyncio.wait({running})
        return await asyncio.shield(self.begin(stream.id, open, known=stream))

    async def audit(self, stream_id: int, open: Open[T]) -> Audit:
        """Pull, then list everything and compare: what a pull should have found is written now. Raises as `begin`.

        What changes in the moment between the two counts as repaired."""
        await self.now(await self._current(stream_id), open)
        async with self._locks.hold(f"stream:{stream_id}"), open() as source:
            stream = await self._current(stream_id)
            indexed = await self._streams.live(stream_id)
            after, seen = await self._compare(stream, source)
            self._tell(after, stream)
        audit = Audit(seen, indexed, after.sequence - stream.sequence)
        await self._streams.audited(stream_id, asdict(audit))
        REPAIRS.labels(stream.port).inc(audit.repaired)
        return audit

    async def close(self) -> None:
        """Break off what runs; what was written stays, and the next pull goes on from there."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._locks.close()

    def _ended(self, stream_id: int, task: "asyncio.Task[Stream]") -> None:
        del self._running[stream_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            expected = error if not isinstance(error, ProviderError) else None
            log.warning("stream %d could not be pulled: %s", stream_id, error, exc_info=expected)

    async def _noted(self, stream_id: int, open: Open[T], known: Stream | None) -> Stream:
        try:
            async with self._locks.hold(f"stream:{stream_id}"):
                stream = known.read_now() if known else await self._current(stream_id)
                if known is None and self.is_fresh(stream):  # another process has just done it
                    return stream
                with span("pull", account=stream.account_id, port=stream.port):
                    async with open() as source:
                        return await self._pull(stream, source)
        except ProviderError as error:
            await self._streams.fail(stream_id, error.message)
            raise

    async def _pull(self, stream: Stream, source: Source[T]) -> Stream:
        more = True
        while more:
            before = stream
            try:
                stream, more = await self._step(stream, source)
            except Overtaken:
                stream = await self._current(stream.id)
            self._tell(stream, before)
        before, stream = stream, await self._retry(stream, source)
        self._tell(stream, before)
        return stream

    def _tell(self, stream: Stream, before: Stream) -> None:
        CHANGES.labels(stream.port).inc(stream.sequence - before.sequence)
        if before.feeds and stream.sequence > before.sequence:
            self._told(stream.account_id)

    async def _step(self, stream: Stream, source: Source[T]) -> tuple[Stream, bool]:
        try:
            delta = await self._confirmed(stream, source)
        except CursorExpired:
            log.info("stream %d: the provider forgot the position; everything is listed and compared", stream.id)
            return (await self._compare(stream, source))[0], False
        changed, removed = cleaned(delta.changed), list(delta.removed)
        series = masters(delta, stream.port)
        stream = await self._deltas.apply(stream, changed, removed, delta.cursor, more=delta.more, masters=series)
        return stream, delta.more

    async def _confirmed(self, stream: Stream, source: Source[T]) -> Delta:
        delta = await source.changes(stream.cursor)
        if delta.removed and is_drastic(delta.removed, await self._streams.live(stream.id)):
            log.warning("stream %d: most of it is said to be gone; looking again", stream.id)
            delta = await source.changes(stream.cursor)
        return delta

    async def _compare(self, stream: Stream, source: Source[T]) -> tuple[Stream, int]:
        """List everything and write what really differs; how many items there are."""
        changes, cursor = await _list(source, stream.port)
        if is_suspicious(len(changes), await self._streams.live(stream.id)):
            log.warning("stream %d: most of it is missing in a listing; looking again", stream.id)
            changes, cursor = await _list(source, stream.port)
        return await self._deltas.replace(stream, changes, cursor), len(changes)

    async def _retry(self, stream: Stream, source: Source[T]) -> Stream:
        if not stream.held:
            return stream
        due = await self._quarantine.due(stream.id, _RETRIED)
        if not due:
            return stream
        records, errors = await hydrate(source, due)
        await self._quarantine.note(stream.id, errors)
        try:
            return await self._deltas.republish(stream, [record.id for record in records])
        except Overtaken:  # they are still due: the next pull lets them out
            return await self._current(stream.id)

    async def _current(self, stream_id: int) -> Stream:
        stream = await self._streams.get(stream_id)
        if stream is None:
            raise NotFound("the account of this stream is gone")
        return stream


async def _list(source: Source[T], port: str) -> tuple[Sequence[Change], str]:
    """Everything there is, and the cursor to go on from."""
    for _ in range(_LISTINGS):
        deltas: list[Delta] = []
        try:
            while not deltas or deltas[-1].more:
                deltas.append(await source.changes(deltas[-1].cursor if deltas else None))
        except CursorExpired:
            continue
        return listed(deltas, port), deltas[-1].cursor
    raise Unavailable("The provider forgets its position in a listing before the listing ends")
