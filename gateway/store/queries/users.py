"""Users, their accounts and their sessions."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.announcements import announce
from gateway.store.queries import revocations
from gateway.store.sign_ins import SESSION_LIFE
from gateway.store.tables import AccountRow, ApplicationRow, EndUserRow, UserSessionRow

_FRESH = text("interval '1 minute'")


async def ensure(session: AsyncSession, application_id: int, service_type: str, identity: str) -> EndUserRow:
    """The user whose primary mailbox this is, made when there was none; locked until the transaction ends."""
    values = {
        "application_id": application_id,
        "public_id": uuid4().hex,
        "service_type": service_type,
        "identity": identity,
        "last_activity": func.now(),
    }
    kept = {"last_activity": func.now()}
    statement = insert(EndUserRow).values(values).on_conflict_do_update(constraint="uq_end_user_identity", set_=kept)
    return (await session.scalars(statement.returning(EndUserRow))).one()


async def by_public_id(session: AsyncSession, application_id: int, public_id: str) -> EndUserRow | None:
    """The user whom applications call so."""
    mine = (col(EndUserRow.application_id) == application_id, col(EndUserRow.public_id) == public_id)
    return await session.scalar(select(EndUserRow).where(*mine))


async def by_id(session: AsyncSession, application_id: int, user_id: int) -> EndUserRow | None:
    """A user of the application."""
    mine = (col(EndUserRow.application_id) == application_id, col(EndUserRow.id) == user_id)
    return await session.scalar(select(EndUserRow).where(*mine))


async def by_external_id(session: AsyncSession, application_id: int, external_id: str) -> EndUserRow | None:
    """The user with this checked identity."""
    mine = (col(EndUserRow.application_id) == application_id, col(EndUserRow.external_id) == external_id)
    return await session.scalar(select(EndUserRow).where(*mine))


async def page(
    session: AsyncSession, application_id: int, *, offset: int, limit: int
) -> tuple[int, Sequence[EndUserRow]]:
    """How many users the application has, and one page of them by id."""
    mine = col(EndUserRow.application_id) == application_id
    total = await session.scalar(select(func.count()).select_from(EndUserRow).where(mine))
    rows = select(EndUserRow).where(mine).order_by(col(EndUserRow.id)).offset(offset).limit(limit)
    return total or 0, (await session.scalars(rows)).all()


async def change(session: AsyncSession, user_id: int, **values: Any) -> EndUserRow | None:
    """Set columns of a user."""
    statement = update(EndUserRow).where(col(EndUserRow.id) == user_id).values(values)
    return await session.scalar(statement.returning(EndUserRow))


async def accounts_of(session: AsyncSession, user_ids: Sequence[int]) -> Sequence[AccountRow]:
    """The accounts of these users by id, each user's primary one first."""
    mine = col(AccountRow.user_id).in_(user_ids)
    return (
        await session.scalars(select(AccountRow).where(mine).order_by(col(AccountRow.user_role), col(AccountRow.id)))
    ).all()


async def account_of(session: AsyncSession, user_id: int, account_id: int) -> AccountRow | None:
    """One account of the user."""
    mine = (col(AccountRow.user_id) == user_id, col(AccountRow.id) == account_id)
    return await session.scalar(select(AccountRow).where(*mine))


async def remove(session: AsyncSession, user: EndUserRow) -> None:
    """Delete a user with accounts and sessions."""
    mine = select(col(AccountRow.id)).where(col(AccountRow.user_id) == user.id)
    gone = [f"gone:{account_id}" for account_id in await session.scalars(mine)]
    await revocations.leave(session, col(AccountRow.user_id) == user.id)
    await session.execute(delete(EndUserRow).where(col(EndUserRow.id) == user.id))
    await announce(session, *gone)


async def add_session(session: AsyncSession, user_id: int, secret_hash: bytes) -> int:
    """Store a new session of the user; its id."""
    row = {"user_id": user_id, "secret_hash": secret_hash}
    return (await session.scalars(insert(UserSessionRow).values(row).returning(col(UserSessionRow.id)))).one()


async def by_session(session: AsyncSession, secret_hash: bytes) -> tuple[int, EndUserRow, ApplicationRow] | None:
    """The session's id, its user and the application; the use is noted, to the minute."""
    last, wanted = col(UserSessionRow.last_used_at), col(UserSessionRow.secret_hash) == secret_hash
    statement: Any = (
        select(UserSessionRow.id, EndUserRow, ApplicationRow)  # type: ignore[call-overload]
        .join(EndUserRow, col(EndUserRow.id) == col(UserSessionRow.user_id))
        .join(ApplicationRow, col(ApplicationRow.id) == col(EndUserRow.application_id))
        .where(wanted, last > func.now() - SESSION_LIFE)
    )
    found = (await session.execute(statement)).first()
    if found is None:
        return None
    noted = update(UserSessionRow).where(wanted, last < func.now() - _FRESH).values(last_used_at=func.now())
    if await session.scalar(noted.returning(col(UserSessionRow.id))) is not None:
        await change(session, found[1].id, last_activity=func.now())
    return found[0], found[1], found[2]


async def end_session(session: AsyncSession, session_id: int) -> None:
    """Delete a session."""
    await session.execute(delete(UserSessionRow).where(col(UserSessionRow.id) == session_id))


async def end_sessions(session: AsyncSession, user_id: int) -> None:
    """Delete every session of a user."""
    await session.execute(delete(UserSessionRow).where(col(UserSessionRow.user_id) == user_id))
