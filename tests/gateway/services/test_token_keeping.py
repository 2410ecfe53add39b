"""A refresh token that changes with each use survives what may happen between the provider's answer and the commit."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from cryptography.fernet import Fernet

from gateway.services.applications import Applications, Registration
from gateway.services.registrations import Registrations
from gateway.services.token_keeping import AHEAD, KeptTokens, TokenKeeper
from gateway.store.database import Database
from gateway.store.queries import accounts
from gateway.store.vault import Vault
from providers.base.oauth2 import LEEWAY
from schemas.accounts import ServiceType
from tests.gateway.services.refresher import provider, refresh
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, Consent, OAuthServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with OAuthServer(rotating=True) as server:
        yield server


@dataclass
class Kept:
    """An account whose access token has ended, and the consent that it lives by."""

    database: Database
    url: str
    key: str
    server: OAuthServer
    consent: Consent
    account_id: int

    async def refresh(self) -> str:
        return await refresh(self.url, self.key, f"{self.server.url}/token", self.account_id)

    def process(self) -> "subprocess.Popen[str]":
        """Another process that wants the token."""
        arguments = [self.url, self.key, f"{self.server.url}/token", str(self.account_id)]
        command = [sys.executable, "-m", "tests.gateway.services.refresher", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    async def stored(self) -> str:
        """The refresh token that is stored."""
        async with self.database.read() as session:
            row = await accounts.any_by_id(session, self.account_id)
        assert row is not None and row.sealed_grant is not None
        return str(Vault([self.key]).unseal(row.sealed_grant)["refresh_token"])


@pytest.fixture
async def kept(database: Database, database_url: str, server: OAuthServer) -> Kept:
    key = Fernet.generate_key().decode()
    vault = Vault([key])
    applications = Applications(database, vault)
    application, _, _ = await applications.create(f"keeps {key[:8]}")
    await applications.register(application.name, Registration(ServiceType.GOOGLE, CLIENT_ID, CLIENT_SECRET))
    consent = Consent("ann@gmail.test", [], "", "", refresh_token="first")
    server.consents.append(consent)
    grant = {"access_token": "old", "expires_at": 1, "refresh_token": "first"}
    row = {"application_id": application.id, "service_type": "Google", "email": consent.user}
    async with database.session() as session:
        made = await accounts.add(session, {**row, "sealed_grant": vault.seal(grant)})
    return Kept(database, database_url, key, server, consent, made.id)


async def test_what_the_provider_gave_is_stored_before_it_is_used(kept: Kept) -> None:
    token = await kept.refresh()
    assert kept.server.user_of(token) == "ann@gmail.test"
    assert await kept.stored() == kept.consent.refresh_token != "first"
    assert await kept.refresh() == token
    assert kept.server.refreshes == 1


async def test_another_token_is_got_before_anybody_has_to_wait(kept: Kept) -> None:
    vault, google = Vault([kept.key]), provider(f"{kept.server.url}/token")
    keeper = TokenKeeper(kept.database, vault, Registrations(kept.database, vault))
    assert google.auth is not None
    grant = {"access_token": "ending", "expires_at": time.time() + LEEWAY + AHEAD / 2, "refresh_token": "first"}
    tokens = KeptTokens(keeper, kept.account_id, google.auth, grant)
    assert {await tokens.fresh() for _ in range(10)} == {"ending"}
    await keeper.close()
    assert kept.server.user_of(await tokens.fresh()) == "ann@gmail.test"
    assert kept.server.refreshes == 1
    await google.close()


async def test_processes_refresh_one_after_the_other(kept: Kept) -> None:
    processes = [kept.process() for _ in range(3)]
    printed = await asyncio.gather(*(asyncio.to_thread(process.communicate) for process in processes))
    assert {text for text, _ in printed} == {f"{next(iter(kept.consent.access))}\n"}
    assert kept.server.refreshes == 1


async def test_an_answer_outlives_the_connection_to_the_database(kept: Kept) -> None:
    def cut() -> None:
        with psycopg.connect(kept.url, autocommit=True) as connection:
            gone = connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and state = 'idle in transaction'"
            ).fetchall()
        assert gone

    kept.server.before_answer = cut
    token = await kept.refresh()
    assert kept.server.user_of(token) == "ann@gmail.test"
    assert await kept.stored() == kept.consent.refresh_token != "first"
    assert kept.server.refreshes == 1


async def test_a_process_that_dies_with_the_answer_leaves_an_account_that_lives(kept: Kept) -> None:
    process: list[subprocess.Popen[str]] = []
    kept.server.before_answer = lambda: os.kill(process[0].pid, signal.SIGKILL)
    process.append(kept.process())
    await asyncio.to_thread(process[0].communicate)
    assert process[0].returncode == -signal.SIGKILL
    assert await kept.stored() == "first"
    kept.server.before_answer = lambda: None
    token = await kept.refresh()
    assert kept.server.user_of(token) == "ann@gmail.test"
    assert await kept.stored() == kept.consent.refresh_token
