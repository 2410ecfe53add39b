"""A Gmail in a process of its own: answers late, refuses what goes over the quota, and has one message under any id."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from providers.google.quota import cost
from tests.servers.google.world import Failure

GET = "gmail.users.messages.get"


@dataclass
class SlowGoogle:
    """`delay`: seconds until an answer; `units`: a user's per minute, 0 without a limit; `message`: as Gmail has it. A
    user's tokens are the user's name. It counts what it answered and what it refused."""

    delay: float
    units: float
    message: dict[str, Any]

    def serve(self, port: Any) -> None:
        """Serve until the process is ended; the port goes through the pipe."""
        asyncio.run(self._serve(port))

    async def _serve(self, port: Any) -> None:
        self._left: dict[str, tuple[float, float]] = {}
        self._counts = {"answered": 0, "refused": 0}
        app = web.Application()
        app.router.add_post("/token", self._token)
        app.router.add_get("/counts", self._told)
        app.router.add_get("/oauth2/v2/userinfo", self._user)
        app.router.add_get("/gmail/v1/users/me/labels", self._labels)
        app.router.add_get("/gmail/v1/users/me/messages/{id}", self._get)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        port.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    async def _token(self, request: web.Request) -> web.Response:
        name = (await request.post())["refresh_token"]
        return web.json_response({"access_token": name, "expires_in": 3600, "token_type": "Bearer"})

    async def _told(self, request: web.Request) -> web.Response:
        return web.json_response(self._counts)

    async def _user(self, request: web.Request) -> web.Response:
        user = _user(request)
        return web.json_response({"id": user, "email": f"{user}@bench.example", "name": user})

    async def _labels(self, request: web.Request) -> web.Response:
        return web.json_response({"labels": [{"id": "INBOX", "name": "INBOX", "type": "system"}]})

    async def _get(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.delay)
        if self.units and not self._allowed(_user(request)):
            self._counts["refused"] += 1
            return web.json_response(Failure(429, "rateLimitExceeded").body, status=429)
        self._counts["answered"] += 1
        item = request.match_info["id"]
        return web.json_response({**self.message, "id": item, "threadId": item})

    def _allowed(self, user: str) -> bool:
        """A minute's allowance that refills steadily, as the adapter's own."""
        now = time.monotonic()
        left, at = self._left.get(user, (self.units, now))
        left = min(self.units, left + (now - at) * self.units / 60) - cost(GET)
        self._left[user] = (left if left >= 0 else left + cost(GET), now)
        return left >= 0


def _user(request: web.Request) -> str:
    return request.headers["Authorization"].removeprefix("Bearer ")


@contextmanager
def slow_google(message: dict[str, Any], *, delay: float = 0.0, units: float = 0.0) -> Iterator[tuple[str, int]]:
    """Its address, and the process."""
    ours, theirs = multiprocessing.Pipe()
    server = SlowGoogle(delay, units, message)
    process = multiprocessing.get_context("spawn").Process(target=server.serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/", process.pid or 0
    finally:
        process.terminate()
        process.join()


def settings(url: str) -> dict[str, str]:
    """Of a gateway that uses it."""
    return {
        "POSTROOM_GOOGLE_API_URL": url,
        "POSTROOM_GOOGLE_TOKEN_URL": f"{url}token",
        "POSTROOM_GOOGLE_AUTH_URL": f"{url}authorize",
    }
