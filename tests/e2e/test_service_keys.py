"""Google service accounts by link: an administrator gives the key, and it is tried before it is kept."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from providers.google.scopes import native
from schemas.accounts import Scope
from tests.e2e.signing import App, Visitor, application, back
from tests.servers.gateway import Gateway
from tests.servers.google.assertions import Robot
from tests.servers.google.server import GoogleSimulator

DAEMON = "/v1/auth/authorizeDaemon"
ROBOT = "daemon@project.iam.example"


@pytest.fixture(scope="module")
def app(google: GoogleSimulator) -> Iterator[App]:
    addresses = {"POSTROOM_GOOGLE_API_URL": google.url, "POSTROOM_GOOGLE_TOKEN_URL": f"{google.url}token"}
    with Gateway(**addresses) as gateway:
        yield application(gateway)


@pytest.fixture
def robot(google: GoogleSimulator) -> Robot:
    """One that may read mail."""
    robot = google.world.robots[ROBOT] = Robot.new(ROBOT, *native([Scope.MAIL_READ]))
    return robot


def begin(app: App, **query: Any) -> tuple[Visitor, httpx.Response]:
    visitor = Visitor(app)
    return visitor, visitor.begin(DAEMON, **{"serviceType": "Google", "scopes": "Mail.Read", "state": "s", **query})


def test_an_administrator_connects_a_service_account(app: App, google: GoogleSimulator, robot: Robot) -> None:
    staff, colleague = google.world.new_user(), google.world.new_user()
    visitor, begun = begin(app, clientOrgId="acme")
    shown = visitor.http.get(begun.headers["location"]).text
    assert native([Scope.MAIL_READ])[-1] in shown
    given = back(visitor.fill(begun, email=staff.email, key=json.dumps(robot.file)))
    assert (given["status"], given["state"]) == ("success", "s")
    saved = app.exchange(given["code"]).json()
    path = f"/v1/am/svc_accounts/{saved['accountId']}"
    account = app.call("GET", path).json()
    assert (account["email"], account["daemon"], account["clientOrgId"]) == (ROBOT, True, "acme")
    body = {"serviceType": "Google", "active": True, "email": colleague.email, "authScopes": ["Mail.Read"]}
    made = app.call("POST", f"{path}/accounts?ensureAccess=true", json=body)
    assert made.status_code == 200, made.text
    token = {"authorization": f"Bearer {made.json()['accessToken']}"}
    assert httpx.get(f"{app.url}/v1/email/messages", headers=token, timeout=30).json()["records"] == []
    stranger = app.call("POST", f"{path}/accounts", json={**body, "email": "nobody@example.test"})
    assert (stranger.status_code, "Invalid email or User ID" in stranger.json()["message"]) == (401, True)
    wider = app.call("POST", f"{path}/accounts", json={**body, "authScopes": ["Mail.All"]})
    assert (wider.status_code, "not authorized for any of the scopes" in wider.json()["message"]) == (401, True)


def test_a_key_that_does_not_work_is_not_kept(app: App, google: GoogleSimulator, robot: Robot) -> None:
    staff = google.world.new_user().email
    other = Robot.new(ROBOT)
    visitor, begun = begin(app)
    place = begun.headers["location"]
    form = visitor.http.get(place).text
    for email, key, words in (
        (staff, "{}", "must be the JSON key"),
        (staff, "", "Please give the key"),
        ("nobody", json.dumps(robot.file), "Please give your e-mail address"),
        (staff, json.dumps(other.file), "Invalid JWT Signature"),
        ("nobody@example.test", json.dumps(robot.file), "Invalid email or User ID"),
        (staff, json.dumps({**robot.file, "private_key": "x"}), "key cannot be used"),
    ):
        shown = visitor.send(place, form, email=email, key=key)
        assert (shown.status_code, words in shown.text) == (400, True), (words, shown.text)
        assert "PRIVATE KEY" not in shown.text
    robot.scopes.clear()
    shown = visitor.send(place, form, email=staff, key=json.dumps(robot.file))
    assert "not authorized for any of the scopes" in shown.text
    assert back(visitor.send(place, form, cancel="1"))["error"] == "access_denied"
