"""Users of applications: who they are, their accounts, their settings (behaviour.md, section 2)."""

from collections.abc import Sequence

from gateway.browsers import Browser, WithCookies
from gateway.identity import Application, User
from gateway.services import records, work_hours
from gateway.services.accounts import Leave
from gateway.services.availability.clock import zone_named
from gateway.services.identity import Identity
from gateway.services.service_accounts import ServiceAccounts
from gateway.services.user_sessions import UserSessions
from gateway.store.database import Database
from gateway.store.queries import accounts, users
from gateway.store.tables import AccountRow, EndUserRow
from providers.base.errors import NotFound
from schemas.accounts import AccountsPage, AccountType, Scope, ServiceType, TokenStatus, UserAccountType
from schemas.common import OkResponse
from schemas.schedules import WeekWorkSchedule
from schemas.users import (
    EndUserAccountDto,
    EndUserAccountsPage,
    EndUserDto,
    EndUserExtIdType,
    EndUserSettingsDto,
    EndUsersPage,
)

MAX_PAGE = 1000


class Users:
    """Shows and changes users; for themselves, and for their application's server."""

    def __init__(
        self, database: Database, identity: Identity, sessions: UserSessions, services: ServiceAccounts, leave: Leave
    ) -> None:
        """`leave` is called before accounts lose their credentials."""
        self._leave = leave
        self._database, self._identity, self._sessions, self._services = database, identity, sessions, services

    async def me(self, user: User) -> EndUserDto:
        """The user. Raises `NotFound` when deleted meanwhile."""
        async with self._database.read() as session:
            row = _known(await users.by_id(session, user.application_id, user.id))
            return _dto(row, await users.accounts_of(session, [row.id]))

    async def change(self, user: User, settings: EndUserSettingsDto) -> EndUserDto:
        """Set what is given; work hours without days are forgotten. Raises `Invalid` with the path."""
        if (given := settings.work_hours) is not None:
            kept = None
            if given.day_schedules is not None:
                zone = given.timezone or "UTC"
                work_hours.hours(given, zone_named(zone, "workHours.timezone"))
                given = given.model_copy(update={"timezone": zone, "source": "user"})
                kept = given.model_dump(mode="json", by_alias=True, exclude_none=True)
            async with self._database.session() as session:
                await users.change(session, user.id, work_hours=kept)
        return await self.me(user)

    async def accounts(self, user: User) -> EndUserAccountsPage:
        """The user's accounts, the primary one first; all on one page."""
        async with self._database.read() as session:
            found = [account_dto(row) for row in await users.accounts_of(session, [user.id])]
        return EndUserAccountsPage(length=len(found), records=found)

    async def account(self, user: User, account_id: int) -> EndUserAccountDto:
        """One of the user's accounts. Raises `NotFound`."""
        async with self._database.read() as session:
            return account_dto(_mine(await users.account_of(session, user.id, account_id)))

    async def remove_account(self, user: User, account_id: int, browser: Browser) -> WithCookies:
        """Remove one of the user's accounts; with the primary one every session ends. Raises `NotFound`."""
        await self.account(user, account_id)
        await self._leave([account_id])
        async with self._database.session() as session:
            row = _mine(await users.account_of(session, user.id, account_id))
            await accounts.remove(session, user.application_id, account_id)
            if row.user_role == UserAccountType.PRIMARY:
                await users.end_sessions(session, user.id)
        self._identity.forget(f"gone:{account_id}")
        return WithCookies(OkResponse(), await self._sessions.stale(user, browser))

    async def logout(self, user: User, browser: Browser) -> WithCookies:
        """End the session by which the user came."""
        return WithCookies(OkResponse(), await self._sessions.end(user, browser))

    async def every(self, application: Application, *, offset: int = 0, limit: int = 50) -> EndUsersPage:
        """One page of the application's users by age."""
        limit = min(limit, MAX_PAGE)
        async with self._database.read() as session:
            total, rows = await users.page(session, application.id, offset=offset, limit=limit)
            owned = await users.accounts_of(session, [row.id for row in rows])
        found = [_dto(row, [one for one in owned if one.user_id == row.id]) for row in rows]
        done = not found or offset + len(found) >= total
        return EndUsersPage(offset=offset, total_size=total, done=done, records=found)

    async def delete(self, application: Application, user_id: str) -> OkResponse:
        """Delete a user with accounts and sessions. Raises `NotFound`."""
        async with self._database.read() as session:
            row = _known(await users.by_public_id(session, application.id, user_id))
            owned = await users.accounts_of(session, [row.id])
        await self._leave([account.id for account in owned])
        async with self._database.session() as session:
            row = _known(await users.by_public_id(session, application.id, user_id))
            gone = [account.id for account in await users.accounts_of(session, [row.id])]
            await users.remove(session, row)
        for account_id in gone:
            self._identity.forget(f"gone:{account_id}")
        return OkResponse()

    async def accounts_of(
        self, application: Application, user_id: str, *, offset: int = 0, limit: int = 50
    ) -> AccountsPage:
        """One page of a user's accounts, as administrators see them. Raises `NotFound`."""
        limit = min(limit, MAX_PAGE)
        async with self._database.read() as session:
            row = _known(await users.by_public_id(session, application.id, user_id))
            mine = {"user_id": row.id}
            total, found = await accounts.page(session, application.id, mine, offset=offset, limit=limit)
        done = not found or offset + len(found) >= total
        return AccountsPage(offset=offset, total_size=total, done=done, records=[records.dto(one) for one in found])

    async def remove_account_of(self, application: Application, user_id: str, account_id: int) -> OkResponse:
        """Remove an account of a user; with the primary one every session ends. Raises `NotFound`."""
        async with self._database.read() as session:
            row = _known(await users.by_public_id(session, application.id, user_id))
        await self.remove_account(User(row.id, application.id, row.public_id), account_id, Browser())
        return OkResponse()

    async def managed(self, user: User, account_id: int, client_org_id: str | None) -> EndUserAccountDto:
        """Let an account live by the grant of the service account that the client organization has for its service
        type, instead of its own. Raises `NotFound`, `Invalid`."""
        async with self._database.read() as session:
            row = _mine(await users.account_of(session, user.id, account_id))
        columns = await self._services.delegate(user.application_id, row, client_org_id)
        async with self._database.session() as session:
            revised = await accounts.revise(session, user.application_id, row.id, columns)
        self._identity.forget(f"gone:{account_id}")
        return account_dto(_mine(revised))


