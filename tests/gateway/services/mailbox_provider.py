"""A provider with mailboxes in memory: it keeps passwords, can be told to fail, and counts what it is asked."""

import asyncio
from typing import ClassVar

from providers.base.errors import Unauthorized, Unavailable
from providers.base.provider import Linked, Mailbox, Provider, ProviderSettings, Session
from schemas.accounts import ApiAccountInDto, Scope


class MemorySession(Session):
    """Asks the provider's directory whenever it is pinged."""

    def __init__(self, provider: "MemoryProvider", mailbox: Mailbox) -> None:
        self.provider, self.mailbox, self.closed = provider, mailbox, False

    async def ping(self) -> None:
        self.provider.check(self.mailbox.grant["login"], self.mailbox.grant["password"])

    async def access_token(self) -> str | None:
        return f"token of {self.mailbox.email}"

    async def close(self) -> None:
        self.closed = True


class MemoryProvider(Provider):
    """Knows the passwords in `directory`; `down` and `final` say how it fails."""

    name: ClassVar[str] = "memory"
    services: ClassVar[frozenset[str]] = frozenset({"IMAP", "EWS"})
    scopes: ClassVar[frozenset[Scope]] = frozenset({Scope.MAIL_READ, Scope.MAIL_SEND})

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.directory: dict[str, str] = {}
        self.down = self.final = False
        self.open_delay = 0.0
        self.opened: list[MemorySession] = []
        self.revoked: list[str] = []

    def check(self, login: str, password: str) -> None:
        if self.down:
            raise Unavailable("mail.example is out of order")
        if self.directory.get(login) != password:
            raise Unauthorized("mail.example refused the password", final=self.final)

    async def link(self, account: ApiAccountInDto, *, ensure_access: bool) -> Linked:
        login = account.login_string or account.email or ""
        self.check(login, account.password or "")
        return Linked(
            grant={"login": login, "password": account.password},
            email=account.email or f"{login}@example.com",
            login=login,
            server_url=account.server_url or "mail.example:993",
            service_provider="IMAP",
        )

    async def open(self, mailbox: Mailbox) -> Session:
        await asyncio.sleep(self.open_delay)
        self.check(mailbox.grant["login"], mailbox.grant["password"])
        self.opened.append(session := MemorySession(self, mailbox))
        return session

    async def revoke(self, mailbox: Mailbox) -> None:
        if self.down:
            raise Unavailable("mail.example is out of order")
        self.revoked.append(mailbox.grant["login"])
