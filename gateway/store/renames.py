"""Recognising the items of a stream under the new names that a provider gives them, before changes are written.

What went is `missing` until the pull is complete. An item that is new to the stream and of the same kin as a missing
one is the same; so is one that somebody else has already seen renamed (another stream, or a move of our own).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.store import aliases
from gateway.store.streams import Stream
from providers.base.collection import Change

_ADOPT = text("""
update stream_item i set native = a.native, missing = false from item_alias a
where a.account_id = :account and a.port = :port and a.canonical and a.native = any(cast(:ids as text[]))
    and i.stream_id = :stream and i.item_id = a.id and coalesce(i.native, i.item_id) <> a.native and not exists (
        select from stream_item o where o.stream_id = :stream and o.item_id = a.native and o.native is null
            and not o.removed)
""")
# Copies of a message are alike: they are matched in the order of their folders. Items of one kin without an identity
# may be different ones, so that they are matched only where there is no choice. A name that another stream already
# knows as an item of its own stays that one's id.
_RECOGNISE = text("""
with gone as materialized (
    select item_id, coalesce(native, item_id) as former, kin, identity, count(*) over (partition by kin) as twins,
        row_number() over (partition by kin order by parent, sequence) as number
    from stream_item where stream_id = :stream and missing and kin = any(cast(:kins as text[]))
), fresh as (
    select g.native_id, g.kin, count(*) over (partition by g.kin) as twins,
        row_number() over (partition by g.kin order by g.parent, g.place) as number
    from unnest(cast(:ids as text[]), cast(:kins as text[]), cast(:parents as text[]))
        with ordinality as g (native_id, kin, parent, place)
    where g.kin in (select kin from gone) and not exists (
        select from stream_item i where i.stream_id = :stream and i.item_id = g.native_id and i.native is null)
        and not exists (select from stream_item i where i.stream_id = :stream and i.native = g.native_id)
), renamed as (
    select item_id, former, native_id, exists (
        select from stream s join stream_item o on o.stream_id = s.id and o.item_id = native_id
        where s.account_id = :account and s.port = :port and o.native is null and not o.removed) as taken
    from gone join fresh using (kin, number)
    where gone.identity is not null or (gone.twins = 1 and fresh.twins = 1)
), followed as (
    update stream_item i set native = nullif(native_id, i.item_id), missing = false
    from renamed r where i.stream_id = :stream and i.item_id = r.item_id and not taken
)
select case when taken then native_id else item_id end, former, native_id from renamed
""")
# A name that comes to stand for another item, while the one that was first known by it is there under a new name: a
# restored copy of a renamed folder. Its canonical id is made up.
_PART = text("""
insert into item_alias (account_id, port, id, native, canonical)
select cast(:account as bigint), :port, i.item_id || '~' || left(md5(i.native), 8), i.item_id, true from stream_item i
where i.stream_id = :stream and i.item_id = any(cast(:ids as text[])) and i.native <> i.item_id
    and not i.missing and not i.removed and not exists (
        select from item_alias a where a.account_id = :account and a.port = :port and a.native = i.item_id
            and a.canonical)
on conflict do nothing
""")


async def adopt(session: AsyncSession, stream: Stream, changed: Sequence[Change]) -> None:
    """Give items of this stream the names that the account's aliases have, as far as the provider tells of them."""
    await session.execute(_ADOPT, _values(stream, changed))


async def recognise(session: AsyncSession, stream: Stream, changed: Sequence[Change]) -> bool:
    """Give items of this stream that are missing the names of those among `changed` that are of their kin; whether
    there were any."""
    values = _values(stream, changed)
    values |= {"kins": [change.kin for change in changed], "parents": [change.parent for change in changed]}
    renamed = [(row[0], row[1], row[2]) for row in await session.execute(_RECOGNISE, values)]
    if renamed:
        await aliases.record(session, stream.account_id, stream.port, renamed)
    return bool(renamed)


async def part(session: AsyncSession, stream: Stream, changed: Sequence[Change]) -> None:
    """Tell items apart of which one has the name that was another's."""
    await session.execute(_PART, _values(stream, changed))


def _values(stream: Stream, changed: Sequence[Change]) -> dict[str, Any]:
    ids = [change.id for change in changed]
    return {"stream": stream.id, "account": stream.account_id, "port": stream.port, "ids": ids}