def account_dto(row: AccountRow) -> EndUserAccountDto:
    """The account as its user sees it."""
    scopes = [Scope(scope) for scope in row.auth_scopes]
    return EndUserAccountDto(
        id=row.id,
        parent_id=row.parent_id,
        service_type=ServiceType(row.service_type),
        user_account_type=UserAccountType(row.user_role) if row.user_role else None,
        type=AccountType(row.kind),
        active=True,
        login_string=row.login_string,
        email=row.email,
        name=row.name,
        server_url=row.server_url,
        server_url2=row.server_url2,
        client_org_id=row.client_org_id,
        auth_user_id=row.auth_user_id,
        auth_org_id=row.auth_org_id,
        timezone=row.timezone,
        auth_obtained_at=row.auth_obtained_at,
        token_status=TokenStatus(row.token_status),
        scopes=scopes,
        auth_scopes=scopes,
        native_scopes=row.auth_native_scopes,
        auth_native_scopes=row.auth_native_scopes,
        has_api_errors=row.token_status != TokenStatus.ACTIVE,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _dto(row: EndUserRow, owned: Sequence[AccountRow]) -> EndUserDto:
    primary = next((account for account in owned if account.user_role == UserAccountType.PRIMARY), None)
    return EndUserDto(
        id=row.public_id,
        app_id=row.application_id,
        email=primary.email if primary else None,
        name=primary.name if primary else None,
        auth_org_id=primary.auth_org_id if primary else None,
        created_at=row.created_at,
        last_activity=row.last_activity,
        trusted_identity=row.external_id is not None,
        external_id_type=EndUserExtIdType.EXCHANGE_IDENTITY if row.external_id else None,
        accounts=[account_dto(account) for account in owned],
        work_hours=WeekWorkSchedule.model_validate(row.work_hours) if row.work_hours else None,
    )


def _known(row: EndUserRow | None) -> EndUserRow:
    if row is None:
        raise NotFound("there is no such user in this application")
    return row


def _mine(row: AccountRow | None) -> AccountRow:
    if row is None:
        raise NotFound("the user has no such account")
    return row
