"""The send log: one row per submission, written before the first byte goes out (design section 8).

A row's state is true at every moment, whatever dies: `sending` means that nothing has left yet, `unknown` that the
message may have left. Whoever submits turns the one into the other right before the first octet, by compare-and-set
on the attempt's number; so a process that was taken for dead and comes back sends nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.database import Database
from gateway.store.tables import SendRow
from providers.base.errors import TooLate, Unavailable
from providers.base.ports import Sent

#: How long a submission may take until its first octet goes out; then its process is taken for dead.
LEASE = timedelta(minutes=2)
#: When the sent folder is searched for a message that may have left, counted from the time when it may have.
LOOKS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 24 * 60))
_KEY_LIFE = text("interval '24 hours'")
_TRIES = 5


class SendState(StrEnum):
    """Where a send stands; `unknown` is never tried again."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LoggedSend:
    """A send as logged; `fresh` when this call began it: whoever began it submits it. `attempt` counts from 1."""

    id: int
    account_id: int
    message_id: str
    state: SendState
    attempt: int
    draft_id: str | None
    send_at: datetime | None
    error: str | None
    provider_id: str | None
    thread_id: str | None
    updated_at: datetime
    fresh: bool = False

    @property
    def under_way(self) -> bool:
        """Whether somebody is submitting it, as far as is known."""
        return self.state is SendState.SENDING or (self.state is SendState.UNKNOWN and self.error is None)


class Sends:
    """Begins sends and settles them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, account_id: int, message_id: str, *, key: str | None = None, draft_id: str | None = None
    ) -> LoggedSend:
        """Log that a message is about to be submitted; or find what was begun for this draft or idempotency key (of
        the last 24 hours) and has not failed. A send of the draft that was scheduled for later is taken over."""
        values = {"account_id": account_id, "message_id": message_id, "draft_id": draft_id, "idempotency_key": key}
        for _ in range(_TRIES):  # an earlier one may end between two statements
            async with self._database.session() as session:
                await _release_key(session, account_id, key)
                begun = {"state": SendState.SENDING, "attempts": 1, "next_try_at": func.now() + literal(LEASE)}
                statement = insert(SendRow).values(**values, **begun).on_conflict_do_nothing()
                row = await session.scalar(statement.returning(SendRow)) or await _take_over(session, values)
                if row is not None:
                    return logged(row, fresh=True)
                if (row := await _earlier(session, account_id, draft_id, key)) is not None:
                    return logged(row)
        raise Unavailable("The send cannot be logged at the moment")

    async def leaving(self, send: LoggedSend, message_id: str) -> None:
        """The next octet may take the message out. Raises `TooLate` when the send is not this attempt's any more."""
        values = {"state": SendState.UNKNOWN, "message_id": message_id, "error": None}
        changes = {**values, "next_try_at": func.now() + literal(LOOKS[0]), "updated_at": func.now()}
        mine = (col(SendRow.state) == SendState.SENDING, *_attempt(send))
        async with self._database.read() as session:
            found = await session.scalar(update(SendRow).where(*mine).values(changes).returning(col(SendRow.id)))
        if found is None:
            raise TooLate("This send was taken over by another process: nothing left from here")

    async def settle(
        self,
        send: LoggedSend,
        state: SendState,
        *,
        error: str | None = None,
        sent: Sent | None = None,
        after: timedelta | None = None,
    ) -> None:
        """Say how an attempt ended: `error` for people, `sent` with the provider's ids where they are known, `after`
        which time something is to be done about it. Without effect once the send is not this attempt's any more."""
        values = {
            "state": state,
            "error": error,
            "provider_id": sent.id if sent else None,
            "thread_id": sent.thread_id if sent else None,
            "next_try_at": None if after is None else func.now() + literal(after),
            "updated_at": func.now(),
        }
        if sent is not None:
            values["message_id"] = sent.message_id
        open_ = col(SendRow.state).in_((SendState.SENDING, SendState.UNKNOWN))
        async with self._database.read() as session:
            await session.execute(update(SendRow).where(open_, *_attempt(send)).values(values))


def _attempt(send: LoggedSend) -> tuple[ColumnElement[bool], ...]:
    return col(SendRow.id) == send.id, col(SendRow.attempts) == send.attempt


async def _release_key(session: AsyncSession, account_id: int, key: str | None) -> None:
    """An idempotency key counts for 24 hours."""
    if key is None:
        return
    old = (col(SendRow.idempotency_key) == key) & (col(SendRow.created_at) < func.now() - _KEY_LIFE)
    statement = update(SendRow).where(col(SendRow.account_id) == account_id, old)
    await session.execute(statement.values(idempotency_key=None))


async def _take_over(session: AsyncSession, values: dict[str, object]) -> SendRow | None:
    """Send now what was to be sent later."""
    if values["draft_id"] is None:
        return None
    waiting = (
        col(SendRow.account_id) == values["account_id"],
        col(SendRow.draft_id) == values["draft_id"],
        col(SendRow.state) == SendState.QUEUED,
    )
    begun: dict[str, object] = {"state": SendState.SENDING, "send_at": None, "error": None, "updated_at": func.now()}
    begun |= {"attempts": col(SendRow.attempts) + 1, "next_try_at": func.now() + literal(LEASE)}
    return await session.scalar(update(SendRow).where(*waiting).values({**values, **begun}).returning(SendRow))


async def _earlier(session: AsyncSession, account_id: int, draft_id: str | None, key: str | None) -> SendRow | None:
    given = ((col(SendRow.draft_id), draft_id), (col(SendRow.idempotency_key), key))
    same = or_(*(column == value for column, value in given if value is not None))
    mine = (col(SendRow.account_id) == account_id, col(SendRow.state) != SendState.FAILED)
    statement = select(SendRow).where(*mine, same)
    return await session.scalar(statement.order_by(col(SendRow.id)).limit(1))


def logged(row: SendRow, *, fresh: bool = False) -> LoggedSend:
    """The value of a row."""
    return LoggedSend(
        row.id,
        row.account_id,
        row.message_id,
        SendState(row.state),
        row.attempts,
        row.draft_id,
        row.send_at,
        row.error,
        row.provider_id,
        row.thread_id,
        row.updated_at,
        fresh,
    )
