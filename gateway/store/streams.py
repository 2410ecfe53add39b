"""Streams and their items, as they are read; what writes them is in `deltas`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from gateway.positions import Branch
from gateway.store.database import Database
from gateway.store.tables import StreamItemRow, StreamRow

Filter = Mapping[str, Any]  # JSON


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream as it was at `read_at` (the database's clock); `changed_at`: when its sequence was given, `pulled_at`:
    when the last complete pull began."""

    id: int
    account_id: int
    port: str
    parent: str | None
    filter: Filter
    cursor: str | None
    sequence: int
    changed_at: datetime | None
    ready: bool
    error: str | None
    pulled_at: datetime | None
    read_at: datetime

    @property
    def feeds(self) -> bool:
        """Whether what happens in it goes to the account's feed: it has no filter, and its first pull is complete."""
        return self.ready and not self.filter

    @property
    def age(self) -> float | None:
        """Seconds since the last complete pull began; None before the first."""
        return None if self.pulled_at is None else (self.read_at - self.pulled_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Item:
    """An item at its place in a stream."""

    id: str
    sequence: int
    parent: str | None
    identity: str | None
    changed_at: datetime


class Streams:
    """Finds streams and reads what is in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_or_create(
        self, account_id: int, port: str, parent: str | None, asked: Filter, filter: Filter | None = None
    ) -> Stream:
        """The stream of what was `asked` for; a new one keeps `filter`, which an older one does not change."""
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()
        key = {"account_id": account_id, "port": port, "parent": parent, "filter_hash": digest}
        found = select(col(StreamRow.id)).where(
            *(getattr(StreamRow, n).is_not_distinct_from(v) for n, v in key.items())
        )
        made = insert(StreamRow).values(**key, filter=dict(filter or asked)).on_conflict_do_nothing()
        async with self._database.read() as session:
            stream_id = await session.scalar(found)
            if stream_id is None:
                await session.execute(made)
                stream_id = (await session.scalars(found)).one()
        stream = await self.get(stream_id)
        assert stream is not None, "nothing deletes streams but their account's end"
        return stream

    async def get(self, stream_id: int) -> Stream | None:
        """The stream as it is now."""
        statement = select(StreamRow, func.now()).where(col(StreamRow.id) == stream_id)
        async with self._database.read() as session:
            found = (await session.execute(statement)).one_or_none()
        return None if found is None else _stream(*found)

    async def live(self, stream_id: int) -> int:
        """How many items are in the index, neither removed nor missing."""
        row = StreamItemRow
        present = [col(row.stream_id) == stream_id, ~col(row.removed), ~col(row.missing)]
        counted = select(func.count()).where(*present)
        async with self._database.read() as session:
            return await session.scalar(counted) or 0

    async def items(self, stream_id: int, branch: Branch, after: int, upto: int, limit: int) -> list[Item]:
        """The first items of a branch above `after` up to `upto`, in the order of their sequences. Missing ones are
        there as long as they are not removed: they may come back under their old sequence."""
        row = StreamItemRow
        names = ("item_id", "sequence", "parent", "identity", "changed_at")
        within = (col(row.sequence) > after) & (col(row.sequence) <= upto)
        removed = ~col(row.removed) if branch is Branch.UPDATED else col(row.removed)
        statement = (
            select(*(getattr(row, name) for name in names))
            .where(col(row.stream_id) == stream_id, removed, within)
            .order_by(col(row.sequence))
            .limit(limit)
        )
        async with self._database.read() as session:
            return [Item(*found) for found in await session.execute(statement)]

    async def shared(self, stream_id: int, after: int, seen: datetime) -> int:
        """The last sequence at or below `after` of the history in which `seen` was the time of `after` or later."""
        row = StreamItemRow
        below = [col(row.stream_id) == stream_id, col(row.sequence) <= after]
        newest = select(col(row.changed_at)).where(*below).order_by(col(row.sequence).desc()).limit(1)
        common = select(func.max(row.sequence)).where(*below, col(row.changed_at) <= seen)
        asked = select(col(StreamRow.sequence), newest.scalar_subquery()).where(col(StreamRow.id) == stream_id)
        async with self._database.read() as session:
            last, changed_at = (await session.execute(asked)).one()
            if changed_at is None or changed_at <= seen:
                return int(min(after, last))
            return await session.scalar(common) or 0

    async def use(self, stream_id: int) -> None:
        """Note that a consumer is there; to five minutes, which spares most writes."""
        last = col(StreamRow.used_at)
        stale = last.is_(None) | (last < func.now() - text("interval '5 minutes'"))
        statement = update(StreamRow).where(col(StreamRow.id) == stream_id, stale).values(used_at=func.now())
        async with self._database.read() as session:
            await session.execute(statement)

    async def fail(self, stream_id: int, error: str) -> None:
        """Note, for people, why the last pull failed; the next one that succeeds clears it."""
        statement = update(StreamRow).where(col(StreamRow.id) == stream_id).values(error=error)
        async with self._database.read() as session:
            await session.execute(statement)


def _stream(row: StreamRow, now: datetime) -> Stream:
    return Stream(
        id=row.id,
        account_id=row.account_id,
        port=row.port,
        parent=row.parent,
        filter=row.filter,
        cursor=row.cursor,
        sequence=row.sequence,
        changed_at=row.changed_at,
        ready=row.ready,
        error=row.error,
        pulled_at=row.pulled_at,
        read_at=now,
    )
