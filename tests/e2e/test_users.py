"""Users: sessions by cookie and header, what they open, how they end, and who cannot use them."""

import hashlib
import hmac
import json
import time
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import httpx
import pytest

from tests.e2e.signing import ORIGIN, App, Visitor, application, back
from tests.servers.gateway import Gateway, wait_until

USER = "/v1/auth/authorizeUser"


@pytest.fixture(scope="module")
def app(gateway: Gateway) -> App:
    return application(gateway)


@pytest.fixture
def visitor(app: App) -> Visitor:
    return Visitor(app)


def headers(app: App, **more: Any) -> dict[str, str]:
    """As a page of the application calls."""
    given = {"x-aurinko-clientid": app.client_id, "origin": ORIGIN, "accept": "*/*", **more}
    return {name.replace("_", "-"): str(value) for name, value in given.items()}


def primary(visitor: Visitor, email: str, **query: str) -> dict[str, Any]:
    """Sign in; the user."""
    given = visitor.sign_in(email, USER, accountRole="primary", **query)
    assert given == {"status": "success"}
    return dict(visitor.http.get("/v1/user", headers=headers(visitor.app)).json())


def secondary(visitor: Visitor, email: str) -> int:
    """Link another account to the session's user; its id."""
    assert visitor.sign_in(email, USER, accountRole="secondary")["status"] == "success"
    listed = visitor.http.get("/v1/user/accounts", headers=headers(visitor.app)).json()
    return next(int(one["id"]) for one in listed["records"] if one["email"] == email)


def test_a_session_begins_with_the_primary_account(app: App, visitor: Visitor) -> None:
    user = primary(visitor, "ann@sandbox.test", state=None)
    assert (user["email"], len(user["accounts"]), user["trustedIdentity"]) == ("ann@sandbox.test", 1, False)
    assert user["accounts"][0]["userAccountType"] == "primary"
    cookie = next(cookie for cookie in visitor.http.cookies.jar if cookie.name == f"AUR{user['appId']}")
    assert cookie.has_nonstandard_attr("HttpOnly")
    again = Visitor(app)
    assert primary(again, "Ann@sandbox.test")["id"] == user["id"]


def test_the_cookie_is_fresh_for_each_session(app: App, visitor: Visitor) -> None:
    user = primary(visitor, "fix@sandbox.test")
    name = f"AUR{user['appId']}"
    planted = visitor.http.cookies[name]
    visitor.sign_in("fix@sandbox.test", USER, accountRole="primary")
    assert visitor.http.cookies[name] != planted


def test_account_data_through_the_session(app: App, visitor: Visitor) -> None:
    user = primary(visitor, "data@sandbox.test")
    mine = headers(app, x_aurinko_account_id=user["accounts"][0]["id"])
    assert visitor.http.get("/v1/email/messages", headers=mine).json()["records"]
    assert visitor.http.get("/v1/email/messages", headers=headers(app)).status_code == 401
    other = primary(Visitor(app), "other@sandbox.test")
    theirs = headers(app, x_aurinko_accountid=other["accounts"][0]["id"])
    assert visitor.http.get("/v1/email/messages", headers=theirs).status_code == 404


def test_secondary_accounts_come_and_go(app: App, visitor: Visitor) -> None:
    primary(visitor, "main@sandbox.test")
    number = secondary(visitor, "side@sandbox.test")
    assert secondary(visitor, "side@sandbox.test") == number
    assert (
        visitor.http.get(f"/v1/user/accounts/{number}", headers=headers(app)).json()["userAccountType"] == "secondary"
    )
    assert visitor.http.delete(f"/v1/user/accounts/{number}", headers=headers(app)).json() == {"status": "Ok"}
    assert visitor.http.get(f"/v1/user/accounts/{number}", headers=headers(app)).status_code == 404
    assert visitor.http.get("/v1/user", headers=headers(app)).status_code == 200


