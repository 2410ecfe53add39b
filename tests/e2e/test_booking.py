"""Booking over HTTP: all three faces, and what is refused."""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.servers.gateway import Gateway, wait_until
from tests.servers.receiver import Receiver

NAMES = iter(range(1000))
OPEN = {
    "timezone": "UTC",
    "daySchedules": [
        {"dayOfWeek": day, "workingIntervals": [{"start": "00:00:00", "end": "24:00:00"}]}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    ],
}
PUBLIC = "public"  # instead of an authorization


@dataclass
class Office:
    """An application and some of its accounts."""

    gateway: Gateway
    client_id: str
    basic: str
    accounts: list[int]
    tokens: list[str]

    def call(self, method: str, path: str, body: Any = None, who: str | None = None, **headers: str) -> Any:
        """(status, parsed answer)."""
        sent = {"content-type": "application/json", **headers}
        if who != PUBLIC:
            sent["authorization"] = who or self.tokens[0]
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.gateway.port}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, sent, method=method), timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    def ok(self, *arguments: Any, **more: Any) -> Any:
        status, answer = self.call(*arguments, **more)
        assert status == 200, answer
        return answer

    def profile(self, **says: Any) -> dict[str, Any]:
        body = {"name": f"meet-{next(NAMES)}", "workHours": OPEN, "startAfterMinutes": 0, **says}
        made: dict[str, Any] = self.ok("POST", "/v1/book/account/profiles", body)
        return made


@pytest.fixture(scope="module")
def office(gateway: Gateway) -> Office:
    made = json.loads(gateway.postroom("apps", "create", "office", "--json"))
    basic = "Basic " + base64.b64encode(f"{made['clientId']}:{made['clientSecret']}".encode()).decode()
    accounts, tokens = [], []
    for name in ("ann", "bob", "cy"):
        body = {"serviceType": "Sandbox", "active": True, "email": f"{name}@office.test", "serverInfo": "empty"}
        saved = gateway.call("POST", "/v1/am/accounts", body, basic)
        accounts.append(saved["accountId"])
        tokens.append(f"Bearer {saved['accessToken']}")
    return Office(gateway, made["clientId"], basic, accounts, tokens)


def at(hour: int, minute: int = 0, days: int = 1) -> str:
    day = datetime.now(UTC) + timedelta(days=days)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0).isoformat().replace("+00:00", "Z")


def slot(hour: int, minute: int = 0, days: int = 1) -> dict[str, Any]:
    start = datetime.fromisoformat(at(hour, minute, days))
    return {"time": {"start": at(hour, minute, days), "end": (start + timedelta(minutes=30)).isoformat()}}


def test_the_whole_way_of_an_account_profile(office: Office) -> None:
    made = office.profile(subject="{{name}} and Ann", durationMinutes=30)
    path = f"/v1/book/account/profiles/{made['id']}"
    assert office.ok("GET", path) == made
    assert office.ok("PATCH", path, {"subject": "Talk: {{topic}}", "location": "Room 1"}) == {"status": "Ok"}
    assert office.ok("GET", path) == made | {"subject": "Talk: {{topic}}", "location": "Room 1"}
    listed = office.ok("GET", "/v1/book/account/profiles?limit=1000")
    assert listed["done"] and made["id"] in [record["id"] for record in listed["records"]]
    times = office.ok("GET", f"{path}/meeting?fromDate={at(0)[:10]}&intervalLength=P1D")
    assert (len(times["items"]), times["nextFromDate"]) == (48, at(0, days=2)[:10])
    assert times["additionalFields"] == [{"name": "topic", "type": "string"}]
    status, refused = office.call("POST", f"{path}/meeting", slot(9))
    assert (status, refused["code"]) == (400, "badRequest") and "topic" in refused["message"]
    body = slot(9) | {"schedulerInfo": {"name": "Vi", "email": "vi@x.test"}, "substitutionData": {"topic": "Tea"}}
    booked = office.ok("POST", f"{path}/meeting", body, **{"Idempotency-Key": "one"})
    assert booked == office.ok("POST", f"{path}/meeting", body, **{"Idempotency-Key": "one"})
    assert booked["created"] and booked["rescheduleToken"]
    status, refused = office.call("POST", f"{path}/meeting", body)
    assert (status, refused["code"]) == (409, "alreadyScheduled")
    assert at(9, 30) in [item["start"] for item in refused["originalError"]["items"]]
    assert office.ok("DELETE", path) == {"status": "Ok"}
    assert office.call("GET", path)[0] == 404


