"""A pump over a table of its own: keys that are due until they were run, and a record of every run."""

import asyncio
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.store.database import Database
from gateway.work.pump import Pump

_TABLES = """
create table if not exists errand (name text, key bigint, due boolean not null default true, primary key (name, key));
create table if not exists run (id bigint generated always as identity, name text, key bigint, who text,
    began timestamptz not null default clock_timestamp(), ended timestamptz);
"""


class Ledger:
    """Errands of the pump `name`, run by `who`; a run takes `takes` seconds, or waits for `gate`."""

    def __init__(self, database: Database, name: str, who: str = "here", takes: float = 0.0) -> None:
        self.database, self.name, self.who, self.takes = database, name, who, takes
        self.gate: asyncio.Event | None = None
        self.began = asyncio.Event()

    def pump(self, **options: Any) -> Pump:
        return Pump(self.name, self.due, self.run, **{"every": 0.2, **options})

    async def setup(self) -> None:
        async with self.database.session() as session:
            await session.execute(sa.text("select pg_advisory_xact_lock(1)"))
            for statement in _TABLES.split(";\n"):
                if statement:
                    await session.execute(sa.text(statement))

    async def add(self, *keys: int) -> None:
        """Make keys due."""
        added = "insert into errand values (:name, :key) on conflict (name, key) do update set due = true"
        async with self.database.session() as session:
            for key in keys:
                await session.execute(sa.text(added), {"name": self.name, "key": key})

    async def due(self, limit: int) -> Sequence[int]:
        return await self._read("select key from errand where name = :name and due limit :limit", limit=limit)

    async def run(self, key: int) -> None:
        began = "insert into run (name, key, who) values (:name, :key, :who) returning id"
        (number,) = await self._read(began, key=key, who=self.who)
        self.began.set()
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(self.takes)
        await self._read("update errand set due = false where name = :name and key = :key returning 1", key=key)
        await self._read("update run set ended = clock_timestamp() where id = :id returning 1", id=number)

    async def runs(self) -> list[tuple[int, str, bool]]:
        """(key, who, whether it ended), in the order of their beginning."""
        found = "select key, who, ended is not null from run where name = :name order by id"
        async with self.database.read() as session:
            return [tuple(row) for row in await session.execute(sa.text(found), {"name": self.name})]

    async def overlaps(self) -> int:
        """Runs of one key that were under way at the same time."""
        pairs = """select count(*) from run a join run b using (name, key) where a.name = :name and a.id < b.id
            and b.began < a.ended"""
        return int((await self._read(pairs))[0])

    async def _read(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.read() as session:
            result = await session.execute(sa.text(statement), {"name": self.name, **values})
            return [row[0] for row in result]
