"""Deliveries to loopback receivers: 200 subscriptions on 200 accounts, one change at a time and from a backlog.

The pumps run in this process, then in this and a second one, half of the subscriptions each; the receivers have a
process of their own. PostgreSQL writes to the disk (fsync) as in production."""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from cryptography.fernet import Fernet

from bench.load import cpu
from gateway import memory
from gateway.services.applications import Applications
from gateway.services.delivery.pump import Delivery
from gateway.services.delivery.receiver import Receiver
from gateway.services.signing import Signer
from gateway.store import feed
from gateway.store.database import Database
from gateway.store.embedded import get_server
from gateway.store.queries import accounts, subscriptions
from gateway.store.streams import Stream, Streams
from gateway.store.vault import Vault
from providers.base.rest import Http
from tests.servers.ports import free_port, wait_port

SUBSCRIPTIONS = 200
ROUNDS = 40  # of one change for each
BACKLOG = 1_000  # changes for each


def main() -> None:
    """Print deliveries and changes per second, and CPU milliseconds per delivery of each side."""
    port = free_port()
    receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=[port], daemon=True)
    receiver.start()
    wait_port(port, 20)
    folder = Path(tempfile.mkdtemp(prefix="postroom-bench-", dir="/tmp"))
    server = get_server(folder / "pg", cleanup_mode="delete")
    print(f"{'deliveries':<38}{'per s':>9}{'changes/s':>11}{'cpu ms: ours':>14}{'database':>10}{'receiver':>10}")
    memory.settle()  # as `postroom serve` and `postroom work` do
    try:
        uvloop.run(_run(server.get_uri(), port, Clock(receiver.pid or 0, server.get_pid() or 0)))
    finally:
        receiver.terminate()
        server.cleanup()


@dataclass
class Clock:
    """Wall and CPU of the three sides."""

    receiver: int
    database: int
    second: int | None = None

    def read(self) -> tuple[float, ...]:
        ours = time.process_time() + (cpu(self.second) if self.second else 0.0)
        return time.perf_counter(), ours, cpu(self.database), cpu(self.receiver)


@dataclass
class Hall:
    """The pump, and subscriptions with the streams of their accounts."""

    database: Database
    delivery: Delivery
    streams: list[Stream]
    ids: list[int]
    second: "Second | None" = None

    async def happen(self, count: int) -> None:
        events = [feed.Event(f"m{number}", "created", {"threadId": f"t{number}"}) for number in range(count)]
        for stream in self.streams:
            async with self.database.session() as session:
                await feed.append(session, stream, events)

    async def run(self) -> None:
        mine = len(self.ids) // 2 if self.second else len(self.ids)
        jobs: list[Awaitable[None]] = [_deliver(self.delivery, self.ids[:mine])]
        if self.second:
            jobs.append(asyncio.to_thread(self.second.deliver, self.ids[mine:]))
        await asyncio.gather(*jobs)


class Second:
    """Another process that delivers what it is told."""

    def __init__(self, url: str, key: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self.process = context.Process(target=_second, args=[url, key, theirs], daemon=True)
        self.process.start()

    def deliver(self, ids: Sequence[int]) -> None:
        """Have these delivered, and wait for it."""
        self._line.send(list(ids))
        self._line.recv()


def _second(url: str, key: str, line: Connection) -> None:
    memory.settle()
    uvloop.run(_obey(url, key, line))


async def _obey(url: str, key: str, line: Connection) -> None:
    delivery = Delivery(Database(url), Receiver(Http(lambda _: True)), Signer(Vault([key])))
    while True:
        await _deliver(delivery, await asyncio.to_thread(line.recv))
        line.send(None)


async def _deliver(delivery: Delivery, ids: Sequence[int]) -> None:
    await asyncio.gather(*(delivery.run(one) for one in ids))


async def _run(url: str, port: int, clock: Clock) -> None:
    database, http, key = Database(url), Http(lambda _: True), Fernet.generate_key().decode()
    await database.migrate()
    hall = await _hall(database, http, port, key)
    await _measured(hall, clock, "one process")
    hall.second = Second(url, key)
    clock.second = hall.second.process.pid
    await _measured(hall, clock, "two processes")
    hall.second.process.terminate()
    await http.close()
    await database.close()


async def _measured(hall: Hall, clock: Clock, name: str) -> None:
    await hall.happen(1)
    await hall.run()  # connections are open, secrets unsealed
    await _one_at_a_time(hall, clock, name)
    await _backlog(hall, clock, name)


async def _hall(database: Database, http: Http, port: int, key: str) -> Hall:
    vault = Vault([key])
    application, _, _ = await Applications(database, vault).create("bench")
    hall = Hall(database, Delivery(database, Receiver(http), Signer(vault)), [], [])
    for number in range(SUBSCRIPTIONS):
        base = {"application_id": application.id}
        async with database.session() as session:
            account = await accounts.add(session, {**base, "service_type": "IMAP", "email": f"{number}@example.test"})
            target = {"port": "messages", "notification_url": f"http://127.0.0.1:{port}/{number}"}
            values = {**base, **target, "account_id": account.id, "resource": "/email/messages"}
            hall.ids.append((await subscriptions.add(session, values)).id)
        hall.streams.append(await Streams(database).find_or_create(account.id, "messages", None, {}))
    return hall


async def _one_at_a_time(hall: Hall, clock: Clock, name: str) -> None:
    spent = (0.0,) * 4
    for _ in range(ROUNDS):
        await hall.happen(1)
        before = clock.read()
        await hall.run()
        spent = tuple(
            map(sum, zip(spent, (now - then for now, then in zip(clock.read(), before, strict=True)), strict=True))
        )
    _print(f"{name}, one change each", spent, ROUNDS * SUBSCRIPTIONS, ROUNDS * SUBSCRIPTIONS)


async def _backlog(hall: Hall, clock: Clock, name: str) -> None:
    await hall.happen(BACKLOG)
    before = clock.read()
    await hall.run()
    spent = tuple(now - then for now, then in zip(clock.read(), before, strict=True))
    _print(f"{name}, {BACKLOG} each, 100 in one", spent, SUBSCRIPTIONS * BACKLOG // 100, SUBSCRIPTIONS * BACKLOG)


def _print(name: str, spent: tuple[float, ...], deliveries: int, changes: int) -> None:
    wall, *cpus = spent
    shown = "".join(f"{1000 * one / deliveries:>{width}.2f}" for one, width in zip(cpus, (14, 10, 10), strict=True))
    print(f"{name:<38}{deliveries / wall:>9.0f}{changes / wall:>11.0f}{shown}", flush=True)


def _receive(port: int) -> None:
    """A receiver that says thank you."""
    uvloop.install()
    application = web.Application(client_max_size=2**26)
    application.router.add_post("/{number}", _thank)
    web.run_app(application, host="127.0.0.1", port=port, access_log=None, print=None)


async def _thank(request: web.Request) -> web.Response:
    body: Any = await request.read()
    return web.Response(status=200 if body else 400)
