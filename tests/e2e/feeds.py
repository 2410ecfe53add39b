"""Readers of the live feed over real sockets, and events that are appended as pulls append them."""

import asyncio
import http.client
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from gateway.store import feed
from gateway.store.database import Database
from gateway.store.feed import Event
from gateway.store.streams import Streams
from tests.servers.gateway import Gateway

Json = dict[str, Any]


class Events:
    """A reader of server-sent events; `position` is the last id that came, `seen` all events."""

    def __init__(self, gateway: Gateway, authorization: str, **query: str) -> None:
        self.gateway, self._authorization, self._query = gateway, authorization, query
        self.position: str | None = None
        self.seen: list[Json] = []
        self.connect()

    def connect(self) -> None:
        """Connect, or connect again as browsers do."""
        self.connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        headers = {"authorization": self._authorization, "accept": "text/event-stream"}
        if self.position is not None:
            headers["last-event-id"] = self.position
        self.connection.request("GET", f"/v1/events?{urlencode(self._query)}", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.headers["content-type"].startswith("text/event-stream")
        self._field("retry")
        self._field("id")

    def take(self, count: int, seconds: float = 20) -> list[Json]:
        """The next events, so many."""
        deadline, taken = time.monotonic() + seconds, []
        while len(taken) < count:
            assert time.monotonic() < deadline, f"{len(taken)} of {count} events in {seconds} s"
            taken.append(json.loads(self._field("data")))
        self._field("")
        self.seen += taken
        return taken

    def ended(self) -> bool:
        """Whether the stream comes to its end; what still arrives is read."""
        while line := self.answer.readline():
            assert not line.startswith(b"data")
        return True

    def close(self) -> None:
        self.answer.close()
        self.connection.close()

    def _field(self, wanted: str) -> str:
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                self.position = value
            if name == wanted:
                return value
        raise EOFError


def append(url: str, account_id: int, items: Sequence[str], change: str = "created", *, each: bool = False) -> None:
    """Append to an account's feed, in one transaction or one for `each`."""

    async def run() -> None:
        database = Database(url)
        stream = await Streams(database).find_or_create(account_id, "messages", None, {})
        events = [Event(item, change, {"threadId": f"t{item}"}) for item in items]
        for some in [[event] for event in events] if each else [events]:
            async with database.session() as session:
                await feed.append(session, stream, some)
        await database.close()

    asyncio.run(run())
