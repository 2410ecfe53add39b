"""The most frequent writing of all, in one statement: some items came or changed, and that is all that is to be told.

Nothing was removed, nothing is missing, nothing in the account was ever renamed, and the stream feeds the account's
feed. Everything else goes the long way (`deltas`), with the same outcome. The statement is one round trip and one
transaction: the stream's row is locked first, and nothing is written unless it stands where the caller read it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import text

from gateway.store.announcements import CHANNEL
from gateway.store.database import Database
from gateway.store.streams import Stream
from gateway.store.values import columns_of
from gateway.tracing import traceparent
from providers.base.collection import Change

_WRITE = text("""
with locked as materialized (
    select s.id, s.account_id, a.application_id, s.sequence,
        greatest(clock_timestamp(), s.changed_at + interval '1 microsecond') as moment
    from stream s join account a on a.id = s.account_id
    where s.id = :stream and s.cursor = :before and s.sequence = :sequence and s.ready and s.filter = '{}'
        and not a.renamed and not exists (select from stream_item i where i.stream_id = s.id and i.missing)
    for update of s
), given as (
    select distinct on (item_id) * from unnest(cast(:ids as text[]), cast(:versions as text[]),
        cast(:parents as text[]), cast(:identities as text[]), cast(:kins as text[]), cast(:attributes as text[]))
        with ordinality as g (item_id, version, parent, identity, kin, attributes, place)
    order by item_id, place desc
), differing as materialized (
    select g.item_id, g.version, g.parent, g.identity, g.kin, cast(g.attributes as jsonb) as attributes, l.moment,
        i.item_id is null or i.removed as created, row_number() over (order by g.place) as number
    from locked l cross join given g left join stream_item i on i.stream_id = l.id and i.item_id = g.item_id
    where i.item_id is null or i.removed or (i.version, i.parent) is distinct from (g.version, g.parent)
), written as (
    insert into stream_item (stream_id, item_id, version, parent, identity, kin, attributes, sequence, changed_at)
    select :stream, item_id, version, parent, identity, kin, attributes, :sequence + number, moment from differing
    on conflict (stream_id, item_id) do update set version = excluded.version, parent = excluded.parent,
        attributes = excluded.attributes, identity = coalesce(excluded.identity, stream_item.identity),
        kin = coalesce(excluded.kin, stream_item.kin), sequence = excluded.sequence, removed = false,
        changed_at = excluded.changed_at
), counted as (
    select count(*) as news from differing
), moved as (
    update stream s set cursor = :cursor, sequence = s.sequence + c.news, error = null, pulled_at = :pulled_at,
        changed_at = case when c.news > 0 then l.moment else s.changed_at end
    from locked l, counted c where s.id = l.id
    returning s.sequence, s.changed_at
), advanced as (
    insert into feed as f (account_id, sequence, changed_at)
    select l.account_id, c.news, clock_timestamp() from locked l, counted c where c.news > 0
    on conflict (account_id) do update set sequence = f.sequence + excluded.sequence,
        changed_at = greatest(excluded.changed_at, f.changed_at + interval '1 microsecond')
    returning f.account_id, f.sequence, f.changed_at
), appended as (
    insert into feed_event (account_id, sequence, port, parent, item_id, change, attributes, trace, at)
    select f.account_id, f.sequence - c.news + d.number, :port, :parent, d.item_id,
        case when d.created then 'created' else 'updated' end, d.attributes, :trace, f.changed_at
    from advanced f, counted c, differing d
), announced as (
    select pg_notify(:channel, topic) from locked l, counted c,
        unnest(array['feed:' || l.account_id, 'feeds:' || l.application_id]) as topic
    where c.news > 0
)
select m.sequence, m.changed_at, exists (select from quarantine q where q.stream_id = :stream),
    (select count(*) from announced)
from moved m
""")


async def write(database: Database, stream: Stream, changed: Sequence[Change], cursor: str) -> Stream | None:
    """The stream afterwards; None when nothing was written, because it is not so simple, or was overtaken."""
    values: dict[str, Any] = {
        "stream": stream.id,
        "before": stream.cursor,
        "sequence": stream.sequence,
        "cursor": cursor,
        "pulled_at": stream.read_at,
        "port": stream.port,
        "parent": stream.parent,
        "trace": traceparent(),
        "channel": CHANNEL,
    }
    found = await database.rows(_WRITE, **values, **columns_of(changed))
    if not found:
        return None
    [(sequence, changed_at, held, _)] = found
    return replace(
        stream,
        cursor=cursor,
        sequence=sequence,
        changed_at=changed_at,
        held=held,
        error=None,
        pulled_at=stream.read_at,
    )
