"""A provider's call leads to a webhook; calls by others lead to nothing."""

import time
from collections.abc import Callable, Iterator

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.e2e.google import Linked, link, register, settings
from tests.servers.gateway import Gateway, wait_until
from tests.servers.google.agenda import Agenda, new_id
from tests.servers.google.caller import SERVICE_ACCOUNT, envelope
from tests.servers.google.mailbox import Mail
from tests.servers.google.server import GoogleSimulator
from tests.servers.google.world import Channel
from tests.servers.receiver import Receiver

TOPIC = "projects/p/topics/t"
MAIL, EVENTS = "/email/messages", "/calendars/primary/events"


@pytest.fixture(scope="module")
def gateway(google: GoogleSimulator) -> Iterator[Gateway]:
    """Who answers calls and who watches are different processes."""
    with Gateway(**settings(google), serve=["--no-work"], POSTROOM_PUSH_SIGNERS=SERVICE_ACCOUNT) as gateway:
        register(gateway, TOPIC)
        gateway.work()
        yield gateway


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def account(gateway: Gateway, google: GoogleSimulator) -> Iterator[Linked]:
    yield link(gateway, google)
    assert google.faults == []


def url(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.port}"


def subscribe(account: Linked, receiver: Receiver, resource: str = MAIL) -> None:
    made = account.call("POST", "/v1/subscriptions", json={"resource": resource, "notificationUrl": receiver.url})
    assert made.status_code == 200, made.text


def heard(receiver: Receiver) -> list[str]:
    return [payload["id"] for call in receiver.calls for payload in call.payloads]


def arrive(google: GoogleSimulator, account: Linked, about: str) -> str:
    """A new message in the mailbox, of which nobody is told yet."""
    mail: Mail = account.user.shelf(Mail)
    with google.world.lock:
        source = f"Message-ID: <{about}@example.test>\r\nSubject: {about}\r\n\r\nhello"
        return mail.add(source.encode(), {"INBOX", "UNREAD"}).id


def watched(google: GoogleSimulator, account: Linked) -> None:
    mail: Mail = account.user.shelf(Mail)
    wait_until(lambda: mail.watched == {"topicName": TOPIC} and working(account), 30)


def working(account: Linked) -> bool:
    """The gateway knows of the channel that was made: a call about the mailbox wakes somebody."""
    metrics = httpx.get(f"{url(account.gateway)}/metrics", timeout=30).text
    return 'postroom_channels{port="messages",service="Google",state="starting"}' not in metrics


def channel(google: GoogleSimulator, account: Linked) -> Channel:
    return next(one for one in list(google.world.channels) if one.user is account.user)


def told(google: GoogleSimulator, account: Linked, receiver: Receiver, about: str) -> None:
    """A message arrives, Google calls, the receiver hears of it."""
    number = arrive(google, account, about)
    assert google.caller.mail(url(account.gateway), account.user).status_code == 200
    wait_until(lambda: number in heard(receiver), 20)


def test_a_call_about_mail_leads_to_a_webhook(account: Linked, receiver: Receiver, google: GoogleSimulator) -> None:
    subscribe(account, receiver)
    watched(google, account)
    for about in ("first", "second", "third"):  # polling comes minutes later
        told(google, account, receiver, about)
    assert len(heard(receiver)) == 3


def test_calls_that_come_twice_late_or_in_disorder_do_no_harm(
    account: Linked, receiver: Receiver, google: GoogleSimulator
) -> None:
    subscribe(account, receiver)
    watched(google, account)
    numbers = [arrive(google, account, f"m{number}") for number in range(3)]
    for history in (9_999_999, 3, 1_000_007, 9_999_999, 1):
        assert google.caller.publish(url(account.gateway), account.user.email.upper(), history).status_code == 200
    wait_until(lambda: set(numbers) <= set(heard(receiver)), 20)
    told(google, account, receiver, "last")
    assert sorted(heard(receiver)[:3]) == sorted(numbers) and len(heard(receiver)) == 4


