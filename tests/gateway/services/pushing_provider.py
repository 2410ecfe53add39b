"""A provider in memory that calls when something changed, once it was asked to."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from providers.base.errors import ProviderError
from providers.base.provider import Mailbox, ProviderSettings, Session
from providers.base.push import Channel, Door, Push, Told
from tests.gateway.services.telling_provider import TellingProvider


class MemoryPush(Push):
    """The channels of one mailbox."""

    ports = frozenset({"messages"})

    def __init__(self, provider: "PushingProvider", mailbox: Mailbox) -> None:
        self.provider, self.mailbox = provider, mailbox

    async def watch(self, port: str, parent: str | None, address: str, secret: str, name: str) -> Channel:
        self.provider.asked += 1
        self.provider.asking += 1
        self.provider.most_asking = max(self.provider.most_asking, self.provider.asking)
        await asyncio.sleep(self.provider.delay)
        self.provider.asking -= 1
        if self.provider.unwilling:
            raise self.provider.unwilling
        name = self.provider.topic or name
        self.provider.channels[name, self.mailbox.email] = (address, secret)
        return Channel(port, parent, name, self.mailbox.email, datetime.now(UTC) + timedelta(days=7))

    async def stop(self, channel: Channel) -> None:
        if self.provider.unwilling:
            raise self.provider.unwilling
        assert channel.resource
        self.provider.channels.pop((channel.id, channel.resource), None)


class PushingProvider(TellingProvider):
    """`channels` by name and mailbox: address and secret. With a `topic` all channels of a mailbox are one, as with
    Gmail; `unwilling`: why there can be none."""

    doors: ClassVar[tuple[Door, ...]] = (Door("box", "messages"),)

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.pushes = False
        self.channels: dict[tuple[str, str], tuple[str, str]] = {}
        self.topic = ""
        self.unwilling: ProviderError | None = None
        self.delay = 0.0
        self.asked = self.asking = self.most_asking = 0

    async def open(self, mailbox: Mailbox) -> Session:
        session = await super().open(mailbox)
        session.push = MemoryPush(self, mailbox)
        return session

    def told(self, headers: Mapping[str, str], body: bytes) -> Told | None:
        return Told("messages", channel=headers.get("channel"), secret=headers.get("secret"))