def test_holding_confirming_and_giving_up(office: Office) -> None:
    path = f"/v1/book/account/profiles/{office.profile()['id']}/meeting"
    held = office.ok("POST", f"{path}?reserveForMinutes=5", slot(10))
    assert held["created"] is False and held["ReservationId"] == held["reservationId"] and "id" not in held
    assert office.call("POST", path, slot(10))[0] == 409
    reservation = f"/v1/book/account/reservations/{held['reservationId']}"
    assert office.call("POST", f"{reservation}/confirm", who=office.tokens[1])[0] == 404
    assert office.ok("POST", f"{reservation}/confirm")["id"]
    other = office.ok("POST", f"{path}?reserveForMinutes=5", slot(11))
    reservation = f"/v1/book/account/reservations/{other['reservationId']}"
    assert office.ok("DELETE", reservation) == {"status": "Ok"}
    assert office.call("DELETE", reservation)[0] == 404
    assert office.call("POST", f"{reservation}/confirm")[0] == 404
    assert office.ok("POST", path, slot(11))["created"]


def test_visitors_book_and_move_without_credentials(office: Office) -> None:
    made = office.profile()
    path = f"/v1/book/{office.client_id}/{made['name']}/meeting"
    assert office.ok("GET", path, who=PUBLIC)["items"]
    assert office.call("GET", path.replace(made["name"], "nothing"), who=PUBLIC)[0] == 404
    assert office.call("GET", path.replace(office.client_id, "nobody"), who=PUBLIC)[0] == 404
    body = slot(12) | {"name": "Vi", "email": "vi@x.test"}
    booked = office.ok("POST", path, body, PUBLIC, **{"Idempotency-Key": "k"})
    assert office.ok("POST", path, body, PUBLIC, **{"Idempotency-Key": "k"})["id"] == booked["id"]
    moving = f"{path}?rescheduleToken={booked['rescheduleToken']}"
    existing = office.ok("GET", moving, who=PUBLIC)["existingMeeting"]
    assert (existing["startTime"], existing["deleted"]) == (at(12), False)
    assert office.ok("POST", moving, slot(13), PUBLIC)["id"] == booked["id"]
    status, refused = office.call("POST", f"{path}?rescheduleToken=forged", slot(14), PUBLIC)
    assert (status, refused["code"]) == (400, "invalidRescheduleToken")
    explained = office.ok("GET", f"{path}?explain=true&fromDate={at(0)[:10]}&intervalLength=P1D", who=PUBLIC)
    refusals = {one["start"]: one["blocks"] for one in explained["explanations"]}
    assert refusals[at(13)] == [{"kind": "event"}]


