"""Nobody sees what belongs to somebody else: every row is walked with another tenant's credentials."""

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.http.route import Audience, Route
from gateway.routes import ROUTES
from tests.e2e.signing import BACK, App, Visitor
from tests.servers.gateway import Gateway
from tests.servers.receiver import Receiver

GUARDED = [route for route in ROUTES if route.access.audience is not Audience.ANYONE]
ACCOUNT_ROWS = [route for route in ROUTES if route.access.audience in (Audience.ACCOUNT, Audience.EITHER)]
NAMED_ACCOUNTS = [
    route
    for route in ROUTES
    if route.access.audience is Audience.APPLICATION and re.search("{id}|{accId}|{userId}", route.path)
]
USER_ROWS = [route for route in ROUTES if route.access.audience is Audience.USER and "{id}" in route.path]
_WINDOW = "?timeMin=2026-01-01T00:00:00Z&timeMax=2027-01-01T00:00:00Z"
ITEM_ROWS = [route for route in ACCOUNT_ROWS if "{" in route.path and not route.greedy]  # which name items of ours


@dataclass
class Tenant:
    """An application with one sandbox account, and ids of things in it."""

    basic: str
    account: int
    bearer: str
    session: str
    ids: dict[str, str]


@pytest.fixture(scope="module")
def tenants(gateway: Gateway) -> Iterator[tuple[Tenant, Tenant]]:
    with Receiver() as receiver:
        yield tenant(gateway, receiver, "tenant-a"), tenant(gateway, receiver, "tenant-b")


def tenant(gateway: Gateway, receiver: Receiver, name: str) -> Tenant:
    made = json.loads(gateway.postroom("apps", "create", name, "--json"))
    basic = "Basic " + base64.b64encode(f"{made['clientId']}:{made['clientSecret']}".encode()).decode()
    body = {"serviceType": "Sandbox", "active": True, "email": f"{name}@sandbox.test", "password": "x"}
    saved = gateway.call("POST", "/v1/am/accounts", body, basic)
    service = gateway.call("POST", "/v1/am/svc_accounts", body, basic)
    user = signed_in(gateway, made["clientId"], made["clientSecret"], name)
    bearer = f"Bearer {saved['accessToken']}"
    message = gateway.call("GET", "/v1/email/messages?q=has:attachment", authorization=bearer)["records"][0]
    full = gateway.call("GET", f"/v1/email/messages/{message['id']}", authorization=bearer)
    draft = gateway.call("POST", "/v1/email/drafts", {"subject": "mine"}, bearer)
    wanted = {"resource": "/email/messages", "notificationUrl": receiver.url}
    subscription = gateway.call("POST", "/v1/subscriptions", wanted, bearer)
    profile = gateway.call("POST", "/v1/book/account/profiles", {"name": name}, bearer)
    group = gateway.call("POST", "/v1/book/group/profiles", {"name": f"{name}-group"}, basic)
    window = gateway.call("GET", f"/v1/book/account/profiles/{profile['id']}/meeting", authorization=bearer)
    hold = f"/v1/book/account/profiles/{profile['id']}/meeting?reserveForMinutes=60"
    slot = {"start": window["items"][0]["start"], "end": window["items"][0]["end"]}
    held = gateway.call("POST", hold, {"time": slot}, bearer)
    calendar = gateway.call("GET", "/v1/calendars/primary", authorization=bearer)["id"]
    events = gateway.call("GET", f"/v1/calendars/{calendar}/events", authorization=bearer)["records"]
    task_list = gateway.call("GET", "/v1/tasklists/default", authorization=bearer)["id"]
    tasks = gateway.call("GET", f"/v1/tasklists/{task_list}/tasks", authorization=bearer)["records"]
    contacts = gateway.call("GET", "/v1/contacts", authorization=bearer)["records"]
    started = {
        "cal": gateway.call("POST", f"/v1/calendars/{calendar}/sync{_WINDOW}", authorization=bearer),
        "task": gateway.call("POST", f"/v1/tasklists/{task_list}/sync", authorization=bearer),
    }
    tokens = {
        f"{kind}Sync{branch}": start[f"sync{branch}Token"]
        for kind, start in started.items()
        for branch in ("Updated", "Deleted")
    }
    ids = tokens | {
        "account/profiles": str(profile["id"]),
        "book/profiles": str(profile["id"]),
        "group/profiles": str(group["id"]),
        "account/reservations": str(held["reservationId"]),
        "group/reservations": str(held["reservationId"]),
        "am/svc_accounts": str(service["accountId"]),
        "accId": str(service["accountId"]),
        "user/accounts": str(user["accountId"]),
        "userId": user["userId"],
        "{userId}/accounts": str(user["accountId"]),
        "code": "made-up",
        "aurinkoClientId": made["clientId"],
        "name": name,
        "messageId": full["id"],
        "threadId": full["threadId"],
        "folderId": full["folderId"],
        "attachmentId": full["attachments"][0]["id"],
        "draftId": draft["id"],
        "accounts": str(saved["accountId"]),
        "subscriptions": str(subscription["id"]),
        "calendars": calendar,
        "calendarId": calendar,
        "eventId": next(event["id"] for event in events if event.get("attachments")),
        "masterId": next(event["id"] for event in events if event["recurrenceType"] == "master"),
        "ost": "2026-03-02",
        "taskListId": task_list,
        "tasks": tasks[0]["id"],
        "contId": contacts[0]["id"],
        "providerPath": "some/path",
    }
    return Tenant(basic, saved["accountId"], bearer, user["userSession"], ids)


