"""Accounts: connecting mailboxes, listing them, taking them away (behaviour.md, section 3)."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from gateway.identity import Account, Application
from gateway.services import records
from gateway.services.identity import Identity
from gateway.services.registrations import Registrations
from gateway.services.sessions import Sessions
from gateway.services.signin.trying import try_out
from gateway.store import values
from gateway.store.database import Database
from gateway.store.hashing import fingerprint, new_secret
from gateway.store.queries import accounts, applications, tokens, users
from gateway.store.vault import Vault
from providers.base.errors import Invalid, NotFound, ProviderError, Unauthorized, Unavailable
from providers.base.provider import Grant, Linked, Provider
from schemas.accounts import (
    AccountSaveResult,
    AccountsPage,
    ApiAccountInDto,
    ApiAccountOutDto,
    Scope,
    ServiceKey,
    TokenStatus,
    UserAccountType,
)
from schemas.common import OkResponse

log = logging.getLogger("postroom.accounts")

MAX_PAGE = 1000
_DELETED = "the token was deleted"
Leave = Callable[[Collection[int]], Awaitable[None]]


async def _nothing_to_leave(_: Collection[int]) -> None:
    pass


class Accounts:
    """Keeps the accounts of applications; `providers` by serviceType."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        providers: Mapping[str, Provider],
        sessions: Sessions,
        identity: Identity,
        leave: Leave = _nothing_to_leave,
    ) -> None:
        """`leave` is called before accounts lose their credentials."""
        self._providers, self._vault, self._database, self._leave = providers, vault, database, leave
        self._identity, self._sessions = identity, sessions
        self._registrations = Registrations(database, vault)

    async def upsert(
        self,
        application: Application,
        body: ApiAccountInDto,
        *,
        recycle_keys: Sequence[ServiceKey] = (),
        ensure_access: bool = False,
        user_id: str | None = None,
        user_account: UserAccountType | None = None,
    ) -> AccountSaveResult:
        """Connect a mailbox and store it: as a new account, or in place of the one that agrees in all `recycle_keys`,
        which then gets a further token. Nothing is stored when it cannot be connected.

        Raises what `Provider.link` raises, `Invalid` with the field's path, `NotFound` for an unknown user."""
        owner = await self.owner(application, user_id, user_account)
        scopes, linked = await self.link(application.id, body, ensure_access=ensure_access)
        columns = records.columns(body, linked, scopes) | {"sealed_grant": self._vault.seal(dict(linked.grant))}
        return await self.store(application, columns | owner, recycle_keys)

    async def link(
        self, application_id: int, body: ApiAccountInDto, *, ensure_access: bool
    ) -> tuple[list[Scope], Linked]:
        """Connect a mailbox and store nothing: what it may be used for, and what the provider said of it.

        Raises what `Provider.link` raises, `Invalid` with the field's path."""
        if not body.active:
            raise Invalid("active: must be true", path="active")
        if not (body.email or body.login_string):
            raise Invalid("email: give email or loginString", path="email")
        provider, scopes = self.provider(body.service_type), self.scopes(body)
        try:
            linked = await self._linked(application_id, provider, body, ensure_access=ensure_access)
            return scopes if linked.scopes is None else sorted(linked.scopes & set(scopes)), linked
        except Unavailable as error:  # what was asked for cannot be done as it stands; the caller chose the server
            raise Invalid(error.message, path="serverUrl", original=error.original) from None

    async def check(self, application: Application, body: ApiAccountInDto) -> OkResponse:
        """Connect a mailbox and store nothing. Raises as `upsert`."""
        log.debug("application %s tries a %s account", application.id, body.service_type)
        await self.link(application.id, body, ensure_access=True)
        return OkResponse()

    async def application(self, application_id: int) -> Application:
        """The application with this id. Raises `NotFound`."""
        async with self._database.read() as session:
            row = await applications.by_id(session, application_id)
        if row is None:
            raise NotFound("the application was deleted")
        return values.application(row)

    async def find(
        self,
        application: Application,
        *,
        limit: int = 50,
        offset: int = 0,
        auth_org_id: str | None = None,
        service_type: str | None = None,
        subscription_id: int | None = None,
        client_org_id: str | None = None,
    ) -> AccountsPage:
        """One page of the application's accounts by id; service accounts are listed elsewhere."""
        limit, offset = max(1, min(limit, MAX_PAGE)), max(0, offset)
        given = {"auth_org_id": auth_org_id, "service_type": service_type, "client_org_id": client_org_id}
        filters = {name: value for name, value in given.items() if value is not None}
        async with self._database.read() as session:
            total, found = await accounts.page(
                session, application.id, filters, subscription_id, offset=offset, limit=limit
            )
        done = not found or offset + len(found) >= total
        return AccountsPage(offset=offset, total_size=total, done=done, records=[records.dto(item) for item in found])

    async def get(self, application: Application, account_id: int) -> ApiAccountOutDto:
        """One account. Raises `NotFound`, also for another application's."""
        return await self._dto(application.id, account_id)

    async def delete(self, application: Application, account_id: int) -> None:
        """Remove an account with its tokens. Raises `NotFound`."""
        await self._dto(application.id, account_id)
        await self._leave([account_id])
        async with self._database.session() as session:
            if not await accounts.remove(session, application.id, account_id):
                raise _no_account(account_id)
        self._identity.forget(f"gone:{account_id}")

    async def mine(
        self, account: Account, *, ping: bool = False, include_provider_auth: bool = False
    ) -> ApiAccountOutDto:
        """The account of the caller. `ping` asks the provider whether the credentials work, and notes the answer;
        `include_provider_auth` adds the provider's own token, where there is one.

        Raises `Unavailable` when the provider was to be asked and cannot be reached."""
        provider_token = None
        if account.token_status is not TokenStatus.DEAD and (ping or include_provider_auth):
            provider_token = await self._ask(account, ping=ping, token=include_provider_auth)
        dto = await self._dto(account.application_id, account.id)
        return dto.model_copy(update={"provider_access_token": provider_token})

    async def delete_token(self, account: Account) -> None:
        """Revoke the credentials at the provider, forget them and every access token; the account stays, dead."""
        await self._leave([account.id])
        await self._revoke(account)
        async with self._database.session() as session:
            await accounts.drop_grant(session, account.application_id, account.id, _DELETED)
        self._identity.forget(f"gone:{account.id}")

    async def set_marks(self, account: Account, marks: Mapping[str, str | None]) -> Account:
        """Mark folders, such as {"archive": id}; None clears a mark, others stay. The account as it is then.

        Raises `NotFound` when it was deleted meanwhile."""
        if not marks:
            return account
        async with self._database.session() as session:
            row = await accounts.set_marks(session, account.application_id, account.id, marks)
        if row is None:
            raise _no_account(account.id)
        self._identity.forget(f"account:{account.id}")
        return values.account(row)

    async def _linked(
        self, application_id: int, provider: Provider, body: ApiAccountInDto, *, ensure_access: bool
    ) -> Linked:
        """By the password, or by tokens that were got elsewhere: `authString1` to refresh, `authString2` to access."""
        if provider.auth is None:
            return await provider.link(body, ensure_access=ensure_access)
        expires = body.auth_expires_at.timestamp() if body.auth_expires_at else 0
        grant = {"refresh_token": body.auth_string1, "access_token": body.auth_string2, "expires_at": expires}
        if not (body.auth_string1 or body.auth_string2):
            raise Invalid("is needed: a refresh token, or a sign-in of the person", path="authString1")
        client = await self._registrations.client(application_id, body.service_type)
        linked = await provider.auth.identify(client, {name: value for name, value in grant.items() if value})
        if ensure_access:
            await try_out(provider, linked, sorted(linked.scopes or provider.scopes), client)
        return linked

    def provider(self, service_type: str) -> Provider:
        """The adapter of a service type. Raises `Invalid` for one that this gateway lacks."""
        provider = self._providers.get(service_type)
        if provider is None:
            offered = ", ".join(sorted(self._providers))
            raise Invalid(f"serviceType: this gateway offers {offered}", path="serviceType")
        return provider

    def scopes(self, body: ApiAccountInDto) -> list[Scope]:
        """What the account may be used for. Raises `Invalid`."""
        return _scopes(self.provider(body.service_type), body.auth_scopes)

    async def owner(
        self, application: Application, user_id: str | None, role: UserAccountType | None
    ) -> dict[str, Any]:
        """The columns of an account that is to be this user's. Raises `NotFound`, `Invalid`."""
        if user_id is None:
            if role is not None:
                raise Invalid("userAccount: says which account of a user this is; give userId too", path="userAccount")
            return {}
        async with self._database.read() as session:
            user = await users.by_public_id(session, application.id, user_id)
            owned = await users.accounts_of(session, [user.id]) if user else []
        if user is None:
            raise NotFound(f"there is no user {user_id!r} in this application")
        if role is UserAccountType.PRIMARY and any(one.user_role == role for one in owned):
            raise Invalid("userAccount: the user has a primary account, which signs in again", path="userAccount")
        return {"user_id": user.id, "user_role": (role or UserAccountType.SECONDARY).value}

    async def store(
        self, application: Application, columns: Mapping[str, Any], recycle_keys: Sequence[ServiceKey]
    ) -> AccountSaveResult:
        """Store an account and give it a token: as a new one, or in place of the one that agrees in all keys."""
        token = new_secret()
        account_id = await self._store(application, columns, recycle_keys, token)
        user_id = (await self._dto(application.id, account_id)).user_id if "user_id" in columns else None
        service_type = columns["service_type"]
        return AccountSaveResult(
            account_id=account_id, access_token=token, acc_service_type=service_type, user_id=user_id
        )

    async def _store(
        self, application: Application, columns: Mapping[str, Any], recycle_keys: Sequence[ServiceKey], token: str
    ) -> int:
        async with self._database.session() as session:
            known = None
            if recycle_keys:
                wanted = records.recycling(columns, recycle_keys)
                await accounts.lock(session, records.lock_number(application.id, wanted))
                known = await accounts.matching(session, application.id, wanted)
            if known is None:
                known = (await accounts.add(session, {**columns, "application_id": application.id})).id
            else:
                revised = records.revised(columns) | accounts.REVIVED
                await accounts.revise(session, application.id, known, revised)
            await tokens.add(session, known, fingerprint(token))
        self._identity.forget(f"account:{known}")
        return known

    async def _dto(self, application_id: int, account_id: int) -> ApiAccountOutDto:
        async with self._database.read() as session:
            found = await accounts.record(session, application_id, account_id)
        if found is None:
            raise _no_account(account_id)
        return records.dto(found)

    async def _ask(self, account: Account, *, ping: bool, token: bool) -> str | None:
        """The provider's token; a refusal shows in the account's state."""
        try:
            async with self._sessions.use(account) as session:
                if ping:
                    await session.ping()
                return await session.access_token() if token else None
        except Unauthorized:
            return None

    async def _revoke(self, account: Account) -> None:
        """Revoking is a courtesy: our copy goes in any case."""
        if account.sealed_grant is None or account.parent_id is not None:
            return
        try:
            provider, mailbox = self._sessions.provider(account), await self._sessions.mailbox(account)
            if provider.auth is None:
                await provider.revoke(mailbox)
            elif not await self._siblings(account):  # whose grants some providers would take away, too
                await provider.auth.revoke(mailbox.client, await self._current(account))
        except ProviderError as error:
            log.warning("the credentials of account %s could not be revoked: %s", account.id, error.message)

    async def _siblings(self, account: Account) -> int:
        async with self._database.read() as session:
            return await accounts.siblings(session, account.id)

    async def _current(self, account: Account) -> Grant:
        """The grant as it is stored: the account at hand may be some seconds old."""
        async with self._database.read() as session:
            row = await accounts.get(session, account.application_id, account.id)
        return self._vault.unseal(row.sealed_grant) if row and row.sealed_grant else {}


def _scopes(provider: Provider, asked: Sequence[Scope] | None) -> list[Scope]:
    """What the account may be used for: all that the provider offers unless less is asked for."""
    for position, scope in enumerate(asked or ()):
        if scope not in provider.scopes:
            offered = ", ".join(sorted(provider.scopes))
            raise Invalid(
                f"authScopes.{position}: {scope} is not offered, only {offered}", path=f"authScopes.{position}"
            )
    return sorted(asked or provider.scopes)


def _no_account(account_id: int) -> NotFound:
    return NotFound(f"there is no account {account_id} in this application")
