"""Consumers of the change logs of calendars, contacts and tasks, kept by the sandbox."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from gateway.positions import Branch, Position
from gateway.services.changelog import ChangeLog
from gateway.services.growing import Growing, Window
from gateway.services.source import Open, Source
from gateway.store.streams import Stream
from providers.base.collection import Collection, Delta
from providers.base.errors import CursorExpired
from providers.base.ports import EventQuery
from providers.base.provider import Mailbox, ProviderSettings, Session
from providers.sandbox.provider import SandboxProvider

Port = Collection[Any, Any, Any, Any]


async def opened(folder: Path) -> tuple[SandboxProvider, Session]:
    """A sandbox mailbox with nothing in it."""
    provider = SandboxProvider(ProviderSettings(var_dir=folder))
    grant = {"linkedAt": "2026-01-01T00:00:00+00:00", "empty": True}
    return provider, await provider.open(Mailbox(1, 1, "ann@example.com", grant, "Ann"))


@dataclass
class Plan:
    """One port below one parent under one query, or in a window that grows; `forget` makes it lose its place once."""

    port: Port
    parent: str | None
    query: Any
    window: Window | None = None
    now: Callable[[], datetime] = datetime.now
    forget: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Source[Any]]:
        changes = partial(self._changes, query=self.query)
        if self.window is not None:
            changes = Growing(
                lambda cursor, query: self._changes(cursor, query), self.window, self.query, self.now
            ).changes
        yield Source(changes, partial(self.port.get_many, self.parent))

    async def _changes(self, cursor: str | None, query: Any) -> Delta:
        if self.forget and cursor is not None:
            self.forget = False
            raise CursorExpired("the test says so")
        return await self.port.changes(self.parent, cursor, query)

    async def there(self) -> dict[str, Any]:
        """What a consumer should know by now, read without a change log."""
        query = self.query
        if self.window is not None:
            query = EventQuery(time_min=self.window.time_min, time_max=self.window.end(self.now()))
        ids, cursor = dict[str, None](), None
        while True:
            delta = await self.port.changes(self.parent, cursor, query)
            ids |= dict.fromkeys(change.id for change in delta.changed)
            cursor = delta.cursor
            if not delta.more:
                break
        return {record.id: record for record in await self.port.get_many(self.parent, list(ids))}


@dataclass
class Consumer:
    """Knows nothing but what the two branches of a stream tell it."""

    stream: Stream
    plan: Plan
    known: dict[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    at: dict[Branch, Position] = field(default_factory=dict)
    begun: dict[Branch, Position] = field(default_factory=dict)

    @property
    def opener(self) -> Open[Any]:
        return self.plan.open

    async def read(self, log: ChangeLog, branch: Branch) -> bool:
        """One page; whether it was the last of its round."""
        position = self.at.get(branch) or Position(self.stream.id, branch, 0)
        if position.upto is None:
            self.begun[branch] = position
        if branch is Branch.UPDATED:
            found = await log.updated(self.stream, position, self.opener)
            self.known |= {record.id: record for record in found.records}
            self.told += [record.id for record in found.records]
            self.at[branch] = found.next
            return found.ended
        removed = await log.deleted(self.stream, position, self.opener)
        for item in removed.records:
            self.known.pop(item.id, None)
        self.at[branch] = removed.next
        return removed.ended

    def again(self, branch: Branch) -> None:
        """Go back to where the last round began, as after a crash."""
        if branch in self.begun:
            self.at[branch] = self.begun[branch]

    async def catch_up(self, log: ChangeLog) -> None:
        """Finish the rounds under way, then one round of each branch."""
        for branch in (*Branch, *Branch):
            while not await self.read(log, branch):
                pass
