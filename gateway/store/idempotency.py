"""Idempotency keys: a request is claimed before it is carried out; its answer is kept, sealed, for 24 hours."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.claims import Attempt, State
from gateway.identity import Caller
from gateway.store.database import Database
from gateway.store.tables import IdempotencyKeyRow
from gateway.store.vault import Vault

LIFE = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=2)  # far longer than a request may take: its process must have died


class IdempotencyKeys:
    """Claims keys; what an application does itself is told from what it does on an account."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    async def claim(self, caller: Caller, use: str, key: str, body_hash: bytes) -> Attempt:
        """Claim `key` for a `use` (an operation) of the caller, or learn what became of the request that claimed it."""
        values = {
            "application_id": caller.application.id,
            "account_id": caller.account.id if caller.account else None,
            "route": use,
            "key": key,
            "request_hash": body_hash,
        }
        async with self._database.session() as session:
            claimed = await _insert(session, values)
            if claimed is not None:
                return Attempt(State.NEW, claimed)
            return self._known(await _select(session, values), body_hash)

    def _known(self, row: IdempotencyKeyRow | None, body_hash: bytes) -> Attempt:
        if row is None:  # given up between the two statements
            return Attempt(State.RUNNING)
        if row.request_hash != body_hash:
            return Attempt(State.OTHER_BODY, row.id)
        if row.status is None or row.sealed_answer is None:
            return Attempt(State.RUNNING, row.id)
        return Attempt(State.DONE, row.id, row.status, self._vault.unseal_bytes(row.sealed_answer))

    async def finish(self, attempt: Attempt, status: int, body: bytes) -> None:
        """Keep the answer; without effect when the claim was taken over."""
        values = {"state": "done", "status": status, "sealed_answer": self._vault.seal_bytes(body)}
        statement = update(IdempotencyKeyRow).where(col(IdempotencyKeyRow.id) == attempt.id).values(values)
        async with self._database.read() as session:
            await session.execute(statement)

    async def give_up(self, attempt: Attempt) -> None:
        """Free the key: nothing was done under it."""
        async with self._database.read() as session:
            await session.execute(delete(IdempotencyKeyRow).where(col(IdempotencyKeyRow.id) == attempt.id))

    async def expire(self, older_than: timedelta = LIFE) -> int:
        """Delete the keys of requests that are longer ago; how many."""
        old = col(IdempotencyKeyRow.created_at) < func.now() - older_than
        async with self._database.session() as session:
            gone = await session.scalars(delete(IdempotencyKeyRow).where(old).returning(col(IdempotencyKeyRow.id)))
            return len(gone.all())


async def _insert(session: AsyncSession, values: Mapping[str, object]) -> int | None:
    """The id of a new claim; also of one taken over, which gets a new id: the first claimer's is void."""
    row, age = IdempotencyKeyRow, func.now() - col(IdempotencyKeyRow.created_at)
    same = col(row.request_hash) == values["request_hash"]
    given_up = (col(row.state) == "running") & (age > ABANDONED_AFTER) & same
    renewed = {**values, "id": text("default"), "state": "running", "status": None, "sealed_answer": None}
    statement = insert(row).values(values)
    statement = statement.on_conflict_do_update(
        constraint="uq_idempotency_key",
        set_={**renewed, "created_at": func.now()},
        where=or_(given_up, age > LIFE),
    )
    return await session.scalar(statement.returning(col(row.id)))


async def _select(session: AsyncSession, values: Mapping[str, object]) -> IdempotencyKeyRow | None:
    wanted = [
        getattr(IdempotencyKeyRow, name).is_not_distinct_from(value)
        for name, value in values.items()
        if name != "request_hash"
    ]
    return await session.scalar(select(IdempotencyKeyRow).where(*wanted))
