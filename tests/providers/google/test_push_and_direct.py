"""Channels, what calls say, and requests that are passed through."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from providers.base.errors import Invalid, NotFound, Unsupported
from providers.base.oauth2 import OAuthClient
from providers.base.provider import DirectRequest, Mailbox
from providers.base.push import Channel, Told
from tests.providers.google.conftest import Desk

pytestmark = pytest.mark.anyio


async def test_mail_is_watched_by_the_topic_of_the_registration(desk: Desk) -> None:
    with pytest.raises(Invalid):
        await desk.session.push.watch("messages", None, "https://gw.example/push", "s")
    client = OAuthClient("cid", options={"pubsubTopic": "projects/p/topics/t"})
    session = await desk.provider.open(Mailbox(1, 2, desk.user.email, {}, tokens=desk.tokens, client=client))
    channel = await session.push.watch("messages", None, "https://gw.example/push", "s")
    assert desk.mail.watched == {"topicName": "projects/p/topics/t"}
    assert channel.expires_at <= datetime.now(UTC) + timedelta(days=1, minutes=1), "renewed each day"
    await session.push.stop(channel)
    assert desk.mail.watched is None


async def test_calendars_are_watched_by_channels(desk: Desk) -> None:
    calendar = await desk.session.calendars.primary()
    first = await desk.session.push.watch("events", calendar, "https://gw.example/push", "secret")
    second = await desk.session.push.watch("events", calendar, "https://gw.example/push", "secret")
    assert first.id != second.id and first.resource and first.expires_at > datetime.now(UTC)
    await desk.session.push.stop(first)
    await desk.session.push.stop(first)
    await desk.session.push.stop(Channel("events", calendar, "nothing", "nothing", first.expires_at))
    with pytest.raises(Unsupported):
        await desk.session.push.watch("contacts", None, "https://gw.example/push", "secret")


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
    made = await desk.session.direct(DirectRequest("POST", "gmail/v1/users/me/labels", (), "application/json", body))
    assert made.status == 200 and "Direct" in desk.mail.names.values()
    people = await desk.session.direct(
        DirectRequest("GET", "/people/v1/people/me/connections", [("personFields", "names,metadata")])
    )
    assert people.status == 200
    missing = await desk.session.direct(DirectRequest("GET", "/gmail/v1/users/me/messages/18c0000000000001"))
    assert missing.status == 404 and json.loads(missing.body)["error"]["code"] == 404


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/", "//evil.example/v1", "/gmail/v1/../x", "", "gmail", "/gmail/v1\\x", "/gmail/v1//x"],
)
async def test_paths_that_lead_elsewhere(desk: Desk, path: str) -> None:
    with pytest.raises(Invalid):
        await desk.session.direct(DirectRequest("GET", path))
    assert desk.google.calls == []


async def test_an_api_that_is_not_offered(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.session.direct(DirectRequest("GET", "/drive/v3/files"))
