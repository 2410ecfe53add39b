"""Recognising the items of a stream under the new names that a provider gives them, before changes are written.

What went is `missing` until the pull is complete. An item that is new to the stream and of the same kin as a missing
one is the same; so is one that somebody else has already seen renamed (another stream, or a move of our own).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

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
_GONE = text("""
select item_id, coalesce(native, item_id), kin, identity from stream_item
where stream_id = :stream and missing and kin = any(cast(:kins as text[])) order by parent, sequence
""")
_KNOWN = text("""
select item_id from stream_item where stream_id = :stream and item_id = any(cast(:ids as text[])) and native is null
union all
select native from stream_item where stream_id = :stream and native = any(cast(:ids as text[]))
""")
_RENAME = text("""
update stream_item i set native = nullif(r.native, i.item_id), missing = false
from unnest(cast(:ids as text[]), cast(:natives as text[])) as r (item_id, native)
where i.stream_id = :stream and i.item_id = r.item_id
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
    there were any. What another stream has given an id of its own goes by that one, and the former id is understood."""
    kins = {change.kin for change in changed} - {None}
    found = await session.execute(_GONE, {"stream": stream.id, "kins": list(kins)})
    gone = [_Gone(*row) for row in found]
    if not gone:
        return False
    likely = {one.kin for one in gone}
    candidates = [change for change in changed if change.kin in likely]
    known = set(await session.scalars(_KNOWN, _values(stream, candidates)))
    matched = list(_matched(gone, [change for change in candidates if change.id not in known]))
    natives = [native for _, native in matched]
    owners = await aliases.owners(session, stream.account_id, stream.port, natives)
    mine = [(one.item, native) for one, native in matched if owners.get(native, one.item) == one.item]
    values = {"stream": stream.id, "ids": [item for item, _ in mine], "natives": [native for _, native in mine]}
    await session.execute(_RENAME, values)
    renamed = [(owners.get(native, one.item), one.native, native) for one, native in matched]
    if renamed:
        await aliases.record(session, stream.account_id, stream.port, renamed)
    return bool(renamed)


class _Gone(NamedTuple):
    item: str
    native: str
    kin: str
    identity: str | None


def _matched(gone: Iterable[_Gone], fresh: Iterable[Change]) -> Iterator[tuple[_Gone, str]]:
    """Pairs of one kin. Copies of a message are alike: they are matched in the order of their folders. Items without
    an identity may be different ones all the same: they are matched only where there is no choice."""
    went, came = defaultdict(list), defaultdict(list)
    for one in gone:
        went[one.kin].append(one)
    for change in sorted(fresh, key=lambda change: change.parent or ""):
        came[change.kin].append(change.id)
    for kin, natives in came.items():
        former = went[kin or ""]
        if all(one.identity for one in former) or len(natives) == len(former) == 1:
            yield from zip(former, natives, strict=False)


async def part(session: AsyncSession, stream: Stream, changed: Sequence[Change]) -> None:
    """Tell items apart of which one has the name that was another's."""
    await session.execute(_PART, _values(stream, changed))


def _values(stream: Stream, changed: Sequence[Change]) -> dict[str, Any]:
    ids = [change.id for change in changed]
    return {"stream": stream.id, "account": stream.account_id, "port": stream.port, "ids": ids}
