"""The live feed: events of one account to many readers, one transaction each, and what that costs the gateway."""

import asyncio
import time
from pathlib import Path
from urllib.parse import urlencode

from bench.load import cpu
from gateway.store import embedded, feed
from gateway.store.database import Database
from gateway.store.feed import Event
from gateway.store.streams import Streams
from tests.servers.gateway import Gateway

READERS, EVENTS = 100, 1000


def main() -> None:
    """Print CPU seconds of the gateway's process, the database apart, and the time from commit to the last reader."""
    with Gateway() as gateway:
        bearer = gateway.link(serviceType="Sandbox", password="any", email="bench@example.com")
        account = gateway.call("GET", "/v1/account", authorization=bearer)["id"]
        asyncio.run(_run(gateway, bearer, account))


async def _run(gateway: Gateway, bearer: str, account: int) -> None:
    database = Database(embedded.start(Path(gateway.var.name)))
    stream = await Streams(database).find_or_create(account, "messages", None, {})
    arrived = [asyncio.Event() for _ in range(EVENTS)]
    readers = [asyncio.create_task(_read(gateway, bearer, arrived if n == 0 else None)) for n in range(READERS)]
    await asyncio.sleep(3)
    before, started, delays = cpu(gateway.process.pid), time.perf_counter(), []
    for number in range(EVENTS):
        async with database.session() as session:
            await feed.append(session, stream, [Event(f"item {number}", "created", {"threadId": "t"})])
        committed = time.perf_counter()
        await arrived[number].wait()
        delays.append(time.perf_counter() - committed)
    await asyncio.gather(*readers)
    spent, wall = cpu(gateway.process.pid) - before, time.perf_counter() - started
    delays.sort()
    print(f"{EVENTS} events to {READERS} readers: {wall:.2f} s, gateway cpu {spent:.2f} s,", end=" ")
    print(f"commit to reader p50 {delays[EVENTS // 2] * 1000:.1f} ms, p95 {delays[EVENTS * 95 // 100] * 1000:.1f} ms")
    await database.close()


async def _read(gateway: Gateway, bearer: str, arrived: list[asyncio.Event] | None) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    lines = [f"GET /v1/events?{urlencode({'since': 0})} HTTP/1.1", "host: x", f"authorization: {bearer}"]
    writer.write("\r\n".join([*lines, "accept: text/event-stream", "", ""]).encode())
    count = 0
    while count < EVENTS:
        if (await reader.readline()).startswith(b"data: "):
            if arrived:
                arrived[count].set()
            count += 1
    writer.close()
