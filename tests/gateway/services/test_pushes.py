"""Calls that providers sign: who may have asked for the signature, and keys that cannot be had."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.raw import Raw
from gateway.services.pushes import Pushes
from gateway.store.channels import Channels
from gateway.store.database import Database
from providers.base.errors import Denied, Unauthorized, Unavailable
from providers.base.rest import Http
from providers.google.provider import GoogleProvider
from tests.servers.google.server import GoogleSimulator

pytestmark = pytest.mark.anyio
URL = "https://gateway.example"
MAIL, CALENDAR = GoogleProvider.doors


class Desk:
    """Takes calls in; `signers` as the setting has them."""

    def __init__(self, google: GoogleSimulator, database: Database, folder: Path, *signers: str) -> None:
        settings = replace(google.settings(folder), push_signers=frozenset(signers))
        keys = {"google_keys_url": f"{google.url}oauth2/v3/certs"}
        settings = replace(settings, endpoints={**settings.endpoints, **keys})
        self.google, self.http = google, Http(lambda _: True)
        self.provider = GoogleProvider(settings)
        self.pushes = Pushes(Channels(database, {}), {"google": self.provider}, self.http, URL)

    async def call(self, **claims: object) -> None:
        token = self.google.caller.token(f"{URL}/push/google/email", **claims)
        raw = Raw("POST", "", "", {"authorization": f"bearer {token}"}, b"{}")
        await self.pushes.receive("google", MAIL, raw)


@pytest.fixture
async def desks(google: GoogleSimulator, database: Database, tmp_path: Path) -> AsyncIterator[list[Desk]]:
    desks = [Desk(google, database, tmp_path), Desk(google, database, tmp_path, "one@p.example", "two@p.example")]
    yield desks
    google.caller.away = False
    for desk in desks:
        await desk.http.close()
        await desk.provider.close()


async def test_who_may_have_asked_for_a_signature(desks: list[Desk]) -> None:
    anybody, named = desks
    await anybody.call(email="whoever@p.example")
    await named.call(email="two@p.example")
    with pytest.raises(Denied) as refused:
        await named.call(email="whoever@p.example")
    assert not isinstance(refused.value, Unauthorized)


async def test_without_keys_nothing_is_believed_and_the_call_is_repeated(desks: list[Desk]) -> None:
    anybody, _ = desks
    anybody.google.caller.away = True
    with pytest.raises(Unavailable):
        await anybody.call()


async def test_a_signature_opens_no_door_that_has_another_key(desks: list[Desk]) -> None:
    anybody, _ = desks
    token = anybody.google.caller.token(f"{URL}/push/google/calendar")
    with pytest.raises(Unauthorized):
        await anybody.pushes.receive("google", CALENDAR, Raw("POST", "", "", {"authorization": f"Bearer {token}"}, b""))
    headers = {"x-goog-channel-id": "c", "x-goog-channel-token": "t", "x-goog-resource-state": "exists"}
    with pytest.raises(Unauthorized):
        await anybody.pushes.receive("google", MAIL, Raw("POST", "", "", headers, b""))
