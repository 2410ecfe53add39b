"""The change log: streams that any number of consumers follow with tokens that never expire (design section 5)."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from gateway.positions import Position
from gateway.services.pulling import Audit, Pulls, Told
from gateway.services.read_ahead import ReadAhead
from gateway.services.source import Open, T, hydrate
from gateway.store.database import Database
from gateway.store.deltas import Deltas
from gateway.store.quarantine import PATIENCE, Quarantine
from gateway.store.streams import Filter, Item, Stream, Streams
from providers.base.errors import CursorExpired, Pending

log = logging.getLogger("postroom.sync")
R = TypeVar("R")

FRESH = 1.0  # seconds; a consumer asks for both branches in turn, and several may follow: one pull serves them all
FIRST_WAIT = 1.0  # seconds that a start waits for the first pull, so that small mailboxes are ready at once
PAGE = 200  # records
AHEAD = 5.0  # seconds that a page is kept which was read before somebody asked for it
_PAGES = 16  # such pages of a process


@dataclass(frozen=True, slots=True)
class Round(Generic[R]):
    """A page of a round and what follows: another page, or, when `ended`, the next round."""

    records: Sequence[R]
    next: Position
    ended: bool


@dataclass(frozen=True, slots=True)
class _Hydrated(Generic[R]):
    """Items as they stood in the index, and what their records were then."""

    items: Sequence[Item]
    records: Sequence[R]


class ChangeLog:
    """Streams of all accounts. `fresh`, `first_wait` in seconds, `page` in records; `told` is called with the account
    whenever a pull of this process has appended to its feed."""

    def __init__(
        self,
        database: Database,
        *,
        fresh: float = FRESH,
        first_wait: float = FIRST_WAIT,
        page: int = PAGE,
        quarantine: Quarantine | None = None,
        told: Told = lambda account_id: None,
    ) -> None:
        self._streams = Streams(database)
        self._quarantine = quarantine or Quarantine(database, PATIENCE)
        self._pulls = Pulls(self._streams, Deltas(database), self._quarantine, database.locks(), fresh, told)
        self._first_wait, self._page = first_wait, page
        self._ahead: ReadAhead[_Hydrated[Any]] = ReadAhead(AHEAD, _PAGES)

    async def find_or_create(
        self, account_id: int, port: str, parent: str | None, asked: Filter, filter: Filter | None = None
    ) -> Stream:
        """The stream of what was `asked` for; a new one keeps `filter`, which an older one does not change."""
        return await self._streams.find_or_create(account_id, port, parent, asked, filter)

    async def feeding(self, account_id: int) -> list[Stream]:
        """The streams of an account that tell its feed: those without a filter, whether complete yet or not."""
        return [stream for stream in await self._streams.all_of(account_id) if not stream.filter]

    async def start(self, stream: Stream, open: Open[T]) -> Stream:
        """See that the first pull has been made, or is under way; the answer says by `ready` which.

        Raises what the provider raised, if it failed so soon; called again, the pull goes on where it ended."""
        await self._streams.use(stream.id)
        if stream.ready:
            return stream
        task = self._pulls.begin(stream.id, open)
        await asyncio.wait({task}, timeout=self._first_wait)
        return task.result() if task.done() else stream

    def wrote(self, account_id: int) -> None:
        """This process has written to an account: its streams are asked for anew, however fresh they are."""
        self._pulls.wrote(account_id)

    async def refresh(self, stream: Stream, open: Open[T]) -> Stream:
        """The stream after a pull that asks the provider after this was called. Raises what the provider raises."""
        return await self._pulls.now(stream, open)

    async def audit(self, stream: Stream, open: Open[T]) -> Audit:
        """Compare the index with everything that the provider has, and repair it. Raises what the provider raises."""
        return await self._pulls.audit(stream.id, open)

    async def stream(self, account_id: int, port: str, parent: str | None, stream_id: int) -> Stream:
        """The stream that a position names. Raises `CursorExpired` when it no longer exists."""
        found = await self._streams.get(stream_id)
        if found is None or (found.account_id, found.port, found.parent) != (account_id, port, parent):
            raise CursorExpired("The change log of this token no longer exists: start a new sync")
        return found

    async def updated(self, stream: Stream, position: Position, open: Open[T], view: str = "") -> Round[T]:
        """New and changed items behind a position, as they are now. What cannot be read, or is gone already, is left
        out: it is noted, tried again by later pulls, and told when it can be read, or as deleted. While the consumer
        digests a page the next one is read, and used if the index says the same by then. `view` tells apart how records
        are to be shown.

        Raises `Pending` before the first pull is complete, and what the provider raises."""
        found = await self._items(stream, position, open)
        ahead = await self._ahead.take((position, view))
        if ahead is None or ahead.items != found.records:  # what has changed since is not told as it was
            ahead = await self._hydrated(stream, found.records, open)
        if not found.ended:
            self._ahead.begin((found.next, view), partial(self._foreseen, stream, found.next, open))
        return Round(ahead.records, found.next, found.ended)

    async def _foreseen(self, stream: Stream, position: Position, open: Open[T]) -> "_Hydrated[T]":
        return await self._hydrated(stream, (await self._items(stream, position, open)).records, open)

    async def _hydrated(self, stream: Stream, items: Sequence[Item], open: Open[T]) -> "_Hydrated[T]":
        if not items:
            return _Hydrated(items, [])
        async with open() as source:
            records, errors = await hydrate(source, [item.id for item in items])
        for item, error in errors.items():
            log.warning("stream %d: %s could not be read: %s", stream.id, item, error)
        await self._quarantine.note(stream.id, errors)
        return _Hydrated(items, records)

    async def deleted(self, stream: Stream, position: Position, open: Open[T]) -> Round[Item]:
        """Items that went. Raises as `updated`."""
        return await self._items(stream, position, open)

    async def close(self) -> None:
        """Break off the pulls under way."""
        self._ahead.close()
        await self._pulls.close()

    async def _items(self, stream: Stream, position: Position, open: Open[T]) -> Round[Item]:
        """A page of the index. Further pages see the log as it was when their round began, less what has changed
        since: that has a higher sequence and comes with the next round."""
        position = await self._begun(stream, position, open)
        upto = position.upto or 0
        found = await self._streams.items(stream.id, position.branch, position.after, upto, self._page + 1)
        page = found[: self._page]
        if len(found) > len(page):
            return Round(page, replace(position, after=page[-1].sequence), ended=False)
        return Round(page, replace(position, after=upto, upto=None), ended=True)

    async def _begun(self, stream: Stream, position: Position, open: Open[T]) -> Position:
        """The position, within a round: a new one unless it names one of the history that there is."""
        if position.upto is None:
            stream = await self._pulled(stream, open)
            await self._streams.use(stream.id)
        after = position.after
        if position.seen is not None:
            after = await self._streams.shared(stream.id, after, position.seen)
        if position.upto is not None and after == position.after:
            return position
        if position.upto is not None:
            stream = await self._streams.get(stream.id) or stream
        return replace(position, after=after, upto=stream.sequence, seen=stream.changed_at)

    async def _pulled(self, stream: Stream, open: Open[T]) -> Stream:
        if not stream.ready:
            stream = await self.start(stream, open)
        elif self._pulls.is_behind(stream):  # one that is under way may have looked before the write
            stream = await self._pulls.now(stream, open)
        elif not self._pulls.is_fresh(stream):
            stream = await asyncio.shield(self._pulls.begin(stream.id, open))
        if not stream.ready:
            raise Pending("The first scan of this sync is not complete yet: ask again", retry_after=1)
        return stream
