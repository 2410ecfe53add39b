"""Deliveries on the real database to real receivers; the feed is filled as a pull fills it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.services.delivery.pump import Delivery
from gateway.services.delivery.receiver import Receiver as Caller
from gateway.services.signing import Signer
from gateway.store import feed
from gateway.store.database import Database
from gateway.store.queries import subscriptions
from gateway.store.streams import Streams
from providers.base.rest import Http
from tests.gateway.services.conftest import House, house, provider, vault
from tests.gateway.services.followers import new_account
from tests.servers.receiver import Receiver

__all__ = ["house", "provider", "vault"]


@dataclass
class Line:
    """A process that delivers, and an account to make things happen in."""

    house: House
    http: Http
    delivery: Delivery
    account: int

    @property
    def database(self) -> Database:
        return self.house.database

    async def subscribe(self, url: str, **more: Any) -> int:
        """A subscription as `Subscriptions.create` stores it."""
        values = {
            "application_id": self.house.application.id,
            "account_id": self.account,
            "resource": "/email/messages",
            "port": "messages",
            "notification_url": url,
            **more,
        }
        async with self.database.session() as session:
            return (await subscriptions.add(session, values)).id

    async def happen(self, count: int = 1, port: str = "messages", **attributes: Any) -> None:
        """So many messages are new."""
        stream = await Streams(self.database).find_or_create(self.account, port, None, {})
        events = [feed.Event(f"m{number}", "created", attributes or None) for number in range(count)]
        async with self.database.session() as session:
            await feed.append(session, stream, events)

    async def row(self, subscription: int) -> dict[str, Any]:
        async with self.database.read() as session:
            found = await session.execute(sa.text("select * from subscription where id = :id"), {"id": subscription})
            return dict(found.mappings().one())

    async def is_due(self, subscription: int) -> bool:
        """Whether the sweep and the wake-up, which agree, would find it."""
        swept = subscription in await self.delivery.due(10_000)
        assert (subscription in await self.delivery.wanted(self.account)) == swept
        return swept

    async def attempts(self, subscription: int) -> list[dict[str, Any]]:
        query = "select * from delivery where subscription_id = :id order by id"
        async with self.database.read() as session:
            return [dict(row) for row in (await session.execute(sa.text(query), {"id": subscription})).mappings()]

    async def passes(self, subscription: int, time: timedelta) -> None:
        """So much time passes for a subscription."""
        moved = ", ".join(f"{name} = {name} - :time" for name in ("next_try_at", "fail_since", "lifecycle_at"))
        async with self.database.session() as session:
            await session.execute(
                sa.text(f"update subscription set {moved} where id = :id"), {"id": subscription, "time": time}
            )

    async def fails_until_parked(self, subscription: int) -> None:
        """Every attempt of a day."""
        while (await self.row(subscription))["active"]:
            await self.passes(subscription, timedelta(minutes=10))
            await self.delivery.run(subscription)


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    """A client that may reach loopback addresses."""
    http = Http(lambda _: True)
    yield http
    await http.close()


@pytest.fixture
async def line(house: House, http: Http) -> Line:
    """One without jitter; half a second is long enough for a receiver of the tests."""
    signer = Signer(house.vault)
    delivery = Delivery(house.database, Caller(http, timeout=0.5), signer, chance=lambda: 0.0)
    return Line(house, http, delivery, await new_account(house.database, house.application.id))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
