"""Items that could not be read: noted, tried again ever more rarely, let out by `Deltas.republish`."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from gateway.store.database import Database
from gateway.store.tables import QuarantineRow, StreamItemRow

PATIENCE = timedelta(seconds=5)  # before the second try; doubles with each further one
_LONGEST = text("interval '1 hour'")
_MAX_ERROR = 500  # characters
_MAX_DOUBLINGS = 20  # keeps the interval within what PostgreSQL can hold


class Quarantine:
    """The items of streams that wait; `patience` until the second try."""

    def __init__(self, database: Database, patience: timedelta = PATIENCE) -> None:
        self._database, self._patience = database, patience

    async def note(self, stream_id: int, errors: Mapping[str, str]) -> None:
        """Note, by item, why it could not be read; once more for those that are known."""
        if not errors:
            return
        row = QuarantineRow
        doubled = func.power(2, func.least(col(row.attempts), _MAX_DOUBLINGS))
        later = func.now() + func.least(self._patience * doubled, _LONGEST)
        first = {"stream_id": stream_id, "next_try_at": func.now() + self._patience}
        values = [{**first, "item_id": item, "error": error[:_MAX_ERROR]} for item, error in errors.items()]
        statement = insert(row).values(values)
        again = {"error": statement.excluded.error, "attempts": col(row.attempts) + 1, "next_try_at": later}
        async with self._database.read() as session:
            await session.execute(statement.on_conflict_do_update(index_elements=["stream_id", "item_id"], set_=again))

    async def held(self, stream_id: int, limit: int) -> list[tuple[str, str, int, datetime]]:
        """The items that wait, the next to be tried first: id, error, attempts, when."""
        row = QuarantineRow
        columns = (col(row.item_id), col(row.error), col(row.attempts), col(row.next_try_at))
        held = select(*columns).where(col(row.stream_id) == stream_id).order_by(col(row.next_try_at)).limit(limit)
        async with self._database.read() as session:
            return [(found[0], found[1], found[2], found[3]) for found in await session.execute(held)]

    async def due(self, stream_id: int, limit: int) -> list[str]:
        """The items to try again now; those that were removed meanwhile are forgotten."""
        row, item = QuarantineRow, StreamItemRow
        same = (col(item.stream_id) == col(row.stream_id)) & (col(item.item_id) == col(row.item_id))
        mine = col(row.stream_id) == stream_id
        gone = delete(row).where(mine, same, col(item.removed))
        due = select(col(row.item_id)).where(mine, col(row.next_try_at) <= func.now()).order_by(col(row.next_try_at))
        async with self._database.read() as session:
            await session.execute(gone)
            return list(await session.scalars(due.limit(limit)))
