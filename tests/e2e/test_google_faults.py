"""What may go wrong at Google while somebody follows an account: their tokens go on, and nothing is told twice."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.conformance.messages import source
from tests.e2e.test_calendars import Client
from tests.e2e.test_plan_sync import WINDOW, Consumer
from tests.servers.gateway import Gateway, wait_until
from tests.servers.google.agenda import Agenda
from tests.servers.google.mailbox import Mail
from tests.servers.google.people import Book, new_name
from tests.servers.google.server import GoogleSimulator
from tests.servers.google.world import User

LIST, GET, LABELS = "gmail.users.messages.list", "gmail.users.messages.get", "gmail.users.labels.list"
HISTORY = "gmail.users.history.list"
EVENT = {"start": {"dateTime": "2026-05-01T10:00:00Z"}, "end": {"dateTime": "2026-05-01T11:00:00Z"}}


@pytest.fixture(scope="module")
def simulated(google: GoogleSimulator) -> Iterator[Gateway]:
    endpoints = {
        "POSTROOM_GOOGLE_API_URL": google.url,
        "POSTROOM_GOOGLE_AUTH_URL": f"{google.url}authorize",
        "POSTROOM_GOOGLE_TOKEN_URL": f"{google.url}token",
    }
    with Gateway(**endpoints) as gateway:
        options = ("--option", "peopleCallsPerUser=6000")
        gateway.postroom("apps", "provider", "first", "google", "--client-id", "c", "--client-secret", "s", *options)
        yield gateway


@pytest.fixture
def user(google: GoogleSimulator) -> Iterator[User]:
    yield google.world.new_user()
    google.plans.clear()


def client(gateway: Gateway, user: User) -> Client:
    tokens = {"authString1": user.email, "authString2": user.token}
    return Client(gateway, user.email, serviceType="Google", **tokens)


def mail(user: User) -> tuple[Callable[[str], None], Callable[[], None], Callable[[], None]]:
    """How something comes to a mailbox, how the oldest thing goes, and how Google forgets what came to pass."""
    box: Mail = user.shelf(Mail)

    def forget() -> None:
        box.floor = box.counter

    return (
        lambda name: box.add(source(name), {"INBOX"}) and None,
        lambda: box.remove(next(iter(box.messages))),
        forget,
    )


def contacts(user: User) -> tuple[Callable[[str], None], Callable[[], None], Callable[[], None]]:
    book: Book = user.shelf(Book)

    def forget() -> None:
        book.floor = book.counter + 1
        book.counter += 1

    return (
        lambda name: book.put(new_name(), {"names": [{"givenName": name}]}) and None,
        lambda: book.delete(next(person["resourceName"] for person in book.alive())),
        forget,
    )


def told(records: list[Any]) -> list[str]:
    return [record.get("subject") or record["name"]["displayName"] for record in records]


@pytest.mark.parametrize(
    ("path", "kind"), [("/v1/email/sync", mail), ("/v1/contacts/sync", contacts)], ids=["history", "people"]
)
def test_a_position_that_google_forgot_is_none_that_a_consumer_loses(
    simulated: Gateway, user: User, path: str, kind: Callable[[User], Any]
) -> None:
    add, remove, forget = kind(user)
    for name in ("one", "two", "three"):
        add(name)
    consumer = Consumer(client(simulated, user), path)
    assert sorted(told(consumer.round("updated"))) == ["one", "three", "two"]
    assert consumer.round("deleted") == []
    remove()
    add("four")
    forget()
    assert wait_until(lambda: told(consumer.round("updated")), 20) == ["four"]
    assert len(consumer.round("deleted")) == 1
    assert (consumer.round("updated"), consumer.round("deleted")) == ([], [])


def test_an_expired_sync_token_of_a_calendar(simulated: Gateway, user: User) -> None:
    """410, and the consumer hears of what changed, once."""
    account = client(simulated, user)
    events = "/v1/calendars/primary/events"
    made = [account.ok("POST", events, {"subject": name, **EVENT}, status=201) for name in ("one", "two")]
    consumer = Consumer(account, "/v1/calendars/primary/sync", WINDOW)
    assert sorted(one["subject"] for one in consumer.round("updated")) == ["one", "two"]
    assert account.send("DELETE", f"{events}/{made[0]['id']}")[0] < 300
    account.ok("POST", events, {"subject": "three", **EVENT}, status=201)
    calendar = user.shelf(Agenda).calendar("primary")
    calendar.floor = calendar.counter
    assert wait_until(lambda: [one["subject"] for one in consumer.round("updated")], 20) == ["three"]
    assert [one["id"] for one in consumer.round("deleted")] == [made[0]["id"]]
    assert (consumer.round("updated"), consumer.round("deleted")) == ([], [])


def test_a_storm_of_429_is_not_made_worse(simulated: Gateway, user: User, google: GoogleSimulator) -> None:
    account = client(simulated, user)
    mail(user)[0]("one")
    account.ok("GET", "/v1/email/folders")
    google.calls.clear()
    google.plan(LIST, 429, "rateLimitExceeded", times=1000, headers={"Retry-After": "30"})
    url, headers = f"http://127.0.0.1:{simulated.port}/v1/email/messages", {"authorization": account.bearer}
    answers = [httpx.get(url, headers=headers, timeout=30) for _ in range(5)]
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(429, "30")}
    assert google.calls.count(LIST) == 5
    assert account.ok("GET", "/v1/account")["tokenStatus"] == "active"
    google.plans.clear()
    assert told(account.ok("GET", "/v1/email/messages")["records"]) == ["one"]


@pytest.mark.parametrize(("status", "reason"), [(429, "userRateLimitExceeded"), (403, "rateLimitExceeded"), (500, "x")])
def test_a_sync_goes_on_where_trouble_interrupted_it(
    simulated: Gateway, user: User, google: GoogleSimulator, status: int, reason: str
) -> None:
    add, *_ = mail(user)
    names = [f"{number}" for number in range(30)]
    for name in names:
        add(name)
    consumer = Consumer(client(simulated, user), "/v1/email/sync")
    google.plan(GET, status, reason, times=20)
    google.plan(HISTORY, status, reason, times=3)

    def round_again() -> list[str] | None:
        with suppress(AssertionError):  # a status that asks to come again
            return told(consumer.round("updated"))
        return None

    assert sorted(wait_until(round_again, 60)) == sorted(names)
    google.plans.clear()
    assert consumer.round("updated") == []


def test_a_grant_that_is_revoked_amid_a_sync(simulated: Gateway, user: User, google: GoogleSimulator) -> None:
    """The account is dead, says so, and asks nobody any more; connected again, it goes on where it was."""
    add, *_ = mail(user)
    add("one")
    account = client(simulated, user)
    consumer = Consumer(account, "/v1/email/sync")
    assert told(consumer.round("updated")) == ["one"]
    google.world.dead.add(user.email)
    user.token = "revoked too"
    add("two")
    path = f"/v1/email/sync/updated?deltaToken={consumer.tokens['updated']}"
    wait_until(lambda: account.send("GET", path)[0] == 401, 20)
    status, refused = account.send("GET", "/v1/email/messages")
    assert (status, refused["code"]) == (401, "token.dead")
    shown = account.ok("GET", "/v1/account")
    assert shown["tokenStatus"] == "dead"
    asked = len(google.world.token_requests)
    assert {account.send("GET", "/v1/email/messages")[0] for _ in range(5)} == {401}
    assert len(google.world.token_requests) == asked
    google.world.dead.discard(user.email)
    body = {"serviceType": "Google", "active": True, "email": user.email, "authString1": user.email}
    again = simulated.call("POST", "/v1/am/accounts?recycleKeys=email", body)
    assert again["accountId"] == shown["id"]
    assert wait_until(lambda: told(consumer.round("updated")), 20) == ["two"]
