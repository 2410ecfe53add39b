"""Whose request it is, by any of the credentials that there are."""

from collections.abc import Mapping

from gateway.browsers import Browser
from gateway.identity import Application, User
from gateway.services.identity import Identity
from gateway.services.identity_tokens import IdentityTokens
from gateway.services.user_sessions import UserSessions


class Callers:
    """What the HTTP layer asks about credentials; None for those that stand for nothing."""

    def __init__(self, identity: Identity, sessions: UserSessions, identity_tokens: IdentityTokens) -> None:
        self._identity, self._sessions, self._identity_tokens = identity, sessions, identity_tokens
        self.application, self.token, self.account = identity.application, identity.token, identity.account

    async def client(self, client_id: str) -> Application | None:
        """The application with this client id, which is no secret."""
        return await self._identity.application_by_client_id(client_id)

    async def session(self, value: str) -> tuple[Application, User] | None:
        """The user of a session's value."""
        return await self._sessions.by_value(value)

    async def cookie(
        self, application: Application, cookies: Mapping[str, str], mailbox_info: str | None
    ) -> User | None:
        """The user whose session's cookie is among these."""
        return await self._sessions.of_browser(application, Browser(cookies), mailbox_info)

    async def identity_token(self, application: Application, token: str) -> User | None:
        """The user whom an Exchange identity token is of."""
        return await self._identity_tokens.user(application, token)

    async def external_id(self, application: Application, token: str) -> str:
        """The identity that a token is of, be it anybody's. Raises `Denied`."""
        return await self._identity_tokens.external_id(application, token)