def signed_in(gateway: Gateway, client_id: str, secret: str, name: str) -> dict[str, Any]:
    """A user with a session."""
    gateway.postroom("apps", "urls", name, "add", BACK)
    app = App(gateway, client_id, secret, name)
    given = Visitor(app).sign_in(
        f"{name}@users.test", "/v1/auth/authorizeUser", accountRole="primary", responseType="code"
    )
    return dict(app.exchange(given["code"]).json())


#: What a call needs to get as far as the question whose the item is.
_QUERIES = {"range": _WINDOW, "calSyncStart": _WINDOW, "eventsByICalUIds": "?iCalUId=x"}
_BODIES = {"createContact": {"name": {"givenName": "n"}}, "updateContact": {"name": {"givenName": "n"}}}


def status(gateway: Gateway, route: Route, ids: dict[str, str], headers: dict[str, str]) -> int:
    """What a row answers, with a body that it would take."""
    path = re.sub(
        r"([\w}]+)/(\w+)/{id}", lambda match: f"{match[1]}/{match[2]}/{_id(ids, *match.groups())}", route.path
    )
    path = re.sub(r"{(\w+)}", lambda match: ids[match[1]], path)
    path += f"?deltaToken={ids[route.operation]}" if route.operation in ids else _QUERIES.get(route.operation, "")
    address = [{"address": "someone@sandbox.test"}]
    body: Any = {
        "to": address,
        "subject": "s",
        "name": "n",
        "serviceType": "Sandbox",
        "active": True,
        "email": "e@x.test",
        "resource": "/email/messages",
        "notificationUrl": "http://127.0.0.1:9/",
        "sequence": 0,
        "emails": ["e@x.test"],
        "timeMin": "2031-01-01T00:00:00Z",
        "timeMax": "2031-01-02T00:00:00Z",
        "durationMinutes": 30,
        "groups": [{"extId": "g", "accountIds": []}],
        "accountIds": [0],
        "start": {"dateOnly": "2026-03-02"},
        "end": {"dateOnly": "2026-03-03"},
        "response": "accepted",
        "title": "t",
    } | _BODIES.get(route.operation, {})
    if route.path.endswith("/meeting"):
        body["time"] = {"start": "2031-01-01T00:00:00Z", "end": "2031-01-01T00:30:00Z"}
    request = urllib.request.Request(
        f"http://127.0.0.1:{gateway.port}{path}",
        json.dumps(body).encode() if route.method in ("POST", "PUT", "PATCH") else None,
        {**headers, "content-type": "application/json"},
        method=route.method,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def _id(ids: dict[str, str], area: str, kind: str) -> str:
    """The id of a thing; the names of some kinds stand in several areas."""
    return ids.get(f"{area}/{kind}") or ids[kind]


def label(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", GUARDED, ids=label)
def test_without_credentials_nothing_is_answered(
    route: Route, gateway: Gateway, tenants: tuple[Tenant, Tenant]
) -> None:
    assert status(gateway, route, tenants[0].ids, {}) == 401
    assert status(gateway, route, tenants[0].ids, {"authorization": "Bearer made-up"}) == 401


@pytest.mark.parametrize("route", ACCOUNT_ROWS, ids=label)
def test_another_applications_account_does_not_exist(
    route: Route, gateway: Gateway, tenants: tuple[Tenant, Tenant]
) -> None:
    owner, stranger = tenants
    headers = {"authorization": stranger.basic, "x-aurinko-account-id": str(owner.account)}
    assert status(gateway, route, owner.ids, headers) == 404


@pytest.mark.parametrize("route", NAMED_ACCOUNTS, ids=label)
def test_another_applications_account_cannot_be_named(
    route: Route, gateway: Gateway, tenants: tuple[Tenant, Tenant]
) -> None:
    owner, stranger = tenants
    assert status(gateway, route, owner.ids, {"authorization": stranger.basic}) == 404


@pytest.mark.parametrize("route", ACCOUNT_ROWS, ids=label)
def test_a_user_reaches_no_account_but_the_own_ones(
    route: Route, gateway: Gateway, tenants: tuple[Tenant, Tenant]
) -> None:
    owner, stranger = tenants
    for account in (owner.account, stranger.account):  # another application's, and one of nobody
        headers = {"x-aurinko-session": stranger.session, "x-aurinko-account-id": str(account)}
        assert status(gateway, route, owner.ids, headers) == 404


@pytest.mark.parametrize("route", USER_ROWS, ids=label)
def test_another_users_accounts_cannot_be_named(route: Route, gateway: Gateway, tenants: tuple[Tenant, Tenant]) -> None:
    owner, stranger = tenants
    assert status(gateway, route, owner.ids, {"x-aurinko-session": stranger.session}) == 404


@pytest.mark.parametrize("route", ITEM_ROWS, ids=label)
def test_another_accounts_items_do_not_exist(route: Route, gateway: Gateway, tenants: tuple[Tenant, Tenant]) -> None:
    owner, stranger = tenants
    refused = 400 if route.expires else 404  # the owner's token says whose it is
    assert status(gateway, route, owner.ids, {"authorization": stranger.bearer}) == refused


def test_the_list_of_accounts_is_the_applications_own(gateway: Gateway, tenants: tuple[Tenant, Tenant]) -> None:
    for one in tenants:
        listed = gateway.call("GET", "/v1/am/accounts", authorization=one.basic)
        own = [int(one.ids["user/accounts"]), one.account]
        assert sorted(account["id"] for account in listed["records"]) == sorted(own)


def test_what_strangers_asked_for_changed_nothing(gateway: Gateway, tenants: tuple[Tenant, Tenant]) -> None:
    owner = tenants[0]
    assert gateway.call("GET", f"/v1/email/messages/{owner.ids['messageId']}", authorization=owner.bearer)["id"]
    assert gateway.call("GET", f"/v1/email/drafts/{owner.ids['draftId']}", authorization=owner.bearer)["id"]
    for path in ("calendars/{calendarId}/events/{eventId}", "calendars/{calendarId}/events/{masterId}",
                 "contacts/{contId}", "tasklists/{taskListId}/tasks/{tasks}"):  # fmt: skip
        assert gateway.call("GET", f"/v1/{path.format(**owner.ids)}", authorization=owner.bearer)["id"]
    listed = gateway.call("GET", "/v1/subscriptions", authorization=owner.bearer)
    assert [str(record["id"]) for record in listed["records"]] == [owner.ids["subscriptions"]]
