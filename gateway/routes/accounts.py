"""The account behind the token, and account administration (contract: tags Account, Accounts)."""

from typing import Annotated

from pydantic import Field

from gateway.http.parameters import Id
from gateway.http.route import APPLICATION, Route
from gateway.identity import Account, Application
from gateway.routes.scopes import ANY
from gateway.services.accounts import Accounts
from gateway.services.applications import Applications
from schemas.accounts import (
    AccountSaveResult,
    AccountsPage,
    ApiAccountInDto,
    ApiAccountOutDto,
    ApplicationDto,
    OAuthClientRegsPage,
    ServiceKey,
    ServiceTypeNonDaemon,
    UserAccountType,
)
from schemas.base import HeaderText
from schemas.common import OkResponse

Limit = Annotated[int, Field(ge=1, le=2**31 - 1, description="page size")]
Offset = Annotated[int, Field(ge=0, le=2**63 - 1, description="records to skip")]


async def mine(
    account: Account, accounts: Accounts, ping_provider: bool = False, include_provider_auth: bool = False
) -> ApiAccountOutDto:
    """Read the account of the token; `pingProvider` asks the provider whether the credentials still work."""
    return await accounts.mine(account, ping=ping_provider, include_provider_auth=include_provider_auth)


async def delete_mine(account: Account, application: Application, accounts: Accounts) -> None:
    """Remove the account of the token."""
    await accounts.delete(application, account.id)


async def delete_token(account: Account, accounts: Accounts) -> None:
    """Revoke the credentials at the provider and drop them; the account stays."""
    await accounts.delete_token(account)


async def upsert(
    body: ApiAccountInDto,
    application: Application,
    accounts: Accounts,
    user_account: UserAccountType | None = None,
    user_id: HeaderText | None = None,
    recycle_keys: tuple[ServiceKey, ...] = (),
    ensure_access: bool = False,
) -> AccountSaveResult:
    """Connect a mailbox, or reconnect one that agrees in all `recycleKeys`."""
    return await accounts.upsert(
        application,
        body,
        recycle_keys=list(recycle_keys),
        ensure_access=ensure_access,
        user_id=user_id,
        user_account=user_account,
    )


async def check(body: ApiAccountInDto, application: Application, accounts: Accounts) -> OkResponse:
    """Try to connect a mailbox; nothing is stored."""
    return await accounts.check(application, body)


async def find(
    application: Application,
    accounts: Accounts,
    limit: Limit = 50,
    offset: Offset = 0,
    auth_org_id: HeaderText | None = None,
    service_type: ServiceTypeNonDaemon | None = None,
    subscription_id: Id | None = None,
    client_org_id: HeaderText | None = None,
) -> AccountsPage:
    """List the accounts of the application."""
    return await accounts.find(
        application,
        limit=limit,
        offset=offset,
        auth_org_id=auth_org_id,
        service_type=service_type,
        subscription_id=subscription_id,
        client_org_id=client_org_id,
    )


async def get(id: Id, application: Application, accounts: Accounts) -> ApiAccountOutDto:
    """Read an account."""
    return await accounts.get(application, id)


async def delete(id: Id, application: Application, accounts: Accounts) -> None:
    """Remove an account."""
    await accounts.delete(application, id)


async def application(application: Application, applications: Applications) -> ApplicationDto:
    """Read the application behind the client id."""
    return await applications.dto(application)


async def oauth_clients(
    application: Application, applications: Applications, limit: Limit = 50, offset: Offset = 0
) -> OAuthClientRegsPage:
    """List the provider OAuth clients of the application; secrets are left out."""
    return await applications.oauth_regs(application, offset=offset, limit=limit)


_LIST, _ONE = "/v1/am/accounts", "/v1/am/accounts/{id}"
ROUTES = (
    Route("GET", "/v1/account", "getMyAccount", ANY, mine, ApiAccountOutDto, tag="Account"),
    Route("DELETE", "/v1/account", "deleteAccount", ANY, delete_mine, tag="Account"),
    Route("DELETE", "/v1/account/token", "deleteToken", ANY, delete_token, tag="Account"),
    Route("POST", _LIST, "upsertPersonal", APPLICATION, upsert, AccountSaveResult, tag="Accounts", once=True),
    Route("GET", _LIST, "getAccounts", APPLICATION, find, AccountsPage, tag="Accounts"),
    Route("POST", f"{_LIST}/connect", "checkConnection", APPLICATION, check, OkResponse, tag="Accounts"),
    Route("GET", _ONE, "getAccount", APPLICATION, get, ApiAccountOutDto, tag="Accounts"),
    Route("DELETE", _ONE, "amAccountDelete", APPLICATION, delete, tag="Accounts"),
    Route("GET", "/v1/am/application", "getApplication", APPLICATION, application, ApplicationDto, tag="Accounts"),
    Route(
        "GET",
        "/v1/am/oauth_regs",
        "getOAuthClientRegs",
        APPLICATION,
        oauth_clients,
        OAuthClientRegsPage,
        tag="Accounts",
    ),
)
