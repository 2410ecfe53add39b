"""Three readers of one account, of which each is told in its own way, while the processes that tell them are killed."""

import http.client
import json
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.error import URLError

import pytest

from tests.e2e.chaos import Flapping, Killing, ask, bearer, busy, firsts
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.gateway import Gateway, wait_until
from tests.servers.receiver import Receiver


class Pages:
    """Reads `GET /v1/events` page by page."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self._gateway, self._token, self._place = gateway, token, "0"
        self.told: list[int] = []

    def read(self) -> None:
        """One page; a gateway that is away is asked again later."""
        with suppress(OSError, URLError, http.client.HTTPException):
            page = self._gateway.call("GET", f"/v1/events?since={self._place}&limit=7", authorization=self._token)
            self.told += [record["sequence"] for record in page["records"]]
            self._place = page["next"]


class Stream:
    """Reads them as server-sent events, and comes back with the last id whenever the stream ends."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self._gateway, self._token, self._place = gateway, token, "0"
        self.told: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(0.2):
            with suppress(OSError, http.client.HTTPException):
                self._read()

    def _read(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._gateway.port, timeout=30)
        headers = {"authorization": self._token, "accept": "text/event-stream", "last-event-id": self._place}
        connection.request("GET", "/v1/events", headers=headers)
        answer, event = connection.getresponse(), {}
        while not self._ended.is_set() and (line := answer.readline()):
            name, _, value = line.decode().rstrip("\n").partition(": ")
            event |= {name: value} if name else {}
            if not name and "data" in event:
                self._take(event)
                event = {}
        connection.close()

    def _take(self, event: dict[str, Any]) -> None:
        self.told.append(json.loads(event["data"])["sequence"])
        self._place = event["id"]


@pytest.mark.long
def test_all_three_are_told_the_same(authority: Authority) -> None:
    with (
        Dovecot(authority.issue()) as server,
        Receiver() as receiver,
        Gateway(serve=["--no-work"], POSTROOM_LOG_LEVEL="error") as gateway,
    ):
        user = server.new_user()
        token, flapping = bearer(gateway, server, user), Flapping(receiver)
        body = {"resource": "/email/messages", "notificationUrl": receiver.url}
        subscription = gateway.call("POST", "/v1/subscriptions", body, token)["id"]
        pages, stream, killing = Pages(gateway, token), Stream(gateway, token), Killing(gateway, workers=2, every=9.0)
        with busy(server, [user], pause=0.05):
            for turn in range(45):
                time.sleep(1.0)
                killing.look()
                pages.read()
                if turn % 15 == 14:
                    gateway.kill()
                    gateway.start()
        flapping.failing = flapping.hanging = 0
        everything = wait_until(lambda: _settled(gateway), 60)
        wait_until(lambda: pages.read() or len(pages.told) == len(everything), 60)
        wait_until(lambda: len(stream.told) >= len(everything), 60)
        wait_until(lambda: len(firsts(flapping.told[subscription])) == len(everything), 60)
        stream.close()
        assert len(everything) > 100
        assert pages.told == stream.told == firsts(flapping.told[subscription]) == everything


def _settled(gateway: Gateway) -> list[int] | None:
    """All sequences, once none has come for a while."""
    [[before]] = ask(gateway, "select coalesce(max(sequence), 0) from feed")
    time.sleep(5.0)
    [[after]] = ask(gateway, "select coalesce(max(sequence), 0) from feed")
    return list(range(1, after + 1)) if before == after and after else None
