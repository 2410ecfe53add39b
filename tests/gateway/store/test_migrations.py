"""The migrations and the tables say the same."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import command

from gateway.store import migrate, tables
from gateway.store.reseal import sealed_columns
from tests.gateway.database import fresh_database


@contextmanager
def _connection(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_the_migrations_make_exactly_the_tables(database_url: str) -> None:
    with _connection(database_url) as connection:
        command.check(migrate.config(connection))


def test_the_migrations_can_be_undone(postgres_url: str) -> None:
    for url in fresh_database(postgres_url):
        with _connection(url) as connection:
            migrate.upgrade(connection)
            command.downgrade(migrate.config(connection), "base")
            assert sa.inspect(connection).get_table_names() == ["alembic_version"]


def test_checks_are_in_the_database_too(database_url: str) -> None:
    """Alembic does not compare check constraints, so this does."""
    expected = {
        check.name
        for table in tables.ApplicationRow.metadata.sorted_tables
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
    }
    with _connection(database_url) as connection:
        found = {
            check["name"]
            for table in tables.ApplicationRow.metadata.tables
            for check in sa.inspect(connection).get_check_constraints(table)
        }
    assert found == expected


def test_what_belongs_to_a_row_goes_with_it(database_url: str) -> None:
    with _connection(database_url) as connection:
        for table in tables.ApplicationRow.metadata.tables:
            for key in sa.inspect(connection).get_foreign_keys(table):
                assert key["options"].get("ondelete") == "CASCADE", (table, key)


def test_no_instant_lacks_its_zone() -> None:
    columns = [column for table in tables.ApplicationRow.metadata.sorted_tables for column in table.columns]
    instants = [column for column in columns if isinstance(column.type, sa.DateTime)]
    assert instants
    assert all(column.type.timezone for column in instants)


def test_every_sealed_column_is_known_to_the_rotation() -> None:
    assert {str(column) for column in sealed_columns()} == {
        "application.sealed_client_secret",
        "application.sealed_former_client_secret",
        "application.sealed_signing_secret",
        "application.sealed_next_signing_secret",
        "oauth_client.sealed_secrets",
        "revocation.sealed_grant",
        "account.sealed_grant",
        "idempotency_key.sealed_answer",
        "meeting.sealed_plan",
        "sign_in.sealed_flow",
    }
