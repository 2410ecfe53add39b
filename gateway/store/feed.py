"""The feed of an account: one order over the changes of all its ports, in which webhooks and live readers follow.

Events are appended in the transaction of the pull that found them, and announced when it commits: `feed:ACCOUNT` to
who follows the account, `feeds:APPLICATION` to who follows all accounts of its application.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.announcements import announce
from gateway.store.database import Database
from gateway.store.streams import Stream
from gateway.store.tables import FeedEventRow, FeedRow
from gateway.store.values import json_text
from gateway.tracing import traceparent

#: An event shows within this time of its `at`: a process that stops in the midst of appending loses its transaction.
LATEST = timedelta(minutes=2)
_ADVANCE = text("""
insert into feed as f (account_id, sequence, changed_at) values (:account, :count, clock_timestamp())
on conflict (account_id) do update set sequence = f.sequence + :count,
    changed_at = greatest(clock_timestamp(), f.changed_at + '1 microsecond')
returning f.sequence - :count, f.changed_at, (select application_id from account where id = :account),
    set_config('idle_in_transaction_session_timeout', '20s', true)
""")
_APPEND = text("""
insert into feed_event (account_id, sequence, port, parent, item_id, change, attributes, trace, at)
select :account, :base + place, :port, :parent, item_id, change, cast(attributes as jsonb), :trace, :moment
from unnest(cast(:ids as text[]), cast(:changes as text[]), cast(:attributes as text[]))
    with ordinality as e (item_id, change, attributes, place)
""")


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to an item: `change` is created, updated or deleted."""

    item_id: str
    change: str
    attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event at its place in an account's feed."""

    account_id: int
    sequence: int
    port: str
    parent: str | None
    item_id: str
    change: str
    attributes: Mapping[str, Any] | None
    trace: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """Where events come from that no pull found: the gateway's own doing."""

    account_id: int
    port: str
    parent: str | None


async def append(session: AsyncSession, stream: Stream | Origin, events: Sequence[Event]) -> None:
    """Append what a pull of a stream found, or the gateway did; the feed stays locked until the transaction ends."""
    advanced = await session.execute(_ADVANCE, {"account": stream.account_id, "count": len(events)})
    base, moment, application_id, _ = advanced.one()
    values = {"account": stream.account_id, "base": base, "port": stream.port, "parent": stream.parent}
    values |= {"ids": [event.item_id for event in events], "changes": [event.change for event in events]}
    values |= {
        "attributes": [json_text(event.attributes) for event in events],
        "trace": traceparent(),
        "moment": moment,
    }
    await session.execute(_APPEND, values)
    await announce(session, f"feed:{stream.account_id}", f"feeds:{application_id}")


class Feed:
    """Reads feeds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self, account_id: int) -> int:
        """The last sequence that was given; 0 before the first."""
        async with self._database.read() as session:
            return await session.scalar(select(col(FeedRow.sequence)).where(col(FeedRow.account_id) == account_id)) or 0

    async def events(self, account_id: int, after: int, limit: int, upto: int | None = None) -> list[FeedEvent]:
        """The first events above `after` (up to `upto`), in order."""
        row = FeedEventRow
        names = FeedEvent.__slots__
        mine = (col(row.account_id) == account_id) & (col(row.sequence) > after)
        statement = select(*(getattr(row, name) for name in names)).where(mine).order_by(col(row.sequence)).limit(limit)
        if upto is not None:
            statement = statement.where(col(row.sequence) <= upto)
        async with self._database.read() as session:
            return [FeedEvent(*found) for found in await session.execute(statement)]

    async def at_time(self, account_id: int, moment: datetime) -> int:
        """The sequence that the feed had at a time."""
        row = FeedEventRow
        statement = select(func.max(row.sequence)).where(col(row.account_id) == account_id, col(row.at) <= moment)
        async with self._database.read() as session:
            return await session.scalar(statement) or 0
