"""Accounts: finding, storing, removing them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Row, Select, Text, case, cast, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.announcements import announce
from gateway.store.queries import revocations, subscriptions
from gateway.store.tables import AccessTokenRow, AccountRow, EndUserRow, SubscriptionRow
from schemas.accounts import AccountType, TokenStatus

#: After this many refusals in a row, over more than this time, an account is dead.
REFUSALS = 3
REFUSAL_SPAN = text("interval '10 minutes'")


@dataclass(frozen=True, slots=True)
class Record:
    """An account with the times of its newest token and of its last use, and what its user is called."""

    row: AccountRow
    issued_at: datetime | None
    used_at: datetime | None
    user_id: str | None = None


async def get(session: AsyncSession, application_id: int, account_id: int) -> AccountRow | None:
    """One account of the application."""
    return await session.scalar(select(AccountRow).where(*_mine(application_id, account_id)))


async def any_by_id(session: AsyncSession, account_id: int) -> AccountRow | None:
    """An account whosesoever: for the gateway's own work, never for a caller's."""
    return await session.get(AccountRow, account_id)


async def locked(session: AsyncSession, account_id: int) -> AccountRow | None:
    """An account whosesoever, which nobody else changes until the transaction ends."""
    mine = select(AccountRow).where(col(AccountRow.id) == account_id)
    return await session.scalar(mine.with_for_update(key_share=True).execution_options(populate_existing=True))


async def keep_grant(
    session: AsyncSession, account_id: int, version: int, was: bytes | None, sealed: bytes, expires_at: float | None
) -> bool:
    """Put a refreshed grant in the place of the one that it was made from; False when that is gone meanwhile. Sessions
    stay good: it is the same grant to them. `expires_at`: seconds of the epoch."""
    same = (
        col(AccountRow.id) == account_id,
        col(AccountRow.version) == version,
        col(AccountRow.sealed_grant) == was,
    )
    expires = None if expires_at is None else datetime.fromtimestamp(expires_at, UTC)
    kept = {"sealed_grant": sealed, "auth_obtained_at": func.now(), "auth_expires_at": expires}
    found = await session.scalar(update(AccountRow).where(*same).values(kept).returning(col(AccountRow.id)))
    await announce(session, f"account:{account_id}")
    return found is not None


async def by_ids(session: AsyncSession, ids: Iterable[int]) -> list[AccountRow]:
    """Those accounts that are there, of whatever application."""
    return list(await session.scalars(select(AccountRow).where(col(AccountRow.id).in_(list(ids)))))


async def record(session: AsyncSession, application_id: int, account_id: int) -> Record | None:
    """One account of the application, as administrators see it."""
    found = (await session.execute(_records().where(*_mine(application_id, account_id)))).first()
    return _record(found) if found else None


async def page(
    session: AsyncSession,
    application_id: int,
    filters: Mapping[str, Any],
    subscription_id: int | None = None,
    *,
    offset: int,
    limit: int,
    daemon: bool = False,
) -> tuple[int, list[Record]]:
    """How many accounts (service accounts apart, or only those) have these column values, and this subscription where
    one is named; and one page of them by id."""
    wanted = [
        col(AccountRow.application_id) == application_id,
        (col(AccountRow.kind) == AccountType.DAEMON) == daemon,
        *(_column(name) == value for name, value in filters.items()),
    ]
    if subscription_id is not None:
        owner = select(col(SubscriptionRow.account_id)).where(col(SubscriptionRow.id) == subscription_id)
        wanted.append(col(AccountRow.id).in_(owner))
    total = await session.scalar(select(func.count()).select_from(AccountRow).where(*wanted))
    rows = await session.execute(_records().where(*wanted).order_by(col(AccountRow.id)).offset(offset).limit(limit))
    return total or 0, [_record(row) for row in rows]


async def service_account(
    session: AsyncSession, application_id: int, service_type: str, client_org_id: str | None
) -> AccountRow | None:
    """The newest service account of a client organization; of the application where none is named."""
    wanted = [
        col(AccountRow.application_id) == application_id,
        col(AccountRow.kind) == AccountType.DAEMON,
        col(AccountRow.service_type) == service_type,
    ]
    if client_org_id is not None:
        wanted.append(col(AccountRow.client_org_id) == client_org_id)
    return await session.scalar(select(AccountRow).where(*wanted).order_by(col(AccountRow.id).desc()).limit(1))


async def lock(session: AsyncSession, key: int) -> None:
    """Wait for, then hold, the lock of this number (signed, 64 bits) until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(key)))


async def matching(session: AsyncSession, application_id: int, values: Mapping[str, Any]) -> int | None:
    """The id of the oldest account in which every one of these columns is the same; e-mail in any case."""
    found = await all_matching(session, application_id, values)
    return found[0].id if found else None


async def all_matching(session: AsyncSession, application_id: int, values: Mapping[str, Any]) -> Sequence[AccountRow]:
    """Every account in which these columns are the same, oldest first; locked until the transaction ends."""
    same = [_same(name, value) for name, value in values.items()]
    found = select(AccountRow).where(col(AccountRow.application_id) == application_id, *same)
    return (await session.scalars(found.order_by(col(AccountRow.id)).with_for_update())).all()


async def add(session: AsyncSession, values: Mapping[str, Any]) -> AccountRow:
    """Insert an account."""
    return (await session.scalars(insert(AccountRow).values(dict(values)).returning(AccountRow))).one()


