"""Users: for themselves by a session, and for the application's server (contract: tag User)."""

from gateway.browsers import Browser, WithCookies
from gateway.http.parameters import Id
from gateway.http.route import APPLICATION, IDENTITY, USER, Route
from gateway.identity import Application, Caller, User
from gateway.routes.accounts import Limit, Offset
from gateway.services.identity_tokens import IdentityTokens
from gateway.services.users import Users
from schemas.accounts import AccountsPage
from schemas.base import HeaderText
from schemas.common import OkResponse
from schemas.users import (
    EndUserAccountDto,
    EndUserAccountsPage,
    EndUserDto,
    EndUserSettingsDto,
    EndUsersPage,
    PreparedAuthToken,
)


async def prepare(caller: Caller, tokens: IdentityTokens) -> PreparedAuthToken:
    """Check an external identity token: what stands for it, for ten minutes, in a link to authorizeUser."""
    return tokens.prepared(caller.application, caller.external_id or "")


async def me(user: User, users: Users) -> EndUserDto:
    """Read the session's User."""
    return await users.me(user)


async def change(body: EndUserSettingsDto, user: User, users: Users) -> EndUserDto:
    """Change User settings."""
    return await users.change(user, body)


async def accounts(user: User, users: Users) -> EndUserAccountsPage:
    """List the User's accounts."""
    return await users.accounts(user)


async def account(id: Id, user: User, users: Users) -> EndUserAccountDto:
    """Read one of the User's accounts."""
    return await users.account(user, id)


async def remove_account(id: Id, user: User, users: Users, browser: Browser) -> WithCookies:
    """Remove one of the User's accounts; removing the primary one also ends the session."""
    return await users.remove_account(user, id, browser)


async def managed(id: Id, user: User, users: Users, client_org_id: HeaderText | None = None) -> EndUserAccountDto:
    """Turn an account into a managed one, which lives by the organization's service account."""
    return await users.managed(user, id, client_org_id)


async def logout(user: User, users: Users, browser: Browser) -> WithCookies:
    """End the session."""
    return await users.logout(user, browser)


async def every(application: Application, users: Users, limit: Limit = 50, offset: Offset = 0) -> EndUsersPage:
    """List Users of the application."""
    return await users.every(application, offset=offset, limit=limit)


async def delete(user_id: HeaderText, application: Application, users: Users) -> OkResponse:
    """Delete a User with accounts and sessions."""
    return await users.delete(application, user_id)


async def accounts_of(
    user_id: HeaderText, application: Application, users: Users, limit: Limit = 50, offset: Offset = 0
) -> AccountsPage:
    """List accounts of a User."""
    return await users.accounts_of(application, user_id, offset=offset, limit=limit)


async def remove_account_of(user_id: HeaderText, id: Id, application: Application, users: Users) -> OkResponse:
    """Remove an account of a User."""
    return await users.remove_account_of(application, user_id, id)


_TAG, _MINE, _ONE, _ALL = "User", "/v1/user/accounts", "/v1/user/accounts/{id}", "/v1/users"
ROUTES = (
    Route("POST", "/v1/auth/prepare", "prepareAuth", IDENTITY, prepare, PreparedAuthToken, tag="Auth"),
    Route("GET", "/v1/user", "getUserInfo", USER, me, EndUserDto, tag=_TAG),
    Route("PATCH", "/v1/user/settings", "updateSettings", USER, change, EndUserDto, tag=_TAG),
    Route("GET", _MINE, "getEndUserAccounts", USER, accounts, EndUserAccountsPage, tag=_TAG),
    Route("GET", _ONE, "getEndUserAccount", USER, account, EndUserAccountDto, tag=_TAG),
    Route("DELETE", _ONE, "logoutAccount", USER, remove_account, OkResponse, tag=_TAG),
    Route("POST", f"{_ONE}/managed", "copyAsManaged", USER, managed, EndUserAccountDto, tag=_TAG),
    Route("POST", "/v1/user/logout", "logout", USER, logout, OkResponse, tag=_TAG),
    Route("GET", _ALL, "listUsers", APPLICATION, every, EndUsersPage, tag=_TAG),
    Route("DELETE", f"{_ALL}/{{userId}}", "deleteUser", APPLICATION, delete, OkResponse, tag=_TAG),
    Route("GET", f"{_ALL}/{{userId}}/accounts", "listUserAccounts", APPLICATION, accounts_of, AccountsPage, tag=_TAG),
    Route(
        "DELETE",
        f"{_ALL}/{{userId}}/accounts/{{id}}",
        "deleteUserAccount",
        APPLICATION,
        remove_account_of,
        OkResponse,
        tag=_TAG,
    ),
)
