"""Readers of the live feed that do not read: they cost no memory, are cut, and go on where they were."""

import socket
from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.feeds import Events, append
from tests.servers.gateway import Gateway, wait_until

READERS, EVENTS = 20, 5000


@pytest.fixture(scope="module")
def gateway(database_url: str) -> Iterator[Gateway]:
    with Gateway(POSTROOM_DATABASE_URL=database_url) as it:
        yield it


def deaf(gateway: Gateway, authorization: str) -> socket.socket:
    """Asks for everything and reads nothing, on a socket that holds little."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", gateway.port))
    lines = [
        "GET /v1/events?since=0 HTTP/1.1",
        "host: x",
        f"authorization: {authorization}",
        "accept: text/event-stream",
    ]
    made.sendall("\r\n".join([*lines, "", ""]).encode())
    return made


def connections(process: psutil.Process) -> int:
    return sum(one.status == psutil.CONN_ESTABLISHED for one in process.net_connections("tcp"))


@pytest.mark.long
def test_who_does_not_read_costs_no_memory_and_is_cut(gateway: Gateway, database_url: str) -> None:
    token = gateway.link(serviceType="Sandbox", password="any", email="slow@example.com")
    account = gateway.call("GET", "/v1/account", authorization=token)["id"]
    warm = Events(gateway, token, since="0")
    append(database_url, account, [f"warm {n}" for n in range(200)], each=True)
    warm.take(200)
    warm.close()
    process = psutil.Process(gateway.process.pid)
    wait_until(lambda: connections(process) == 0, 20)
    before = process.memory_info().rss
    slow = [deaf(gateway, token) for _ in range(READERS)]
    append(database_url, account, [f"{n:0200}" for n in range(EVENTS)])
    fast = Events(gateway, token, since="200")
    assert [event["sequence"] for event in fast.take(EVENTS, 60)] == list(range(201, 201 + EVENTS))
    growth = process.memory_info().rss - before
    print(f"{READERS} readers that do not read, {EVENTS} events of 0.6 kB: {growth / READERS / 1024:.0f} KiB each")
    assert growth < READERS * 256 * 1024  # 3 MB each, were they queued
    fast.close()
    wait_until(lambda: connections(process) == 0, 90)
    for one in slow:
        one.close()
    again = Events(gateway, token, since="1")
    assert again.take(300, 60)[-1]["sequence"] == 301
