"""Service accounts and the accounts that live by them (contract: tags Services, ManagedAccounts)."""

from gateway.http.parameters import Id
from gateway.http.route import APPLICATION, Route
from gateway.identity import Application
from gateway.routes.accounts import Limit, Offset
from gateway.services.service_accounts import ServiceAccounts
from schemas.accounts import (
    AccountSaveResult,
    AccountsPage,
    ApiAccountInDto,
    ApiAccountOutDto,
    ServiceKey,
    ServiceTypeDaemon,
    UserAccountType,
)
from schemas.base import HeaderText


async def upsert(
    body: ApiAccountInDto,
    application: Application,
    services: ServiceAccounts,
    recycle_keys: tuple[ServiceKey, ...] = (),
) -> AccountSaveResult:
    """Create or update a service account."""
    return await services.upsert(application, body, recycle_keys)


async def find(
    application: Application,
    services: ServiceAccounts,
    limit: Limit = 50,
    offset: Offset = 0,
    client_org_id: HeaderText | None = None,
    auth_org_id: HeaderText | None = None,
    service_type: ServiceTypeDaemon | None = None,
    subscription_id: Id | None = None,
) -> AccountsPage:
    """List service accounts."""
    wanted = {"client_org_id": client_org_id, "auth_org_id": auth_org_id, "service_type": service_type}
    return await services.find(application, wanted, subscription_id, offset=offset, limit=limit)


async def get(id: Id, application: Application, services: ServiceAccounts) -> ApiAccountOutDto:
    """Read a service account."""
    return await services.get(application, id)


async def delete(id: Id, application: Application, services: ServiceAccounts) -> None:
    """Delete a service account with the accounts that live by it."""
    await services.delete(application, id)


async def upsert_managed(
    acc_id: Id,
    body: ApiAccountInDto,
    application: Application,
    services: ServiceAccounts,
    user_account: UserAccountType | None = None,
    user_id: HeaderText | None = None,
    recycle_keys: tuple[ServiceKey, ...] = (),
    ensure_access: bool = False,
) -> AccountSaveResult:
    """Create or update a managed account."""
    return await services.upsert_managed(
        application,
        acc_id,
        body,
        recycle_keys,
        ensure_access=ensure_access,
        user_id=user_id,
        user_account=user_account,
    )


async def managed(
    acc_id: Id, application: Application, services: ServiceAccounts, limit: Limit = 50, offset: Offset = 0
) -> AccountsPage:
    """List managed accounts of a service account."""
    return await services.managed(application, acc_id, offset=offset, limit=limit)


_ALL, _MINE = "/v1/am/svc_accounts", "/v1/am/svc_accounts/{accId}/accounts"
_TAG, _MANAGED, _SAVED = "Services", "ManagedAccounts", AccountSaveResult
ROUTES = (
    Route("POST", _ALL, "upsertServiceAccount", APPLICATION, upsert, _SAVED, tag=_TAG, once=True),
    Route("GET", _ALL, "getSvcAccounts", APPLICATION, find, AccountsPage, tag=_TAG),
    Route("GET", f"{_ALL}/{{id}}", "getSvcAccount", APPLICATION, get, ApiAccountOutDto, tag=_TAG),
    Route("DELETE", f"{_ALL}/{{id}}", "deleteSvcAccount", APPLICATION, delete, tag=_TAG),
    Route("POST", _MINE, "upsertManagedAccount", APPLICATION, upsert_managed, _SAVED, tag=_MANAGED, once=True),
    Route("GET", _MINE, "listManagedAccounts", APPLICATION, managed, AccountsPage, tag=_MANAGED),
)
