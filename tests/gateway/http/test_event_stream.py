"""A stream of events on the server that the gateway runs on, over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.http.connection import Connection
from gateway.http.event_stream import EventStream, frames
from gateway.live import Batch, Told
from providers.base.errors import Unavailable
from schemas.feed import FeedEvent
from tests.servers.ports import free_port

pytestmark = pytest.mark.anyio
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
ASK = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def event(sequence: int) -> FeedEvent:
    return FeedEvent(sequence=sequence, account_id=7, resource="/contacts", id="a\nb", change_type="created", at=MOMENT)


class Source:
    """Batches that count themselves: `events` in each, `batches` of them, then `error`."""

    def __init__(self, events: int = 1, batches: int = 2, error: Exception | None = None) -> None:
        self.events, self.batches, self.error = events, batches, error
        self.made, self.closed = 0, asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.made = 0
        try:
            while self.made < self.batches:
                self.made += 1
                yield frames(Batch([Told(event(self.made), f"p{self.made}")] * self.events, f"p{self.made}"))
                await asyncio.sleep(0)
            if self.error:
                raise self.error
        finally:
            self.closed.set()


@asynccontextmanager
async def served(source: Source, patience: float = 30.0) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await EventStream(aiter(source), patience=patience)(scope, receive, send)

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, http=Connection, lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    yield server, port
    server.should_exit = True
    await running


async def test_batches_become_events_and_the_connection_stays_good() -> None:
    async with served(Source()) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(ASK)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"content-type: text/event-stream" in head
            assert b"cache-control: no-store" in head
            body = await reader.readuntil(b"\r\n0\r\n\r\n")
            assert b"retry: 1000\n\n" in body
            assert b'id: p1\ndata: {"sequence":1,' in body
            assert b'"id":"a\\nb"' in body
        writer.close()


async def test_who_does_not_read_costs_its_buffers_and_is_cut() -> None:
    source = Source(events=100, batches=10_000)
    async with served(source, patience=1.0) as (_, port):
        with socket.create_connection(("127.0.0.1", port)) as deaf:
            deaf.sendall(ASK)
            await asyncio.wait_for(source.closed.wait(), 20)
            assert 0 < source.made < 2000  # 15 kB each: some MB of the system's buffers, not 150 MB
            deaf.settimeout(5)
            await asyncio.sleep(0.1)
            end = b""
            while piece := deaf.recv(1 << 20):  # to the end, which is not that of a complete answer
                end = (end + piece)[-100:]
            assert not end.endswith(b"\r\n0\r\n\r\n")


async def test_who_goes_ends_its_stream() -> None:
    source = Source(batches=10**9)
    async with served(source) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK)
        await reader.readuntil(b"id: p5")
        writer.close()
        await asyncio.wait_for(source.closed.wait(), 10)


async def test_an_outage_ends_the_stream_and_the_client_comes_again() -> None:
    async with served(Source(batches=1, error=Unavailable("no database"))) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK)
        assert b"id: p1" in await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()


async def test_a_stopping_server_does_not_wait_for_who_does_not_read() -> None:
    source = Source(events=100, batches=10**9)
    async with served(source) as (server, port):
        with socket.create_connection(("127.0.0.1", port)) as deaf:
            deaf.sendall(ASK)
            made = -1
            while source.made != made:  # until the sockets are full
                made = source.made
                await asyncio.sleep(0.3)
            server.should_exit = True
            await asyncio.wait_for(source.closed.wait(), 10)
