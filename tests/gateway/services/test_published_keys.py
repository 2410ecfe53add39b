"""Keys of issuers: rotation, many who ask at once, an issuer that is away."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.services import published_keys
from gateway.services.published_keys import PublishedKeys
from gateway.services.pushes import _key_set
from providers.base.errors import Unavailable
from providers.base.rest import Http
from tests.servers.google.server import GoogleSimulator

pytestmark = pytest.mark.anyio


@pytest.fixture
async def keys() -> AsyncIterator[PublishedKeys]:
    http = Http(lambda _: True)
    yield PublishedKeys(http, _key_set)
    await http.close()


async def test_keys_are_fetched_once_whoever_asks(keys: PublishedKeys, google: GoogleSimulator) -> None:
    url, caller = f"{google.url}oauth2/v3/certs", google.caller
    before = caller.fetched
    found = await asyncio.gather(*(keys.find(url, caller.kid) for _ in range(20)))
    assert all(key and key.public_numbers() == caller.key.public_key().public_numbers() for key in found)
    assert await asyncio.gather(*(keys.find(url, f"made up {number}") for number in range(20))) == [None] * 20
    assert caller.fetched == before + 1, "names that somebody made up do not have the issuer asked"


async def test_a_key_that_is_new_is_looked_for(
    keys: PublishedKeys, google: GoogleSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, caller = f"{google.url}oauth2/v3/certs", google.caller
    old = caller.kid
    assert await keys.find(url, old)
    caller.rotate()
    assert await keys.find(url, caller.kid) is None  # asked just now
    monkeypatch.setattr(published_keys, "_AGAIN", 0.0)
    assert await keys.find(url, caller.kid)
    assert await keys.find(url, old), "one that stays published stays good"
    del caller.published[old]
    keys._keys.drop(None)
    assert await keys.find(url, old) is None


async def test_an_issuer_that_is_away_is_not_asked_by_everybody(
    keys: PublishedKeys, google: GoogleSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, caller = f"{google.url}oauth2/v3/certs", google.caller
    before, caller.away = caller.fetched, True
    failed = await asyncio.gather(*(keys.find(url, caller.kid) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(error, Unavailable) and error.retry_after for error in failed)
    assert caller.fetched == before + 1
    caller.away = False
    monkeypatch.setattr(published_keys, "_PATIENCE", 0.0)
    assert await keys.find(url, caller.kid)


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"keys":1}', b'{"keys":[{}]}', b'{"keys":[{"kty":"RSA"}]}'])
def test_documents_that_are_none(document: bytes) -> None:
    with pytest.raises(Unavailable):
        _key_set(document)
