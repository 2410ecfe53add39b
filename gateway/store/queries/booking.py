"""Booking profiles and who is attached to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import ColumnElement, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.tables import AccountRow, BookingGroupRow, BookingMemberRow, BookingProfileRow, WorkHoursRow
from providers.base.errors import Exists, NotFound

_ROW = BookingProfileRow
_MEMBER = BookingMemberRow
_GROUP = BookingGroupRow


@dataclass(frozen=True, slots=True)
class AttachedGroup:
    """A group of a profile with its accounts, in the order in which they were attached."""

    ext_id: str
    required: str
    accounts: tuple[int, ...]


async def add(session: AsyncSession, values: Mapping[str, Any]) -> BookingProfileRow:
    """Insert a profile. Raises `Exists` when the application has one of this name."""
    try:
        return (await session.scalars(insert(_ROW).values(dict(values)).returning(_ROW))).one()
    except IntegrityError as error:
        raise _named_alike(error, str(values["name"])) from error


async def change(session: AsyncSession, profile_id: int, values: Mapping[str, Any]) -> None:
    """Set columns. Raises `Exists`."""
    statement = update(_ROW).where(col(_ROW.id) == profile_id).values({**values, "updated_at": func.now()})
    try:
        await session.execute(statement)
    except IntegrityError as error:
        raise _named_alike(error, str(values.get("name"))) from error


async def get(
    session: AsyncSession, application_id: int, profile_id: int, account_id: int | None, *, lock: bool = False
) -> BookingProfileRow | None:
    """A profile of this account, or with None of the application's groups."""
    statement = select(_ROW).where(*_whose(application_id, account_id), col(_ROW.id) == profile_id)
    return await session.scalar(statement.with_for_update() if lock else statement)


async def by_name(session: AsyncSession, application_id: int, name: str) -> BookingProfileRow | None:
    """The profile of a name, an account's or a group's."""
    return await session.scalar(select(_ROW).where(col(_ROW.application_id) == application_id, col(_ROW.name) == name))


async def by_id(session: AsyncSession, application_id: int, profile_id: int) -> BookingProfileRow | None:
    """A profile of the application, an account's or a group's."""
    mine = col(_ROW.application_id) == application_id, col(_ROW.id) == profile_id
    return await session.scalar(select(_ROW).where(*mine))


async def of_group(
    session: AsyncSession, application_id: int, names: Sequence[str] | None, ids: Sequence[int] | None
) -> Sequence[BookingProfileRow]:
    """Group profiles with one of the names or ids; all, when neither is given."""
    statement = select(_ROW).where(*_whose(application_id, None)).order_by(col(_ROW.id))
    if names is not None or ids is not None:
        statement = statement.where(col(_ROW.name).in_(names or ()) | col(_ROW.id).in_(ids or ()))
    return (await session.scalars(statement)).all()


async def page(
    session: AsyncSession, application_id: int, account_id: int | None, *, offset: int, limit: int
) -> tuple[int, Sequence[BookingProfileRow]]:
    """How many there are, and one page of them by id."""
    mine = _whose(application_id, account_id)
    total = await session.scalar(select(func.count()).select_from(_ROW).where(*mine))
    rows = await session.scalars(select(_ROW).where(*mine).order_by(col(_ROW.id)).offset(offset).limit(limit))
    return total or 0, rows.all()


async def remove(session: AsyncSession, application_id: int, account_id: int | None, profile_id: int) -> bool:
    """Delete a profile; whether there was one."""
    statement = delete(_ROW).where(*_whose(application_id, account_id), col(_ROW.id) == profile_id)
    return await session.scalar(statement.returning(col(_ROW.id))) is not None


async def members(session: AsyncSession, profile_id: int) -> Sequence[int]:
    """Accounts attached without a group."""
    mine = col(_MEMBER.profile_id) == profile_id, col(_MEMBER.group_id).is_(None)
    return (await session.scalars(select(col(_MEMBER.account_id)).where(*mine).order_by(col(_MEMBER.id)))).all()


async def groups(session: AsyncSession, profile_id: int) -> list[AttachedGroup]:
    """Attached groups in the order in which they were attached."""
    found = text("""
        select g.ext_id, g.required, array_remove(array_agg(m.account_id order by m.id), null)
        from booking_group g left join booking_member m on m.group_id = g.id
        where g.profile_id = :profile group by g.id order by g.id
    """)
    rows = await session.execute(found, {"profile": profile_id})
    return [AttachedGroup(row[0], row[1], tuple(row[2])) for row in rows]


