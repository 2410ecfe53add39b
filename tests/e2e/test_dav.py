"""A DAV account over HTTP, from an empty server on: what the contract says, without anything made beforehand."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.test_calendars import WEEKLY, WHEN, Client
from tests.servers.dav import Radicale
from tests.servers.gateway import Gateway, wait_until

EVENTS, WINDOW = "/v1/calendars/primary/events", "timeMin=2026-02-01T00:00:00Z&timeMax=2026-06-01T00:00:00Z"


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[Client]:
    """An account on a server that has nothing yet."""
    with Radicale() as server:
        user = server.new_user()
        given = {"serviceType": "CalDAV", "password": user.password, "serverUrl": server.url}
        found = Client(gateway, user.address, **given)
        found.ok("POST", "/v1/calendars", {"name": "Main", "color": "#aabbcc", "description": "All"})
        found.ok("POST", "/v1/tasklists", {"title": "Do"}, 201)
        yield found


class Follower:
    """Follows `/sync` of a collection as the vendor's clients do."""

    def __init__(self, client: Client, path: str, query: str = "") -> None:
        self.client, self.path = client, path
        started = wait_until(lambda: self._started(query), 30)
        self.tokens = {"updated": started["syncUpdatedToken"], "deleted": started["syncDeletedToken"]}

    def _started(self, query: str) -> Any:
        answer = self.client.ok("POST", f"{self.path}/sync?{query}")
        return answer if answer["ready"] else None

    def round(self, branch: str) -> list[dict[str, Any]]:
        page = self.client.ok("GET", f"{self.path}/sync/{branch}?deltaToken={quote(self.tokens[branch])}")
        records = page["records"]
        while "nextPageToken" in page:
            page = self.client.ok("GET", f"{self.path}/sync/{branch}?pageToken={quote(page['nextPageToken'])}")
            records += page["records"]
        self.tokens[branch] = page["nextDeltaToken"]
        return list(records)

    def told(self) -> tuple[set[str], set[str]]:
        """Ids that changed and that went since the last round."""
        return {one["id"] for one in self.round("updated")}, {one["id"] for one in self.round("deleted")}


def test_events(client: Client) -> None:
    follower = Follower(client, "/v1/calendars/primary", WINDOW)
    assert follower.told() == (set(), set())
    made = client.ok("POST", EVENTS, {"subject": "Weekly", **WHEN, **WEEKLY}, 201)
    path = f"{EVENTS}/{made['id']}"
    assert client.ok("GET", path) == made["record"]
    for spelling in ("iCalUId", "iCalUid", "ICalUid"):
        found = client.ok("GET", f"{EVENTS}/find?{spelling}={quote(made['iCalUId'])}")
        assert [one["id"] for one in found["records"]] == [made["id"]]
    assert follower.told() == ({made["id"]}, set())
    [_, second, third, *_] = client.records(f"{EVENTS}/range?{WINDOW}&limit=4")
    assert client.ok("GET", f"{path}/occurrences/2026-03-09")["id"] == second["id"]
    changed = client.ok("PATCH", f"{EVENTS}/{second['id']}", {"subject": "Special"}, **{"if-match": made["etag"]})
    assert client.send("PATCH", path, {"subject": "x"}, **{"if-match": made["etag"]})[0] == 412
    assert changed["record"]["occurrenceInfo"]["type"] == "modified"
    client.ok("DELETE", f"{EVENTS}/{third['id']}")
    told = client.ok("GET", f"{path}/series")
    assert [one["id"] for one in told["modifiedOccurrences"]] == [second["id"]]
    assert len(told["deletedOccurrences"]) == 1
    assert follower.told() == ({made["id"], second["id"]}, set())
    client.ok("DELETE", path)
    assert follower.told() == (set(), {made["id"], second["id"]})
    assert client.records(f"{EVENTS}/range?{WINDOW}") == []


def test_contacts(client: Client) -> None:
    follower = Follower(client, "/v1/contacts")
    made = client.ok("POST", "/v1/contacts", {"name": {"givenName": "Ann", "familyName": "Lee"}}, 201)
    path = f"/v1/contacts/{made['id']}"
    assert follower.told() == ({made["id"]}, set())
    token = client.ok("GET", f"{path}?includeUpdateToken=true")["__meta"]["updateToken"]
    photo = {"photo": {"mimeType": "image/png", "content": "iVBORw0KGgo="}}
    assert client.ok("PATCH", path, photo, **{"if-match": token})["record"]["hasPhoto"] is True
    assert client.send("PATCH", path, {"notes": "x"}, **{"if-match": token})[0] == 412
    assert client.ok("GET", f"{path}?withPhoto=true")["photo"]["content"] == "iVBORw0KGgo="
    assert follower.told() == ({made["id"]}, set())
    assert client.ok("DELETE", path) is None
    assert follower.told() == (set(), {made["id"]})


def test_tasks(client: Client) -> None:
    tasks = "/v1/tasklists/default/tasks"
    follower = Follower(client, "/v1/tasklists/default", "skipCompletedBeforeDate=2020-01-01T00:00:00Z")
    made = client.ok("POST", tasks, {"title": "Dig", "due": "2026-03-09T15:00:00Z"}, 201)
    child = client.ok("POST", tasks, {"title": "Buy a spade", "parentId": made["id"]}, 201)
    first = client.ok("POST", tasks, {"title": "First", "previousId": None}, 201)
    last = client.ok("POST", tasks, {"title": "Last", "previousId": made["id"]}, 201)
    assert [one["title"] for one in client.records(tasks)] == ["First", "Dig", "Buy a spade", "Last"]
    assert follower.told() == ({made["id"], child["id"], first["id"], last["id"]}, set())
    done = client.ok("PATCH", f"{tasks}/{made['id']}", {"status": "completed"}, **{"if-match": made["etag"]})
    assert done["record"]["completed"] and client.ok("GET", f"{tasks}/{child['id']}")["parentId"] == made["id"]
    assert client.send("PATCH", f"{tasks}/{made['id']}", {"title": "x"}, **{"if-match": made["etag"]})[0] == 412
    assert client.ok("DELETE", f"{tasks}/{last['id']}") == {"status": "Ok"}
    assert follower.told() == ({made["id"]}, {last["id"]})


def test_free_busy_and_booking(client: Client) -> None:
    [account] = [client.ok("GET", "/v1/account")["email"]]
    taken = {"timeMin": "2031-03-03T00:00:00Z", "timeMax": "2031-03-04T00:00:00Z", "emails": [account, "x@else.test"]}
    profile = client.ok("POST", "/v1/book/account/profiles", {"durationMinutes": 30, "workHours": {"timezone": "UTC"}})
    path = f"/v1/book/account/profiles/{profile['id']}/meeting"
    offered = client.ok("GET", f"{path}?fromDate=2031-03-03&intervalLength=P1D")["items"]
    booked = client.ok("POST", path, {"time": offered[0], "schedulerInfo": {"name": "Vi", "email": "vi@else.test"}})
    own, foreign = client.ok("POST", "/v1/calendars/freeBusy", taken)["records"]
    assert [(one["start"], one["status"]) for one in own["items"]] == [(offered[0]["start"], "busy")]
    assert foreign["error"] and "items" not in foreign
    assert client.ok("GET", f"{EVENTS}/{booked['id']}")["meetingInfo"]["attendees"][0]["emailAddress"]["name"] == "Vi"
    assert client.send("POST", path, {"time": offered[0]})[0] == 409
