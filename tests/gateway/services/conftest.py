"""The services on a real database and an in-memory provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from gateway.identity import Account, Application
from gateway.services.accounts import Accounts
from gateway.services.applications import Applications
from gateway.services.identity import Identity
from gateway.services.sessions import Sessions
from gateway.store.database import Database
from gateway.store.vault import Vault
from providers.base.provider import ProviderSettings
from schemas.accounts import AccountSaveResult, ApiAccountInDto, ServiceType
from tests.gateway.services.mailbox_provider import MemoryProvider

PASSWORD = "correct horse"


@dataclass
class House:
    """One process of the gateway, and an application of the test's own."""

    database: Database
    vault: Vault
    provider: MemoryProvider
    identity: Identity
    sessions: Sessions
    accounts: Accounts
    applications: Applications
    application: Application
    client_secret: str
    signing_secret: str

    def body(self, email: str = "ann@example.com", **more: object) -> ApiAccountInDto:
        """An account body that the provider accepts."""
        login = str(more.get("login_string") or email)
        self.provider.directory.setdefault(login, PASSWORD)
        given = {"service_type": ServiceType.IMAP, "active": True, "email": email, "password": PASSWORD, **more}
        return ApiAccountInDto(**given)  # type: ignore[arg-type]

    async def link(self, email: str = "ann@example.com", **more: object) -> AccountSaveResult:
        return await self.accounts.upsert(self.application, self.body(email, **more))

    async def account(self, saved: AccountSaveResult) -> Account:
        found = await self.identity.account(self.application, saved.account_id)
        assert found is not None
        return found


@asynccontextmanager
async def open_house(database: Database, vault: Vault, provider: MemoryProvider) -> AsyncIterator[House]:
    """The parts, wired as the gateway wires them."""
    providers = dict.fromkeys(provider.services, provider)
    identity = Identity(database)
    sessions = Sessions(providers, vault, database, identity, idle=0.2)
    accounts = Accounts(database, vault, providers, sessions, identity)
    applications = Applications(database, vault)
    created = await applications.create(f"test {uuid4()}")
    yield House(database, vault, provider, identity, sessions, accounts, applications, *created)
    await sessions.close()
    await identity.close()


@pytest.fixture
def vault() -> Vault:
    return Vault([Fernet.generate_key().decode()])


@pytest.fixture
def provider(tmp_path: Path) -> MemoryProvider:
    return MemoryProvider(ProviderSettings(tmp_path))


@pytest.fixture
async def house(database: Database, vault: Vault, provider: MemoryProvider) -> AsyncIterator[House]:
    async with open_house(database, vault, provider) as house:
        yield house
