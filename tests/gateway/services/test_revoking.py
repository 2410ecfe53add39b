"""Grants of accounts that are gone are taken back, sooner or later, and never those that others live by."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from gateway.identity import Application
from gateway.services.accounts import Accounts
from gateway.services.applications import Applications, Registration
from gateway.services.identity import Identity
from gateway.services.revoking import Revoking
from gateway.services.sessions import Sessions
from gateway.store.database import Database
from gateway.store.revocations import PAUSES
from gateway.store.vault import Vault
from providers.base import oauth2
from providers.base.oauth2 import Consent, OAuthClient
from providers.base.provider import ProviderSettings
from providers.google.provider import GoogleProvider
from schemas.accounts import AccountSaveResult, ApiAccountInDto, Scope, ServiceType
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, IDENTITY, OAuthServer

pytestmark = pytest.mark.anyio
CLIENT = OAuthClient(CLIENT_ID, CLIENT_SECRET)


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


@dataclass
class Desk:
    server: OAuthServer
    database: Database
    accounts: Accounts
    revoking: Revoking
    provider: GoogleProvider
    application: Application

    async def connect(self, user: str, **more: str) -> AccountSaveResult:
        """An account of a person who consented just now."""
        consent = Consent("https://back.test", "s", oauth2.verifier(), frozenset({Scope.MAIL_READ}))
        query = {"state": "s", "redirect_uri": "https://back.test"}
        query["code_challenge"] = oauth2.challenge(consent.verifier)
        place = self.server.decide(query, user, ["https://www.googleapis.com/auth/gmail.readonly", *IDENTITY])
        code = place.partition("code=")[2].partition("&")[0]
        assert self.provider.auth
        linked = await self.provider.auth.finish(CLIENT, consent, code)
        given = {"email": user, "auth_string1": linked.grant["refresh_token"], **more}
        body = ApiAccountInDto.model_validate({"service_type": ServiceType.GOOGLE, "active": True, **given})
        return await self.accounts.upsert(self.application, body)

    async def delete(self, saved: AccountSaveResult) -> None:
        await self.accounts.delete(self.application, saved.account_id)

    async def waiting(self) -> int:
        async with self.database.read() as session:
            return await session.scalar(sa.text("select count(*) from revocation")) or 0

    async def sweep(self) -> None:
        """As the pump does."""
        async with self.database.read() as session:
            due = (await session.scalars(sa.text("select id from revocation where next_try_at <= now()"))).all()
        await self.revoking.now(due)

    async def later(self) -> None:
        """The next try is due."""
        async with self.database.session() as session:
            await session.execute(sa.text("update revocation set next_try_at = now()"))


@pytest.fixture
async def desk(database: Database, server: OAuthServer, tmp_path: Path) -> AsyncIterator[Desk]:
    vault = Vault([Fernet.generate_key().decode()])
    endpoints = {"google_token_url": f"{server.url}/token", "google_api_url": server.url}
    provider = GoogleProvider(ProviderSettings(tmp_path, allow_private_networks=True, endpoints=endpoints))
    providers, identity = {"Google": provider}, Identity(database)
    sessions = Sessions(providers, vault, database, identity)
    applications = Applications(database, vault)
    application, _, _ = await applications.create(f"test {uuid4()}")
    registration = Registration(ServiceType.GOOGLE, CLIENT_ID, CLIENT_SECRET)
    await applications.register(application.name, registration)
    async with database.session() as session:
        await session.execute(sa.text("delete from revocation"))
    accounts = Accounts(database, vault, providers, sessions, identity)
    yield Desk(server, database, accounts, Revoking(database, vault, providers), provider, application)
    await sessions.close()
    await identity.close()
    await provider.close()


async def test_a_deleted_accounts_grant_is_taken_back(desk: Desk) -> None:
    saved = await desk.connect("ann@gmail.test")
    await desk.delete(saved)
    assert (desk.server.alive("ann@gmail.test"), await desk.waiting()) == (True, 1)
    await desk.sweep()
    assert (desk.server.alive("ann@gmail.test"), await desk.waiting()) == (False, 0)


async def test_only_the_last_account_of_a_person_revokes(desk: Desk) -> None:
    first, second = await desk.connect("two@gmail.test"), await desk.connect("two@gmail.test", client_org_id="b")
    await desk.delete(first)
    await desk.sweep()
    assert (desk.server.alive("two@gmail.test"), await desk.waiting()) == (True, 0)
    await desk.delete(second)
    await desk.sweep()
    assert not desk.server.alive("two@gmail.test")


async def test_two_accounts_that_go_at_once_are_both_given_back(desk: Desk) -> None:
    for saved in [await desk.connect("twins@gmail.test"), await desk.connect("twins@gmail.test", client_org_id="b")]:
        await desk.delete(saved)
    await desk.sweep()
    assert (desk.server.alive("twins@gmail.test"), await desk.waiting()) == (False, 0)


async def test_who_signs_in_again_before_the_revocation_stays(desk: Desk) -> None:
    await desk.delete(await desk.connect("back@gmail.test"))
    await desk.connect("back@gmail.test")
    await desk.sweep()
    assert (desk.server.alive("back@gmail.test"), await desk.waiting()) == (True, 0)


async def test_a_dead_account_of_the_same_person_keeps_nothing_alive(desk: Desk) -> None:
    dead, saved = await desk.connect("half@gmail.test"), await desk.connect("half@gmail.test", client_org_id="b")
    async with desk.database.session() as session:
        statement = sa.text("update account set token_status = 'dead' where id = :id")
        await session.execute(statement, {"id": dead.account_id})
    await desk.delete(saved)
    await desk.sweep()
    assert not desk.server.alive("half@gmail.test")


async def test_a_provider_that_is_away_holds_up_no_deletion_and_is_asked_again(desk: Desk) -> None:
    saved = await desk.connect("away@gmail.test")
    desk.server.down = True
    await desk.delete(saved)
    await desk.sweep()
    await desk.sweep()  # nothing is due: the next try waits
    assert (desk.server.alive("away@gmail.test"), await desk.waiting()) == (True, 1)
    desk.server.down = False
    await desk.later()
    await desk.sweep()
    assert (desk.server.alive("away@gmail.test"), await desk.waiting()) == (False, 0)


async def test_it_is_given_up_in_the_end(desk: Desk) -> None:
    saved = await desk.connect("never@gmail.test")
    desk.server.down = True
    await desk.delete(saved)
    for _ in PAUSES:
        await desk.sweep()
        await desk.later()
    assert await desk.waiting() == 1
    await desk.sweep()
    assert await desk.waiting() == 0


async def test_a_grant_that_the_provider_does_not_know_is_forgotten(desk: Desk) -> None:
    saved = await desk.connect("gone@gmail.test")
    for consent in desk.server.consents:
        consent.revoked = True
    await desk.delete(saved)
    await desk.sweep()
    assert await desk.waiting() == 0
