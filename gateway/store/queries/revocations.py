"""Noting, with the deletion of accounts, that their grants are to be taken back."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.tables import AccountRow, RevocationRow
from schemas.accounts import AccountType


async def leave(session: AsyncSession, *which: ColumnElement[bool]) -> Sequence[int]:
    """Note the grants of accounts that are about to go; what lives by another's grant, or by a password, has none. Call
    it in the transaction in which they go. The ids."""
    mine = (*which, col(AccountRow.sealed_grant).is_not(None), col(AccountRow.parent_id).is_(None))
    columns = ("application_id", "service_type", "auth_user_id", "sealed_grant")
    found = select(*(getattr(AccountRow, name) for name in columns)).where(
        *mine, col(AccountRow.kind) == AccountType.PERSONAL, col(AccountRow.auth_user_id).is_not(None)
    )
    statement = insert(RevocationRow).from_select(columns, found).returning(col(RevocationRow.id))
    return (await session.scalars(statement)).all()
