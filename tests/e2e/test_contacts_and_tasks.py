"""Contacts, task lists and tasks over HTTP, on the sandbox."""

from typing import Any

import pytest

from tests.e2e.test_calendars import Client
from tests.servers.gateway import Gateway

TASKS = "/v1/tasklists/default/tasks"


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Client:
    return Client(gateway, "organized@sandbox.test", serverInfo="empty")


@pytest.fixture(scope="module")
def demo(gateway: Gateway) -> Client:
    return Client(gateway, "demo-organized@sandbox.test")


def test_a_contact_from_its_beginning_to_its_end(client: Client) -> None:
    body = {"name": {"givenName": "Ann", "familyName": "Lee"}, "emailAddresses": [{"address": "ann@example.org"}]}
    made = client.ok("POST", "/v1/contacts", body, 201, **{"idempotency-key": "ann"})
    assert client.ok("POST", "/v1/contacts", body, 201, **{"idempotency-key": "ann"}) == made
    path = f"/v1/contacts/{made['id']}"
    assert made["record"]["name"]["displayName"] == "Ann Lee" and client.ok("GET", path) == made["record"]
    token = client.ok("GET", f"{path}?includeUpdateToken=true")["__meta"]["updateToken"]
    changed = client.ok("PATCH", path, {"notes": "New", "birthday": "1990-05-17T00:00:00Z"}, **{"if-match": token})
    assert (changed["record"]["notes"], changed["record"]["birthday"]) == ("New", "1990-05-17")
    assert client.send("PATCH", path, {"notes": "Old"}, **{"if-match": f'"{token}"'})[0] == 412
    photo = {"photo": {"mimeType": "image/png", "content": "iVBORw0KGgo="}}
    assert client.ok("PATCH", path, photo)["record"]["hasPhoto"] is True
    assert "photo" not in client.ok("GET", path)
    assert client.ok("GET", f"{path}?withPhoto=true")["photo"]["content"] == "iVBORw0KGgo="
    assert [one["id"] for one in client.records("/v1/contacts")] == [made["id"]]
    assert client.ok("DELETE", path) is None
    assert client.send("DELETE", path)[0] == 404


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"{", "body"),
        ({"birthday": "soon"}, "birthday"),
        ({"birthday": "1990-02-30"}, "birthday"),
        ({"notes": "x\x00"}, "notes"),
        ({"phoneNumbers": [{"type": "smoke"}]}, "phoneNumbers.0.type"),
        ({"photo": {"content": "no Base64!"}}, "photo.content"),
        ({"name": "Ann"}, "name"),
    ],
)
def test_what_is_wrong_with_a_contact_is_said(client: Client, body: Any, path: str) -> None:
    before = client.records("/v1/contacts")
    status, answer = client.send("POST", "/v1/contacts", body)
    assert (status, answer["message"].startswith(path)) == (400, True), answer
    assert client.records("/v1/contacts") == before


def test_a_task_from_its_beginning_to_its_end(client: Client) -> None:
    made = client.ok("POST", TASKS, {"title": "Dig", "due": "2026-03-09T15:00:00Z"}, 201)
    child = client.ok("POST", TASKS, {"title": "Buy a spade", "parentId": made["id"]}, 201)
    client.ok("POST", TASKS, {"title": "First", "previousId": None}, 201)
    assert [one["title"] for one in client.records(TASKS)] == ["First", "Dig", "Buy a spade"]
    path = f"{TASKS}/{made['id']}"
    assert client.ok("GET", path) == made["record"] and made["record"]["status"] == "notStarted"
    done = client.ok("PATCH", path, {"status": "completed"}, **{"if-match": made["etag"]})
    assert done["record"]["status"] == "completed" and done["record"]["completed"]
    assert client.send("PATCH", path, {"title": "x"}, **{"if-match": made["etag"]})[0] == 412
    assert client.ok("GET", f"{TASKS}/{child['id']}")["parentId"] == made["id"]
    assert client.ok("DELETE", path) == {"status": "Ok"}
    assert client.send("GET", f"{TASKS}/{child['id']}")[0] == 404, "subtasks go with their parent"
    for body, field in (
        ({"title": "x", "parentId": "nothing"}, "parentId"),
        ({"title": "x", "previousId": "nothing"}, "previousId"),
        ({"title": "x", "due": "2026-03-09"}, "due"),
        ({"title": "x", "status": "perhaps"}, "status"),
    ):
        status, answer = client.send("POST", TASKS, body)
        assert (status, answer["message"].startswith(field)) == (400, True), answer
    assert [one["title"] for one in client.records(TASKS)] == ["First"]


def test_task_lists(client: Client) -> None:
    assert [one["title"] for one in client.records("/v1/tasklists?limit=1")] == ["Tasks", "Household"]
    made = client.ok("POST", "/v1/tasklists", {"title": "Garden"}, 201)
    path = f"/v1/tasklists/{made['id']}"
    assert client.ok("PATCH", path, {"title": "Yard"}, **{"if-match": f'"{made["etag"]}"'})["title"] == "Yard"
    assert client.send("PATCH", path, {"title": "x"}, **{"if-match": made["etag"]})[0] == 412
    assert client.ok("DELETE", path) == {"status": "Ok"}
    assert client.send("GET", f"{path}/tasks")[0] == 404
    assert client.send("DELETE", "/v1/tasklists/default")[0] == 403
    assert client.send("POST", "/v1/tasklists", {"title": ""})[0] == 400
    assert client.ok("GET", "/v1/tasklists/default")["defaultList"] is True


def test_the_demo_account_is_worth_a_look(demo: Client) -> None:
    assert [one["hasPhoto"] for one in demo.records("/v1/contacts")].count(True) == 2
    titles = {one["title"]: one for one in demo.records(TASKS)}
    assert titles["Book the room"]["parentId"] == titles["Prepare the launch"]["id"]
