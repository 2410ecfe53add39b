"""Writing what a pull found: items, sequences, the feed and the new cursor in one transaction (design section 5).

Each statement takes all items of a delta at once and decides by itself which of them really differ; the stream's row
is locked meanwhile, so sequences have neither gaps nor twins. What went is `missing` until the pull is complete: an
item of the same kin that comes in the same pull is the same one under a new name, and keeps the id that was given out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, TextClause, literal_column, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store import aliases, calendar_news, feed, plain_deltas, renames
from gateway.store.database import Database
from gateway.store.feed import Event
from gateway.store.streams import Stream
from gateway.store.tables import StreamRow
from gateway.store.values import columns_of
from providers.base.collection import Change

_HELD = literal_column("exists (select from quarantine q where q.stream_id = stream.id)", Boolean)  # is any item
_MISS = """
update stream_item set missing = true where stream_id = :stream and not removed and not missing and {which}
"""
_THESE = "((native is null and item_id = any(cast(:ids as text[]))) or native = any(cast(:ids as text[])))"
_OTHERS = "coalesce(native, item_id) not in (select unnest(cast(:ids as text[])))"
_BELOW = "parent = any(cast(:masters as text[])) and item_id <> all(cast(:ids as text[]))"
_MISS_THESE, _MISS_OTHERS = text(_MISS.format(which=_THESE)), text(_MISS.format(which=_OTHERS))
_MISS_BELOW = text(_MISS.format(which=_BELOW))
_UPSERT = text("""
with given as (
    select * from unnest(cast(:ids as text[]), cast(:versions as text[]), cast(:parents as text[]),
        cast(:identities as text[]), cast(:kins as text[]), cast(:attributes as text[]))
        with ordinality as g (native_id, version, parent, identity, kin, attributes, place)
), named as (
    select distinct on (item_id) * from (
        select g.*, coalesce(own.item_id, known.item_id, a.id, g.native_id) as item_id from given g
        left join stream_item own on own.stream_id = :stream and own.native = g.native_id
        left join stream_item known on known.stream_id = :stream and known.item_id = g.native_id
            and known.native is null and not known.removed
        left join item_alias a on a.account_id = :account and a.port = :port and a.native = g.native_id and a.canonical
    ) n order by item_id, place desc
), differing as (
    select n.*, i.item_id is null or i.removed as created, i.native as former,
        row_number() over (order by n.place) as number
    from named n left join stream_item i on i.stream_id = :stream and i.item_id = n.item_id
    where i.item_id is null or i.removed or i.missing
        or (i.version, i.parent, coalesce(i.native, i.item_id)) is distinct from (n.version, n.parent, n.native_id)
), written as (
    insert into stream_item (stream_id, item_id, native, version, parent, identity, kin, attributes, sequence,
        changed_at)
    select :stream, item_id, nullif(native_id, item_id), version, parent, identity, kin, cast(attributes as jsonb),
        :base + number, :moment from differing
    on conflict (stream_id, item_id) do update set version = excluded.version, parent = excluded.parent,
        native = excluded.native, attributes = excluded.attributes,
        identity = coalesce(excluded.identity, stream_item.identity), kin = coalesce(excluded.kin, stream_item.kin),
        sequence = excluded.sequence, removed = false, missing = false, changed_at = excluded.changed_at
    returning item_id, sequence, attributes
)
select item_id, case when created then 'created' else 'updated' end, w.attributes, former, native_id
from written w join differing d using (item_id) order by sequence
""")
_BURY = text("""
with gone as (
    select item_id, row_number() over (order by sequence) as number from stream_item
    where stream_id = :stream and missing
), buried as (
    update stream_item i set removed = true, missing = false, sequence = :base + number, changed_at = :moment
    from gone where i.stream_id = :stream and i.item_id = gone.item_id
    returning i.item_id, i.sequence, i.attributes
)
select item_id, 'deleted', attributes from buried order by sequence
""")
_REPUBLISH = text("""
with released as (
    delete from quarantine q using stream_item i where q.stream_id = :stream and q.item_id = any(cast(:ids as text[]))
        and i.stream_id = :stream and i.item_id = q.item_id and not i.missing
    returning q.item_id
), again as (
    select item_id, row_number() over (order by sequence) as number from stream_item join released using (item_id)
    where stream_id = :stream and not removed
), told as (
    update stream_item i set sequence = :base + number, changed_at = :moment
    from again where i.stream_id = :stream and i.item_id = again.item_id
    returning i.item_id, i.sequence, i.attributes
)
select item_id, 'updated', attributes from told order by sequence
""")


_LATER = text("greatest(clock_timestamp(), changed_at + '1 microsecond')")
_MISSING = text("exists (select from stream_item i where i.stream_id = stream.id and i.missing)")
_RENAMED = text("(select a.renamed from account a where a.id = stream.account_id)")


class Overtaken(Exception):
    """Somebody else has written to the stream meanwhile: read it again and go on from there."""


class Deltas:
    """Writes to streams; each method answers the stream as it is afterwards, and raises `Overtaken`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(
        self,
        stream: Stream,
        changed: Sequence[Change],
        removed: Sequence[str],
        cursor: str,
        *,
        more: bool,
        masters: Sequence[str] = (),
    ) -> Stream:
        """Changes and removals; without `more` the pull is complete, and the stream ready. What lies below `masters`
        and is not among the changes went, too."""
        if changed and stream.feeds and not (removed or more or masters):
            written = await plain_deltas.write(self._database, stream, changed, cursor)
            if written is not None:
                await self._look(stream, changed)
                return written
        async with self._database.session() as session:
            writing = await _Writing.begin(session, stream)
            if masters:
                await writing.miss(_MISS_BELOW, [change.id for change in changed], masters=list(masters))
            if removed:
                await writing.miss(_MISS_THESE, removed)
            gone = set(removed)
            await writing.upsert([change for change in changed if change.id not in gone])
            return await writing.end(cursor, complete=not more)

    async def _look(self, stream: Stream, changed: Sequence[Change]) -> None:
        if stream.port == calendar_news.PORT:
            async with self._database.read() as session:
                news = [Event(change.id, "updated") for change in changed]
                await calendar_news.look_at_meetings(session, stream.account_id, news)

    async def replace(self, stream: Stream, listed: Sequence[Change], cursor: str) -> Stream:
        """Everything there is: what is not listed went."""
        async with self._database.session() as session:
            writing = await _Writing.begin(session, stream)
            await writing.miss(_MISS_OTHERS, [change.id for change in listed])
            await writing.upsert(listed)
            return await writing.end(cursor, complete=True)

    async def republish(self, stream: Stream, ids: Sequence[str]) -> Stream:
        """Let items out of quarantine: every consumer is told of them (again)."""
        async with self._database.session() as session:
            writing = await _Writing.begin(session, stream)
            await writing.tell(_REPUBLISH, ids=list(ids))
            return await writing.end(stream.cursor, complete=False)


