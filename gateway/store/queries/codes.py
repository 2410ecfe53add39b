"""Codes of finished sign-ins."""

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.announcements import announce
from gateway.store.tables import AccessTokenRow, AuthCodeRow, UserSessionRow

LIFE = text("interval '10 minutes'")


async def add(
    session: AsyncSession, application_id: int, account_id: int, user_id: int | None, code_hash: bytes
) -> None:
    """Store a new code."""
    row = {"application_id": application_id, "account_id": account_id, "user_id": user_id, "code_hash": code_hash}
    await session.execute(insert(AuthCodeRow).values(row))


async def of_application(session: AsyncSession, application_id: int, code_hash: bytes) -> AuthCodeRow | None:
    """The code, if it is this application's; locked until the transaction ends."""
    mine = (col(AuthCodeRow.code_hash) == code_hash, col(AuthCodeRow.application_id) == application_id)
    return await session.scalar(select(AuthCodeRow).where(*mine).with_for_update())


async def fresh(session: AsyncSession, code: AuthCodeRow) -> bool:
    """Whether the code is young enough to be used."""
    young = col(AuthCodeRow.created_at) > func.now() - LIFE
    return bool(await session.scalar(select(young).where(col(AuthCodeRow.id) == code.id)))


async def spend(session: AsyncSession, code_id: int, token_id: int, session_id: int | None) -> None:
    """Note what the code was exchanged for."""
    spent = {"used_at": func.now(), "token_id": token_id, "session_id": session_id}
    await session.execute(update(AuthCodeRow).where(col(AuthCodeRow.id) == code_id).values(spent))


async def revoke(session: AsyncSession, code: AuthCodeRow) -> None:
    """Take away what the code was exchanged for."""
    await session.execute(delete(AccessTokenRow).where(col(AccessTokenRow.id) == code.token_id))
    await session.execute(delete(UserSessionRow).where(col(UserSessionRow.id) == code.session_id))
    await announce(session, f"account:{code.account_id}")