def test_without_the_primary_account_the_session_ends_and_the_user_comes_back(app: App, visitor: Visitor) -> None:
    user = primary(visitor, "leaves@sandbox.test")
    secondary(visitor, "stays@sandbox.test")
    gone = visitor.http.delete(f"/v1/user/accounts/{user['accounts'][0]['id']}", headers=headers(app))
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert visitor.http.get("/v1/user", headers=headers(app)).status_code == 401
    again = primary(visitor, "leaves@sandbox.test")
    assert again["id"] == user["id"]
    assert [one["email"] for one in again["accounts"]] == ["leaves@sandbox.test", "stays@sandbox.test"]


def test_a_secondary_account_needs_a_user(app: App, visitor: Visitor) -> None:
    assert back(visitor.begin(USER, accountRole="secondary"))["error"] == "login_required"


@pytest.mark.parametrize("form", ["hex", "base64", "base64url"])
def test_a_signed_user_id_does_without_a_cookie(app: App, form: str) -> None:
    user = primary(Visitor(app), f"signed-{form}@sandbox.test")
    stamp = int(time.time()) - 200
    digest = hmac.digest(app.secret.encode(), f"{user['id']}{stamp}".encode(), hashlib.sha256)
    text = {"hex": digest.hex(), "base64": b64encode(digest).decode(), "base64url": urlsafe_b64encode(digest).decode()}
    query = {"accountRole": "secondary", "userId": user["id"], "timestamp": stamp, "userSignature": text[form]}
    given = Visitor(app).sign_in(f"second-{form}@sandbox.test", USER, **query)
    assert given == {"status": "success"}
    listed = app.call("GET", f"/v1/users/{user['id']}/accounts").json()
    assert [one["email"] for one in listed["records"]] == [f"signed-{form}@sandbox.test", f"second-{form}@sandbox.test"]
    assert {one["userId"] for one in listed["records"]} == {user["id"]}
    for wrong in ({"timestamp": stamp + 1}, {"userSignature": "00" * 32}, {"userSignature": None}):
        assert back(Visitor(app).begin(USER, **{**query, **wrong}))["error"] == "access_denied"
    old = stamp - 3600
    late = hmac.digest(app.secret.encode(), f"{user['id']}{old}".encode(), hashlib.sha256).hex()
    assert back(Visitor(app).begin(USER, **{**query, "timestamp": old, "userSignature": late}))["status"] == "error"


def test_code_mode_gives_the_server_a_session(app: App, visitor: Visitor) -> None:
    given = visitor.sign_in("server@sandbox.test", USER, accountRole="primary", responseType="code")
    assert "set-cookie" not in given
    code = given["code"]
    saved = app.exchange(code).json()
    session = {"x-aurinko-session": saved["userSession"]}
    assert httpx.get(f"{app.url}/v1/user", headers=session).json()["id"] == saved["userId"]
    named = {**session, "x-aurinko-account-id": str(saved["accountId"])}
    assert httpx.get(f"{app.url}/v1/email/messages", headers=named).status_code == 200
    assert app.exchange(code).status_code == 400
    assert httpx.get(f"{app.url}/v1/user", headers=session).status_code == 401


def test_logout_ends_this_session_at_once(app: App, visitor: Visitor) -> None:
    user = primary(visitor, "out@sandbox.test")
    other = Visitor(app)
    primary(other, "out@sandbox.test")
    kept = visitor.http.cookies[f"AUR{user['appId']}"]
    assert visitor.http.post("/v1/user/logout", headers=headers(app)).json() == {"status": "Ok"}
    stolen = {**headers(app), "cookie": f"AUR{user['appId']}={kept}"}
    assert httpx.get(f"{app.url}/v1/user", headers=stolen).status_code == 401
    assert other.http.get("/v1/user", headers=headers(app)).status_code == 200


