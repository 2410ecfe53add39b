"""Access tokens."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.tables import AccessTokenRow, AccountRow, ApplicationRow

_FRESH = text("interval '1 minute'")


async def add(session: AsyncSession, account_id: int, token_hash: bytes) -> int:
    """Store a new token of the account; its id."""
    statement = insert(AccessTokenRow).values(account_id=account_id, token_hash=token_hash)
    return (await session.scalars(statement.returning(col(AccessTokenRow.id)))).one()


async def find(session: AsyncSession, token_hash: bytes) -> tuple[int, AccountRow, ApplicationRow] | None:
    """The token's id, its account and its application."""
    statement: Any = (
        select(AccessTokenRow.id, AccountRow, ApplicationRow)  # type: ignore[call-overload]
        .join(AccountRow, col(AccountRow.id) == col(AccessTokenRow.account_id))
        .join(ApplicationRow, col(ApplicationRow.id) == col(AccountRow.application_id))
        .where(col(AccessTokenRow.token_hash) == token_hash)
    )
    found = (await session.execute(statement)).first()
    return (found[0], found[1], found[2]) if found else None


async def touch(session: AsyncSession, ids: Iterable[int]) -> None:
    """Note that these tokens were used just now; to the minute, which spares most writes."""
    last = col(AccessTokenRow.last_used_at)
    stale = or_(last.is_(None), last < func.now() - _FRESH)
    await session.execute(
        update(AccessTokenRow).where(col(AccessTokenRow.id).in_(list(ids)), stale).values(last_used_at=func.now())
    )
