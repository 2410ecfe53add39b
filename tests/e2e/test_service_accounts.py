"""Service accounts and the accounts that live by them."""

import httpx
import pytest

from tests.e2e.signing import BACK, App, Visitor, application
from tests.e2e.test_users import headers, primary, secondary
from tests.servers.gateway import Gateway


@pytest.fixture(scope="module")
def app(gateway: Gateway) -> App:
    return application(gateway)


def body(email: str, **more: str) -> dict[str, object]:
    return {"serviceType": "Sandbox", "active": True, "email": email, "password": "x", **more}


def service(app: App, org: str) -> int:
    made = app.call("POST", "/v1/am/svc_accounts?recycleKeys=clientOrgId", json=body("robot@org.test", clientOrgId=org))
    assert made.status_code == 200, made.text
    return int(made.json()["accountId"])


def test_service_accounts_are_kept_apart(app: App) -> None:
    number = service(app, "one")
    assert service(app, "one") == number
    other = service(app, "two")
    listed = app.call("GET", "/v1/am/svc_accounts?clientOrgId=one").json()["records"]
    assert [(one["id"], one["type"], one["daemon"]) for one in listed] == [(number, "daemon", True)]
    assert number not in [one["id"] for one in app.call("GET", "/v1/am/accounts").json()["records"]]
    assert app.call("GET", f"/v1/am/svc_accounts/{other}").json()["clientOrgId"] == "two"
    personal = app.call("POST", "/v1/am/accounts", json=body("p@org.test")).json()["accountId"]
    for method in ("GET", "DELETE"):
        assert app.call(method, f"/v1/am/svc_accounts/{personal}").status_code == 404


def test_managed_accounts_live_and_end_with_their_service_account(app: App) -> None:
    number = service(app, "managed")
    path = f"/v1/am/svc_accounts/{number}/accounts?recycleKeys=email&ensureAccess=true"
    made = app.call("POST", path, json=body("staff@org.test"))
    assert made.status_code == 200, made.text
    assert app.call("POST", path, json=body("Staff@org.test")).json()["accountId"] == made.json()["accountId"]
    token = {"authorization": f"Bearer {made.json()['accessToken']}"}
    me = httpx.get(f"{app.url}/v1/account?pingProvider=true", headers=token).json()
    assert (me["type"], me["parentId"], me["tokenStatus"]) == ("managed", number, "active")
    assert httpx.get(f"{app.url}/v1/email/messages", headers=token).json()["records"]
    listed = app.call("GET", f"/v1/am/svc_accounts/{number}/accounts").json()
    assert [one["email"] for one in listed["records"]] == ["Staff@org.test"]
    wrong = app.call("POST", path, json={**body("x@org.test"), "serviceType": "IMAP"})
    assert (wrong.status_code, "serviceType" in wrong.json()["message"]) == (400, True)
    assert app.call("DELETE", f"/v1/am/svc_accounts/{number}").status_code == 200
    assert httpx.get(f"{app.url}/v1/account", headers=token).status_code == 401


def test_a_users_account_becomes_managed(app: App) -> None:
    visitor = Visitor(app)
    primary(visitor, "boss@org.test")
    number = secondary(visitor, "hand@org.test")
    path = f"/v1/user/accounts/{number}/managed?clientOrgId=staff"
    assert visitor.http.post(path, headers=headers(app)).status_code == 400
    parent = service(app, "staff")
    turned = visitor.http.post(path, headers=headers(app)).json()
    assert (turned["type"], turned["parentId"]) == ("managed", parent)
    named = headers(app, x_aurinko_account_id=number)
    assert visitor.http.get("/v1/email/messages", headers=named).json()["records"]


def test_service_accounts_sign_in_by_a_link(app: App) -> None:
    visitor = Visitor(app)
    given = visitor.sign_in("robot@link.test", "/v1/auth/authorizeDaemon", clientOrgId="linked", state="d")
    saved = app.exchange(given["code"]).json()
    assert app.call("GET", f"/v1/am/svc_accounts/{saved['accountId']}").json()["daemon"] is True
    refused = visitor.begin("/v1/auth/authorizeDaemon", serviceType="Office365")
    assert refused.headers["location"].startswith(f"{BACK}?status=error")


def test_accounts_are_given_to_users_by_the_server(app: App) -> None:
    visitor = Visitor(app)
    user = primary(visitor, "owner@org.test")
    path = f"/v1/am/accounts?userId={user['id']}"
    saved = app.call("POST", f"{path}&userAccount=secondary", json=body("given@org.test")).json()
    assert saved["userId"] == user["id"]
    shown = visitor.http.get(f"/v1/user/accounts/{saved['accountId']}", headers=headers(app)).json()
    assert shown["userAccountType"] == "secondary"
    assert app.call("POST", f"{path}&userAccount=primary", json=body("z@org.test")).status_code == 400
    assert app.call("POST", "/v1/am/accounts?userId=nobody", json=body("z@org.test")).status_code == 404