def test_cookies_are_of_their_application_and_its_pages(app: App, visitor: Visitor, gateway: Gateway) -> None:
    user = primary(visitor, "origin@sandbox.test")
    stranger = application(gateway)
    value = visitor.http.cookies[f"AUR{user['appId']}"]
    number = primary(Visitor(stranger), "x@sandbox.test")["appId"]
    planted = {**headers(stranger), "cookie": f"AUR{number}={value}"}
    assert httpx.get(f"{app.url}/v1/user", headers=planted).status_code == 401
    other = "x" if value[-4] != "x" else "y"  # of the last one not every bit counts
    damaged = {**headers(app), "cookie": f"AUR{user['appId']}={value[:-4]}{other}{value[-3:]}"}
    assert httpx.get(f"{app.url}/v1/user", headers=damaged).status_code == 401
    for method, path, origin, wanted in (
        ("GET", "/v1/user", "https://evil.test", 403),
        ("GET", "/v1/user", None, 200),
        ("POST", "/v1/user/logout", "https://evil.test", 403),
        ("POST", "/v1/user/logout", "null", 403),
        ("POST", "/v1/user/logout", None, 403),
        ("PATCH", "/v1/user/settings", "https://evil.test", 403),
        ("POST", "/v1/user/logout", ORIGIN, 200),
    ):
        given = {**headers(app), "origin": origin or ""}
        if origin is None:
            del given["origin"]
        body = {"json": {}} if method == "PATCH" else {}
        assert visitor.http.request(method, path, headers=given, **body).status_code == wanted, (method, origin)


def test_cors_lets_trusted_pages_send_cookies(app: App, visitor: Visitor) -> None:
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "x-aurinko-clientid",
    }
    allowed = visitor.http.options("/v1/user/settings", headers=asked).headers
    assert allowed["access-control-allow-origin"] == ORIGIN
    assert allowed["access-control-allow-credentials"] == "true"
    assert (
        "access-control-allow-origin"
        not in visitor.http.options("/v1/user", headers={**asked, "origin": "https://evil.test"}).headers
    )
    refused = visitor.http.get("/v1/user", headers=headers(app))
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Session")
    assert refused.headers["access-control-allow-origin"] == ORIGIN


def test_sessions_of_several_mailboxes_in_one_browser(app: App, visitor: Visitor) -> None:
    for box in ("one", "two"):
        assert visitor.sign_in(f"{box}@boxes.test", USER, accountRole="primary", mailboxInfo=box)["status"] == "success"
    for box in ("one", "two"):
        shown = visitor.http.get("/v1/user", headers=headers(app, x_aurinko_mailbox_info=box)).json()
        assert shown["email"] == f"{box}@boxes.test"
    assert visitor.http.get("/v1/user", headers=headers(app)).status_code == 401


def test_settings_keep_work_hours(app: App, visitor: Visitor) -> None:
    primary(visitor, "hours@sandbox.test")
    monday = {"dayOfWeek": "monday", "workingIntervals": [{"start": "08:00:00", "end": "12:00:00"}]}
    week = {"workHours": {"timezone": "Europe/Berlin", "daySchedules": [monday]}}
    answer = visitor.http.patch("/v1/user/settings", json=week, headers=headers(app))
    assert answer.json()["workHours"]["daySchedules"] == [monday], answer.text
    wrong = {"workHours": {"daySchedules": [{"workingIntervals": []}]}}
    assert visitor.http.patch("/v1/user/settings", json=wrong, headers=headers(app)).status_code == 400
    assert visitor.http.get("/v1/user", headers=headers(app)).json()["workHours"]["timezone"] == "Europe/Berlin"


def test_older_clients_begin_on_the_account_link(app: App, visitor: Visitor) -> None:
    assert visitor.sign_in("old@sandbox.test", userAccount="primary") == {"status": "success"}
    assert visitor.http.get("/v1/user", headers=headers(app)).json()["email"] == "old@sandbox.test"
    assert visitor.sign_in("older@sandbox.test", userAccount="secondary") == {"status": "success"}