def test_groups_are_attached_asked_and_booked(office: Office) -> None:
    create = {"name": f"team-{next(NAMES)}", "workHours": OPEN, "startAfterMinutes": 0}
    made = office.ok("POST", "/v1/book/group/profiles", create, office.basic)
    path, me = f"/v1/book/group/profiles/{made['id']}", office.basic
    assert office.call("GET", path)[0] == 401
    group = {"extId": "pair", "accountIds": office.accounts[:2], "required": "all"}
    assert office.ok("POST", f"{path}/attachGroups", {"groups": [group]}, me) == {"status": "Ok"}
    assert office.ok("POST", f"{path}/attachAccounts", {"accountIds": office.accounts[2:]}, me) == {"status": "Ok"}
    assert office.call("POST", f"{path}/attachAccounts", {"accountIds": [2**40]}, me)[0] == 404
    assert office.ok("GET", f"{path}/attachGroups", who=me)["records"] == [group]
    listed = office.ok("GET", f"{path}/attachAccounts", who=me)
    assert (listed["records"], listed["done"]) == ([{"accountIds": office.accounts[2:]}], True)
    times = office.ok("GET", f"{path}/meeting?fromDate={at(0, days=2)[:10]}&intervalLength=P1D", who=me)
    first = times["items"][18]
    assert (first["groupXids"], sorted(first["accountIds"])) == (["pair"], sorted(office.accounts))
    body = {"time": {"start": first["start"], "end": first["end"]}, "groupXids": ["pair"]}
    booked = office.ok("POST", f"{path}/meeting", body | {"accountIds": office.accounts[:2]}, me)
    assert booked["groupXid"] == "pair"
    window = {"timeMin": first["start"], "timeMax": first["end"], "profileIds": [made["id"]]}
    dynamic = "/v1/book/group/profiles/dynamic/availability"
    assert office.ok("POST", dynamic, window, me) == {"profileIds": [made["id"]]}  # the third is free
    assert office.ok("POST", dynamic, window | {"required": "all"}, me) == {"profileIds": []}
    held = office.ok("POST", f"{path}/meeting?reserveForMinutes=5", {"time": body["time"]}, me)
    assert office.ok("POST", f"/v1/book/group/reservations/{held['reservationId']}/confirm", None, me)["id"]
    detached = {"groups": [{"extId": "pair", "accountIds": office.accounts[:1]}]}
    assert office.ok("POST", f"{path}/detachGroups", detached, me) == {"status": "Ok"}
    assert office.ok("GET", f"{path}/attachGroups", who=me)["records"][0]["accountIds"] == office.accounts[1:2]
    assert office.ok("POST", f"{path}/detachAccounts", {"accountIds": office.accounts}, me) == {"status": "Ok"}
    assert office.ok("GET", f"{path}/attachAccounts", who=me)["records"] == []
    assert office.ok("DELETE", path, who=me) == {"status": "Ok"}


def test_older_paths_answer_too(office: Office) -> None:
    made = office.ok("POST", "/v1/book/profiles", {"name": f"old-{next(NAMES)}"})
    assert office.ok("GET", f"/v1/book/profiles/{made['id']}")["name"] == made["name"]
    assert office.ok("PATCH", f"/v1/book/profiles/{made['id']}", {"durationMinutes": 15}) == {"status": "Ok"}
    assert made["id"] in [one["id"] for one in office.ok("GET", "/v1/book/profiles")["records"]]
    assert office.ok("DELETE", f"/v1/book/profiles/{made['id']}") == {"status": "Ok"}
    assert office.ok("GET", "/v1/book/workHours")["daySchedules"]


def test_profiles_that_cannot_be_are_refused(office: Office) -> None:
    taken = office.profile()["name"]
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"name": taken}, 409, "name"),
        ({"name": "a/b"}, 400, "name"),
        ({"availabilityStep": 7}, 400, "availabilityStep"),
        ({"durationMinutes": 0}, 400, "durationMinutes"),
        ({"timeAvailableFor": "soon"}, 400, "timeAvailableFor"),
        ({"startTime": at(9, days=3), "endTime": at(9)}, 400, "endTime"),
        ({"workHours": {"timezone": "Mars/Base"}}, 400, "timezone"),
        ({"workHours": {"daySchedules": [{"workingIntervals": []}]}}, 400, "dayOfWeek"),
        ({"availabilityIntervals": {"intervals": [{}]}}, 400, "dateStartInclusive"),
    ]
    for body, expected, words in cases:
        status, refused = office.call("POST", "/v1/book/account/profiles", body)
        assert (status, words in refused["message"]) == (expected, True), (body, refused)


