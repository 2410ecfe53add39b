"""Idempotency keys: a request is claimed before it is carried out; its answer is kept, sealed, for 24 hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.database import Database
from gateway.store.tables import IdempotencyKeyRow
from gateway.store.vault import Vault

LIFE = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=2)  # far longer than a request may take: its process must have died


class ClaimState(StrEnum):
    """What to do: carry it out, come back later, repeat the answer, or refuse the key."""

    NEW = "new"
    RUNNING = "running"
    DONE = "done"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Claim:
    """A key's claim; `status` and `body` are the answer of one that is done."""

    id: int
    state: ClaimState
    status: int = 0
    body: bytes = b""


class IdempotencyKeys:
    """Claims keys. `account_id` is None for what an application does itself."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    async def claim(
        self, application_id: int, account_id: int | None, route: str, key: str, request_hash: bytes
    ) -> Claim:
        """Claim `key`, or learn what became of the request that claimed it first."""
        values = {
            "application_id": application_id,
            "account_id": account_id,
            "route": route,
            "key": key,
            "request_hash": request_hash,
        }
        async with self._database.session() as session:
            claimed = await _insert(session, values)
            if claimed is not None:
                return Claim(claimed, ClaimState.NEW)
            return self._known(await _select(session, values), request_hash)

    def _known(self, row: IdempotencyKeyRow | None, request_hash: bytes) -> Claim:
        if row is None:  # given up between the two statements
            return Claim(0, ClaimState.RUNNING)
        if row.request_hash != request_hash:
            return Claim(row.id, ClaimState.MISMATCH)
        if row.state == ClaimState.RUNNING or row.sealed_answer is None or row.status is None:
            return Claim(row.id, ClaimState.RUNNING)
        return Claim(row.id, ClaimState.DONE, row.status, self._vault.unseal_bytes(row.sealed_answer))

    async def finish(self, claim: Claim, status: int, body: bytes) -> None:
        """Keep the answer; without effect when the claim was taken over."""
        values = {"state": "done", "status": status, "sealed_answer": self._vault.seal_bytes(body)}
        statement = update(IdempotencyKeyRow).where(col(IdempotencyKeyRow.id) == claim.id).values(values)
        async with self._database.read() as session:
            await session.execute(statement)

    async def abandon(self, claim: Claim) -> None:
        """Free the key: nothing was done under it."""
        async with self._database.read() as session:
            await session.execute(delete(IdempotencyKeyRow).where(col(IdempotencyKeyRow.id) == claim.id))

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
