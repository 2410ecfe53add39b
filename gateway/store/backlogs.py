"""What there is to deliver: where subscriptions stand, what of their feeds concerns them, and who may try now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text

from gateway.store.database import Database
from gateway.store.gathering import Gathering

Lifecycle = Literal["error", "active"]
Change = Literal["created", "updated", "deleted"]
WINDOW, LEAST = 500, 100  # events of the feed read ahead for one subscription; fewer when many are read at a time:
AT_ONCE = 5000  # so many in one statement, since the loop stands still while they are parsed


@dataclass(frozen=True, slots=True)
class State:
    """Where a subscription stands (the columns of `SubscriptionRow`)."""

    id: int
    revision: int
    position: int
    active: bool
    fail_since: datetime | None
    fail_description: str | None
    attempts: int
    next_try_at: datetime | None
    retry_upto: int | None
    retry_stamp: int | None
    lifecycle: Lifecycle | None
    lifecycle_error: str | None
    lifecycle_at: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """A change as subscribers hear of it; `at` (Unix time) and `trace` are for our own measurements."""

    sequence: int
    item_id: str
    change: Change
    attributes: Mapping[str, Any] | None
    at: float = 0.0
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """A subscription, whom it tells, and what of the feed up to `upto` concerns it; `now` is the database's time. The
    signing secrets are sealed; the next one takes over at `next_signing_at`."""

    state: State
    account_id: int
    port: str
    resource: str
    notification_url: str
    detail_level: str | None
    sealed_signing_secret: bytes
    sealed_next_signing_secret: bytes | None
    next_signing_at: datetime | None
    account_is_dead: bool
    now: datetime
    upto: int
    events: Sequence[Told]


_LOAD = text("""
select s.id, s.revision, s.position, s.active, s.fail_since, s.fail_description, s.attempts, s.next_try_at,
    s.retry_upto, s.retry_stamp, s.lifecycle, s.lifecycle_error, s.lifecycle_at,
    s.account_id, s.port, s.resource, s.notification_url, s.detail_level,
    p.sealed_signing_secret, p.sealed_next_signing_secret, p.next_signing_at, a.token_status = 'dead', now(),
    w.upto, e.events
from subscription s
join application p on p.id = s.application_id
join account a on a.id = s.account_id
left join feed f on f.account_id = s.account_id
cross join lateral (
    select coalesce(s.retry_upto, least(greatest(f.sequence, s.position), s.position + :window)) as upto
) w
left join lateral (
    select json_agg(json_build_array(e.sequence, e.item_id, e.change, e.attributes, extract(epoch from e.at), e.trace)
        order by e.sequence) as events
    from feed_event e
    where e.account_id = s.account_id and e.sequence > s.position and e.sequence <= w.upto
        and e.port = s.port and (s.parent is null or e.parent = s.parent)
        and not (coalesce(s.filters, '[]') @> '["withoutDrafts"]'
            and coalesce(e.attributes, '{}') @> '{"draft": true}')
) e on true
where s.id = any(:ids)
""")
_FIND_DUE = text("""
select s.id from subscription s left join feed f on f.account_id = s.account_id
where (s.next_try_at is null or s.next_try_at <= now()) and (s.lifecycle is not null or f.sequence > s.position)
order by s.next_try_at nulls first, s.id limit :limit
""")
_FIND_WANTED = text("""
select s.id from subscription s left join feed f on f.account_id = s.account_id
where s.account_id = :account and (s.next_try_at is null or s.next_try_at <= now())
    and (s.lifecycle is not null or f.sequence > s.position)
""")


class Backlogs:
    """Reads them. Loads that are asked for at the same time share a statement."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._load: Gathering[int, Backlog | None] = Gathering(self._load_all, AT_ONCE // LEAST)

    async def load(self, subscription_id: int) -> Backlog | None:
        """The subscription with the next part of its backlog; None when it is gone."""
        return await self._load(subscription_id)

    async def due(self, limit: int) -> Sequence[int]:
        """Subscriptions that have something to deliver, and may try now."""
        return [found for (found,) in await self._database.rows(_FIND_DUE, limit=limit)]

    async def wanted(self, account_id: int) -> Sequence[int]:
        """Those of an account."""
        return [found for (found,) in await self._database.rows(_FIND_WANTED, account=account_id)]

    async def _load_all(self, ids: Sequence[int]) -> Sequence[Backlog | None]:
        window = min(WINDOW, AT_ONCE // len(ids))
        rows = await self._database.rows(_LOAD, ids=list(ids), window=window)
        found = {row[0]: _backlog(row) for row in rows}
        return [found.get(item) for item in ids]


_COUNT = len(fields(State))


def _backlog(row: tuple[Any, ...]) -> Backlog:
    told = [Told(*event) for event in row[-1] or ()]
    values: list[Any] = [State(*row[:_COUNT]), *row[_COUNT:-1], told]
    return Backlog(*values)
