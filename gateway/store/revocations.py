"""Grants of accounts that are gone, until their providers have taken them back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import case, delete, func, literal, select, update
from sqlmodel import col

from gateway.store.database import Database
from gateway.store.tables import AccountRow, RevocationRow
from schemas.accounts import TokenStatus

#: Pauses between tries; after the last of them it is given up.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 960, 1440))


@dataclass(frozen=True, slots=True)
class Revocation:
    """One that is this process's to try; `attempt` from 1."""

    id: int
    application_id: int
    service_type: str
    sealed_grant: bytes
    attempt: int

    @property
    def last(self) -> bool:
        """Whether there will be no other try."""
        return self.attempt > len(PAUSES)


class Revocations:
    """Finds, claims and forgets them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, limit: int) -> Sequence[int]:
        """The ids of those to be tried, longest due first."""
        at = col(RevocationRow.next_try_at)
        statement = select(col(RevocationRow.id)).where(at <= func.now()).order_by(at).limit(limit)
        async with self._database.read() as session:
            return (await session.scalars(statement)).all()

    async def claim(self, revocation: int) -> Revocation | None:
        """Begin a try; the next one is due after a pause, whatever becomes of this one. None when it is not due, or
        when another account lives by a grant of the same person: providers take all of those away, so that only the
        last one's may be revoked, and this one is forgotten."""
        async with self._database.session() as session:
            if await session.scalar(_shared(revocation)):
                await session.execute(delete(RevocationRow).where(col(RevocationRow.id) == revocation))
                return None
            row: RevocationRow | None = await session.scalar(_begun(revocation))
        if row is None:
            return None
        return Revocation(row.id, row.application_id, row.service_type, row.sealed_grant, row.attempts)

    async def done(self, revocation: int) -> None:
        """Forget it."""
        async with self._database.session() as session:
            await session.execute(delete(RevocationRow).where(col(RevocationRow.id) == revocation))


def _shared(revocation: int) -> Any:
    same = (
        col(RevocationRow.id) == revocation,
        col(AccountRow.service_type) == col(RevocationRow.service_type),
        col(AccountRow.auth_user_id) == col(RevocationRow.auth_user_id),
        col(AccountRow.sealed_grant).is_not(None),
        col(AccountRow.token_status) != TokenStatus.DEAD,
    )
    return select(literal(1)).select_from(AccountRow, RevocationRow).where(*same).limit(1)


def _begun(revocation: int) -> Any:
    pauses = [(col(RevocationRow.attempts) == number, literal(pause)) for number, pause in enumerate(PAUSES)]
    due = (col(RevocationRow.id) == revocation, col(RevocationRow.next_try_at) <= func.now())
    later = func.now() + case(*pauses, else_=literal(PAUSES[-1]))
    values = {"attempts": col(RevocationRow.attempts) + 1, "next_try_at": later}
    return update(RevocationRow).where(*due).values(values).returning(RevocationRow)
