"""Outlook add-ins: an Exchange identity token signs in, once a mailbox was connected with it."""

import time
from collections.abc import Iterator

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.e2e.signing import ORIGIN, App, Visitor, application, back
from tests.servers.exchange_identity import ExchangeIdentity
from tests.servers.gateway import Gateway

PAGE = f"{ORIGIN}/addin/index.html"
USER = "/v1/auth/authorizeUser"


@pytest.fixture(scope="module")
def issuer() -> Iterator[ExchangeIdentity]:
    with ExchangeIdentity() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def app(issuer: ExchangeIdentity) -> Iterator[App]:
    with Gateway(POSTROOM_IDENTITY_ISSUERS=issuer.url) as gateway:
        yield application(gateway)


def headers(app: App, token: str) -> dict[str, str]:
    return {"x-aurinko-client-id": app.client_id, "x-aurinko-auth-type": "exchangeIdToken",
            "authorization": f"Bearer {token}"}  # fmt: skip


def prepare(app: App, token: str) -> httpx.Response:
    return httpx.post(f"{app.url}/v1/auth/prepare", headers=headers(app, token), timeout=30)


def test_the_whole_way(app: App, issuer: ExchangeIdentity) -> None:
    token = issuer.token("mailbox-1", PAGE)
    me = f"{app.url}/v1/user"
    assert httpx.get(me, headers=headers(app, token)).status_code == 401  # nobody yet
    prepared = prepare(app, token).json()["token"]
    visitor = Visitor(app)
    assert visitor.sign_in("ann@sandbox.test", USER, accountRole="primary", token=prepared)["status"] == "success"
    user = httpx.get(me, headers=headers(app, issuer.token("mailbox-1", PAGE))).json()
    assert (user["email"], user["trustedIdentity"], user["externalIdType"]) == (
        "ann@sandbox.test",
        True,
        "exchangeIdentity",
    )
    named = {**headers(app, token), "x-aurinko-account-id": str(user["accounts"][0]["id"])}
    assert httpx.get(f"{app.url}/v1/email/messages", headers=named).json()["records"]
    assert httpx.get(me, headers=headers(app, issuer.token("mailbox-2", PAGE))).status_code == 401
    other = visitor.sign_in("bob@sandbox.test", USER, accountRole="primary", token=prepared)
    assert other["error"] == "wrong_account"
    older = prepare(app, issuer.token("mailbox-3", PAGE)).json()["token"]
    assert visitor.sign_in("old@sandbox.test", token=older) == {"status": "success"}  # as older clients put it


def test_clocks_may_be_five_minutes_apart(app: App, issuer: ExchangeIdentity) -> None:
    now = int(time.time())
    assert prepare(app, issuer.token("m", PAGE, exp=now - 240)).status_code == 200
    assert prepare(app, issuer.token("m", PAGE, nbf=now + 240, exp=now + 900)).status_code == 200
    assert prepare(app, issuer.token("m", PAGE, exp=now - 400)).status_code == 401
    assert prepare(app, issuer.token("m", PAGE, nbf=now + 400, exp=now + 900)).status_code == 401


def test_tokens_that_anybody_could_write_are_refused(app: App, issuer: ExchangeIdentity) -> None:
    forged = rsa.generate_private_key(65537, 2048)
    good = issuer.token("m", PAGE)
    with ExchangeIdentity() as stranger:
        theirs = stranger.token("m", PAGE)
    wrong = {
        "made up": "made-up",
        "three dots": "...",
        "another key": issuer.token("m", PAGE, key=forged),
        "an issuer of their own": theirs,
        "a page of somebody else": issuer.token("m", "https://evil.test/addin"),
        "without a signature": jwt.encode(jwt.decode(good, options={"verify_signature": False}), "", algorithm="none"),
        "damaged": good[:-4] + "AAAA",
    }
    assert {name: prepare(app, token).status_code for name, token in wrong.items()} == dict.fromkeys(wrong, 401)


def test_what_stands_for_an_identity_is_of_one_application(app: App, issuer: ExchangeIdentity) -> None:
    prepared = prepare(app, issuer.token("mine", PAGE)).json()["token"]
    stranger = application(app.gateway)
    given = back(Visitor(stranger).begin(USER, accountRole="primary", token=prepared))
    assert given["error"] == "token_not_valid"
    assert back(Visitor(app).begin(USER, accountRole="primary", token="made-up"))["error"] == "token_not_valid"
