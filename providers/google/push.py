"""Being told by Google: Gmail through a Pub/Sub topic of the registration, calendars by channels.

Contacts and tasks cannot be watched. https://developers.google.com/workspace/gmail/api/guides/push and
https://developers.google.com/workspace/calendar/api/guides/push
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.base.errors import Invalid, NotFound, Unsupported
from providers.base.push import Channel, Door, Push, Told
from providers.google.account import ME
from providers.google.agenda import calendar_id
from providers.google.client import Client
from providers.google.payload import decode
from schemas.push import PubSubPushEnvelope

TOPIC = "topicName"  # option of the registration: projects/.../topics/...
#: Who signs what Pub/Sub sends. https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions
ISSUERS = frozenset({"https://accounts.google.com", "accounts.google.com"})
KEYS = "https://www.googleapis.com/oauth2/v3/certs"
DOORS = (Door("email", "messages", PubSubPushEnvelope, signed=True), Door("calendar", "events"))
_DAILY = timedelta(days=1)  # Gmail forgets a watch after 7 days and wants it renewed each day


class GooglePush(Push):
    """Gmail has one watch for each user of a project: accounts of the same mailbox share it, and their channels have
    the same id (the topic) and resource (the address that calls name, which is not always what the account says)."""

    ports = frozenset(door.port for door in DOORS)

    def __init__(self, client: Client, options: Mapping[str, str]) -> None:
        self._client, self._topic = client, options.get(TOPIC, "")

    async def watch(self, port: str, parent: str | None, address: str, secret: str, name: str) -> Channel:
        if port == "messages":
            return await self._mail()
        if port == "events" and parent is not None:
            return await self._events(parent, address, secret, name)
        raise Unsupported(f"Google does not tell of {port}")

    async def stop(self, channel: Channel) -> None:
        if channel.port == "messages":
            await self._client.call(self._client.apis.users.stop(userId=ME))
            return
        body = {"id": channel.id, "resourceId": channel.resource}
        try:
            await self._client.call(self._client.apis.channels.stop(body=body))
        except NotFound:
            pass

    async def _mail(self) -> Channel:
        if not self._topic:
            raise Invalid("the registration at Google names no Pub/Sub topic", path=TOPIC)
        request = self._client.apis.users.watch(userId=ME, body={"topicName": self._topic})
        answer = await self._client.call(request)
        ends = min(_moment(answer["expiration"]), datetime.now(UTC) + _DAILY)
        profile = await self._client.call(self._client.apis.users.getProfile(userId=ME))
        return Channel("messages", None, self._topic, str(profile["emailAddress"]), ends)

    async def _events(self, parent: str, address: str, secret: str, name: str) -> Channel:
        body = {"id": name, "type": "web_hook", "address": address, "token": secret}
        request = self._client.apis.events.watch(calendarId=calendar_id(parent), body=body)
        answer = await self._client.call(request)
        return Channel("events", parent, answer["id"], answer.get("resourceId"), _moment(answer["expiration"]))


def told(headers: Mapping[str, str], body: bytes) -> Told | None:
    """What a call says; None for one that is not Google's. Who receives it checks the signature of Pub/Sub."""
    if channel := headers.get("x-goog-channel-id"):
        begins = headers.get("x-goog-resource-state") == "sync"
        return Told("events", channel=channel, secret=headers.get("x-goog-channel-token"), begins=begins)
    try:
        data: Any = json.loads(decode(json.loads(body)["message"]["data"]))
        return Told("messages", email=str(data["emailAddress"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _moment(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
