"""Sends that something is to be done about: scheduled ones whose time has come, and those that nobody settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, case, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.identity import Account
from gateway.store import values
from gateway.store.database import Database
from gateway.store.sends import LEASE, LOOKS, LoggedSend, SendState, logged
from gateway.store.tables import AccountRow, SendRow

#: For so long after its time a scheduled send is tried.
PATIENCE = timedelta(hours=24)
STOPPED = "The gateway stopped before the message could leave: nothing was sent"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A send that is this process's to deal with, and its account."""

    send: LoggedSend
    account: Account


class DueSends:
    """Finds and claims them; `next_try_at` says when."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, limit: int) -> Sequence[int]:
        """The ids of sends that something is to be done about, longest due first."""
        statement = select(col(SendRow.id)).where(_is_due()).order_by(col(SendRow.next_try_at)).limit(limit)
        async with self._database.read() as session:
            return (await session.scalars(statement)).all()

    async def recover(self, send: int) -> None:
        """Nothing has left of a send in `sending` whose process died: wait for another try, or fail."""
        now = func.now()
        again = col(SendRow.send_at) > now - literal(PATIENCE)
        values = {
            "state": case((again, SendState.QUEUED), else_=SendState.FAILED),
            "next_try_at": case((again, now), else_=None),
            "error": STOPPED,
            "updated_at": now,
        }
        abandoned = (col(SendRow.id) == send, col(SendRow.state) == SendState.SENDING, _is_due())
        async with self._database.read() as session:
            await session.execute(update(SendRow).where(*abandoned).values(values))

    async def claim(self, send: int) -> Claimed | None:
        """Begin an attempt at a send whose time has come; nobody else can then."""
        begun = {"state": SendState.SENDING, "attempts": col(SendRow.attempts) + 1, "updated_at": func.now()}
        mine = (col(SendRow.id) == send, col(SendRow.state) == SendState.QUEUED, _is_due())
        statement = update(SendRow).where(*mine).values({**begun, "next_try_at": func.now() + literal(LEASE)})
        async with self._database.session() as session:
            return await _claimed(session, await session.scalar(statement.returning(SendRow)))

    async def uncertain(self, send: int) -> Claimed | None:
        """A send that may have left and is to be looked for now."""
        mine = (col(SendRow.id) == send, col(SendRow.state) == SendState.UNKNOWN, _is_due())
        async with self._database.session() as session:
            return await _claimed(session, await session.scalar(select(SendRow).where(*mine)))

    async def not_found(self, send: LoggedSend, error: str) -> None:
        """The sent folder does not have it: look again when the next look is due, if there is one. `error` is said of
        it from then on, unless something was said already."""
        age = func.now() - col(SendRow.updated_at)
        looks = [(age < literal(look), col(SendRow.updated_at) + literal(look)) for look in LOOKS]
        values = {"next_try_at": case(*looks, else_=None), "error": func.coalesce(SendRow.error, error)}
        mine = col(SendRow.id) == send.id, col(SendRow.attempts) == send.attempt
        statement = update(SendRow).where(*mine, col(SendRow.state) == SendState.UNKNOWN)
        async with self._database.read() as session:
            await session.execute(statement.values(values))


def _is_due() -> ColumnElement[bool]:
    return col(SendRow.next_try_at) <= func.now()


async def _claimed(session: AsyncSession, row: SendRow | None) -> Claimed | None:
    if row is None:
        return None
    account = (await session.scalars(select(AccountRow).where(col(AccountRow.id) == row.account_id))).one()
    return Claimed(logged(row), values.account(account))
