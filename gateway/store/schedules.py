"""Sends of drafts that are to happen later: putting them down, changing them, taking them back."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.database import Database
from gateway.store.sends import LoggedSend, SendState, logged
from gateway.store.tables import SendRow
from providers.base.errors import NotFound, TooLate

#: For so long a send waits while its draft is being changed; longer than any request takes.
HOLD = timedelta(minutes=2)
#: How long it is remembered what became of a draft.
MEMORY = timedelta(days=30)


class Schedules:
    """The scheduled sends of drafts; of each draft there is at most one that has not failed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, account_id: int, draft_id: str, message_id: str, send_at: datetime) -> LoggedSend:
        """Schedule a draft, or change when it is sent. Raises `TooLate` when it is being sent or was."""
        values = {"account_id": account_id, "draft_id": draft_id, "message_id": message_id}
        due = {"state": SendState.QUEUED, "send_at": send_at, "next_try_at": send_at, "error": None}
        async with self._database.session() as session:
            statement = insert(SendRow).values(**values, **due).on_conflict_do_nothing()
            row = await session.scalar(statement.returning(SendRow))
            if row is None:
                moved = update(SendRow).where(*_waiting(account_id, draft_id)).values({**due, "updated_at": func.now()})
                row = await session.scalar(moved.returning(SendRow))
        if row is None:
            raise TooLate("sendTime: the draft is being sent or was sent: it cannot be scheduled any more")
        return logged(row)

    async def find(self, account_id: int, draft_id: str) -> LoggedSend | None:
        """The last send of a draft, scheduled or not."""
        async with self._database.read() as session:
            return await _find(session, account_id, draft_id)

    async def hold(self, account_id: int, draft_id: str) -> LoggedSend | None:
        """Keep a draft from being sent while it is changed; its last send. Raises `TooLate` when it is being sent."""
        held = update(SendRow).where(*_waiting(account_id, draft_id))
        later = func.greatest(SendRow.next_try_at, func.now() + literal(HOLD))
        async with self._database.session() as session:
            row = await session.scalar(held.values(next_try_at=later).returning(SendRow))
            send = logged(row) if row else await _find(session, account_id, draft_id)
        if send is not None and send.under_way:
            raise TooLate("The draft is being sent at this moment: it cannot be changed any more")
        return send

    async def release(self, send: LoggedSend, draft_id: str) -> None:
        """End a hold; the draft has this id now."""
        due = func.greatest(SendRow.send_at, func.now())
        async with self._database.read() as session:
            await session.execute(update(SendRow).where(*_still(send)).values(draft_id=draft_id, next_try_at=due))

    async def forget(self, send: LoggedSend) -> None:
        """The draft is gone by its owner's wish: it is not sent, and nothing more is said of it."""
        ended = col(SendRow.state).in_((SendState.FAILED, SendState.UNKNOWN))
        mine = (col(SendRow.account_id) == send.account_id, col(SendRow.draft_id) == send.draft_id)
        async with self._database.session() as session:
            await session.execute(delete(SendRow).where(*_still(send)))
            await session.execute(update(SendRow).where(ended, *mine).values(draft_id=None))

    async def cancel(self, account_id: int, draft_id: str) -> None:
        """Take a schedule back; the draft stays. Raises `NotFound`, and `TooLate` when it is being sent or was."""
        async with self._database.session() as session:
            gone = delete(SendRow).where(*_waiting(account_id, draft_id)).returning(col(SendRow.id))
            if await session.scalar(gone) is not None:
                return
            send = await _find(session, account_id, draft_id)
        if send is None or send.state is SendState.FAILED:
            raise NotFound("the draft is not scheduled")
        raise TooLate("The draft is being sent or was sent: that cannot be cancelled any more")


def _waiting(account_id: int, draft_id: str) -> tuple[ColumnElement[bool], ...]:
    mine = col(SendRow.account_id) == account_id, col(SendRow.draft_id) == draft_id
    return *mine, col(SendRow.state) == SendState.QUEUED


def _still(send: LoggedSend) -> tuple[ColumnElement[bool], ...]:
    return col(SendRow.id) == send.id, col(SendRow.state) == SendState.QUEUED


async def _find(session: AsyncSession, account_id: int, draft_id: str) -> LoggedSend | None:
    mine = col(SendRow.account_id) == account_id, col(SendRow.draft_id) == draft_id
    fresh = col(SendRow.updated_at) > func.now() - literal(MEMORY)
    statement = select(SendRow).where(*mine, fresh | (col(SendRow.state) == SendState.QUEUED))
    row = await session.scalar(statement.order_by(col(SendRow.id).desc()).limit(1))
    return logged(row) if row else None
