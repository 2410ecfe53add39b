"""How often something was tried within a while, over all processes: one statement for each try."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import case, delete, func, literal
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from gateway.store.database import Database
from gateway.store.hashing import fingerprint
from gateway.store.tables import AttemptRow

WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many tries of `key` within the window; the key itself is not stored."""

    key: str
    most: int


class Attempts:
    """Counts them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, limits: Sequence[Limit]) -> float:
        """Count a try against each limit; seconds until there may be one again, 0 when this one may be made."""
        wait = 0.0
        async with self._database.session() as session:
            for limit in sorted(limits, key=lambda limit: limit.key):  # in one order, so that none wait for each other
                count, seconds = (await session.execute(_counted(limit))).one()
                wait = max(wait, float(seconds) if count > limit.most else 0.0)
        return wait

    async def forget(self, limits: Sequence[Limit]) -> None:
        """It worked: begin anew."""
        keys = [fingerprint(limit.key) for limit in limits]
        async with self._database.session() as session:
            await session.execute(delete(AttemptRow).where(col(AttemptRow.key_hash).in_(keys)))


def _counted(limit: Limit) -> Any:
    over = col(AttemptRow.since) < func.now() - literal(WINDOW)
    statement = insert(AttemptRow).values(key_hash=fingerprint(limit.key), count=1)
    values = {
        "count": case((over, 1), else_=col(AttemptRow.count) + 1),
        "since": case((over, func.now()), else_=col(AttemptRow.since)),
    }
    left = func.extract("epoch", col(AttemptRow.since) + literal(WINDOW) - func.now())
    return statement.on_conflict_do_update(index_elements=["key_hash"], set_=values).returning(
        col(AttemptRow.count), left
    )
