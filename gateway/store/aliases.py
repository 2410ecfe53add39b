"""Ids that were given out and what the provider calls the items now.

An item that the provider renamed (a move over IMAP, a rebuilt folder) keeps the id that it was first known by: this is
the canonical one, which records show. Ids that were seen in between are understood too. An account without a row here
is not `renamed`, and its items are called by their ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.store.announcements import announce
from gateway.store.database import Database

_OWNERS = text("""
select a.native, a.id from item_alias a
where a.account_id = :account and a.port = :port and a.native = any(cast(:ids as text[])) and a.canonical
union all
select i.item_id, i.item_id from stream s join stream_item i on i.stream_id = s.id
where s.account_id = :account and s.port = :port and i.item_id = any(cast(:ids as text[])) and i.native is null
    and not i.removed
""")
_LOCK = text("select renamed from account where id = :account for no key update")
_MARK = text("update account set renamed = true where id = :account")
# Names that an item had in between, which another stream or a move of our own has told of; its id where that had
# become its name again.
_BETWEEN = text("""
select r.item_id, a.native, r.native
from unnest(cast(:ids as text[]), cast(:formers as text[]), cast(:natives as text[])) as r (item_id, former, native)
join item_alias a on a.account_id = :account and a.port = :port and a.id = r.item_id and a.canonical
where a.native <> r.former and a.native <> r.native
union all
select r.item_id, r.item_id, r.native
from unnest(cast(:ids as text[]), cast(:formers as text[]), cast(:natives as text[])) as r (item_id, former, native)
where r.item_id not in (r.former, r.native) and not exists (
    select from item_alias a where a.account_id = :account and a.port = :port and a.canonical
        and r.item_id in (a.id, a.native))
""")
_FOLLOW = text("""
update item_alias a set native = r.native, canonical = a.canonical and a.id = r.item_id
from unnest(cast(:ids as text[]), cast(:formers as text[]), cast(:natives as text[])) as r (item_id, former, native)
where a.account_id = :account and a.port = :port and a.native = r.former
""")
_BACK = text("""
delete from item_alias a
where a.account_id = :account and a.port = :port and a.id = a.native and a.id = any(cast(:natives as text[]))
""")
_KEEP = text("""
insert into item_alias (account_id, port, id, native, canonical)
select distinct on (former) cast(:account as bigint), :port, former, native, former = item_id and not exists (
    select from item_alias a
    where a.account_id = :account and a.port = :port and a.native = r.native and a.canonical and a.id <> r.item_id)
from unnest(cast(:ids as text[]), cast(:formers as text[]), cast(:natives as text[])) as r (item_id, former, native)
where former <> native order by former
on conflict (account_id, port, id) do update set native = excluded.native, canonical = excluded.canonical
    where excluded.canonical or not item_alias.canonical
""")
_RETAKEN = text("""
delete from item_alias
where account_id = :account and port = :port and id = any(cast(:ids as text[])) and not canonical
""")
_NAMES = text("""
select g.id, coalesce(a.native, g.id), coalesce(c.id, a.native, g.id) from unnest(cast(:ids as text[])) as g (id)
left join item_alias a on a.account_id = :account and a.port = :port and a.id = g.id
left join item_alias c on c.account_id = :account and c.port = :port and c.native = coalesce(a.native, g.id)
    and c.canonical
where a.id is not null or c.id is not null
""")
_SHOWN = text("""
select native, id from item_alias
where account_id = :account and port = :port and native = any(cast(:ids as text[])) and canonical
""")

Rename = tuple[str, str, str]  # canonical id, what the provider called it, what it calls it now


@dataclass(frozen=True, slots=True)
class Name:
    """What the provider calls an item, and the id that its record shows."""

    native: str
    shown: str


async def owners(session: AsyncSession, account_id: int, port: str, natives: Sequence[str]) -> Mapping[str, str]:
    """The ids by which some stream of the account, or an alias, knows what has these names now."""
    found = await session.execute(_OWNERS, {"account": account_id, "port": port, "ids": list(natives)})
    return {row[0]: row[1] for row in found}


async def record(session: AsyncSession, account_id: int, port: str, renamed: Sequence[Rename]) -> None:
    """Keep the new names of items; further ids that stood for a former name follow, and those that became true again
    go. The account's row stays locked until the transaction ends: renames of one account are kept one after the other.
    """
    mine: dict[str, Any] = {"account": account_id, "port": port}
    marked = await session.scalar(_LOCK, mine)
    between = await session.execute(_BETWEEN, mine | _columns(renamed))
    values = mine | _columns([*renamed, *((row[0], row[1], row[2]) for row in between)])
    for statement in (_FOLLOW, _BACK, _KEEP):
        await session.execute(statement, values)
    if not marked:
        await session.execute(_MARK, mine)
        await announce(session, f"account:{account_id}")


async def retake(session: AsyncSession, account_id: int, port: str, ids: Sequence[str]) -> None:
    """Names that had stood for items called otherwise are those of items of their own again."""
    await session.execute(_RETAKEN, {"account": account_id, "port": port, "ids": list(ids)})


class Aliases:
    """Looks names up, many at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def names(self, account_id: int, port: str, ids: Sequence[str]) -> Mapping[str, Name]:
        """The names of items by the ids that somebody gave; an id without an alias is the provider's own."""
        rows = await self._database.rows(_NAMES, account=account_id, port=port, ids=list(ids))
        found = {row[0]: Name(row[1], row[2]) for row in rows}
        return {item: found.get(item) or Name(item, item) for item in ids}

    async def shown(self, account_id: int, port: str, natives: Sequence[str]) -> Mapping[str, str]:
        """The ids to show for these names of the provider; those that are not here are shown as they are."""
        rows = await self._database.rows(_SHOWN, account=account_id, port=port, ids=list(natives))
        return {row[0]: row[1] for row in rows}

    async def rename(self, account_id: int, port: str, name: Name, native: str) -> str:
        """Keep the new name that a provider gave an item; the id to show from now on, which is another one only where
        a stream has met the item under its new name before."""
        async with self._database.session() as session:
            shown = (await owners(session, account_id, port, [native])).get(native, name.shown)
            await record(session, account_id, port, [(shown, name.native, native)])
        return shown


def _columns(renamed: Sequence[Rename]) -> dict[str, list[str]]:
    ids, formers, natives = (list(column) for column in zip(*renamed, strict=True))
    return {"ids": ids, "formers": formers, "natives": natives}