def test_requests_that_cannot_be_met_are_refused(office: Office) -> None:
    path = f"/v1/book/account/profiles/{office.profile()['id']}/meeting"
    cases: list[tuple[str, dict[str, Any], int]] = [
        ("", slot(9, days=-1), 400),
        ("", slot(9, 7), 400),
        ("", slot(9) | {"accountIds": [office.accounts[1]]}, 400),
        ("", slot(9) | {"groupXids": ["none"]}, 400),
        ("", slot(9) | {"email": "no address"}, 400),
        ("", {"time": {"start": "2031-03-30T02:30:00", "end": "2031-03-30T03:00:00"}}, 400),
        ("", {}, 400),
        ("?required=some", slot(9), 400),
        ("?reserveForMinutes=0", slot(9), 400),
        ("?reserveForMinutes=99999", slot(9), 400),
    ]
    for query, body, expected in cases:
        assert office.call("POST", path + query, body)[0] == expected, (query, body)
    for query in ("fromDate=yesterday", "intervalLength=long", "pageToken=made-up", "limit=0", "required=both"):
        assert office.call("GET", f"{path}?{query}")[0] == 400, query


def test_free_busy_work_hours_and_suggestions(office: Office) -> None:
    hours = {"timezone": "UTC", "daySchedules": OPEN["daySchedules"][:5]}
    assert office.ok("GET", "/v1/book/account/workHours", who=office.tokens[1])["source"] == "default"
    assert office.ok("PUT", "/v1/book/account/workHours", hours, office.tokens[1])["source"] == "account"
    asked = {"emails": ["bob@office.test", "stranger@else.test"]}
    items = office.ok("POST", "/v1/calendars/workHours", asked, office.tokens[1])["items"]
    assert [("workHours" in item) for item in items] == [True, False]
    event = slot(15, days=3)["time"]
    profile = office.ok("POST", "/v1/book/account/profiles", {"workHours": OPEN}, office.tokens[1])
    office.ok("POST", f"/v1/book/account/profiles/{profile['id']}/meeting", slot(15, days=3), office.tokens[1])
    window = {"timeMin": at(14, days=3), "timeMax": at(17, days=3)}
    own, foreign = office.ok("POST", "/v1/calendars/freeBusy", asked | window, office.tokens[1])["records"]
    assert [(item["start"], item["status"]) for item in own["items"]] == [(event["start"], "busy")]
    assert foreign["error"] and foreign["email"] == "stranger@else.test" and "items" not in foreign
    mixed = {"emails": ["no address", "BOB@office.test", "stranger@else.test"]} | window
    none, mine, _ = office.ok("POST", "/v1/calendars/freeBusy", mixed, office.tokens[1])["records"]
    assert none["email"] == "no address" and none["error"] and mine["items"] == own["items"]
    assert [len(one) for one in office.ok("POST", "/v1/calendars/workHours", mixed, office.tokens[1])["items"]] == [
        1,
        2,
        1,
    ]
    body = window | {
        "durationMinutes": 30,
        "defaultWorkHours": OPEN,
        "attendees": [
            {"email": "bob@office.test"},
            {"email": "out@side.test", "busyIntervals": [{"start": at(16, days=3), "end": at(17, days=3)}]},
        ],
    }
    found = office.ok("POST", "/v1/calendars/suggestMeetingTimes", body, office.tokens[1])
    assert [item["start"] for item in found["items"]] == [at(14, days=3), at(14, 30, 3), at(15, 30, 3)]
    body["attendees"] = [{"email": "unknown@side.test"}]
    found = office.ok("POST", "/v1/calendars/suggestMeetingTimes", body, office.tokens[1])
    assert found["items"] == [] and found["attendees"][0]["error"]
    for path in ("freeBusy", "suggestMeetingTimes", "workHours"):
        assert office.call("POST", f"/v1/calendars/{path}", {}, office.tokens[1])[0] == 400


