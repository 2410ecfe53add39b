"""How delivering went: a subscription's state, compared and set by its revision, and the log, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import delete, select, text
from sqlmodel import col

from gateway.store.backlogs import State
from gateway.store.database import Database
from gateway.store.gathering import Gathering
from gateway.store.tables import DeliveryRow, SubscriptionRow

_TOGETHER = 100  # results in one statement


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, as the log keeps it."""

    first_sequence: int
    last_sequence: int
    events: int
    lifecycle: str | None
    attempt: int
    status: int | None
    error: str | None
    response: bytes
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Result:
    """How it goes on: the state to be written over the one of the same revision, and what is logged. The lifecycle is
    written when it changes, and only over the one that was `seen`: the account's trouble may have set another."""

    state: State
    attempt: Attempt | None = None
    seen: datetime | None = None
    changes_lifecycle: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left to do after a result: a `lifecycle` event to tell, or a part of the feed (`behind`)."""

    lifecycle: bool
    behind: bool


_SETTLE = text("""
with given as materialized (
    select * from json_to_recordset(cast(:given as json)) as g (
        id bigint, revision bigint, position bigint, active boolean, fail_since timestamptz, fail_description text,
        attempts integer, next_try_at timestamptz, retry_upto bigint, retry_stamp bigint,
        lifecycle text, lifecycle_error text, lifecycle_at timestamptz, changes_lifecycle boolean, seen timestamptz,
        logged boolean, first_sequence bigint, last_sequence bigint, events integer, sent_lifecycle text,
        attempt integer, status integer, error text, response bytea, milliseconds integer)
), locked as (
    select s.id from subscription s join given g on g.id = s.id and g.revision = s.revision
    order by s.id for update of s
), moved as (
    update subscription s set revision = s.revision + 1, position = g.position, active = g.active,
        fail_since = g.fail_since, fail_description = g.fail_description, attempts = g.attempts,
        next_try_at = g.next_try_at, retry_upto = g.retry_upto, retry_stamp = g.retry_stamp,
        lifecycle = case when g.changes_lifecycle and s.lifecycle_at is not distinct from g.seen
            then g.lifecycle else s.lifecycle end,
        lifecycle_error = case when g.changes_lifecycle and s.lifecycle_at is not distinct from g.seen
            then g.lifecycle_error else s.lifecycle_error end,
        lifecycle_at = case when g.changes_lifecycle and s.lifecycle_at is not distinct from g.seen
            then g.lifecycle_at else s.lifecycle_at end
    from locked l join given g on g.id = l.id
    where s.id = l.id and s.revision = g.revision
    returning s.id, s.revision, s.position, s.account_id, s.lifecycle
), logged as (
    insert into delivery (subscription_id, first_sequence, last_sequence, events, lifecycle, attempt, status, error,
        response, milliseconds, at)
    select m.id, g.first_sequence, g.last_sequence, g.events, g.sent_lifecycle, g.attempt, g.status, g.error,
        g.response, g.milliseconds, clock_timestamp()
    from moved m join given g on g.id = m.id where g.logged
)
select m.id, m.lifecycle is not null, coalesce(f.sequence, 0) > m.position
from moved m left join feed f on f.account_id = m.account_id
""")

_PURGE_OLD = text("delete from delivery where at < now() - make_interval(days => :days)")
_PURGE_EXCESS = text("""
delete from delivery d using subscription s, lateral (
    select id from delivery where subscription_id = s.id order by id desc offset :keep limit 1
) x where d.subscription_id = s.id and d.id <= x.id
""")


class Deliveries:
    """Writes results, shared by all that end at the same time, and reads the log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settle: Gathering[Result, Standing | None] = Gathering(self._settle_all, _TOGETHER)

    async def settle(self, result: Result) -> Standing | None:
        """Write how it went. None, and nothing is written, when somebody else has moved the subscription meanwhile, or
        it is gone."""
        return await self._settle(result)

    async def drop(self, subscription_id: int) -> None:
        """Remove a subscription whose receiver wants no more."""
        async with self._database.read() as session:
            await session.execute(delete(SubscriptionRow).where(col(SubscriptionRow.id) == subscription_id))

    async def log(self, subscription_id: int, before: int | None, limit: int) -> Sequence[DeliveryRow]:
        """Attempts, newest first; those `before` an id where one is given."""
        mine = [col(DeliveryRow.subscription_id) == subscription_id]
        if before is not None:
            mine.append(col(DeliveryRow.id) < before)
        statement = select(DeliveryRow).where(*mine).order_by(col(DeliveryRow.id).desc()).limit(limit)
        async with self._database.read() as session:
            return (await session.scalars(statement)).all()

    async def purge(self, days: int = 7, keep: int = 1000) -> int:
        """Forget attempts of more than `days` ago, and all but the last `keep` of a subscription; how many."""
        async with self._database.read() as session:
            old = await session.execute(_PURGE_OLD, {"days": days})
            excess = await session.execute(_PURGE_EXCESS, {"keep": keep})
        return sum(int(getattr(result, "rowcount", 0)) for result in (old, excess))

    async def _settle_all(self, results: Sequence[Result]) -> Sequence[Standing | None]:
        given = to_json([_flat(result) for result in results]).decode()
        rows = await self._database.rows(_SETTLE, given=given)
        found = {subscription: Standing(lifecycle, behind) for subscription, lifecycle, behind in rows}
        return [found.get(result.state.id) for result in results]


_STATE = tuple(field.name for field in fields(State))
_ATTEMPT = tuple(field.name for field in fields(Attempt) if field.name not in ("lifecycle", "response"))


def _flat(result: Result) -> dict[str, Any]:
    """The result as a row of the statement's table."""
    row = {name: getattr(result.state, name) for name in _STATE}
    row |= {"changes_lifecycle": result.changes_lifecycle, "seen": result.seen}
    if (attempt := result.attempt) is not None:
        row |= {name: getattr(attempt, name) for name in _ATTEMPT}
        row |= {"logged": True, "sent_lifecycle": attempt.lifecycle, "response": f"\\x{attempt.response.hex()}"}
    return row
