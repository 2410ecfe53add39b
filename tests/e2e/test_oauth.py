"""Signing in by OAuth: consent, state, codes, what is granted, fresh tokens, revocation."""

import asyncio
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.e2e.signing import ORIGIN, App, Visitor, application, back
from tests.servers.gateway import Gateway, wait_until
from tests.servers.oauth import CLIENT_ID, CLIENT_SECRET, OAuthServer

USER = "/v1/auth/authorizeUser"
MAIL = "https://www.googleapis.com/auth/gmail.readonly"


@pytest.fixture(scope="module")
def server() -> Iterator[OAuthServer]:
    with OAuthServer(rotating=True) as server:
        yield server


@pytest.fixture(scope="module")
def app(server: OAuthServer) -> Iterator[App]:
    with Gateway(workers=3, **server.settings) as gateway:
        app = application(gateway)
        secret = ["--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET]
        gateway.postroom("apps", "provider", app.name, "google", *secret)
        server.redirect_uris.add(f"{app.url}/v1/auth/callback")
        yield app


@pytest.fixture
def visitor(app: App) -> Visitor:
    return Visitor(app)


def consent(
    visitor: Visitor,
    user: str,
    *,
    scopes: list[str] | None = None,
    deny: bool = False,
    path: str = "/v1/auth/authorize",
    **query: str,
) -> str:
    """Go to the consent page and answer it; where the provider sends the browser."""
    begun = visitor.begin(path, serviceType="Google", **{"scopes": "Mail.Read", **query})
    assert begun.status_code == 303, begun.text
    page = begun.headers["location"]
    assert httpx.get(page).status_code == 200
    asked = dict(parse_qsl(urlsplit(page).query))["scope"].split()
    form: dict[str, object] = {"user": user, "scope": asked if scopes is None else scopes}
    answer = httpx.post(page, data={"deny": "1"} if deny else form)
    return answer.headers["location"]


def connect(app: App, visitor: Visitor, user: str, **query: str) -> dict[str, str]:
    """The whole way; the authorization header of the account."""
    code = back(visitor.http.get(consent(visitor, user, **query)))["code"]
    return {"authorization": f"Bearer {app.exchange(code).json()['accessToken']}"}


def me(app: App, token: dict[str, str], query: str = "") -> httpx.Response:
    return httpx.get(f"{app.url}/v1/account{query}", headers=token, timeout=30)


def test_the_whole_way(app: App, visitor: Visitor, server: OAuthServer) -> None:
    token = connect(
        app, visitor, "ann@gmail.test", loginHint="ann@gmail.test", nativeScopes="extra", clientOrgId="acme"
    )
    asked = server.asked[-1]
    assert (asked["login_hint"], asked["access_type"], asked["code_challenge_method"]) == (
        "ann@gmail.test",
        "offline",
        "S256",
    )
    assert {MAIL, "extra"} <= set(asked["scope"].split())
    account = me(app, token, "?pingProvider=true").json()
    assert (account["email"], account["clientOrgId"], account["tokenStatus"]) == ("ann@gmail.test", "acme", "active")
    assert account["authScopes"] == ["Mail.Read"]
    assert account["authUserId"]


def test_a_state_works_once_and_in_its_browser_only(app: App, visitor: Visitor) -> None:
    place = consent(visitor, "once@gmail.test")
    other = Visitor(app)
    other.begin(serviceType="Google")
    assert other.http.get(place).status_code == 400
    assert back(visitor.http.get(place))["code"]
    again = visitor.http.get(place)
    assert again.status_code == 400
    assert "location" not in again.headers


@pytest.mark.parametrize("state", ["", "made-up", "WyJ4Il0.aaaa.bbbb"])
def test_a_foreign_state_leads_nowhere(visitor: Visitor, state: str) -> None:
    answer = visitor.http.get("/v1/auth/callback", params={"state": state, "code": "c"})
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_code_that_the_provider_does_not_know_is_told(visitor: Visitor) -> None:
    place = consent(visitor, "x@gmail.test", state="mine")
    forged = place.replace("code=", "code=x")
    given = back(visitor.http.get(forged))
    assert (given["status"], given["state"]) == ("error", "mine")
    assert "code" not in given


def test_denied_consent_and_ticked_off_scopes(app: App, visitor: Visitor) -> None:
    denied = back(visitor.http.get(consent(visitor, "no@gmail.test", deny=True, state="s")))
    assert (denied["status"], denied["error"], denied["state"]) == ("error", "access_denied", "s")
    two = "Mail.Read Contacts.Read"
    some = back(
        visitor.http.get(consent(visitor, "part@gmail.test", scopes=[MAIL], scopes_="", **{"ensureScopes": "true"}))
    )
    assert some["status"] == "success"  # all that was asked for
    partly = visitor.begin(serviceType="Google", scopes=two, ensureScopes="true").headers["location"]
    lacking = httpx.post(partly, data={"user": "part@gmail.test", "scope": [MAIL]}).headers["location"]
    assert back(visitor.http.get(lacking))["error"] == "insufficient_scopes"
    lenient = visitor.begin(serviceType="Google", scopes=two).headers["location"]
    given = back(
        visitor.http.get(httpx.post(lenient, data={"user": "part@gmail.test", "scope": [MAIL]}).headers["location"])
    )
    token = {"authorization": f"Bearer {app.exchange(given['code']).json()['accessToken']}"}
    assert me(app, token).json()["authScopes"] == ["Mail.Read"]


def test_access_is_ensured_by_reading(app: App, visitor: Visitor, server: OAuthServer) -> None:
    assert back(visitor.http.get(consent(visitor, "read@gmail.test", ensureAccess="true")))["status"] == "success"


def test_a_relay_page_hands_the_answer_on(
    app: App,
    visitor: Visitor,
    server: OAuthServer,
) -> None:
    relay = "https://app.example.test/relay"
    other = application(app.gateway)
    secret = ["--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET]
    app.gateway.postroom("apps", "provider", other.name, "google", *secret, "--callback-url", relay)
    server.redirect_uris.add(relay)
    browser = Visitor(other)
    place = consent(browser, "relay@gmail.test")
    assert place.startswith(relay)
    assert back(browser.http.get(f"/v1/auth/callback?{urlsplit(place).query}"))["code"]


def test_a_dead_token_is_refreshed_once_by_three_processes(app: App, visitor: Visitor, server: OAuthServer) -> None:
    token = connect(app, visitor, "many@gmail.test")
    assert me(app, token, "?pingProvider=true").json()["tokenStatus"] == "active"
    server.expire()
    before = server.refreshes

    async def storm() -> set[int]:
        limits = httpx.Limits(max_connections=60, max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=app.url, headers=token, limits=limits, timeout=60) as http:
            answers = await asyncio.gather(*(http.get("/v1/account?pingProvider=true") for _ in range(300)))
        return {answer.status_code for answer in answers}

    assert asyncio.run(storm()) == {200}
    assert server.refreshes - before == 1
    assert me(app, token).json()["tokenStatus"] == "active"


def test_a_provider_that_is_down_kills_nobody_and_a_revoked_grant_is_dead(
    app: App, visitor: Visitor, server: OAuthServer
) -> None:
    token = connect(app, visitor, "dead@gmail.test")
    server.expire()
    server.down = True
    assert me(app, token, "?pingProvider=true").status_code == 503
    server.down = False
    assert me(app, token, "?pingProvider=true").json()["tokenStatus"] == "active"
    server.expire()
    for one in server.consents:
        one.revoked |= one.user == "dead@gmail.test"
    # A refresh ahead of time may have been under way: then the first call says `invalid`, and the next one finds out.
    wait_until(lambda: me(app, token, "?pingProvider=true").json()["tokenStatus"] == "dead", 20)
    refused = httpx.get(f"{app.url}/v1/email/folders", headers=token)
    assert (refused.status_code, refused.json()["code"]) == (401, "token.dead")
    number = str(me(app, token).json()["id"])
    again = back(visitor.http.get(consent(visitor, "dead@gmail.test", accountId=number)))
    assert str(app.exchange(again["code"]).json()["accountId"]) == number
    assert me(app, token, "?pingProvider=true").json()["tokenStatus"] == "active"


def test_revoking_leaves_another_account_of_the_same_person_alive(
    app: App, visitor: Visitor, server: OAuthServer
) -> None:
    first, second = connect(app, visitor, "twin@gmail.test"), connect(app, visitor, "twin@gmail.test", clientOrgId="b")
    assert httpx.delete(f"{app.url}/v1/account/token", headers=first).status_code == 200
    server.expire()
    assert me(app, second, "?pingProvider=true").json()["tokenStatus"] == "active"
    assert httpx.delete(f"{app.url}/v1/account/token", headers=second).status_code == 200
    assert all(one.revoked for one in server.consents if one.user == "twin@gmail.test")


def test_every_way_out_takes_the_grant_back(app: App, visitor: Visitor, server: OAuthServer) -> None:
    def account(user: str) -> int:
        return int(me(app, connect(app, visitor, user)).json()["id"])

    def primary(user: str) -> str:
        place = consent(visitor, user, path=USER, accountRole="primary", responseType="code")
        return str(app.exchange(back(visitor.http.get(place))["code"]).json()["userId"])

    assert httpx.delete(f"{app.url}/v1/account", headers=connect(app, visitor, "a@out.test")).status_code == 200
    assert app.call("DELETE", f"/v1/am/accounts/{account('b@out.test')}").status_code == 200
    assert app.call("DELETE", f"/v1/users/{primary('c@out.test')}").status_code == 200
    user = primary("d@out.test")
    mine = app.call("GET", f"/v1/users/{user}/accounts").json()["records"][0]["id"]
    assert app.call("DELETE", f"/v1/users/{user}/accounts/{mine}").status_code == 200
    place = consent(visitor, "e@out.test", path=USER, accountRole="primary")
    assert back(visitor.http.get(place))["status"] == "success"
    headers = {"x-aurinko-clientid": app.client_id, "origin": ORIGIN}
    mine = visitor.http.get("/v1/user/accounts", headers=headers).json()["records"][0]["id"]
    assert visitor.http.delete(f"/v1/user/accounts/{mine}", headers=headers).status_code == 200
    wait_until(lambda: not any(server.alive(f"{name}@out.test") for name in "abcde"), 20)


def test_a_deletion_does_not_wait_for_a_provider_that_is_away(app: App, visitor: Visitor, server: OAuthServer) -> None:
    token = connect(app, visitor, "down@out.test")
    server.down = True
    assert httpx.delete(f"{app.url}/v1/account", headers=token).status_code == 200
    assert me(app, token).status_code == 401
    server.down = False


def test_tokens_got_elsewhere_can_be_imported(app: App, visitor: Visitor, server: OAuthServer) -> None:
    connect(app, visitor, "import@gmail.test")
    grant = next(one for one in server.consents if one.user == "import@gmail.test")
    body = {"serviceType": "Google", "active": True, "email": "import@gmail.test", "authString1": grant.refresh_token}
    saved = app.call("POST", "/v1/am/accounts", json=body)
    assert saved.status_code == 200, saved.text
    token = {"authorization": f"Bearer {saved.json()['accessToken']}"}
    assert me(app, token, "?pingProvider=true").json()["tokenStatus"] == "active"
    assert app.call("POST", "/v1/am/accounts", json={**body, "authString1": "made-up"}).status_code == 401
    assert app.call("POST", "/v1/am/accounts", json={**body, "oauthClientId": CLIENT_ID}).status_code == 200
    other = app.call("POST", "/v1/am/accounts", json={**body, "oauthClientId": "another"})
    assert (other.status_code, "oauthClientId" in other.json()["message"]) == (400, True)
