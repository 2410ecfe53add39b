"""Channels, what calls say, and requests that are passed through."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from providers.base.errors import Invalid, NotFound, RateLimited, Unavailable, Uncertain, Unsupported
from providers.base.oauth2 import OAuthClient
from providers.base.provider import DirectRequest, Mailbox
from providers.base.push import Channel, Told
from schemas.accounts import Scope
from tests.providers.google.conftest import Desk

pytestmark = pytest.mark.anyio
_JSON = {"content-type": "application/json"}


async def test_mail_is_watched_by_the_topic_of_the_registration(desk: Desk) -> None:
    with pytest.raises(Invalid):
        await desk.session.push.watch("messages", None, "https://gw.example/push", "s", "name")
    client = OAuthClient("cid", options={"topicName": "projects/p/topics/t"})
    session = await desk.provider.open(Mailbox(1, 2, desk.user.email, {}, tokens=desk.tokens, client=client))
    channel = await session.push.watch("messages", None, "https://gw.example/push", "s", "name")
    assert desk.mail.watched == {"topicName": "projects/p/topics/t"}
    assert (channel.id, channel.resource) == ("projects/p/topics/t", desk.user.email)
    assert channel.expires_at <= datetime.now(UTC) + timedelta(days=1, minutes=1), "renewed each day"
    await session.push.stop(channel)
    assert desk.mail.watched is None


async def test_calendars_are_watched_by_channels(desk: Desk) -> None:
    calendar = await desk.session.calendars.primary()
    first = await desk.session.push.watch("events", calendar, "https://gw.example/push", "secret", str(uuid.uuid4()))
    second = await desk.session.push.watch("events", calendar, "https://gw.example/push", "secret", str(uuid.uuid4()))
    assert first.id != second.id and first.resource and first.expires_at > datetime.now(UTC)
    await desk.session.push.stop(first)
    await desk.session.push.stop(first)
    await desk.session.push.stop(Channel("events", calendar, "nothing", "nothing", first.expires_at))
    with pytest.raises(Unsupported):
        await desk.session.push.watch("contacts", None, "https://gw.example/push", "secret", str(uuid.uuid4()))


async def test_an_address_that_google_does_not_like_says_nothing_of_the_credentials(desk: Desk) -> None:
    calendar = await desk.session.calendars.primary()
    desk.google.plan("calendar.events.watch", 401, "push.webhookUrlUnauthorized", times=2)
    with pytest.raises(Invalid):
        await desk.session.push.watch("events", calendar, "https://gw.example/push", "s", str(uuid.uuid4()))


def test_what_calls_say(desk: Desk) -> None:
    data = base64.urlsafe_b64encode(json.dumps({"emailAddress": "a@example.org", "historyId": 7}).encode()).decode()
    body = json.dumps({"message": {"data": data.rstrip("="), "messageId": "1"}, "subscription": "s"}).encode()
    assert desk.provider.told({}, body) == Told("messages", email="a@example.org")
    headers = {"x-goog-channel-id": "c", "x-goog-channel-token": "t", "x-goog-resource-state": "exists"}
    assert desk.provider.told(headers, b"") == Told("events", channel="c", secret="t")
    begins = desk.provider.told({**headers, "x-goog-resource-state": "sync"}, b"")
    assert begins and begins.begins
    for garbage in (b"", b"[]", b'{"message":1}', b'{"message":{"data":"!!"}}', b'{"message":{"data":"W10="}}'):
        assert desk.provider.told({}, garbage) is None


async def test_requests_are_passed_through(desk: Desk) -> None:
    desk.tokens.token = "stale"
    answer = await desk.session.direct(DirectRequest("GET", "/gmail/v1/users/me/profile"))
    assert answer.status == 200 and json.loads(answer.body)["emailAddress"] == desk.user.email
    assert answer.headers["content-type"].startswith("application/json") and desk.tokens.refreshes == 1
    body = json.dumps({"name": "Direct"}).encode()
    made = await desk.session.direct(DirectRequest("POST", "gmail/v1/users/me/labels", "", _JSON, body))
    assert made.status == 200 and "Direct" in desk.mail.names.values()
    people = await desk.session.direct(
        DirectRequest("GET", "/people/v1/people/me/connections", "personFields=names,metadata")
    )
    assert people.status == 200
    missing = await desk.session.direct(DirectRequest("GET", "/gmail/v1/users/me/messages/18c0000000000001"))
    assert missing.status == 404 and json.loads(missing.body)["error"]["code"] == 404


@pytest.mark.parametrize(
    "path",
    [
        *("https://evil.example/", "//evil.example/v1", "/gmail/v1/../x", "", "gmail", "/gmail/v1\\x", "/gmail/v1//x"),
        *("gmail/v1/%2e%2e/x", "gmail/v1/%252E%252e/x", "gmail/v1/..%2fx", "gmail/v1/%5cx", "gmail/v1/%2f%2fx"),
        *("gmail/v1/./x", "gmail/v1/x%0d%0aHost:evil", "gmail/v1/x%00", "gmail@evil.example/v1/x", "gmail/v1/\u00e9"),
        *("http:/evil.example/v1", "/%2f%2fevil.example/v1", "gmail%2fv1/x", "GMAIL/v1/x"),
    ],
)
async def test_paths_that_lead_elsewhere(desk: Desk, path: str) -> None:
    with pytest.raises(Invalid):
        await desk.session.direct(DirectRequest("GET", path))
    assert desk.google.calls == []


async def test_a_write_that_is_refused_for_its_token_is_not_repeated(desk: Desk) -> None:
    desk.tokens.token = "stale"
    make = DirectRequest("POST", "gmail/v1/users/me/labels", "", _JSON, b'{"name": "Once"}')
    refused = await desk.session.direct(make)
    assert (refused.status, desk.tokens.refreshes, desk.google.calls) == (401, 1, [])
    assert (await desk.session.direct(make)).status == 200  # by the token that was got meanwhile


async def test_a_lost_answer_is_uncertain_for_writes_only(desk: Desk) -> None:
    desk.google.plan("gmail.users.labels.create", 0, after=True)
    with pytest.raises(Uncertain):
        await desk.session.direct(DirectRequest("POST", "gmail/v1/users/me/labels", "", _JSON, b'{"name": "Lost"}'))
    assert desk.calls("gmail.users.labels.create") == 1
    desk.google.plan("gmail.users.getProfile", 0)
    with pytest.raises(Unavailable):
        await desk.session.direct(DirectRequest("GET", "gmail/v1/users/me/profile"))


async def test_what_passes_through_counts_as_what_it_is(desk: Desk) -> None:
    client = OAuthClient("small quota", options={"gmailUnitsPerUser": "120"})
    mailbox = Mailbox(1, 3, desk.user.email, {}, tokens=desk.tokens, client=client)
    session = await desk.provider.open(mailbox)
    send = DirectRequest("POST", "gmail/v1/users/me/messages/send", "", _JSON, b'{"raw": ""}')
    await session.direct(send)
    with pytest.raises(RateLimited) as error:  # 100 units each
        await session.direct(send)
    assert error.value.retry_after and error.value.retry_after > 10


_READ = frozenset((Scope.MAIL_READ, Scope.MAIL_READ_WRITE, Scope.MAIL_DRAFTS, Scope.MAIL_ALL))


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "gmail/v1/users/me/messages", _READ),
        ("POST", "gmail/v1/users/me/messages/send", {Scope.MAIL_SEND, Scope.MAIL_DRAFTS, Scope.MAIL_ALL}),
        ("POST", "gmail/v1/users/me/messages/s%65nd", {Scope.MAIL_SEND, Scope.MAIL_DRAFTS, Scope.MAIL_ALL}),
        ("POST", "gmail/v1/users/me/drafts", {Scope.MAIL_READ_WRITE, Scope.MAIL_DRAFTS, Scope.MAIL_ALL}),
        ("DELETE", "gmail/v1/users/me/messages/1", {Scope.MAIL_READ_WRITE, Scope.MAIL_ALL}),
        ("PUT", "gmail/v1/users/me/settings/vacation", set()),
        ("GET", "calendar/v3/calendars/primary/events", {Scope.CALENDAR_READ, Scope.CALENDAR_READ_WRITE}),
        ("POST", "calendar/v3/freeBusy", {Scope.CALENDAR_READ, Scope.CALENDAR_READ_WRITE}),
        ("PATCH", "calendar/v3/calendars/primary/events/1", {Scope.CALENDAR_READ_WRITE}),
        ("GET", "people/v1/people/me", {Scope.CONTACTS_READ, Scope.CONTACTS_READ_WRITE}),
        ("POST", "tasks/v1/lists/1/tasks", {Scope.TASKS_READ_WRITE}),
    ],
)
def test_the_scopes_that_open_a_path(desk: Desk, method: str, path: str, scopes: set[Scope]) -> None:
    assert desk.provider.direct_scopes(DirectRequest(method, path)) == scopes


async def test_an_api_that_is_not_offered(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.session.direct(DirectRequest("GET", "/drive/v3/files"))
