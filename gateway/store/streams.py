"""Streams and their items, as they are read; what writes them is in `deltas`."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from gateway.positions import Branch
from gateway.store.announcements import CHANNEL
from gateway.store.database import Database
from gateway.store.tables import StreamItemRow, StreamRow

_UNAUDITED = text("""
select s.id from stream s join account a on a.id = s.account_id
where s.ready and a.token_status <> 'dead' and coalesce(s.audited_at, s.created_at) < now() - interval '1 day'
    and (s.used_at > now() - interval '7 days' or (s.filter = '{}' and exists (
        select from subscription u where u.account_id = s.account_id and u.port = s.port)))
order by s.audited_at nulls first limit :limit
""")

_COLUMNS = """
    s.id, s.account_id, s.port, s.parent, s.filter, s.cursor, s.sequence, s.changed_at, s.ready, s.error, s.pulled_at,
    s.audited_at, s.audit, exists (select from quarantine q where q.stream_id = s.id), now()
"""  # in the order of `Stream`'s fields
_GET = text(f"select {_COLUMNS} from stream s where s.id = :stream")  # noqa: S608
_ALL_OF = text(f"select {_COLUMNS} from stream s where s.account_id = :account order by s.id")  # noqa: S608
_PAGE = """
select item_id, sequence, parent, identity, changed_at from stream_item
where stream_id = :stream and {} and sequence > :after and sequence <= :upto order by sequence limit :limit
"""
_ITEMS = {Branch.UPDATED: text(_PAGE.format("not removed")), Branch.DELETED: text(_PAGE.format("removed"))}
_NEWEST = text("""
select s.sequence, (
    select i.changed_at from stream_item i
    where i.stream_id = s.id and i.sequence <= :after order by i.sequence desc limit 1
) from stream s where s.id = :stream
""")
_COMMON = text("""
select max(sequence) from stream_item where stream_id = :stream and sequence <= :after and changed_at <= :seen
""")

Filter = Mapping[str, Any]  # JSON
_USE = text("""
with earlier as (
    select id, account_id, used_at from stream
    where id = :stream and (used_at is null or used_at < now() - interval '5 minutes') for update
), noted as (
    update stream s set used_at = now() from earlier e where s.id = e.id
)
select pg_notify(:channel, 'watch:' || account_id) from earlier
where used_at is null or used_at < now() - interval '1 hour'
""")


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream as it was at `read_at` (the database's clock), which was `clock` on this process's monotonic one;
    `changed_at`: when its sequence was given, `pulled_at`: when the last complete pull began, `held`: whether items are
    in quarantine."""

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
    audited_at: datetime | None
    audit: Mapping[str, int] | None
    held: bool
    read_at: datetime
    clock: float = field(default_factory=time.monotonic)

    @property
    def feeds(self) -> bool:
        """Whether what happens in it goes to the account's feed: it has no filter, and its first pull is complete."""
        return self.ready and not self.filter

    def read_now(self) -> "Stream":
        """The same, taken for what would be read now. Whoever writes finds out whether that is so."""
        clock = time.monotonic()
        return replace(self, read_at=self.read_at + timedelta(seconds=clock - self.clock), clock=clock)

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
        found = await self._database.rows(_GET, stream=stream_id)
        return Stream(*found[0]) if found else None

    async def all_of(self, account_id: int) -> list[Stream]:
        """Every stream of an account, the oldest first."""
        rows = await self._database.rows(_ALL_OF, account=account_id)
        return [Stream(*found) for found in rows]

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
        statement = _ITEMS[branch]
        rows = await self._database.rows(statement, stream=stream_id, after=after, upto=upto, limit=limit)
        return [Item(*found) for found in rows]

    async def shared(self, stream_id: int, after: int, seen: datetime) -> int:
        """The last sequence at or below `after` of the history in which `seen` was the time of `after` or later."""
        [(last, changed_at)] = await self._database.rows(_NEWEST, stream=stream_id, after=after)
        if changed_at is None or changed_at <= seen:
            return int(min(after, last))
        [(common,)] = await self._database.rows(_COMMON, stream=stream_id, after=after, seen=seen)
        return common or 0

    async def use(self, stream_id: int) -> None:
        """Note that a consumer is there; to five minutes, which spares most writes. Its account is watched from then
        on, for an hour."""
        await self._database.rows(_USE, stream=stream_id, channel=CHANNEL)

    async def audited(self, stream_id: int, counts: Mapping[str, int]) -> None:
        """Note what a comparison with the provider found, just now."""
        statement = update(StreamRow).where(col(StreamRow.id) == stream_id)
        async with self._database.read() as session:
            await session.execute(statement.values(audit=dict(counts), audited_at=func.now()))

    async def unaudited(self, limit: int) -> list[int]:
        """Streams that somebody follows and that were not compared with the provider for a day."""
        return [found for (found,) in await self._database.rows(_UNAUDITED, limit=limit)]

    async def fail(self, stream_id: int, error: str) -> None:
        """Note, for people, why the last pull failed; the next one that succeeds clears it."""
        statement = update(StreamRow).where(col(StreamRow.id) == stream_id).values(error=error)
        async with self._database.read() as session:
            await session.execute(statement)
