"""A fresh Gmail user on the simulator, opened; tokens as the gateway would keep them fresh."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from providers.base.oauth2 import OAuthClient
from providers.base.provider import Mailbox, Session
from providers.google.provider import GoogleProvider
from tests.servers.google.mailbox import Mail
from tests.servers.google.server import GoogleSimulator
from tests.servers.google.world import User


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class TestTokens:
    """Asks the provider's `Auth` for another token when one was refused, as the gateway does."""

    __test__ = False
    provider: GoogleProvider
    user: User
    token: str
    refreshes: int = 0

    async def fresh(self, refused: str | None = None) -> str:
        if refused == self.token:
            self.refreshes += 1
            assert self.provider.auth
            grant = await self.provider.auth.refresh(OAuthClient("cid", "secret"), {"refresh_token": self.user.email})
            self.token = grant["access_token"]
        return self.token


@dataclass
class Desk:
    google: GoogleSimulator
    provider: GoogleProvider
    user: User
    tokens: TestTokens
    session: Session
    mailbox: Mailbox
    others: list[GoogleProvider] = field(default_factory=list)

    @property
    def mail(self) -> Mail:
        found: Mail = self.user.shelf(Mail)
        return found

    def calls(self, operation: str) -> int:
        return self.google.calls.count(operation)


@pytest.fixture
async def desk(google: GoogleSimulator, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Desk]:
    provider = GoogleProvider(google.settings(tmp_path))
    user = google.world.new_user()
    tokens = TestTokens(provider, user, user.token)
    mailbox = Mailbox(1, 1, user.email, {}, tokens=tokens, client=OAuthClient(f"project of {user.email}"))
    google.calls.clear()
    google.plans.clear()
    google.world.ahead = 0.0
    yield Desk(google, provider, user, tokens, await provider.open(mailbox), mailbox)
    await provider.close()
    assert google.faults == []