def test_every_account_of_a_mailbox_is_woken_and_an_unknown_one_is_no_secret(
    account: Linked, receiver: Receiver, gateway: Gateway, google: GoogleSimulator
) -> None:
    other = link(gateway, google, account.user)
    for one in (account, other):
        subscribe(one, receiver)
    watched(google, account)
    number = arrive(google, account, "for both")
    known = google.caller.mail(url(gateway), account.user)
    wait_until(lambda: heard(receiver).count(number) == 2, 20)
    unknown = google.caller.publish(url(gateway), "nobody@example.test")
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content) == (200, b"")
    assert {call.json["accountId"] for call in receiver.calls} == {account.number, other.number}
    gateway.call("DELETE", f"/v1/am/accounts/{other.number}")  # the mailbox is watched for the first one still
    told(google, account, receiver, "for one")


def test_a_call_about_a_calendar_leads_to_a_webhook(
    account: Linked, receiver: Receiver, google: GoogleSimulator
) -> None:
    subscribe(account, receiver, EVENTS)
    made = wait_until(lambda: channel_or_none(google, account), 30)
    assert made.address == f"{url(account.gateway)}/push/google/calendar"
    assert google.caller.events(made, "sync").status_code == 200
    times = {"start": {"date": "2026-03-02"}, "end": {"date": "2026-03-03"}}
    for about in ("one", "two"):
        agenda: Agenda = account.user.shelf(Agenda)
        with google.world.lock:
            number = agenda.calendar("primary").put({"id": new_id(), "summary": about, **times})["id"]
        assert google.caller.events(made).status_code == 200
        wait_until(lambda number=number: number in heard(receiver), 20)  # type: ignore[misc]


def test_followers_hear_of_direct_writes_without_any_call(
    account: Linked, receiver: Receiver, google: GoogleSimulator
) -> None:
    subscribe(account, receiver, EVENTS)
    event = {"summary": "direct", "start": {"date": "2026-03-02"}, "end": {"date": "2026-03-03"}}
    made = account.call("POST", "/v1/direct/calendar/v3/calendars/primary/events", json=event)
    wait_until(lambda: made.json()["id"] in heard(receiver), 20)


def channel_or_none(google: GoogleSimulator, account: Linked) -> Channel | None:
    return next((one for one in list(google.world.channels) if one.user is account.user), None)


def test_calls_about_calendars_by_others_lead_to_nothing(
    account: Linked, receiver: Receiver, google: GoogleSimulator
) -> None:
    subscribe(account, receiver, EVENTS)
    made = wait_until(lambda: channel_or_none(google, account), 30)
    time.sleep(1)  # what follows on the beginning of a channel is over
    google.callers.clear()
    wrong = [
        google.caller.events(made, **{"X-Goog-Channel-Token": "made up"}),
        google.caller.events(made, **{"X-Goog-Channel-Token": ""}),
        google.caller.events(made, **{"X-Goog-Channel-ID": "made-up"}),
        httpx.post(made.address, json=envelope(account.user.email, 1)),
        httpx.post(made.address),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in wrong} == {(401, "unauthorized")}
    assert len({answer.json()["message"] for answer in wrong}) == 1, "what there is and what there is not look the same"
    quiet(google, account, "calendar.events.list")


def quiet(google: GoogleSimulator, account: Linked, operation: str) -> None:
    """For a while nothing is asked of the provider; a call that counts leads there within milliseconds."""
    time.sleep(1.5)
    assert (operation, account.user.email) not in google.callers


