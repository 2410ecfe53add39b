"""Gmail as the provider sees much of us: hydration at the quota, and many requests at once.

`python -m bench google-load` prints how long 5,000 messages take beside what the quota alone demands (ten times the
table of 2026, so that it takes less than a minute), and requests a second at concurrency 64 when every answer of the
provider takes 50 ms: of the adapter alone, and of the gateway over HTTP.
"""

import asyncio
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp

from bench import load
from bench.google import UNLIMITED, message
from bench.slow_google import GET, settings, slow_google
from gateway.memory import settle
from providers.base.errors import RateLimited
from providers.base.oauth2 import OAuthClient
from providers.base.provider import Mailbox, ProviderSettings, Session
from providers.google.provider import GoogleProvider
from providers.google.quota import cost
from tests.servers.gateway import Gateway
from tests.servers.google.mailbox import Mail
from tests.servers.google.payload import payload
from tests.servers.google.world import World

MESSAGES, PAGE = 5_000, 100
QUOTA = 60_000  # units per minute and user; 6,000 in the table
CONCURRENCY, DELAY, ACCOUNTS, REQUESTS = 64, 0.05, 16, 3_000


def main() -> None:
    """Print both."""
    user = World().new_user()
    mail: Mail = user.shelf(Mail)
    stored = mail.add(message(1), {"INBOX"})
    raw = {"labelIds": ["INBOX"], "internalDate": "1767600000000", "payload": payload(mail, stored, whole=True)}
    with slow_google(raw, units=QUOTA) as (url, _):
        asyncio.run(_hydration(url))
        with urllib.request.urlopen(f"{url}counts") as counts:
            print(f"google: the server counted {counts.read().decode()}", flush=True)
    with slow_google(raw, delay=DELAY) as (url, process):
        _show("adapter", asyncio.run(_adapter(url)))
        with Gateway(**settings(url)) as gateway:
            _show("gateway", _gateway(gateway, process))


async def _hydration(url: str) -> None:
    floor = (MESSAGES * cost(GET) - QUOTA) * 60 / QUOTA
    settle()
    provider = _provider(url)
    session = await _open(provider, "ann", {"gmailUnitsPerUser": str(QUOTA)})
    spent, begun = time.process_time(), time.perf_counter()
    for first in range(0, MESSAGES, PAGE):
        await _page(session, [f"{number:x}" for number in range(first, first + PAGE)])
    seconds, spent = time.perf_counter() - begun, time.process_time() - spent
    await provider.close()
    over = 100 * (seconds / floor - 1)
    print(f"google: {MESSAGES} messages at {QUOTA} units a minute: {seconds:.1f} s, the quota alone {floor:.1f} s")
    print(f"google: {over:.1f} % over it, {spent:.1f} s of CPU")


async def _page(session: Session, ids: Sequence[str]) -> None:
    """As the gateway does: again when the quota allows it."""
    assert session.messages
    while True:
        try:
            assert len(await session.messages.get_many(None, ids)) == len(ids)
            return
        except RateLimited as error:
            await asyncio.sleep(error.retry_after or 1.0)


async def _adapter(url: str) -> tuple[float, float]:
    """Requests a second, and CPU seconds of each."""
    provider = _provider(url)
    sessions = [await _open(provider, f"user{number}", UNLIMITED) for number in range(ACCOUNTS)]
    numbers = iter(range(REQUESTS))
    await asyncio.gather(*(_page(session, ["1"]) for session in sessions))

    async def worker() -> None:
        for number in numbers:
            await _page(sessions[number % ACCOUNTS], [f"{number:x}"])

    spent, begun = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    seconds, spent = time.perf_counter() - begun, time.process_time() - spent
    await provider.close()
    return REQUESTS / seconds, spent / REQUESTS


def _gateway(gateway: Gateway, server: int) -> tuple[float, float]:
    secret = ["--client-id", "bench", "--client-secret", "bench"]
    options = [word for name, value in UNLIMITED.items() for word in ("--option", f"{name}={value}")]
    gateway.postroom("apps", "provider", "first", "google", *secret, *options)
    users = [f"user{number}" for number in range(ACCOUNTS)]
    tokens = [gateway.link(serviceType="Google", email=f"{user}@bench.example", authString1=user) for user in users]
    base = f"http://127.0.0.1:{gateway.port}/v1/email/messages/"
    asyncio.run(_asked(base, tokens, 4 * ACCOUNTS))
    figures = load.measure(_requests, (base, tokens, REQUESTS), gateway.process.pid, server)
    return figures.rate, figures.cpu_gateway / 1000


def _requests(base: str, tokens: Sequence[str], count: int) -> list[float]:
    return asyncio.run(_asked(base, tokens, count))


async def _asked(base: str, tokens: Sequence[str], count: int) -> list[float]:
    times: list[float] = []
    numbers: Iterator[int] = iter(range(count))

    async def worker(http: aiohttp.ClientSession) -> None:
        for number in numbers:
            begun, headers = time.perf_counter(), {"authorization": tokens[number % len(tokens)]}
            async with http.get(f"{base}{number:x}", headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
            times.append(time.perf_counter() - begun)

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(worker(http) for _ in range(CONCURRENCY)))
    return times


def _provider(url: str) -> GoogleProvider:
    endpoints = {"google_api_url": url}
    return GoogleProvider(
        ProviderSettings(Path(tempfile.gettempdir()), allow_private_networks=True, endpoints=endpoints)
    )


async def _open(provider: GoogleProvider, user: str, options: dict[str, str]) -> Session:
    client = OAuthClient("bench", options=options)
    return await provider.open(Mailbox(1, 1, f"{user}@bench.example", {"access_token": user}, client=client))


def _show(who: str, figures: tuple[float, float]) -> None:
    rate, spent = figures
    aim = CONCURRENCY / DELAY
    of = f"{rate:.0f}/s of {aim:.0f} ({100 * rate / aim:.0f} %), {1000 * spent:.2f} ms CPU each"
    print(f"google: {CONCURRENCY} at a time, answers after 50 ms, {who}: {of}", flush=True)