@dataclass(slots=True)
class _Writing:
    """One transaction on a stream; `moment` is later than that of every sequence before. `missing`: whether items may
    be, `renamed`: whether the account has aliases, `held`: whether items are in quarantine."""

    session: AsyncSession
    stream: Stream
    moment: datetime
    missing: bool
    renamed: bool
    held: bool
    events: list[Event]

    @classmethod
    async def begin(cls, session: AsyncSession, stream: Stream) -> "_Writing":
        """Lock the stream. Raises `Overtaken`."""
        row = StreamRow
        asked = select(col(row.cursor), col(row.sequence), _LATER, _MISSING, _RENAMED, _HELD)
        locked = asked.where(col(row.id) == stream.id)
        found = (await session.execute(locked.with_for_update(of=row))).one_or_none()
        if found is None or tuple(found)[:2] != (stream.cursor, stream.sequence):
            raise Overtaken
        return cls(session, stream, found[2], found[3], found[4], found[5], [])

    async def miss(self, statement: TextClause, ids: Sequence[str], **more: Any) -> None:
        """Note that items are gone for now."""
        await self.session.execute(statement, {"stream": self.stream.id, "ids": list(ids), **more})
        self.missing = True

    async def tell(self, statement: TextClause, **values: Any) -> list[tuple[Any, ...]]:
        """Run a statement that gives sequences; what it returns begins with events in their order."""
        base = self.stream.sequence + len(self.events)
        given = {"stream": self.stream.id, "base": base, "moment": self.moment, **values}
        told = [tuple(row) for row in await self.session.execute(statement, given)]
        self.events += [Event(*row[:3]) for row in told]
        return told

    async def upsert(self, changed: Sequence[Change]) -> None:
        """Write what is new or differs, each item under the id that it was first known by."""
        if not changed:
            return
        await self._recognise(changed)
        stream = self.stream
        told = await self.tell(_UPSERT, account=stream.account_id, port=stream.port, **columns_of(changed))
        own = [row for row in told if row[0] == row[4]]  # those that the provider calls by their id
        if self.renamed:
            await aliases.retake(self.session, stream.account_id, stream.port, [row[0] for row in own])
        back = [(row[0], row[3], row[0]) for row in own if row[3] is not None]
        if back:
            await aliases.record(self.session, stream.account_id, stream.port, back)

    async def _recognise(self, changed: Sequence[Change]) -> None:
        if self.renamed:
            await renames.adopt(self.session, self.stream, changed)
        if self.missing and any(change.kin for change in changed):
            self.renamed |= await renames.recognise(self.session, self.stream, changed)
        if self.renamed:
            await renames.part(self.session, self.stream, changed)

    async def end(self, cursor: str | None, *, complete: bool) -> Stream:
        """Bury what stayed away, tell the account's feed, move the cursor on."""
        if complete and self.missing:
            await self.tell(_BURY)
        if self.events and self.stream.port == calendar_news.PORT:
            await calendar_news.look_at_meetings(self.session, self.stream.account_id, self.events)
        if self.events and self.stream.feeds:
            await feed.append(self.session, self.stream, self.events)
        sequence = self.stream.sequence + len(self.events)
        stream = replace(self.stream, cursor=cursor, sequence=sequence, held=self.held)
        if self.events:
            stream = replace(stream, changed_at=self.moment)
        if complete:
            stream = replace(stream, ready=True, error=None, pulled_at=stream.read_at)
        names = ("cursor", "sequence", "changed_at", "ready", "error", "pulled_at")
        values = {name: getattr(stream, name) for name in names}
        await self.session.execute(update(StreamRow).where(col(StreamRow.id) == stream.id).values(values))
        return stream
