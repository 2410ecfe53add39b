"""Reading feeds from a place: those of one account, or of all accounts of an application as one.

An application's events come in the order of their times, and an event may show later than one of another account with
a later time, by `feed.LATEST` at most. So a place names single accounts only for what happened in that span before the
last event that was read; its size depends on how many accounts moved then, not on how many there are.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlmodel import col

from gateway.positions import EPOCH, Place
from gateway.store.database import Database
from gateway.store.feed import LATEST, FeedEvent
from gateway.store.tables import FeedEventRow, FeedRow

_BEHIND = "(coalesce(m.at, :base), coalesce(m.sequence, 9223372036854775807))"
_NEWS = f"""
select {", ".join(f"e.{name}" for name in FeedEvent.__slots__)} from account a
join feed f on f.account_id = a.id
left join unnest(cast(:ids as bigint[]), cast(:sequences as bigint[]), cast(:times as timestamptz[]))
    as m (id, sequence, at) on m.id = a.id
cross join lateral (
    select * from feed_event where account_id = a.id and (at, sequence) > {_BEHIND} order by at, sequence limit :limit
) e
where {{whose}} and (f.changed_at, f.sequence) > {_BEHIND}
order by e.at, e.account_id, e.sequence limit :limit
"""  # noqa: S608
_NEWS_OF_ACCOUNT = text(_NEWS.format(whose="a.id = :whose"))
_NEWS_OF_APPLICATION = text(_NEWS.format(whose="a.application_id = :whose"))
_RECENT = text("""
select now() - :latest, f.account_id, f.sequence, f.changed_at from (select 1) as one
left join (feed f join account a on a.id = f.account_id and a.application_id = :whose) on f.changed_at > now() - :latest
""")


@dataclass(frozen=True, slots=True)
class Whose:
    """One account, or without it all accounts of the application."""

    application_id: int
    account_id: int | None = None


class FeedPlaces:
    """Finds places, and reads on from them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self, whose: Whose) -> Place:
        """Behind everything that has happened."""
        row = FeedRow
        if whose.account_id is not None:
            head = select(col(row.sequence), col(row.changed_at)).where(col(row.account_id) == whose.account_id)
            return await self._place(whose.account_id, head)
        rows = await self._database.rows(_RECENT, whose=whose.application_id, latest=LATEST)
        return Place(rows[0][0], {account: (sequence, at) for _, account, sequence, at in rows if account is not None})

    async def behind(self, account_id: int, sequence: int) -> Place:
        """Behind an event of an account, or behind the last one there is."""
        row = FeedEventRow
        mine = (col(row.account_id) == account_id) & (col(row.sequence) <= sequence)
        last = select(col(row.sequence), col(row.at)).where(mine).order_by(col(row.sequence).desc()).limit(1)
        return await self._place(account_id, last)

    async def read(self, whose: Whose, place: Place, limit: int) -> list[FeedEvent]:
        """The first events behind a place; those of each account in the order of their sequences."""
        moved = place.moved.items()
        values: dict[str, Any] = {"base": place.base, "limit": limit, "ids": [account for account, _ in moved]}
        values |= {"sequences": [sequence for _, (sequence, _) in moved], "times": [at for _, (_, at) in moved]}
        statement = _NEWS_OF_ACCOUNT if whose.account_id is not None else _NEWS_OF_APPLICATION
        values["whose"] = whose.application_id if whose.account_id is None else whose.account_id
        return [FeedEvent(*found) for found in await self._database.rows(statement, **values)]

    async def _place(self, account_id: int, statement: Any) -> Place:
        async with self._database.read() as session:
            found = (await session.execute(statement)).one_or_none()
        return Place(EPOCH, {account_id: (0, EPOCH) if found is None else tuple(found)})


def moved_on(place: Place, event: FeedEvent) -> Place:
    """The place behind an event that is the first one behind a place."""
    base = max(place.base, event.at - LATEST)
    moved = {**place.moved, event.account_id: (event.sequence, event.at)}
    return Place(base, {account: (sequence, at) for account, (sequence, at) in moved.items() if at > base})
