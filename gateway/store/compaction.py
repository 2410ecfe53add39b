"""Compaction of feeds: of what happened long ago only the last event of each item stays.

Who reads a feed from anywhere still hears of every item that has changed since, and of every one that went.
"""

from datetime import timedelta

from sqlalchemy import text

from gateway.store.database import Database

RETENTION = timedelta(days=30)
_BATCH = 5_000  # events in one transaction
_DUE = text("""
select account_id from feed f
where (select at from feed_event e where e.account_id = f.account_id and e.sequence > f.compacted
    order by e.sequence limit 1) < now() - :older_than
order by account_id limit 1000
""")
_COMPACT = text("""
with old as (
    select sequence, lead(sequence) over (partition by port, parent, item_id order by sequence) as later
    from feed_event where account_id = :account and at < now() - :older_than
), gone as (
    delete from feed_event where account_id = :account and sequence in (
        select sequence from old where later is not null order by sequence limit :batch
    ) returning sequence
), counted as (select count(*) as gone from gone), moved as (
    update feed set compacted = (select max(sequence) from old)
    where account_id = :account and (select gone from counted) < :batch
)
select gone from counted
""")


class Compaction:
    """Deletes what newer events have made superfluous."""

    def __init__(self, database: Database, batch: int = _BATCH) -> None:
        self._database, self._batch = database, batch

    async def compact(self, older_than: timedelta = RETENTION) -> int:
        """Compact all feeds as far as they are older; how many events went. Safe to run twice at once, or to break
        off. Raises `Unavailable`."""
        total = 0
        while due := await self._due(older_than):
            for account in due:
                total += await self._account(account, older_than)
        return total

    async def _due(self, older_than: timedelta) -> list[int]:
        return [found for (found,) in await self._database.rows(_DUE, older_than=older_than)]

    async def _account(self, account_id: int, older_than: timedelta) -> int:
        values = {"account": account_id, "older_than": older_than, "batch": self._batch}
        total, gone = 0, self._batch
        while gone == self._batch:
            async with self._database.read() as session:
                gone = await session.scalar(_COMPACT, values) or 0
            total += gone
        return total
