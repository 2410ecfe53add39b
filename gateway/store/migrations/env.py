"""Alembic's entry: runs the migrations on the connection that the caller put into the configuration."""

from alembic import context
from sqlmodel import SQLModel

from gateway.store import tables  # fills the metadata

assert tables.ApplicationRow.metadata is SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
