"""Following calendars, contacts and task lists over HTTP: by tokens, by webhooks, by the live feed."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conformance.backend_dav import DavPlace
from tests.e2e.feeds import Events
from tests.e2e.test_calendars import EVENTS, WEEKLY, WHEN, Client
from tests.servers.dav import DavServer
from tests.servers.gateway import Gateway, wait_until
from tests.servers.receiver import Receiver

WINDOW = "?timeMin=2026-01-01T00:00:00Z&timeMax=2027-01-01T00:00:00Z"
TASKS = "/v1/tasklists/default/tasks"
_NUMBERS = itertools.count(1)
CALENDAR_SYNC = "/v1/calendars/primary/sync"


class Consumer:
    """Follows one resource; `know` is by id the record."""

    def __init__(self, client: Client, path: str, parameters: str = "") -> None:
        self.client, self.path = client, path
        self.know: dict[str, Any] = {}
        started = wait_until(lambda: self.start(parameters), 30)
        self.tokens = {"updated": started["syncUpdatedToken"], "deleted": started["syncDeletedToken"]}

    def start(self, parameters: str) -> Any:
        started = self.client.ok("POST", f"{self.path}{parameters}")
        return started if started["ready"] else None

    def page(self, branch: str, **parameters: str) -> Any:
        return self.client.ok("GET", f"{self.path}/{branch}?{urlencode(parameters)}")

    def round(self, branch: str) -> list[Any]:
        page = self.page(branch, deltaToken=self.tokens[branch])
        records = list(page["records"])
        while "nextPageToken" in page:
            page = self.page(branch, pageToken=page["nextPageToken"])
            records += page["records"]
        self.tokens[branch] = page["nextDeltaToken"]
        return records

    def follow(self) -> dict[str, Any]:
        self.know |= {record["id"]: record for record in self.round("updated")}
        for record in self.round("deleted"):
            assert record.keys() == {"id", "timestamp"}
            self.know.pop(record["id"], None)
        return self.know


@pytest.fixture
def sandboxed(gateway: Gateway) -> Client:
    """A sandbox account with nothing in it."""
    return Client(gateway, f"follower{next(_NUMBERS)}@sandbox.test", serverInfo="empty")


@pytest.fixture(params=["sandbox", "radicale", "xandikos"])
def client(gateway: Gateway, request: pytest.FixtureRequest) -> Client:
    """An account with a calendar, an address book and a task list at each kind of server, with nothing in them."""
    if request.param == "sandbox":
        sandboxed: Client = request.getfixturevalue("sandboxed")
        return sandboxed
    server: DavServer = request.getfixturevalue(request.param)
    user = server.new_user()
    DavPlace(server, user, user.address, {}).set_up()
    return Client(gateway, user.address, serviceType="CalDAV", serverUrl=server.url, password=user.password)


def follows(consumer: Consumer, listed: Callable[[], list[Any]]) -> None:
    """The consumer ends with what a list shows."""
    wait_until(lambda: consumer.follow() == {record["id"]: record for record in listed()}, 20)


def test_events(client: Client) -> None:
    consumer = Consumer(client, CALENDAR_SYNC, WINDOW)
    made = client.ok("POST", EVENTS, {"subject": "One", **WHEN}, 201)
    client.ok("POST", EVENTS, {"subject": "Two", **WHEN}, 201)
    old = {"dateTime": "2025-03-02T09:00:00Z"}
    client.ok("POST", EVENTS, {"subject": "Long ago", "start": old, "end": old}, 201)
    inside = [one for one in client.records(EVENTS) if one["subject"] != "Long ago"]
    follows(consumer, lambda: inside)
    path = f"{EVENTS}/{made['id']}"
    client.ok("PATCH", path, {"location": "Here"})
    wait_until(lambda: consumer.follow()[made["id"]].get("location") == "Here", 20)
    client.ok("DELETE", path)
    wait_until(lambda: made["id"] not in consumer.follow(), 20)
    by_id = client.ok("GET", "/v1/calendars/primary")["id"]
    again = client.ok("POST", f"/v1/calendars/{by_id}/sync{WINDOW}")
    assert again["ready"] and client.ok("POST", f"{CALENDAR_SYNC}{WINDOW}") == again, "the same stream under both names"
    [state] = [one for one in client.ok("GET", "/v1/streams")["records"] if "timeMin" in one]
    assert (state["resource"], state["timeMin"]) == (f"/calendars/{by_id}/events", "2026-01-01T00:00:00Z")
    same = client.ok("GET", f"/v1/calendars/{by_id}/sync/updated?deltaToken={consumer.tokens['updated']}")
    assert same["records"] == []


def test_masters_and_exceptions(client: Client) -> None:
    consumer = Consumer(client, CALENDAR_SYNC, WINDOW)
    series = client.ok("POST", EVENTS, {"subject": "Weekly", **WHEN, **WEEKLY}, 201)
    wait_until(lambda: consumer.follow().keys() == {series["id"]}, 20)
    first, second, *_ = client.records(f"{EVENTS}/{series['id']}/occurrences")
    client.ok("PATCH", f"{EVENTS}/{second['id']}", {"subject": "Special"})
    wait_until(lambda: consumer.follow().keys() == {series["id"], second["id"]}, 20)
    assert consumer.know[second["id"]]["occurrenceInfo"]["masterId"] == series["id"]
    client.ok("DELETE", f"{EVENTS}/{second['id']}")
    wait_until(lambda: consumer.follow().keys() == {series["id"]}, 20)
    client.ok("DELETE", f"{EVENTS}/{first['id']}")
    client.ok("DELETE", f"{EVENTS}/{series['id']}")
    wait_until(lambda: consumer.follow() == {}, 20)


def test_contacts(client: Client) -> None:
    consumer = Consumer(client, "/v1/contacts/sync")
    made = client.ok("POST", "/v1/contacts", {"nickName": "one"}, 201)
    client.ok("POST", "/v1/contacts", {"nickName": "two"}, 201)
    follows(consumer, lambda: client.records("/v1/contacts"))
    client.ok("PATCH", f"/v1/contacts/{made['id']}", {"nickName": "uno"})
    follows(consumer, lambda: client.records("/v1/contacts"))
    client.ok("DELETE", f"/v1/contacts/{made['id']}")
    follows(consumer, lambda: client.records("/v1/contacts"))
    assert len(consumer.know) == 1


def test_tasks(client: Client) -> None:
    consumer = Consumer(client, "/v1/tasklists/default/sync")
    made = client.ok("POST", TASKS, {"title": "one"}, 201)
    client.ok("POST", TASKS, {"title": "two", "status": "completed"}, 201)
    follows(consumer, lambda: client.records(TASKS))
    open_only = Consumer(client, "/v1/tasklists/default/sync", "?skipCompletedBeforeDate=2099-01-01T00:00:00Z")
    wait_until(lambda: [one["title"] for one in open_only.follow().values()] == ["one"], 20)
    client.ok("PATCH", f"{TASKS}/{made['id']}", {"status": "completed"})
    follows(consumer, lambda: client.records(TASKS))
    wait_until(lambda: open_only.follow() == {}, 20)


def test_tokens_are_good_for_what_they_were_given(client: Client) -> None:
    calendar, contacts = Consumer(client, CALENDAR_SYNC, WINDOW), Consumer(client, "/v1/contacts/sync")
    other = client.ok("POST", "/v1/calendars", {"name": "Other"})["id"]
    wrong = [
        f"{CALENDAR_SYNC}/deleted?deltaToken={calendar.tokens['updated']}",
        f"/v1/contacts/sync/updated?deltaToken={calendar.tokens['updated']}",
        f"{CALENDAR_SYNC}/updated?deltaToken={contacts.tokens['updated']}",
        f"/v1/calendars/{other}/sync/updated?deltaToken={calendar.tokens['updated']}",
        f"{CALENDAR_SYNC}/updated?pageToken={calendar.tokens['updated']}",
        f"{CALENDAR_SYNC}/updated?deltaToken=x",
    ]
    for path in wrong:
        status, answer = client.send("GET", path)
        assert (status, answer["code"]) == (400, "token.notValid"), path
    status, answer = client.send("GET", f"{CALENDAR_SYNC}/updated")
    assert (status, answer["message"].startswith("deltaToken")) == (400, True)
    assert client.send("POST", f"/v1/calendars/nowhere/sync{WINDOW}")[0] == 404


def test_a_calendar_that_was_deleted_meanwhile(client: Client) -> None:
    made = client.ok("POST", "/v1/calendars", {"name": "Short-lived"})
    consumer = Consumer(client, f"/v1/calendars/{made['id']}/sync", WINDOW)
    client.ok("DELETE", f"/v1/calendars/{made['id']}")
    token = consumer.tokens["updated"]
    assert wait_until(
        lambda: client.send("GET", f"/v1/calendars/{made['id']}/sync/updated?deltaToken={token}")[0] == 404, 20
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as it:
        yield it


def test_webhooks_tell_of_calendars_contacts_and_tasks(client: Client, receiver: Receiver) -> None:
    """Soon, also where a server can only be asked every few minutes: what is written here is looked for at once."""
    names = ("/calendars/primary/events", "/contacts", "/tasklists/default/tasks")
    for name in names:
        client.ok("POST", "/v1/subscriptions", {"resource": name, "notificationUrl": receiver.url})
    event = client.ok("POST", EVENTS, {"subject": "Told", **WHEN}, 201)
    contact = client.ok("POST", "/v1/contacts", {"nickName": "Told"}, 201)
    task = client.ok("POST", TASKS, {"title": "Told"}, 201)
    other = client.ok("POST", "/v1/calendars", {"name": "Other"})["id"]
    client.ok("POST", f"/v1/calendars/{other}/events", {"subject": "Elsewhere", **WHEN}, 201)
    ids = dict(zip(names, (event["id"], contact["id"], task["id"]), strict=True))

    def told() -> dict[str, set[tuple[str, str]]]:
        found: dict[str, set[tuple[str, str]]] = {}
        for call in list(receiver.calls):
            payloads = {(one["id"], one["changeType"]) for one in call.payloads}
            found.setdefault(call.json["resource"], set()).update(payloads)
        return found

    wait_until(lambda: told() == {name: {(item, "created")} for name, item in ids.items()}, 30)
    client.ok("PATCH", f"{EVENTS}/{event['id']}", {"subject": "Changed"})
    client.ok("DELETE", f"/v1/contacts/{contact['id']}")
    wait_until(lambda: (event["id"], "updated") in told()[names[0]], 30)
    wait_until(lambda: (contact["id"], "deleted") in told()[names[1]], 30)
    status, answer = client.send(
        "POST", "/v1/subscriptions", {"resource": "/calendars/nowhere/events", "notificationUrl": receiver.url}
    )
    assert (status, answer["code"]) == (404, "not_found")


def test_the_live_feed_tells_what_scopes_may_read(gateway: Gateway, sandboxed: Client) -> None:
    reader = Events(gateway, sandboxed.bearer)
    calendar = sandboxed.ok("GET", "/v1/calendars/primary")["id"]
    wait_until(lambda: len(sandboxed.ok("GET", "/v1/streams")["records"]) == 4, 20)
    wait_until(lambda: all(one["ready"] for one in sandboxed.ok("GET", "/v1/streams")["records"]), 20)
    event = sandboxed.ok("POST", EVENTS, {"subject": "Live", **WHEN}, 201)
    [told] = reader.take(1, 30)
    assert (told["resource"], told["id"], told["changeType"]) == (
        f"/calendars/{calendar}/events",
        event["id"],
        "created",
    )
    page = sandboxed.ok("GET", "/v1/events?since=0&resources=/calendars/primary/events")
    assert [one["id"] for one in page["records"]] == [event["id"]]
    assert sandboxed.ok("GET", "/v1/events?since=0&resources=/contacts")["records"] == []
    reader.close()
    narrow = Client(gateway, "narrow@sandbox.test", serverInfo="empty", authScopes=["Contacts.Read"])
    assert narrow.ok("GET", "/v1/events")["records"] == []
    wait_until(lambda: [one["resource"] for one in narrow.ok("GET", "/v1/streams")["records"]] == ["/contacts"], 20)
