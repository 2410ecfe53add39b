"""The provider's own API through the gateway: what is passed on, what is not, and to nobody else."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.google import Linked, link, register, settings
from tests.servers.gateway import Gateway
from tests.servers.google.agenda import Agenda
from tests.servers.google.server import GoogleSimulator

LABELS = "/v1/direct/gmail/v1/users/me/labels"


@pytest.fixture(scope="module")
def gateway(google: GoogleSimulator) -> Iterator[Gateway]:
    with Gateway(**settings(google), POSTROOM_MAX_BODY_BYTES="20000") as gateway:
        register(gateway)
        yield gateway


@pytest.fixture
def account(gateway: Gateway, google: GoogleSimulator) -> Iterator[Linked]:
    yield link(gateway, google)
    assert google.faults == []


def test_all_five_methods(account: Linked) -> None:
    drafts = "/v1/direct/gmail/v1/users/me/drafts"
    made = account.call("POST", drafts, json=draft("One"))
    one = f"{drafts}/{made.json()['id']}"
    assert (made.status_code, subject(account, one)) == (200, "One")
    assert account.call("PUT", one, json=draft("Two")).status_code == 200
    assert subject(account, one) == "Two"
    gone = account.call("DELETE", one)
    assert (gone.status_code, gone.content) == (204, b"")
    assert account.call("GET", one).status_code == 404
    lists = "/v1/direct/tasks/v1/users/@me/lists"
    listed = account.call("GET", lists).json()["items"][0]["id"]
    assert account.call("PATCH", f"{lists}/{listed}", json={"title": "Mine"}).json()["title"] == "Mine"


def draft(about: str) -> dict[str, object]:
    source = f"To: ann@example.test\r\nSubject: {about}\r\n\r\nhello".encode()
    return {"message": {"raw": base64.urlsafe_b64encode(source).decode()}}


def subject(account: Linked, path: str) -> str:
    headers = account.call("GET", path).json()["message"]["payload"]["headers"]
    return next(str(field["value"]) for field in headers if field["name"] == "Subject")


def test_query_headers_and_body_go_on_and_the_answer_comes_back(account: Linked, google: GoogleSimulator) -> None:
    agenda: Agenda = account.user.shelf(Agenda)
    place = f"/v1/direct/calendar/v3/calendars/{agenda.calendar('primary').id.replace('@', '%40')}/events"
    times = {"start": {"date": "2026-03-02"}, "end": {"date": "2026-03-03"}}
    made = account.call("POST", f"{place}?sendUpdates=none", json={"summary": "a day", **times})
    assert made.status_code == 200, made.text
    listed = account.call("GET", f"{place}?q=a%20day&maxResults=5").json()["items"]
    assert [event["summary"] for event in listed] == ["a day"]
    one = f"{place}/{made.json()['id']}"
    refused = account.call("PATCH", one, json={"summary": "other"}, headers={"if-match": '"another"'})
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, 412)
    kept = account.call("PATCH", one, json={"summary": "other"}, headers={"if-match": made.json()["etag"]})
    assert kept.json()["summary"] == "other"


def test_errors_are_the_providers_own(account: Linked, google: GoogleSimulator) -> None:
    answer = account.call("GET", "/v1/direct/gmail/v1/users/me/messages/18c0000000000001")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, 404)
    secrets = {"set-cookie": "a=b", "www-authenticate": "Bearer", "authorization": "x", "connection": "close"}
    google.plan("gmail.users.labels.list", 429, "rateLimitExceeded", headers={"retry-after": "7", **secrets})
    limited = account.call("GET", LABELS)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert not set(secrets) & set(limited.headers)
    assert limited.json()["error"]["errors"][0]["reason"] == "rateLimitExceeded"
    assert (limited.headers["x-content-type-options"], limited.headers["x-request-id"] != "") == ("nosniff", True)


def test_a_token_that_was_refused_is_replaced(account: Linked, google: GoogleSimulator) -> None:
    with google.world.lock:
        account.user.token = "ya29.another"  # what the gateway has is no longer good
    answer = account.call("GET", LABELS)
    assert answer.status_code == 200
    with google.world.lock:
        account.user.token = "ya29.third"
    assert account.call("POST", LABELS, json={"name": "never twice"}).status_code == 401
    assert account.call("POST", LABELS, json={"name": "never twice"}).status_code == 200
    google.world.dead.add(account.user.email)
    with google.world.lock:
        account.user.token = "ya29.fourth"
    dead = account.call("GET", LABELS)
    assert (dead.status_code, dead.json()["code"]) == (401, "token.dead")
    google.world.dead.clear()


def test_a_write_is_sent_once_whatever_happens(account: Linked, google: GoogleSimulator) -> None:
    google.calls.clear()
    google.plan("gmail.users.labels.create", 0, after=True)
    lost = account.call("POST", LABELS, json={"name": "Lost"})
    assert (lost.status_code, lost.json()["code"]) == (502, "uncertain")
    google.plan("gmail.users.labels.create", 503, "backendError")
    assert account.call("POST", LABELS, json={"name": "Failed"}).status_code == 503
    assert google.calls.count("gmail.users.labels.create") == 2


@pytest.mark.parametrize(
    "path",
    [
        *(
            "https://evil.example/v1/x",
            "//evil.example/v1/x",
            "gmail/v1/../../x",
            "gmail/v1/%2e%2e/x",
            "gmail/v1/x%5cy",
        ),
        *("gmail/v1/%252e%252e/x", "gmail/v1//x", "gmail@evil.example/v1/x", "evil.example/v1/x", "gmail", ""),
    ],
)
def test_no_path_leads_elsewhere(account: Linked, google: GoogleSimulator, path: str) -> None:
    google.calls.clear()
    answer = account.call("GET", f"/v1/direct/{path}")
    assert (answer.status_code, google.calls) == (400, [])
    assert answer.json()["code"] == "badRequest"


def test_other_apis_of_the_provider_are_not_there(account: Linked) -> None:
    assert account.call("GET", "/v1/direct/drive/v3/files").status_code == 404


def test_scopes_of_the_account_bind_here_too(gateway: Gateway, google: GoogleSimulator) -> None:
    reader = link(gateway, google, authScopes=["Mail.Read"])
    assert reader.call("GET", LABELS).status_code == 200
    google.calls.clear()
    sent = reader.call("POST", "/v1/direct/gmail/v1/users/me/messages/send", json={"raw": ""})
    assert (sent.status_code, sent.json()["code"], google.calls) == (403, "forbidden", [])
    assert reader.call("GET", "/v1/direct/calendar/v3/users/me/calendarList").status_code == 403


def test_bodies_are_bounded_and_keep_their_type(account: Linked) -> None:
    assert account.call("POST", LABELS, content=b"x" * 30000).status_code == 413
    kind = {"content-type": "application/json; charset=UTF-8"}
    made = account.call("POST", LABELS, content='{"name": "G\u00fcnther"}'.encode(), headers=kind)
    assert (made.status_code, made.json()["name"]) == (200, "G\u00fcnther")


def test_an_account_without_such_an_api(gateway: Gateway) -> None:
    bearer = gateway.link(serviceType="Sandbox", email="nobody@sandbox.test", password="x")
    url = f"http://127.0.0.1:{gateway.port}/v1/direct/gmail/v1/users/me/labels"
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = httpx.request(method, url, headers={"authorization": bearer})
        assert (answer.status_code, answer.json()["code"]) == (400, "notSupported")


def test_another_account_sees_its_own(account: Linked, gateway: Gateway, google: GoogleSimulator) -> None:
    account.call("POST", LABELS, json={"name": "Mine"})
    stranger = link(gateway, google)
    assert "Mine" not in stranger.call("GET", LABELS).text
    profile = stranger.call("GET", f"/v1/direct/gmail/v1/users/{account.user.email}/profile")
    assert account.user.email not in profile.text
