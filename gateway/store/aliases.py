"""Ids that were given out and what the provider calls the items now.

An item that the provider renamed (a move over IMAP, a rebuilt folder) keeps the id that it was first known by: this is
the canonical one, which records show. Ids that were seen in between are understood too.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.announcements import announce
from gateway.store.database import Database
from gateway.store.streams import Stream
from gateway.store.tables import ItemAliasRow
from providers.base.collection import Change

_RENAME = text("""
with fresh as (
    select g.native_id, g.kin, row_number() over (partition by g.kin order by g.place) as number
    from unnest(cast(:ids as text[]), cast(:kins as text[])) with ordinality as g (native_id, kin, place)
    where g.kin is not null and not exists (
        select from stream_item i where i.stream_id = :stream and coalesce(i.native, i.item_id) = g.native_id
            and (i.native = g.native_id or i.item_id = g.native_id))
), gone as (
    select item_id, coalesce(native, item_id) as former, kin,
        row_number() over (partition by kin order by sequence) as number
    from stream_item where stream_id = :stream and missing and kin in (select kin from fresh)
)
update stream_item i set native = fresh.native_id, missing = false
from fresh join gone using (kin, number) where i.stream_id = :stream and i.item_id = gone.item_id
returning i.item_id, gone.former, i.native
""")
_RECORD = text("""
with renamed as (
    select * from unnest(cast(:ids as text[]), cast(:formers as text[]), cast(:natives as text[]))
        as r (item_id, former, native)
), followed as (
    update item_alias a set native = r.native from renamed r
    where a.account_id = :account and a.port = :port and a.native = r.former
), back as (
    delete from item_alias a using renamed r where a.account_id = :account and a.port = :port and a.id = r.native
)
insert into item_alias (account_id, port, id, native, canonical)
select :account, :port, former, native, former = item_id from renamed where former <> native
on conflict (account_id, port, id) do update set native = excluded.native
""")
_MARK = text("update account set renamed = true where id = :account and not renamed returning id")

Renames = Sequence[tuple[str, str, str]]  # canonical id, what the provider called it, what it calls it now


async def recognise(session: AsyncSession, stream: Stream, changed: Sequence[Change]) -> None:
    """Give items of this stream that are missing the names of those among `changed` that are of their kin."""
    kins = [change.kin for change in changed]
    if not any(kins):
        return
    values = {"stream": stream.id, "ids": [change.id for change in changed], "kins": kins}
    renamed = [(row[0], row[1], row[2]) for row in await session.execute(_RENAME, values)]
    if renamed:
        await record(session, stream.account_id, stream.port, renamed)


async def record(session: AsyncSession, account_id: int, port: str, renamed: Renames) -> None:
    """Keep the new names of items; further ids that stood for the former name follow."""
    ids, formers, natives = (list(column) for column in zip(*renamed, strict=True))
    values = {"account": account_id, "port": port, "ids": ids, "formers": formers, "natives": natives}
    await session.execute(_RECORD, values)
    if (await session.execute(_MARK, {"account": account_id})).first() is not None:
        await announce(session, f"account:{account_id}")


class Aliases:
    """Looks names up, many at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def natives(self, account_id: int, port: str, ids: Sequence[str]) -> Mapping[str, str]:
        """What the provider calls these items; those that are not here are called by their id."""
        row = ItemAliasRow
        return await self._look_up(account_id, port, col(row.id), col(row.native), ids)

    async def canonical(self, account_id: int, port: str, natives: Sequence[str]) -> Mapping[str, str]:
        """The ids to show for these names of the provider; those that are not here are shown as they are."""
        row = ItemAliasRow
        return await self._look_up(account_id, port, col(row.native), col(row.id), natives, col(row.canonical))

    async def record(self, account_id: int, port: str, renamed: Renames) -> None:
        """Keep new names that a provider told of."""
        async with self._database.session() as session:
            await record(session, account_id, port, renamed)

    async def _look_up(
        self, account_id: int, port: str, key: "object", value: "object", wanted: Sequence[str], *more: "object"
    ) -> Mapping[str, str]:
        row = ItemAliasRow
        mine = (col(row.account_id) == account_id) & (col(row.port) == port)
        statement = select(key, value).where(mine, key.in_(wanted), *more)  # type: ignore[attr-defined,call-overload]
        async with self._database.read() as session:
            return {found[0]: found[1] for found in await session.execute(statement)}
