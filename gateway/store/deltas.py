"""Writing what a pull found: items, sequences and the new cursor in one transaction (design section 5).

Each statement takes all items of a delta at once and decides by itself which of them really differ; the stream's row
is locked meanwhile, so sequences have neither gaps nor twins.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import TextClause, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.database import Database
from gateway.store.streams import Stream
from gateway.store.tables import StreamRow
from providers.base.collection import Change

_UPSERT = text("""
with given as (
    select * from unnest(cast(:ids as text[]), cast(:versions as text[]), cast(:parents as text[]),
        cast(:identities as text[])) with ordinality as g (item_id, version, parent, identity, place)
), differing as (
    select g.*, row_number() over (order by g.place) as number
    from given g left join stream_item i on i.stream_id = :stream and i.item_id = g.item_id
    where i.item_id is null or i.removed or (i.version, i.parent) is distinct from (g.version, g.parent)
)
insert into stream_item (stream_id, item_id, version, parent, identity, sequence)
select :stream, item_id, version, parent, identity, :base + number from differing
on conflict (stream_id, item_id) do update set version = excluded.version, parent = excluded.parent,
    identity = excluded.identity, sequence = excluded.sequence, removed = false, changed_at = now()
returning sequence
""")
_REMOVE = """
with gone as (
    select item_id, row_number() over (order by sequence) as number from stream_item
    where stream_id = :stream and not removed and item_id {which} (select unnest(cast(:ids as text[])))
)
update stream_item i set removed = true, sequence = :base + number, changed_at = now()
from gone where i.stream_id = :stream and i.item_id = gone.item_id returning i.sequence
"""
_REMOVE_THESE, _REMOVE_OTHERS = text(_REMOVE.format(which="in")), text(_REMOVE.format(which="not in"))
_REPUBLISH = text("""
with released as (
    delete from quarantine where stream_id = :stream and item_id = any(cast(:ids as text[])) returning item_id
), again as (
    select item_id, row_number() over (order by sequence) as number from stream_item join released using (item_id)
    where stream_id = :stream and not removed
)
update stream_item i set sequence = :base + number, changed_at = now()
from again where i.stream_id = :stream and i.item_id = again.item_id returning i.sequence
""")


class Overtaken(Exception):
    """Somebody else has written to the stream meanwhile: read it again and go on from there."""


class Deltas:
    """Writes to streams; each method answers the stream as it is afterwards, and raises `Overtaken`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(
        self, stream: Stream, changed: Sequence[Change], removed: Sequence[str], cursor: str, *, more: bool
    ) -> Stream:
        """Changes, then removals; without `more` the pull is complete, and the stream ready."""
        async with self._database.session() as session:
            base = await _locked(session, stream)
            base = await _upsert(session, stream.id, base, changed)
            base = await _write(session, _REMOVE_THESE, stream.id, base, removed)
            return await _advance(session, replace(stream, cursor=cursor, sequence=base), complete=not more)

    async def replace(self, stream: Stream, listed: Sequence[Change], cursor: str) -> Stream:
        """Everything there is: what is not listed went."""
        async with self._database.session() as session:
            base = await _locked(session, stream)
            base = await _upsert(session, stream.id, base, listed)
            base = await _write(session, _REMOVE_OTHERS, stream.id, base, [change.id for change in listed])
            return await _advance(session, replace(stream, cursor=cursor, sequence=base), complete=True)

    async def republish(self, stream: Stream, ids: Sequence[str]) -> Stream:
        """Let items out of quarantine: every consumer is told of them (again)."""
        async with self._database.session() as session:
            base = await _locked(session, stream)
            sequence = await _write(session, _REPUBLISH, stream.id, base, ids)
            return await _advance(session, replace(stream, sequence=sequence), complete=stream.ready)


async def _locked(session: AsyncSession, stream: Stream) -> int:
    row = StreamRow
    locked = select(col(row.cursor), col(row.sequence)).where(col(row.id) == stream.id).with_for_update()
    found = (await session.execute(locked)).one_or_none()
    if found is None or tuple(found) != (stream.cursor, stream.sequence):
        raise Overtaken
    return stream.sequence


async def _upsert(session: AsyncSession, stream_id: int, base: int, changed: Sequence[Change]) -> int:
    values: dict[str, list[str | None]] = {
        "versions": [change.version for change in changed],
        "parents": [change.parent for change in changed],
        "identities": [change.identity for change in changed],
    }
    return await _write(session, _UPSERT, stream_id, base, [change.id for change in changed], values)


async def _write(
    session: AsyncSession,
    statement: TextClause,
    stream_id: int,
    base: int,
    ids: Iterable[str],
    more: dict[str, list[str | None]] | None = None,
) -> int:
    """The last sequence that was given."""
    values = {"stream": stream_id, "base": base, "ids": list(ids), **(more or {})}
    return base + len((await session.execute(statement, values)).all())


async def _advance(session: AsyncSession, stream: Stream, *, complete: bool) -> Stream:
    if complete:
        stream = replace(stream, ready=True, error=None, pulled_at=stream.read_at)
    columns = ("cursor", "sequence", "ready", "error", "pulled_at")
    values = {name: getattr(stream, name) for name in columns}
    await session.execute(update(StreamRow).where(col(StreamRow.id) == stream.id).values(values))
    return stream