Forge = Callable[[GoogleSimulator, str], str]
_FOREIGN = rsa.generate_private_key(65537, 2048)
FORGED: dict[str, Forge] = {
    "another key": lambda google, to: google.caller.token(to, key=_FOREIGN),
    "a key that is not published": lambda google, to: google.caller.token(to, key=_FOREIGN, kid="unknown"),
    "another audience": lambda google, to: google.caller.token("https://elsewhere.example/push/google/email"),
    "no audience": lambda google, to: google.caller.token(to, aud=None),
    "another issuer": lambda google, to: google.caller.token(to, iss="https://accounts.evil.example"),
    "too old": lambda google, to: google.caller.token(to, exp=int(time.time()) - 400),
    "too early": lambda google, to: google.caller.token(to, iat=int(time.time()) + 400, exp=int(time.time()) + 900),
    "without an end": lambda google, to: google.caller.token(to, exp=None),
    "not signed": lambda google, to: jwt.encode(_claims(google, to), "", algorithm="none"),
    "another algorithm": lambda google, to: jwt.encode(
        _claims(google, to), "k" * 32, algorithm="HS256", headers={"kid": google.caller.kid}
    ),
    "made up": lambda google, to: "made.up.token",
    "no token": lambda google, to: "x",
}


def _claims(google: GoogleSimulator, audience: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(google.caller.token(audience), options={"verify_signature": False})
    return claims


def test_calls_about_mail_by_others_lead_to_nothing(
    account: Linked, receiver: Receiver, google: GoogleSimulator
) -> None:
    subscribe(account, receiver)
    watched(google, account)
    to = f"{url(account.gateway)}/push/google/email"
    told(google, account, receiver, "before")
    time.sleep(1)
    google.callers.clear()
    body = envelope(account.user.email, 1)
    statuses = {
        name: httpx.post(to, json=body, headers={"authorization": f"Bearer {forge(google, to)}"}).status_code
        for name, forge in FORGED.items()
    }
    assert statuses == dict.fromkeys(FORGED, 401)
    assert httpx.post(to, json=body).status_code == 401
    assert httpx.post(to, json=body, headers={"authorization": account.bearer}).status_code == 401
    strangers = {
        "somebody else": google.caller.token(to, email="evil@project.iam.example"),
        "nobody": google.caller.token(to, email=None),
        "not verified": google.caller.token(to, email_verified=False),
    }
    refused = {
        name: google.caller.publish(url(account.gateway), account.user.email, token=one).status_code
        for name, one in strangers.items()
    }
    assert refused == dict.fromkeys(strangers, 403)
    quiet(google, account, "gmail.users.history.list")


def test_clocks_may_be_five_minutes_apart(gateway: Gateway, google: GoogleSimulator) -> None:
    to, now = f"{url(gateway)}/push/google/email", int(time.time())
    for token in (
        google.caller.token(to, exp=now - 240),
        google.caller.token(to, iat=now + 240, exp=now + 900),
        google.caller.token(to, iss="accounts.google.com"),
    ):
        assert google.caller.publish(url(gateway), "x@example.test", token=token).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"message":{"data":"!!"}}', b'{"message":{"data":"W10="}}', b"\xff"]
)
def test_what_cannot_be_read_is_taken_and_forgotten(gateway: Gateway, google: GoogleSimulator, body: bytes) -> None:
    to = f"{url(gateway)}/push/google/email"
    headers = {"authorization": f"Bearer {google.caller.token(to)}", "content-type": "application/json"}
    assert httpx.post(to, content=body, headers=headers).status_code == 200


@pytest.mark.parametrize("way", ["the account", "its token"])
def test_channels_end_with_the_account(way: str, account: Linked, receiver: Receiver, google: GoogleSimulator) -> None:
    subscribe(account, receiver)
    subscribe(account, receiver, EVENTS)
    watched(google, account)
    made = wait_until(lambda: channel_or_none(google, account), 30)
    path = "/v1/account" if way == "the account" else "/v1/account/token"
    assert account.call("DELETE", path).status_code == 200
    mail: Mail = account.user.shelf(Mail)
    assert (mail.watched, channel_or_none(google, account)) == (None, None)
    assert google.caller.events(made).status_code == 401
    assert google.caller.mail(url(account.gateway), account.user).status_code == 200
