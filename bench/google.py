"""What a list page of 20 from Gmail costs beside the bare HTTP calls and `json.loads`.

`python -m bench google` records what the simulator answers, serves the recording from another thread, and prints
milliseconds of the wall (p50) and of the calling thread's CPU, with Python's collector set as serving processes have
it. The network is loopback: at Google each call takes tens of milliseconds more, on both sides alike.
"""

import asyncio
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from gateway.memory import settle
from providers.base.collection import PageRequest
from providers.base.oauth2 import OAuthClient
from providers.base.ports import MessageQuery
from providers.base.provider import Mailbox, ProviderSettings
from providers.google.provider import GoogleProvider
from tests.servers.google.mailbox import Mail
from tests.servers.google.server import GoogleSimulator

ROUNDS = 100
_PARALLEL = 8  # calls at a time, as the client has them
UNLIMITED = {"gmailUnitsPerUser": "100000000", "gmailUnitsPerProject": "1000000000"}


def main() -> None:
    """Print both, and the difference."""
    asyncio.run(_bench())


async def _bench() -> None:
    with GoogleSimulator() as google, tempfile.TemporaryDirectory() as folder:
        user = google.world.new_user()
        mail: Mail = user.shelf(Mail)
        for number in range(20):
            mail.add(message(number), {"INBOX", "UNREAD"}, int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) + number)
        headers = {"Authorization": f"Bearer {user.token}"}
        urls = await _urls(google.url, headers)
        with _Recording(google.url, await _answers(urls, headers)) as url:
            settings = ProviderSettings(Path(folder), allow_private_networks=True, endpoints={"google_api_url": url})
            provider = GoogleProvider(settings)
            client = OAuthClient("bench", options=UNLIMITED)
            session = await provider.open(Mailbox(1, 1, user.email, {"access_token": user.token}, client=client))
            settle()
            async with aiohttp.ClientSession() as bare:
                own = [one.replace(google.url, url) for one in urls]
                raw, listed = await _timed(
                    lambda: _fetched(bare, own, headers),
                    lambda: session.messages.find(None, MessageQuery(), PageRequest()),
                )
            await provider.close()
    print(f"google: list of 20, bare calls   {raw[0]:6.2f} ms wall, {raw[1]:6.2f} ms CPU")
    print(f"google: list of 20, the adapter  {listed[0]:6.2f} ms wall, {listed[1]:6.2f} ms CPU")
    print(f"google: overhead                 {listed[0] - raw[0]:6.2f} ms wall, {listed[1] - raw[1]:6.2f} ms CPU")


def message(number: int) -> bytes:
    return (
        f"From: Sender {number} <s{number}@bench.example>\r\nTo: Me <me@example.test>\r\nSubject: Message {number}\r\n"
        f"Message-ID: <{number}@bench.example>\r\nDate: Mon, 05 Jan 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{'Some words of text. ' * 60}\r\n"
        f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>{'Some words of text. ' * 60}</p>\r\n--b--\r\n"
    ).encode()


async def _urls(root: str, headers: dict[str, str]) -> list[str]:
    base = f"{root}gmail/v1/users/me/messages"
    first = f"{base}?includeSpamTrash=false&maxResults=20&alt=json"
    async with aiohttp.ClientSession() as http, http.get(first, headers=headers) as answer:
        ids = [one["id"] for one in (await answer.json())["messages"]]
    return [first, *(f"{base}/{item}?format=full&alt=json" for item in ids)]


async def _answers(urls: list[str], headers: dict[str, str]) -> dict[str, bytes]:
    labels = urls[0].partition("messages")[0] + "labels?alt=json"
    async with aiohttp.ClientSession() as http:
        found = {}
        for url in (*urls, labels):
            async with http.get(url, headers=headers) as answer:
                found[url.partition("/gmail")[2]] = await answer.read()
    return found


async def _fetched(http: aiohttp.ClientSession, urls: list[str], headers: dict[str, str]) -> None:
    gate = asyncio.Semaphore(_PARALLEL)

    async def one(url: str) -> None:
        async with gate, http.get(url, headers=headers) as answer:
            json.loads(await answer.read())

    await one(urls[0])
    await asyncio.gather(*map(one, urls[1:]))


async def _timed(*jobs: Callable[[], Awaitable[object]]) -> list[tuple[float, float]]:
    """Milliseconds of the wall and of this thread's CPU, p50 of each job; they take turns, so that whatever else the
    machine does meets all alike."""
    found: list[list[tuple[float, float]]] = [[] for _ in jobs]
    for _ in range(ROUNDS):
        for job, times in zip(jobs, found, strict=True):
            wall, spent = time.perf_counter(), time.thread_time()
            await job()
            times.append((time.perf_counter() - wall, time.thread_time() - spent))
    return [(1000 * _median(times, 0), 1000 * _median(times, 1)) for times in found]


def _median(times: list[tuple[float, float]], which: int) -> float:
    return statistics.median(one[which] for one in times)


class _Recording:
    """Serves what was answered before."""

    def __init__(self, root: str, answers: dict[str, bytes]) -> None:
        self._answers = answers

    def __enter__(self) -> str:
        self._loop, ready = asyncio.new_event_loop(), threading.Event()
        threading.Thread(target=self._serve, args=(ready,), daemon=True).start()
        ready.wait(10)
        return self._url

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self, ready: threading.Event) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
        self._url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        ready.set()
        self._loop.run_forever()

    async def _answer(self, request: web.Request) -> web.Response:
        body = self._answers[request.path_qs.partition("/gmail")[2]]
        return web.Response(body=body, content_type="application/json")
