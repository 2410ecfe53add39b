"""From a provider's notice to the webhook's arrival, with the commit in between.

A gateway in this process, an IMAP account on Dovecot over TLS, a receiver in a process of its own. Clocks are the
system's monotonic one, which processes share; Dovecot's own delay before a notice is not in the figures.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from imapclient import IMAPClient

from gateway import memory
from gateway.parts import Parts, start
from gateway.services.accounts import Accounts
from gateway.services.applications import Applications
from gateway.services.subscriptions import Subscriptions
from gateway.settings import Settings
from providers.base.provider import Hear, Listening, Mailbox, Notice
from schemas.accounts import ApiAccountInDto, ServiceType
from schemas.webhooks import SubscriptionRequest
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.ports import free_port, wait_port

ROUNDS, BURST = 40, 200
_MAIL = b"From: a@example.test\r\nTo: b@example.test\r\nSubject: hello\r\nMessage-ID: <%d@bench>\r\n\r\nHello\r\n"


def main() -> None:
    """Print the figures."""
    port, (ours, theirs) = free_port(), multiprocessing.Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=[port, theirs], daemon=True)
    receiver.start()
    wait_port(port, 20)
    with tempfile.TemporaryDirectory(prefix="postroom-") as folder:
        authority = Authority(Path(folder))
        with Dovecot(authority.issue()) as server:
            environment = {
                "POSTROOM_VAR_DIR": folder,
                "POSTROOM_ALLOW_PRIVATE_NETWORKS": "true",
                "POSTROOM_CA_BUNDLE": str(authority.bundle),
            }
            memory.settle()  # as `postroom serve` and `postroom work` do
            uvloop.run(_run(Settings.from_environment(environment), server, port, ours))
    receiver.terminate()


@dataclass
class Clock:
    """When notices were heard and when notifications arrived."""

    arrivals: Connection
    notices: list[float] = field(default_factory=list)

    async def wait(self, payloads: int) -> list[tuple[float, int]]:
        """The next arrivals, until they have told of so many changes."""
        found: list[tuple[float, int]] = []
        while sum(count for _, count in found) < payloads:
            while not self.arrivals.poll():  # noqa: ASYNC110 - the other end is a process
                await asyncio.sleep(0.001)
            found.append(self.arrivals.recv())
        return found


async def _run(settings: Settings, server: Dovecot, port: int, arrivals: Connection) -> None:
    clock, user = Clock(arrivals), server.new_user()
    async with AsyncExitStack() as stack:
        parts = await Parts.open(settings, stack)
        await parts.database.migrate()
        _overhear(parts, clock)
        services = await start(parts)
        application, _, _ = await services[Applications].create("bench")
        body = ApiAccountInDto(
            service_type=ServiceType.IMAP,
            active=True,
            email=user.address,
            password=user.password,
            server_url=f"imaps://localhost:{server.imaps}",
        )
        saved = await services[Accounts].upsert(application, body)
        account = await parts.identity.account(application, saved.account_id)
        assert account is not None
        wanted = SubscriptionRequest(resource="/email/messages", notification_url=f"http://127.0.0.1:{port}/hook")
        await services[Subscriptions].create(account, wanted)
        await asyncio.sleep(3.0)  # it is listened to
        with server.client(user) as client:
            await _measure(client, user, clock)


def _overhear(parts: Parts, clock: Clock) -> None:
    """Note the time of every notice."""
    provider = parts.providers[ServiceType.IMAP.value]
    listen: Callable[[Mailbox, Hear], Any] = provider.listen

    async def overheard(mailbox: Mailbox, hear: Hear) -> Listening:
        def heard(notice: Notice) -> None:
            clock.notices.append(time.monotonic())
            hear(notice)

        found: Listening = await listen(mailbox, heard)
        return found

    provider.listen = overheard  # type: ignore[method-assign]


async def _measure(client: IMAPClient, user: User, clock: Clock) -> None:
    client.create_folder("Projects")
    await asyncio.sleep(2.0)
    for name, folder in (("a quiet account", "INBOX"), ("mail in another folder", "Projects")):
        times = [await _one(client, folder, clock) for _ in range(ROUNDS)]
        _print(f"notice to webhook, {name}", times)
    clock.notices.clear()
    for number in range(BURST):
        client.append("INBOX", _MAIL % (10**6 + number))
        await asyncio.sleep(0)
    arrived = await clock.wait(BURST)
    times = [at - max(n for n in clock.notices if n < at) for at, _ in arrived]
    _print(f"notice to webhook, burst of {BURST} ({len(arrived)} notifications)", times)


async def _one(client: IMAPClient, folder: str, clock: Clock) -> float:
    clock.notices.clear()
    client.append(folder, _MAIL % time.monotonic_ns())
    [(at, _)] = await clock.wait(1)
    await asyncio.sleep(0.2)  # whatever else is said of it
    return at - min(clock.notices)


def _print(name: str, times: list[float]) -> None:
    times.sort()
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    print(f"{name:<62}{len(times):>4} x   p50 {1000 * p50:>6.1f} ms   p95 {1000 * p95:>6.1f} ms", flush=True)


def _receive(port: int, arrivals: Connection) -> None:
    """A receiver that tells when it was told, and of how much."""

    async def answer(request: web.Request) -> web.Response:
        at = time.monotonic()
        if token := request.query.get("validationToken"):
            return web.Response(text=token)
        arrivals.send((at, len((await request.json())["payloads"])))
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", answer)
    web.run_app(application, host="127.0.0.1", port=port, access_log=None, print=None)