def test_subscribers_hear_of_meetings(office: Office) -> None:
    made = office.profile()
    with Receiver() as receiver:
        for resource, expected in ((made["id"], 200), (2**60, 404), ("x", 404)):
            wanted = {"resource": f"/booking/{resource}", "notificationUrl": receiver.url}
            assert office.call("POST", "/v1/subscriptions", wanted)[0] == expected
        assert office.call("POST", "/v1/subscriptions", wanted, office.tokens[1])[0] == 404
        booked = office.ok("POST", f"/v1/book/account/profiles/{made['id']}/meeting", slot(16))
        [call] = wait_until(lambda: receiver.calls, 10)
    assert call.json["resource"] == f"/booking/{made['id']}"
    [payload] = call.payloads
    assert (payload["bookingId"], payload["eventId"]) == (made["id"], booked["id"]) and payload["calendarId"]
    listed = office.ok("GET", f"/v1/events?since=0&resources=/booking/{made['id']}")
    assert [event["resource"] for event in listed["records"]] == [f"/booking/{made['id']}"]


def test_a_meeting_whose_event_its_host_deletes_is_over_for_everybody(office: Office) -> None:
    """Seen by the change log of the host's calendar: a team's, and a single person's."""
    tokens, sync = office.tokens[:2], "/v1/calendars/primary/sync"
    window = f"timeMin={at(0, days=-1)}&timeMax={at(0, days=60)}"
    group = office.ok("POST", "/v1/book/group/profiles", {"workHours": OPEN}, office.basic)["id"]
    path = f"/v1/book/group/profiles/{group}"
    office.ok("POST", f"{path}/attachAccounts", {"accountIds": office.accounts[:2]}, office.basic)
    made = office.ok("POST", f"{path}/meeting?required=all", slot(5, days=9), office.basic)
    event = f"/v1/calendars/primary/events/{made['id']}"
    host, other = sorted(tokens, key=lambda token: office.call("GET", event, who=token)[0])
    own = {token: office.ok("POST", "/v1/book/account/profiles", {"workHours": OPEN}, token)["id"] for token in tokens}
    for token in tokens:
        started = wait_until(lambda token=token: _ready(office, f"{sync}?{window}", token), 20)  # type: ignore[misc]
        own[token] = (own[token], f"{sync}/updated?deltaToken={started['syncUpdatedToken']}")
        office.ok("GET", own[token][1], who=token)
        assert _booked(office, *own[token], token) is None
    office.ok("DELETE", event, who=host)
    office.ok("GET", own[host][1], who=host)
    for token in (host, other):
        booked = wait_until(lambda token=token: _booked(office, *own[token], token), 30)  # type: ignore[misc]
        office.ok("DELETE", f"/v1/calendars/primary/events/{booked}", who=token)
        again = wait_until(lambda token=token: _booked(office, *own[token], token), 30)  # type: ignore[misc]
        assert again != booked


def _ready(office: Office, path: str, token: str) -> Any:
    answer = office.ok("POST", path, who=token)
    return answer if answer["ready"] else None


def _booked(office: Office, profile: int, changes: str, token: str) -> str | None:
    """The event of a slot that is booked, once it is free; whoever follows the calendar asks meanwhile."""
    path = f"/v1/book/account/profiles/{profile}/meeting"
    status, answer = office.call("POST", path, slot(5, days=9), token)
    office.ok("GET", changes, who=token)
    return str(answer["id"]) if status == 200 else None


def test_a_visitor_who_asks_too_often_waits(office: Office) -> None:
    """By the address that a trusted proxy names; others are served meanwhile."""
    name = office.profile()["name"]
    path = f"/v1/book/{office.client_id}/{name}/meeting?rescheduleToken=none"
    answers = [office.call("POST", path, slot(9), PUBLIC, **{"x-forwarded-for": "203.0.113.9"})[0] for _ in range(130)]
    assert answers[:120] == [400] * 120 and 429 in answers[120:]
    url = f"http://127.0.0.1:{office.gateway.port}{path}"
    sent = {"content-type": "application/json", "x-forwarded-for": "1.2.3.4, 203.0.113.9"}
    request = urllib.request.Request(url, json.dumps(slot(9)).encode(), sent)
    waits = []
    for _ in range(5):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=60)
        waits.append((caught.value.code, caught.value.headers.get("Retry-After")))
    assert (429, "1") in waits
    assert office.call("POST", path, slot(9), PUBLIC, **{"x-forwarded-for": "203.0.113.10"})[0] == 400