def test_older_clients_may_go_without_a_return_url(app: App, visitor: Visitor) -> None:
    begun = visitor.begin(userAccount="primary", returnUrl=None, state="s")
    done = visitor.fill(begun, email="pop@sandbox.test", password="x").headers["location"]
    assert done.startswith(f"{app.url}/signin/done?clientId={app.client_id}&status=success&state=s")
    assert "code=" not in done
    assert visitor.http.get("/v1/user", headers=headers(app)).json()["email"] == "pop@sandbox.test"
    for query in ({}, {"userAccount": "primary", "responseType": "code"}):
        refused = visitor.begin(returnUrl=None, **query)
        assert (refused.status_code, "location" in refused.headers) == (400, False)


def test_a_new_client_secret_leaves_the_former_one_for_a_while(gateway: Gateway) -> None:
    app = application(gateway)
    user = primary(Visitor(app), "rotated@sandbox.test")

    def links(secret: str) -> str:
        stamp = int(time.time())
        signed = hmac.digest(secret.encode(), f"{user['id']}{stamp}".encode(), hashlib.sha256).hex()
        query = {"accountRole": "secondary", "userId": user["id"], "timestamp": stamp, "userSignature": signed}
        begun = Visitor(app).begin(USER, **query)
        return "no" if "status=error" in begun.headers["location"] else "yes"

    def made(overlap: int) -> App:
        answer = gateway.postroom("apps", "client-secret", app.name, "--overlap", str(overlap), "--json")
        return App(gateway, app.client_id, json.loads(answer)["clientSecret"], app.name)

    second = made(1)
    for known in (app, second):
        assert (known.call("GET", "/v1/users").status_code, links(known.secret)) == (200, "yes")
    third = made(0)
    wait_until(lambda: second.call("GET", "/v1/users").status_code == 401, 20)  # elsewhere it is known for seconds
    assert [one.call("GET", "/v1/users").status_code for one in (app, third)] == [401, 200]
    assert [links(one.secret) for one in (app, second, third)] == ["no", "no", "yes"]


@pytest.mark.parametrize("name", ["x-aurinko-clientid", "x-aurinko-client-id"])
@pytest.mark.parametrize("account", ["x-aurinko-accountid", "x-aurinko-account-id"])
def test_both_generations_of_headers(app: App, visitor: Visitor, name: str, account: str) -> None:
    user = primary(visitor, "both@sandbox.test")
    given = {name: app.client_id, account: str(user["accounts"][0]["id"]), "origin": ORIGIN}
    assert visitor.http.get("/v1/email/messages", headers=given).status_code == 200
    by_server = app.call("GET", "/v1/email/messages", headers={account: given[account]})
    assert by_server.status_code == 200


def test_refusals_say_what_credentials_are_wanted(app: App) -> None:
    for path, scheme in (("/v1/user", "Session"), ("/v1/users", "Basic"), ("/v1/am/accounts", "Basic")):
        refused = httpx.get(app.url + path)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith(scheme), path


def test_the_server_lists_and_deletes_users(gateway: Gateway) -> None:
    app = application(gateway)
    visitor = Visitor(app)
    user = primary(visitor, "a@list.test")
    number = secondary(visitor, "b@list.test")
    primary(Visitor(app), "c@list.test")
    page = app.call("GET", "/v1/users?limit=1").json()
    assert (page["totalSize"], page["done"], page["records"][0]["id"]) == (2, False, user["id"])
    assert app.call("GET", "/v1/users?offset=2").json()["done"] is True
    assert app.call("DELETE", f"/v1/users/{user['id']}/accounts/{number}").json() == {"status": "Ok"}
    assert app.call("DELETE", f"/v1/users/{user['id']}/accounts/{number}").status_code == 404
    stranger = application(gateway)
    for method, path in (("DELETE", ""), ("GET", "/accounts"), ("DELETE", f"/accounts/{user['accounts'][0]['id']}")):
        assert stranger.call(method, f"/v1/users/{user['id']}{path}").status_code == 404
    assert app.call("DELETE", f"/v1/users/{user['id']}").json() == {"status": "Ok"}
    assert visitor.http.get("/v1/user", headers=headers(app)).status_code == 401
    assert app.call("GET", f"/v1/am/accounts/{user['accounts'][0]['id']}").status_code == 404