async def everyone(session: AsyncSession, row: BookingProfileRow) -> set[int]:
    """Every account that has a part in a profile."""
    if row.account_id is not None:
        return {row.account_id}
    return set(await session.scalars(select(col(_MEMBER.account_id)).where(col(_MEMBER.profile_id) == row.id)))


async def attach(session: AsyncSession, profile_id: int, group_id: int | None, accounts: Sequence[int]) -> None:
    """Attach accounts that are not yet."""
    rows = [{"profile_id": profile_id, "group_id": group_id, "account_id": account} for account in accounts]
    if rows:
        await session.execute(upsert(_MEMBER).values(rows).on_conflict_do_nothing())


async def detach(session: AsyncSession, profile_id: int, accounts: Sequence[int], ext_id: str | None = None) -> None:
    """Detach accounts, from a group or those without one."""
    group = select(col(_GROUP.id)).where(col(_GROUP.profile_id) == profile_id, col(_GROUP.ext_id) == ext_id)
    where = col(_MEMBER.group_id).is_(None) if ext_id is None else col(_MEMBER.group_id).in_(group)
    mine = col(_MEMBER.profile_id) == profile_id, col(_MEMBER.account_id).in_(accounts)
    await session.execute(delete(_MEMBER).where(*mine, where))


async def put_group(session: AsyncSession, profile_id: int, ext_id: str, required: str) -> int:
    """Attach a group, or change its mode; its id here."""
    values = {"profile_id": profile_id, "ext_id": ext_id, "required": required}
    statement = upsert(_GROUP).values(values)
    statement = statement.on_conflict_do_update(index_elements=["profile_id", "ext_id"], set_={"required": required})
    return (await session.scalars(statement.returning(col(_GROUP.id)))).one()


async def remove_group(session: AsyncSession, profile_id: int, ext_id: str) -> None:
    """Detach a group with its accounts."""
    await session.execute(delete(_GROUP).where(col(_GROUP.profile_id) == profile_id, col(_GROUP.ext_id) == ext_id))


async def check_accounts(session: AsyncSession, application_id: int, accounts: Sequence[int]) -> None:
    """Raises `NotFound` for the first account that the application does not have."""
    mine = col(AccountRow.application_id) == application_id, col(AccountRow.id).in_(accounts)
    known = set(await session.scalars(select(col(AccountRow.id)).where(*mine)))
    if missing := [account for account in accounts if account not in known]:
        raise NotFound(f"there is no account {missing[0]} in this application")


async def rows_of_accounts(session: AsyncSession, application_id: int, ids: Sequence[int]) -> Sequence[AccountRow]:
    """Those accounts of the application."""
    mine = col(AccountRow.application_id) == application_id, col(AccountRow.id).in_(ids)
    return (await session.scalars(select(AccountRow).where(*mine))).all()


async def by_address(session: AsyncSession, application_id: int, emails: Sequence[str]) -> Sequence[AccountRow]:
    """The application's accounts of these addresses, oldest first."""
    wanted = func.lower(AccountRow.email).in_([email.lower() for email in emails])
    statement = select(AccountRow).where(col(AccountRow.application_id) == application_id, wanted)
    return (await session.scalars(statement.order_by(col(AccountRow.id)))).all()


async def work_hours(session: AsyncSession, accounts: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The stored work hours of accounts that have some."""
    row = WorkHoursRow
    found = select(col(row.account_id), col(row.schedule)).where(col(row.account_id).in_(accounts))
    return {account: schedule for account, schedule in await session.execute(found)}  # noqa: C416 - rows, not pairs


async def put_work_hours(session: AsyncSession, account_id: int, schedule: Mapping[str, Any] | None) -> None:
    """Store an account's work hours, or forget them."""
    if schedule is None:
        await session.execute(delete(WorkHoursRow).where(col(WorkHoursRow.account_id) == account_id))
        return
    values = {"account_id": account_id, "schedule": dict(schedule)}
    changed = {"schedule": dict(schedule), "updated_at": func.now()}
    statement = upsert(WorkHoursRow).values(values)
    await session.execute(statement.on_conflict_do_update(index_elements=["account_id"], set_=changed))


def _whose(application_id: int, account_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return col(_ROW.application_id) == application_id, col(_ROW.account_id).is_not_distinct_from(account_id)


def _named_alike(error: IntegrityError, name: str) -> Exception:
    if isinstance(error.orig, UniqueViolation):
        return Exists(f"name: the application has a booking profile {name!r} already")
    return error
