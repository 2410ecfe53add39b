"""Applications and their registrations at providers."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.announcements import announce
from gateway.store.tables import ApplicationRow, OAuthClientRow


async def add(session: AsyncSession, row: ApplicationRow) -> ApplicationRow | None:
    """Insert `row` and return it with its id; None when its name is taken."""
    values = row.model_dump(exclude_unset=True)
    statement = insert(ApplicationRow).values(values).on_conflict_do_nothing(index_elements=["name"])
    return await session.scalar(statement.returning(ApplicationRow))


async def by_client_id(session: AsyncSession, client_id: str) -> ApplicationRow | None:
    """The application with this client id."""
    return await session.scalar(select(ApplicationRow).where(col(ApplicationRow.client_id) == client_id))


async def by_name(session: AsyncSession, name: str) -> ApplicationRow | None:
    """The application with this name or client id; locked until the transaction ends."""
    known = (col(ApplicationRow.name) == name) | (col(ApplicationRow.client_id) == name)
    return await session.scalar(select(ApplicationRow).where(known).with_for_update())


async def by_id(session: AsyncSession, application_id: int) -> ApplicationRow | None:
    """The application with this id."""
    return await session.get(ApplicationRow, application_id)


async def every(session: AsyncSession) -> Sequence[ApplicationRow]:
    """All applications, oldest first."""
    return (await session.scalars(select(ApplicationRow).order_by(col(ApplicationRow.id)))).all()


async def trusted_origins(session: AsyncSession) -> frozenset[str]:
    """The trusted domains of all applications together."""
    found = await session.scalars(select(func.unnest(ApplicationRow.trusted_domains)).distinct())
    return frozenset(found.all())


async def change(session: AsyncSession, application_id: int, **values: Any) -> ApplicationRow:
    """Set columns of an application that exists."""
    statement = update(ApplicationRow).where(col(ApplicationRow.id) == application_id).values(values)
    row = (await session.scalars(statement.returning(ApplicationRow))).one()
    await announce(session, f"application:{application_id}")
    return row


async def put_oauth_client(session: AsyncSession, row: OAuthClientRow) -> None:
    """Insert a registration, or replace the one for the same service type and kind."""
    values = row.model_dump(exclude_unset=True)
    statement = insert(OAuthClientRow).values(values)
    await session.execute(statement.on_conflict_do_update(constraint="uq_oauth_client", set_=values))


async def oauth_clients(
    session: AsyncSession, application_id: int, *, offset: int, limit: int
) -> tuple[int, Sequence[OAuthClientRow]]:
    """How many registrations the application has, and one page of them in order of creation."""
    mine = col(OAuthClientRow.application_id) == application_id
    total = await session.scalar(select(func.count()).select_from(OAuthClientRow).where(mine))
    page = select(OAuthClientRow).where(mine).order_by(col(OAuthClientRow.id)).offset(offset).limit(limit)
    return total or 0, (await session.scalars(page)).all()


async def oauth_client(
    session: AsyncSession, application_id: int, service_type: str, *, daemon: bool
) -> OAuthClientRow | None:
    """The application's registration for a service type."""
    return await session.scalar(
        select(OAuthClientRow).where(
            col(OAuthClientRow.application_id) == application_id,
            col(OAuthClientRow.service_type) == service_type,
            col(OAuthClientRow.daemon) == daemon,
        )
    )
