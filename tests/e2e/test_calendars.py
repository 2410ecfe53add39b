"""Calendars and events over HTTP, on the sandbox: what the contract says beyond its schemas (behaviour.md, 10, 11)."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest

from tests.servers.gateway import Gateway

EVENTS = "/v1/calendars/primary/events"
WHEN = {
    "start": {"dateTime": "2026-03-02T09:00:00+01:00", "timezone": "Europe/Berlin"},
    "end": {"dateTime": "2026-03-02T10:00:00+01:00", "timezone": "Europe/Berlin"},
}
WEEKLY = {"recurrence": {"ical": {"rules": ["RRULE:FREQ=WEEKLY;COUNT=6"]}}}


class Client:
    """Calls as one account; `send` answers the status and the parsed body, whatever the status is."""

    def __init__(self, gateway: Gateway, email: str, **account: Any) -> None:
        self.gateway = gateway
        self.bearer = gateway.link(**{"serviceType": "Sandbox", "email": email, "password": "x", **account})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        sent = {"authorization": self.bearer, "content-type": "application/json", **headers}
        request = urllib.request.Request(f"http://127.0.0.1:{self.gateway.port}{path}", data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    def ok(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        found, answer = self.send(method, path, body, **headers)
        assert found == status, (method, path, found, answer)
        return answer

    def records(self, path: str) -> list[dict[str, Any]]:
        """Every record of a list, page by page."""
        found, page = [], self.ok("GET", path)
        while True:
            assert page["length"] == len(page["records"])
            found += page["records"]
            if "nextPageToken" not in page:
                return found
            page = self.ok("GET", f"{path.partition('?')[0]}?pageToken={page['nextPageToken']}")


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Client:
    return Client(gateway, "planner@sandbox.test", serverInfo="empty")


@pytest.fixture(scope="module")
def demo(gateway: Gateway) -> Client:
    return Client(gateway, "demo-planner@sandbox.test")


def test_calendars(client: Client) -> None:
    listed = client.records("/v1/calendars")
    assert [one["name"] for one in listed] == ["Calendar", "Family"]
    shared = client.records("/v1/calendars?withShared=true&limit=1")
    assert [one["accessRole"] for one in shared] == ["owner", "owner", "reader"]
    assert client.ok("GET", "/v1/calendars/primary") == listed[0]
    made = client.ok("POST", "/v1/calendars", {"name": "Trips", "color": "#aabbcc"})
    assert client.ok("PATCH", f"/v1/calendars/{made['id']}", {"name": "Travel"})["name"] == "Travel"
    assert client.ok("DELETE", f"/v1/calendars/{made['id']}") == {"status": "Ok"}
    assert client.send("GET", f"/v1/calendars/{made['id']}")[0] == 404
    assert client.send("GET", f"/v1/calendars/{made['id']}/events")[0] == 404
    assert client.send("DELETE", "/v1/calendars/primary")[0] == 403
    reader = shared[2]["id"]
    assert client.send("POST", f"/v1/calendars/{reader}/events", {"subject": "x", **WHEN})[0] == 403
    assert client.send("PATCH", f"/v1/calendars/{reader}", {"name": "Mine"})[0] == 403


def test_an_event_from_its_beginning_to_its_end(client: Client) -> None:
    body = {"subject": "Story", "description": "<b>Words</b>", **WHEN}
    made = client.ok("POST", f"{EVENTS}?notifyAttendees=false", body, 201)
    assert made["record"]["subject"] == "Story" and made["iCalUId"] == made["record"]["iCalUid"]
    assert made["record"]["iCalUId"] == made["iCalUId"]
    bare = client.ok("POST", f"{EVENTS}?returnRecord=false", body, 201)
    assert bare.keys() == {"id", "etag", "iCalUId"}
    path = f"{EVENTS}/{made['id']}"
    assert client.ok("GET", path) == made["record"]
    for spelling in ("iCalUId", "iCalUid", "ICalUid"):
        both = f"{quote(made['iCalUId'])}&{spelling}={quote(bare['iCalUId'])}&{spelling}=nobody"
        found = client.ok("GET", f"{EVENTS}/find?{spelling}={both}")
        assert [one["id"] for one in found["records"]] == [made["id"], bare["id"]]
    quoted = client.ok("PATCH", path, {"location": "Here"}, **{"if-match": f'"{made["etag"]}"'})
    assert quoted["record"]["location"] == "Here" and quoted["etag"] != made["etag"]
    status, answer = client.send("PATCH", path, {"location": "There"}, **{"if-match": made["etag"]})
    assert (status, answer["code"]) == (412, "preconditionFailed")
    assert client.ok("GET", path)["location"] == "Here"
    plain = client.ok("PATCH", f"{path}?returnRecord=false", {"subject": "Plain"}, **{"if-match": quoted["etag"]})
    assert plain.keys() == {"id", "etag", "iCalUId"}
    assert client.ok("PATCH", path, {"location": None})["record"].get("location") is None
    assert client.ok("PATCH", path, {"subject": "Any"}, **{"if-match": "*"})["record"]["subject"] == "Any"
    assert client.ok("DELETE", path) is None
    assert client.send("GET", path)[0] == 404
    client.ok("DELETE", f"{EVENTS}/{bare['id']}")


def test_a_repeated_create_is_one_event(client: Client) -> None:
    body, key = {"subject": "Once", **WHEN}, {"idempotency-key": "once-1"}
    first = client.ok("POST", EVENTS, body, 201, **key)
    assert client.ok("POST", EVENTS, body, 201, **key) == first
    assert client.send("POST", EVENTS, {**body, "subject": "Other"}, **key)[0] in (409, 422)
    assert [one["id"] for one in client.records(EVENTS) if one["subject"] == "Once"] == [first["id"]]
    client.ok("DELETE", f"{EVENTS}/{first['id']}")


def test_series_over_http(client: Client) -> None:
    made = client.ok("POST", EVENTS, {"subject": "Weekly", **WHEN, **WEEKLY}, 201)
    path = f"{EVENTS}/{made['id']}"
    window = f"{EVENTS}/range?timeMin=2026-03-01T00:00:00.123Z&timeMax=2026-05-01T00:00:00+02:00&limit=4"
    found = client.records(window)
    assert len(found) == 6 and {one["recurrenceType"] for one in found} == {"occurrence"}
    assert found[4]["start"] == {"dateTime": "2026-03-30T07:00:00Z", "timezone": "Europe/Berlin"}
    assert [one["id"] for one in client.records(f"{path}/occurrences?limit=4")] == [one["id"] for one in found]
    for ost in ("2026-03-09", "2026-03-09T08:00:00Z", "2026-03-09T09:00:00+01:00", "2026-03-09T09:00:00"):
        assert client.ok("GET", f"{path}/occurrences/{ost}")["id"] == found[1]["id"]
    changed = client.ok("PATCH", f"{EVENTS}/{found[1]['id']}", {"subject": "Special"})
    assert changed["record"]["occurrenceInfo"]["type"] == "modified"
    client.ok("DELETE", f"{EVENTS}/{found[2]['id']}")
    told = client.ok("GET", f"{path}/series")
    assert [one["id"] for one in told["modifiedOccurrences"]] == [found[1]["id"]]
    assert [one["originalStart"]["dateTime"] for one in told["deletedOccurrences"]] == ["2026-03-16T08:00:00Z"]
    assert client.send("GET", f"{path}/occurrences/2026-03-16")[0] == 404
    assert client.send("GET", f"{path}/occurrences/yesterday")[0] == 400
    client.ok("DELETE", path)
    assert client.records(window) == []


def test_the_demo_account_is_worth_a_look(demo: Client) -> None:
    listed = demo.records(EVENTS)
    assert {"master", "single"} == {one["recurrenceType"] for one in listed}
    review = next(one for one in listed if one["subject"] == "Launch review")
    [file] = review["attachments"]
    answer = demo.ok("GET", f"{EVENTS}/{review['id']}/attachments/{file['id']}")
    assert base64.b64decode(answer["content"]).startswith(b"Minutes")
    invited = next(one for one in listed if one["subject"] == "Alpha retrospective")
    assert invited["meetingInfo"]["response"] == "noResponse"
    path = f"{EVENTS}/{invited['id']}"
    assert demo.ok("PUT", f"{path}/response", {"response": "tentitive"}) == {"status": "Ok"}
    assert demo.ok("GET", path)["meetingInfo"]["response"] == "tentative"
    assert demo.send("PUT", f"{EVENTS}/{listed[0]['id']}/response", {"response": "accepted"})[0] == 400


def test_attendees_hear_of_it_by_mail_unless_not(gateway: Gateway, client: Client) -> None:
    guest = Client(gateway, "guest@sandbox.test", serverInfo="empty")
    people = {"meetingInfo": {"attendees": [{"emailAddress": {"address": "guest@sandbox.test"}}]}}

    def heard() -> list[str]:
        return [one["subject"] for one in guest.records("/v1/email/messages")]

    silent = client.ok("POST", f"{EVENTS}?notifyAttendees=false", {"subject": "Silent", **WHEN, **people}, 201)
    client.ok("DELETE", f"{EVENTS}/{silent['id']}?notifyAttendees=false")
    assert heard() == []
    told = client.ok("POST", EVENTS, {"subject": "Loud", **WHEN, **people}, 201)
    assert heard() == ["Invitation: Loud"]
    client.ok("DELETE", f"{EVENTS}/{told['id']}")
    assert sorted(heard()) == ["Canceled: Loud", "Invitation: Loud"]
    [invitation] = [one for one in guest.records("/v1/email/messages") if one["subject"].startswith("Inv")]
    assert invitation["meetingMessageMethod"] == "request"


BAD: list[tuple[Any, str]] = [
    (b"{", "body"),
    (b"[1]", "body"),
    ({}, "start"),
    ({"subject": "x"}, "start"),
    ({"start": {"dateTime": "2026-03-02T09:00:00"}}, "start.dateTime"),
    ({"start": {"dateTime": "soon"}}, "start.dateTime"),
    ({"start": {"dateTime": "2026-03-02T09:00:00Z", "timezone": "Mars/Olympus"}}, "start.timezone"),
    ({"start": {"dateOnly": "2026-03-02", "dateTime": "2026-03-02T09:00:00Z"}}, "start"),
    ({"start": {"dateOnly": "2026-02-30"}}, "start.dateOnly"),
    ({"start": {}}, "start"),
    ({**WHEN, "end": {"dateTime": "2026-03-02T07:00:00Z"}}, "end"),
    ({**WHEN, "end": {"dateOnly": "2026-03-03"}}, "end"),
    ({"start": {"dateOnly": "2026-03-02"}, "end": {"dateOnly": "2026-03-02"}}, "end"),
    ({**WHEN, "subject": "x\x00"}, "subject"),
    ({**WHEN, "showAs": "asleep"}, "showAs"),
    ({**WHEN, "meetingInfo": {"attendees": [{}]}}, "meetingInfo.attendees.0"),
    ({**WHEN, "meetingInfo": {"attendees": [{"emailAddress": {"address": "nobody"}}]}}, "meetingInfo.attendees.0"),
    ({**WHEN, "recurrence": {"ical": {"rules": ["RRULE:FREQ=SECONDLY"]}}}, "recurrence.ical.rules.0"),
    ({**WHEN, "recurrence": {"ical": {"rules": ["RRULE:FREQ=DAILY;COUNT=1000000000"]}}}, "recurrence.ical.rules.0"),
    ({**WHEN, "recurrence": {"ical": {"rules": ["x"] * 3}}}, "recurrence.ical.rules.0"),
    ({**WHEN, "recurrence": {"ical": {"rules": []}}}, "recurrence.ical.rules"),
    ({**WHEN, "recurrence": {"simple": {"pattern": {"frequency": "hourly"}}}}, "recurrence.simple.pattern.frequency"),
    ({**WHEN, "recurrence": {"simple": {"pattern": {"frequency": "daily", "interval": 0}}}}, "recurrence.simple"),
    ({**WHEN, "recurrence": {}}, "recurrence"),
]


@pytest.mark.parametrize(("body", "path"), BAD)
def test_what_is_wrong_with_an_event_is_said_and_nothing_is_changed(client: Client, body: Any, path: str) -> None:
    before = client.records(EVENTS)
    status, answer = client.send("POST", EVENTS, body)
    assert (status, answer["message"].startswith(path)) == (400, True), answer
    assert client.records(EVENTS) == before


def test_what_is_wrong_with_a_change_is_said_and_nothing_is_changed(client: Client) -> None:
    made = client.ok("POST", EVENTS, {"subject": "Kept", **WHEN, **WEEKLY}, 201)
    path = f"{EVENTS}/{made['id']}"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"end": {"dateTime": "2026-03-02T07:00:00Z"}}, "end"),
        ({"end": {"dateOnly": "2026-03-03"}}, "end"),
        ({"recurrence": {"ical": {"rules": ["RRULE:FREQ=MINUTELY"]}}}, "recurrence.ical.rules.0"),
        ({"meetingInfo": {"attendees": [{"emailAddress": {"name": "Nobody"}}]}}, "meetingInfo.attendees.0"),
    ]
    for body, field in cases:
        status, answer = client.send("PATCH", path, body)
        assert (status, answer["message"].startswith(field)) == (400, True), answer
    first = client.records(f"{path}/occurrences")[0]
    status, answer = client.send("PATCH", f"{EVENTS}/{first['id']}", WEEKLY)
    assert (status, answer["message"].startswith("recurrence")) == (400, True)
    assert client.send("PUT", f"{path}/response", {"response": "perhaps"})[0] == 400
    assert client.ok("GET", path) == made["record"]
    client.ok("DELETE", path)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("", "timeMin"),
        ("timeMin=2026-03-01T00:00:00Z", "timeMax"),
        ("timeMin=2026-03-01T00:00:00&timeMax=2026-03-02T00:00:00Z", "timeMin"),
        ("timeMin=2026-03-03T00:00:00Z&timeMax=2026-03-02T00:00:00Z", "timeMax"),
        ("timeMin=2026-03-03T00:00:00Z&timeMax=2026-03-03T00:00:00Z", "timeMax"),
        ("timeMin=x&timeMax=2026-03-03T00:00:00Z", "timeMin"),
        ("timeMin=0001-01-01T00:00:00%2B14:00&timeMax=2026-03-03T00:00:00Z", "timeMin"),
    ],
)
def test_windows_that_are_none(client: Client, query: str, path: str) -> None:
    for method, call in (("GET", f"{EVENTS}/range"), ("POST", "/v1/calendars/primary/sync")):
        status, answer = client.send(method, f"{call}?{query}")
        assert (status, answer["message"].startswith(path)) == (400, True), answer


def test_the_widest_window(client: Client) -> None:
    forever = {"recurrence": {"ical": {"rules": ["RRULE:FREQ=HOURLY"]}}}
    made = client.ok("POST", EVENTS, {"subject": "Hourly", **WHEN, **forever}, 201)
    page = client.ok("GET", f"{EVENTS}/range?timeMin=0002-01-01T00:00:00Z&timeMax=9998-01-01T00:00:00Z&limit=100")
    assert page["length"] == 100 and page["nextPageToken"]
    client.ok("DELETE", f"{EVENTS}/{made['id']}")


def test_what_is_too_large(client: Client) -> None:
    body = {"subject": "Large", "description": "x" * 20_000_000, **WHEN}
    status, answer = client.send("POST", EVENTS, body)
    assert (status, answer["code"]) == (413, "tooLarge")
    assert [one for one in client.records(EVENTS) if one["subject"] == "Large"] == []


@pytest.mark.parametrize("item", ["x", "AAAA", "%00", "..%2F..", "a" * 600, "%F0%9F%8E%89", "e1_20260302T090000Z"])
def test_ids_that_do_not_exist(client: Client, item: str) -> None:
    paths = (f"/v1/calendars/{item}", f"/v1/calendars/{item}/events", f"{EVENTS}/{item}", f"{EVENTS}/{item}/series",
             f"{EVENTS}/{item}/occurrences", f"{EVENTS}/{item}/occurrences/2026-03-02",
             f"{EVENTS}/{item}/attachments/x", f"/v1/contacts/{item}", f"/v1/tasklists/{item}",
             f"/v1/tasklists/{item}/tasks",
             f"/v1/tasklists/default/tasks/{item}")  # fmt: skip
    assert {path: client.send("GET", path)[0] for path in paths} == dict.fromkeys(paths, 404)


def test_scopes(gateway: Gateway) -> None:
    reader = Client(gateway, "reader@sandbox.test", authScopes=["Calendar.Read"])
    assert reader.send("GET", EVENTS)[0] == 200
    refused = [
        ("POST", EVENTS, {"subject": "x", **WHEN}),
        ("POST", "/v1/calendars", {"name": "x"}),
        ("GET", "/v1/contacts", None),
        ("GET", "/v1/tasklists", None),
        ("GET", "/v1/email/messages", None),
        ("POST", "/v1/contacts/sync", None),
        ("POST", "/v1/tasklists/default/sync", None),
    ]
    assert {path: reader.send(method, path, body)[0] for method, path, body in refused} == {
        path: 403 for _, path, _ in refused
    }
    window = "timeMin=2026-01-01T00:00:00Z&timeMax=2027-01-01T00:00:00Z"
    assert reader.send("POST", f"/v1/calendars/primary/sync?{window}")[0] == 200
