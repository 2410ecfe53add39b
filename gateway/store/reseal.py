"""Key rotation: every sealed column, found by its mark in the tables, is put under the newest key."""

from sqlalchemy import Column, Table, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.store import tables
from gateway.store.database import Database
from gateway.store.vault import Vault

_BATCH = 500


def sealed_columns() -> list[Column[bytes]]:
    """Every column that holds sealed bytes."""
    every = tables.ApplicationRow.metadata.sorted_tables
    return [column for table in every for column in table.columns if column.info.get("sealed")]


async def reseal(database: Database, vault: Vault) -> int:
    """Put everything under the first key; how many values were under another. Safe to run again, or beside a running
    gateway. Raises `WrongKey`."""
    return sum([await _column(database, vault, column) for column in sealed_columns()])


async def _column(database: Database, vault: Vault, column: Column[bytes]) -> int:
    done, last = 0, 0
    while True:
        async with database.session() as session:
            rows = await _batch(session, column, last)
            for row_id, sealed in rows:
                done += await _row(session, vault, column, row_id, sealed)
        if not rows:
            return done
        last = rows[-1][0]


async def _batch(session: AsyncSession, column: Column[bytes], last: int) -> list[tuple[int, bytes]]:
    key = _table(column).c.id
    statement = select(key, column).where(key > last, column.is_not(None)).order_by(key).limit(_BATCH)
    return [(row[0], row[1]) for row in await session.execute(statement.with_for_update())]


async def _row(session: AsyncSession, vault: Vault, column: Column[bytes], row_id: int, sealed: bytes) -> int:
    renewed = vault.reseal(sealed)
    if renewed is None:
        return 0
    table = _table(column)
    await session.execute(update(table).where(table.c.id == row_id).values({column.name: renewed}))
    return 1


def _table(column: Column[bytes]) -> Table:
    return tables.ApplicationRow.metadata.tables[column.table.name]
