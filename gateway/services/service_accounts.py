"""Service accounts, and the managed accounts that live by them (behaviour.md, section 3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.identity import Application
from gateway.services import records
from gateway.services.accounts import MAX_PAGE, Accounts
from gateway.services.identity import Identity
from gateway.services.registrations import Registrations
from gateway.services.signin.trying import try_out
from gateway.store.database import Database
from gateway.store.queries import accounts
from gateway.store.tables import AccountRow
from gateway.store.vault import Vault
from providers.base.errors import Invalid, NotFound, Unauthorized
from providers.base.provider import Grant, Linked
from schemas.accounts import (
    AccountSaveResult,
    AccountsPage,
    AccountType,
    ApiAccountInDto,
    ApiAccountOutDto,
    Scope,
    ServiceKey,
    UserAccountType,
)


class ServiceAccounts:
    """Keeps them. A managed account's own grant holds only what it has beside its service account's."""

    def __init__(self, database: Database, vault: Vault, identity: Identity, everybody: Accounts) -> None:
        self._database, self._vault, self._identity, self._accounts = database, vault, identity, everybody
        self._registrations = Registrations(database, vault)

    async def upsert(
        self, application: Application, body: ApiAccountInDto, recycle_keys: Sequence[ServiceKey] = ()
    ) -> AccountSaveResult:
        """Store a service account: a new one, or in place of the one that agrees in all `recycle_keys`.

        Raises `Invalid`, `Unauthorized`, `Unavailable`, `Unsupported`."""
        scopes = self._accounts.scopes(body)
        linked = await self._accounts.provider(body.service_type).link_service(body)
        columns = records.columns(body, linked, scopes) | {
            "kind": AccountType.DAEMON.value,
            "sealed_grant": self._vault.seal(dict(linked.grant)),
        }
        return await self._accounts.store(application, columns, recycle_keys)

    async def find(
        self,
        application: Application,
        filters: Mapping[str, Any],
        subscription_id: int | None = None,
        *,
        offset: int = 0,
        limit: int = 50,
    ) -> AccountsPage:
        """One page of the application's service accounts with these column values (None: whatever)."""
        wanted = {name: value for name, value in filters.items() if value is not None}
        limit = min(limit, MAX_PAGE)
        async with self._database.read() as session:
            total, found = await accounts.page(
                session, application.id, wanted, subscription_id, offset=offset, limit=limit, daemon=True
            )
        return _page(total, found, offset)

    async def get(self, application: Application, account_id: int) -> ApiAccountOutDto:
        """One service account. Raises `NotFound`."""
        await self._service(application, account_id)
        return await self._accounts.get(application, account_id)

    async def delete(self, application: Application, account_id: int) -> None:
        """Remove a service account, and every account that lives by it. Raises `NotFound`."""
        await self._service(application, account_id)
        await self._accounts.delete(application, account_id)

    async def upsert_managed(
        self,
        application: Application,
        service_id: int,
        body: ApiAccountInDto,
        recycle_keys: Sequence[ServiceKey] = (),
        *,
        ensure_access: bool = False,
        user_id: str | None = None,
        user_account: UserAccountType | None = None,
    ) -> AccountSaveResult:
        """Store an account that lives by a service account. Raises as `upsert`, and `NotFound`."""
        service = await self._service(application, service_id)
        if body.service_type != service.service_type:
            raise Invalid(f"must be {service.service_type}, as the service account is", path="serviceType")
        owner = await self._accounts.owner(application, user_id, user_account)
        scopes = self._accounts.scopes(body)
        linked = await self._managed(service, body, scopes, ensure_access=ensure_access)
        shared = self._opened(service)
        own = {name: value for name, value in linked.grant.items() if name not in shared or shared[name] != value}
        columns = records.columns(body, linked, scopes) | {
            "kind": AccountType.MANAGED.value,
            "parent_id": service.id,
            "sealed_grant": self._vault.seal(own),
        }
        return await self._accounts.store(application, columns | owner, recycle_keys)

    async def managed(
        self, application: Application, service_id: int, *, offset: int = 0, limit: int = 50
    ) -> AccountsPage:
        """One page of the accounts that live by a service account. Raises `NotFound`."""
        await self._service(application, service_id)
        mine, limit = {"parent_id": service_id}, min(limit, MAX_PAGE)
        async with self._database.read() as session:
            total, found = await accounts.page(session, application.id, mine, offset=offset, limit=limit)
        return _page(total, found, offset)

    async def delegate(self, application_id: int, row: AccountRow, client_org_id: str | None) -> dict[str, Any]:
        """The columns that let an account live by the organization's service account. Raises `Invalid`."""
        async with self._database.read() as session:
            service = await accounts.service_account(
                session, application_id, row.service_type, client_org_id or row.client_org_id
            )
        if service is None:
            words = f"there is no service account of {row.service_type} for this organization"
            raise Invalid(words, path="clientOrgId")
        provider = self._accounts.provider(row.service_type)
        scopes = frozenset(Scope(scope) for scope in row.auth_scopes)
        own = provider.delegated(self._opened(service), row.email, scopes)
        return {
            "kind": AccountType.MANAGED.value,
            "parent_id": service.id,
            "sealed_grant": self._vault.seal(dict(own)),
            **accounts.REVIVED,
        }

    async def _managed(
        self, service: AccountRow, body: ApiAccountInDto, scopes: Sequence[Scope], *, ensure_access: bool
    ) -> Linked:
        email = body.email or body.login_string
        if not email:
            raise Invalid("is needed: whose mailbox it is", path="email")
        provider, shared = self._accounts.provider(body.service_type), self._opened(service)
        client = await self._registrations.client(service.application_id, service.service_type)
        linked = Linked({**shared, **provider.delegated(shared, email, frozenset(scopes))}, email, name=body.name)
        if provider.auth is not None:
            linked = await provider.auth.identify(client, linked.grant)
        if ensure_access:
            await try_out(provider, linked, scopes, client)
        return linked

    async def _service(self, application: Application, account_id: int) -> AccountRow:
        async with self._database.read() as session:
            row = await accounts.get(session, application.id, account_id)
        if row is None or row.kind != AccountType.DAEMON:
            raise NotFound(f"there is no service account {account_id} in this application")
        return row

    def _opened(self, service: AccountRow) -> Grant:
        if service.sealed_grant is None:
            raise Unauthorized("The service account's credentials are dead: connect it again", final=True)
        opened: Grant = self._vault.unseal(service.sealed_grant)
        return opened


def _page(total: int, found: Sequence[accounts.Record], offset: int) -> AccountsPage:
    done = not found or offset + len(found) >= total
    return AccountsPage(offset=offset, total_size=total, done=done, records=[records.dto(one) for one in found])
