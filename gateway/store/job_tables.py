"""The tables of procrastinate, in a schema of their own: made and brought up to date with ours.

The schema's comment names the last of procrastinate's migrations that it contains.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, text

SCHEMA = "procrastinate"
_STATE = text("select obj_description(to_regnamespace(:schema), 'pg_namespace')")


def upgrade(connection: Connection) -> None:
    """Make the tables, or run what is missing."""
    done = current(connection)
    for name, script in _missing(done):
        with connection.begin():
            connection.execute(text(f"create schema if not exists {SCHEMA}"))
            connection.execute(text(f"set local search_path = {SCHEMA}"))
            connection.exec_driver_sql(script, execution_options={"no_parameters": True})
            connection.execute(text(f"comment on schema {SCHEMA} is '{name}'"))


def current(connection: Connection) -> str | None:
    """The last migration that the database has."""
    state: str | None = connection.scalar(_STATE, {"schema": SCHEMA})
    connection.rollback()  # only looked
    return state


@cache
def head() -> str:
    """The last migration of the installed version."""
    return _migrations()[-1].stem


def _migrations() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def _missing(done: str | None) -> Iterator[tuple[str, str]]:
    """(state afterwards, script): everything at once for a new database."""
    if done is None:
        yield head(), SchemaManager.get_schema()
        return
    yield from ((path.stem, path.read_text()) for path in _migrations() if path.stem > done)
