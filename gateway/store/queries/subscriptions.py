"""Subscriptions: keeping them, setting where they stand, and what their account's state means for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.announcements import announce
from gateway.store.tables import FeedRow, SubscriptionRow
from providers.base.errors import NotFound

_TELL = text("""
with locked as (
    select id from subscription where account_id = :account and (active or :lifecycle = 'error') order by id for update
)
update subscription s set lifecycle = :lifecycle, lifecycle_error = :error, lifecycle_at = clock_timestamp()
from locked l where s.id = l.id
""")

# Whoever was told of an error hears that it goes on; who was not, need not. What the account has to say stays.
_SEEK = text("""
update subscription s set position = least(:sequence, coalesce(f.sequence, 0)), revision = s.revision + 1,
    active = true, fail_since = null, fail_description = null, attempts = 0, next_try_at = null,
    retry_upto = null, retry_stamp = null,
    lifecycle = case when s.active or a.token_status = 'dead' then s.lifecycle
        when s.lifecycle is null then 'active' end,
    lifecycle_error = case when s.active or a.token_status = 'dead' then s.lifecycle_error end,
    lifecycle_at = case when s.active or a.token_status = 'dead' then s.lifecycle_at else clock_timestamp() end
from account a left join feed f on f.account_id = a.id
where a.id = s.account_id and s.id = :id and s.application_id = :application and s.account_id = :account
returning s.position, coalesce(f.sequence, 0)
""")


async def add(session: AsyncSession, values: Mapping[str, Any]) -> SubscriptionRow:
    """Insert a subscription that is told of everything from now on; its account is watched. Raises `NotFound` when the
    account was removed meanwhile."""
    head = select(col(FeedRow.sequence)).where(col(FeedRow.account_id) == values["account_id"]).scalar_subquery()
    statement = insert(SubscriptionRow).values(**values, position=func.coalesce(head, 0))
    await announce(session, f"watch:{values['account_id']}")
    try:
        return (await session.scalars(statement.returning(SubscriptionRow))).one()
    except IntegrityError as error:
        raise NotFound("the account was removed meanwhile") from error


async def get(
    session: AsyncSession, application_id: int, account_id: int, subscription_id: int
) -> SubscriptionRow | None:
    """One subscription of the account."""
    return await session.scalar(select(SubscriptionRow).where(*_mine(application_id, account_id, subscription_id)))


async def page(
    session: AsyncSession, application_id: int, account_id: int, *, inactive: bool, offset: int, limit: int
) -> tuple[int, Sequence[SubscriptionRow]]:
    """How many subscriptions the account has, with the `inactive` ones or without, and one page of them by id."""
    wanted = _mine(application_id, account_id)
    if not inactive:
        wanted.append(col(SubscriptionRow.active).is_(True))
    total = await session.scalar(select(func.count()).select_from(SubscriptionRow).where(*wanted))
    found = select(SubscriptionRow).where(*wanted).order_by(col(SubscriptionRow.id)).offset(offset).limit(limit)
    return total or 0, (await session.scalars(found)).all()


async def remove(session: AsyncSession, application_id: int, account_id: int, subscription_id: int) -> bool:
    """Delete a subscription; whether it was there."""
    mine = _mine(application_id, account_id, subscription_id)
    found = await session.scalar(delete(SubscriptionRow).where(*mine).returning(col(SubscriptionRow.id)))
    return found is not None


async def seek(
    session: AsyncSession, application_id: int, account_id: int, subscription_id: int, sequence: int
) -> tuple[int, int] | None:
    """Set where a subscription stands, at most to the end of the feed, and forget its failures: it is tried at once.
    Where it stands then, and the end of the feed; None when it is gone."""
    given = {"id": subscription_id, "application": application_id, "account": account_id, "sequence": sequence}
    found = (await session.execute(_SEEK, given)).one_or_none()
    return None if found is None else (int(found[0]), int(found[1]))


async def tell(session: AsyncSession, account_id: int, lifecycle: str, error: str | None) -> None:
    """Have the subscribers of an account told that it stopped working ("error"), or works again ("active"): those that
    are parked will hear of that when they work again themselves."""
    await session.execute(_TELL, {"account": account_id, "lifecycle": lifecycle, "error": error})


def _mine(application_id: int, account_id: int, subscription_id: int | None = None) -> list[ColumnElement[bool]]:
    row = SubscriptionRow
    mine = [col(row.application_id) == application_id, col(row.account_id) == account_id]
    return mine if subscription_id is None else [*mine, col(row.id) == subscription_id]
