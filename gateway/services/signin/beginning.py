"""The beginning of a sign-in: what the link asks for, checked against what the application may ask for."""

import time
from datetime import UTC, datetime

from gateway.browsers import Browser
from gateway.identity import Application
from gateway.services.identity import Identity
from gateway.services.signin import return_urls, signatures
from gateway.services.signin.asked import Asked, ResponseType
from gateway.services.signin.flow import Flow, response_type
from gateway.services.signin.outcome import Refused
from gateway.services.signin.tickets import Tickets
from gateway.services.user_sessions import UserSessions
from gateway.store.database import Database
from gateway.store.queries import applications, users
from gateway.store.tables import ApplicationRow
from gateway.store.vault import Vault
from providers.base.errors import Denied, Invalid
from providers.base.provider import Provider
from schemas.accounts import UserAccountType


class Beginning:
    """Reads links."""

    def __init__(
        self, database: Database, vault: Vault, identity: Identity, sessions: UserSessions, tickets: Tickets
    ) -> None:
        self._database, self._vault, self._identity = database, vault, identity
        self._sessions, self._tickets = sessions, tickets

    async def application(self, asked: Asked) -> Application:
        """Whose link it is. Raises `Invalid` where the browser must not be sent to the return URL."""
        application = await self.known(asked.client_id)
        if not asked.popup:
            return_urls.check(asked.return_url, (await self._row(application)).return_urls)
        if response_type(asked.response_type, asked.role) is ResponseType.TOKEN:
            _check_trusted(application, asked.return_url)
        return application

    async def known(self, client_id: str) -> Application:
        """The application with this client id. Raises `Invalid`."""
        application = await self._identity.application_by_client_id(client_id)
        if application is None:
            raise Invalid("no application has this client id", path="clientId", code="clientId.notValid")
        return application

    async def flow(self, asked: Asked, application: Application, provider: Provider, browser: Browser) -> Flow:
        """The sign-in that is asked for. Raises `Refused`, `Denied`."""
        if lacking := sorted(set(asked.scopes) - provider.scopes):
            raise Refused("invalid_scope", f"{', '.join(lacking)}: not offered by {asked.service_type}")
        user_id = None
        if asked.role is UserAccountType.SECONDARY:
            user_id = await self._user(asked, application, browser)
        wish = asked.wish | {"login_hint": asked.login_hint or asked.auth_email}
        return Flow.model_validate(
            {
                **wish,
                "application_id": application.id,
                "response_type": response_type(asked.response_type, asked.role),
                "user_id": user_id,
                "external_id": self._external_id(asked, application),
            }
        )

    async def _user(self, asked: Asked, application: Application, browser: Browser) -> int:
        """The user whom a secondary account goes to: the signed one, else the session's."""
        if asked.user_id is not None:
            return await self._signed_user(asked, application)
        user = await self._sessions.of_browser(application, browser, asked.mailbox_info)
        if user is None:
            raise Refused("login_required", "a secondary account needs a running session, or a signed userId")
        return user.id

    async def _signed_user(self, asked: Asked, application: Application) -> int:
        secrets = self._secrets(await self._row(application))
        signatures.check(secrets, asked.user_id or "", asked.timestamp, asked.user_signature, time.time())
        async with self._database.read() as session:
            user = await users.by_public_id(session, application.id, asked.user_id or "")
        if user is None:
            raise Denied("the signed userId is of no user of this application")
        return user.id

    def _secrets(self, row: ApplicationRow) -> list[str]:
        """The client secrets by which signatures may be made. Raises `Denied`."""
        former = row.former_secret_until and row.former_secret_until > datetime.now(UTC)
        sealed = [row.sealed_client_secret, row.sealed_former_client_secret if former else None]
        secrets = [self._vault.unseal_bytes(one).decode() for one in sealed if one is not None]
        if not secrets:
            words = "before signatures could be checked: give it a new client secret (postroom apps client-secret)"
            raise Denied(f"this application was made {words}")
        return secrets

    def _external_id(self, asked: Asked, application: Application) -> str | None:
        if asked.token is None:
            return None
        found = self._tickets.external_id(asked.token, application.id)
        if found is None or asked.role is not UserAccountType.PRIMARY:
            raise Refused("token_not_valid", "token: is not from a prepare call of the last ten minutes")
        return found

    async def _row(self, application: Application) -> ApplicationRow:
        async with self._database.read() as session:
            row = await applications.by_id(session, application.id)
        if row is None:
            raise Invalid("no application has this client id", path="clientId", code="clientId.notValid")
        return row


def _check_trusted(application: Application, url: str) -> None:
    """Tokens are given to pages of trusted domains only: they need no secret to get them."""
    if return_urls.origin(url) not in application.trusted_domains:
        words = "is not on a trusted domain of this application, where alone tokens are given"
        raise Invalid(words, path="returnUrl", code="returnUrl.notTrusted")
