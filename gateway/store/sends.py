"""The send log: one row per submission, written before the first byte goes out (design section 8)."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.database import Database
from gateway.store.tables import SendRow
from providers.base.ports import Sent

_KEY_LIFE = text("interval '24 hours'")


class SendState(StrEnum):
    """Where a send stands; `unknown` is never tried again blindly."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LoggedSend:
    """A send as logged; `fresh` when it was not there before: whoever began it submits it."""

    id: int
    message_id: str
    state: SendState
    fresh: bool
    provider_id: str | None = None
    thread_id: str | None = None


class Sends:
    """Begins sends and settles them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, account_id: int, message_id: str, *, key: str | None = None, draft_id: str | None = None
    ) -> LoggedSend:
        """Log that a message is about to be submitted; or find what was begun for this draft or idempotency key (of
        the last 24 hours) and has not failed."""
        async with self._database.session() as session:
            await _release_key(session, account_id, key)
            values = {"account_id": account_id, "message_id": message_id, "draft_id": draft_id, "idempotency_key": key}
            statement = insert(SendRow).values(**values, state=SendState.SENDING).on_conflict_do_nothing()
            row = await session.scalar(statement.returning(SendRow))
            if row is not None:
                return _logged(row, fresh=True)
            return _logged(await _earlier(session, account_id, draft_id, key), fresh=False)

    async def settle(self, send: int, state: SendState, *, error: str | None = None, sent: Sent | None = None) -> None:
        """Say how it went on: `error` for people, `sent` with the provider's ids where they are known."""
        values = {
            "state": state,
            "error": error,
            "provider_id": sent.id if sent else None,
            "thread_id": sent.thread_id if sent else None,
        }
        statement = update(SendRow).where(col(SendRow.id) == send).values(**values, updated_at=func.now())
        async with self._database.read() as session:
            await session.execute(statement)


async def _release_key(session: AsyncSession, account_id: int, key: str | None) -> None:
    """An idempotency key counts for 24 hours."""
    if key is None:
        return
    old = (col(SendRow.idempotency_key) == key) & (col(SendRow.created_at) < func.now() - _KEY_LIFE)
    statement = update(SendRow).where(col(SendRow.account_id) == account_id, old)
    await session.execute(statement.values(idempotency_key=None))


async def _earlier(session: AsyncSession, account_id: int, draft_id: str | None, key: str | None) -> SendRow:
    same = (col(SendRow.draft_id) == draft_id) | (col(SendRow.idempotency_key) == key)
    statement = select(SendRow).where(
        col(SendRow.account_id) == account_id, col(SendRow.state) != SendState.FAILED, same
    )
    return (await session.scalars(statement.order_by(col(SendRow.id)).limit(1))).one()


def _logged(row: SendRow, *, fresh: bool) -> LoggedSend:
    return LoggedSend(row.id, row.message_id, SendState(row.state), fresh, row.provider_id, row.thread_id)
