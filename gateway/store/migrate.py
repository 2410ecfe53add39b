"""Alembic without its command: the migrations of this package, run on a connection that is there already."""

from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; `migrations/env.py` takes the connection from it."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.attributes["connection"] = connection
    return settings


def upgrade(connection: Connection) -> None:
    """Run what is missing, in one transaction."""
    command.upgrade(config(connection), "head")


def current(connection: Connection) -> str | None:
    """The revision that the database is at."""
    revision: Any = MigrationContext.configure(connection).get_current_revision()
    return str(revision) if revision else None


@cache
def head() -> str:
    """The newest revision of this package."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    assert revision is not None
    return revision