async def revise(
    session: AsyncSession, application_id: int, account_id: int, values: Mapping[str, Any]
) -> AccountRow | None:
    """Set columns; the account's sessions are stale from then on, and its subscribers hear when it died or revived.
    None when it is gone."""
    if "token_status" in values:
        await _tell_change(session, application_id, account_id, values["token_status"], values["token_error"])
    changed = {**values, "version": col(AccountRow.version) + 1, "updated_at": func.now()}
    statement = update(AccountRow).where(*_mine(application_id, account_id)).values(changed).returning(AccountRow)
    row = await session.scalar(statement)
    await announce(session, f"account:{account_id}")
    return row


async def set_marks(
    session: AsyncSession, application_id: int, account_id: int, marks: Mapping[str, str | None]
) -> AccountRow | None:
    """Set the marks that are given; None clears one."""
    cleared = [name for name, folder in marks.items() if folder is None]
    given = {name: folder for name, folder in marks.items() if folder is not None}
    merged = col(AccountRow.marks).op("-")(cast(cleared, ARRAY(Text))).op("||")(cast(given, JSONB))
    return await revise(session, application_id, account_id, {"marks": merged})


async def remove(session: AsyncSession, application_id: int, account_id: int) -> bool:
    """Delete an account with all that hangs on it, accounts that live by it too; whether it was there."""
    children = select(col(AccountRow.id)).where(
        col(AccountRow.application_id) == application_id, col(AccountRow.parent_id) == account_id
    )
    await announce(session, *(f"gone:{child}" for child in await session.scalars(children)))
    await revocations.leave(session, *_mine(application_id, account_id))
    found = await session.scalar(
        delete(AccountRow).where(*_mine(application_id, account_id)).returning(col(AccountRow.id))
    )
    await announce(session, f"gone:{account_id}")
    return found is not None


async def drop_grant(session: AsyncSession, application_id: int, account_id: int, error: str) -> Sequence[int]:
    """Forget the grant and every access token; the account stays, dead. The ids of what is to be revoked."""
    left = await revocations.leave(session, *_mine(application_id, account_id))
    dead = {"sealed_grant": None, "token_status": TokenStatus.DEAD, "token_error": error}
    await revise(session, application_id, account_id, dead)
    await session.execute(delete(AccessTokenRow).where(col(AccessTokenRow.account_id) == account_id))
    await announce(session, f"gone:{account_id}")
    return left


async def refused(session: AsyncSession, account_id: int, version: int, error: str, *, final: bool) -> None:
    """Count a refusal of the grant of this version: invalid, or dead when it is `final` or has lasted too long."""
    lasting = (col(AccountRow.refusals) + 1 >= REFUSALS) & (func.now() - col(AccountRow.refused_since) > REFUSAL_SPAN)
    status: Any = TokenStatus.DEAD if final else case((lasting, TokenStatus.DEAD), else_=TokenStatus.INVALID)
    statement = update(AccountRow).where(
        col(AccountRow.id) == account_id,
        col(AccountRow.version) == version,
        col(AccountRow.token_status) != TokenStatus.DEAD,
    )
    became = await session.scalar(
        statement.values(
            token_status=status,
            token_error=error,
            refusals=col(AccountRow.refusals) + 1,
            refused_since=func.coalesce(AccountRow.refused_since, func.now()),
            updated_at=func.now(),
        ).returning(col(AccountRow.token_status))
    )
    if became == TokenStatus.DEAD:
        await subscriptions.tell(session, account_id, "error", error)
    await announce(session, f"account:{account_id}")


async def accepted(session: AsyncSession, account_id: int, version: int) -> None:
    """The grant of this version worked: an invalid account is active again."""
    statement = update(AccountRow).where(
        col(AccountRow.id) == account_id,
        col(AccountRow.version) == version,
        col(AccountRow.token_status) == TokenStatus.INVALID,
    )
    await session.execute(statement.values(**REVIVED, updated_at=func.now()))
    await announce(session, f"account:{account_id}")


#: What an account with a working grant looks like.
REVIVED: dict[str, Any] = {
    "token_status": TokenStatus.ACTIVE,
    "token_error": None,
    "refusals": 0,
    "refused_since": None,
}


async def _tell_change(
    session: AsyncSession, application_id: int, account_id: int, status: TokenStatus, error: str | None
) -> None:
    statement = select(col(AccountRow.token_status)).where(*_mine(application_id, account_id)).with_for_update()
    was = await session.scalar(statement)
    if was is not None and (was == TokenStatus.DEAD) != (status == TokenStatus.DEAD):
        await subscriptions.tell(session, account_id, "error" if status == TokenStatus.DEAD else "active", error)


def _mine(application_id: int, account_id: int) -> list[ColumnElement[bool]]:
    return [col(AccountRow.application_id) == application_id, col(AccountRow.id) == account_id]


def _column(name: str) -> ColumnElement[Any]:
    column: ColumnElement[Any] = getattr(AccountRow, name)
    return column


def _same(name: str, value: Any) -> ColumnElement[bool]:
    if name == "email" and value is not None:
        return func.lower(AccountRow.email) == str(value).lower()
    same: ColumnElement[bool] = _column(name).is_not_distinct_from(value)
    return same


def _record(found: Row[AccountRow, datetime | None, datetime | None, str | None]) -> Record:
    return Record(found[0], found[1], found[2], found[3])


def _records() -> Select[AccountRow, datetime | None, datetime | None, str | None]:
    mine = col(AccessTokenRow.account_id) == col(AccountRow.id)
    issued: Any = select(func.max(AccessTokenRow.created_at)).where(mine).scalar_subquery()
    used: Any = select(func.max(AccessTokenRow.last_used_at)).where(mine).scalar_subquery()
    owner = col(EndUserRow.id) == col(AccountRow.user_id)
    user: Any = select(col(EndUserRow.public_id)).where(owner).scalar_subquery()
    return select(AccountRow, issued, used, user)
