"""A webhook receiver that does as it is told, and keeps what it was sent."""

import asyncio
import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web


@dataclass(frozen=True)
class Call:
    """A request as it came in."""

    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def stamp(self) -> str:
        return self.headers["x-aurinko-request-timestamp"]

    @property
    def signature(self) -> str:
        return self.headers["x-aurinko-signature"]

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return list(self.json["payloads"])

    def is_signed_with(self, secret: str, header: str = "x-aurinko-signature") -> bool:
        """Whether the signature is the one that the vendor's guide tells receivers to compute."""
        expected = hmac.new(secret.encode(), f"v0:{self.stamp}:".encode() + self.body, "sha256").hexdigest()
        return hmac.compare_digest(self.headers.get(header, ""), expected)


@dataclass
class Plan:
    """How to answer a call; `hang`: never."""

    status: int = 200
    body: str = "thank you"
    kind: str = "text/plain"
    hang: bool = False
    headers: dict[str, str] | None = None


class Receiver:
    """`with Receiver() as receiver:`; notifications are answered by `plans` in turn, then by `otherwise`, the challenge
    by `challenge` ("echo", or a plan). `calls` has the notifications, `challenges` the rest."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host, self.port = host, port
        self.calls: list[Call] = []
        self.challenges: list[Call] = []
        self.plans: list[Plan] = []
        self.otherwise = Plan()
        self.challenge: Plan | None = None
        self.heard: Callable[[Call], None] = lambda call: None
        self._loop = asyncio.new_event_loop()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"

    def __enter__(self) -> "Receiver":
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=[started], daemon=True)
        self._thread.start()
        started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run(started))
        self._loop.close()

    async def _run(self, started: threading.Event) -> None:
        self._stopping = asyncio.Event()
        application = web.Application(client_max_size=2**26)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, self.host, self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        started.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        path, _, query = request.raw_path.partition("?")
        call = Call(path, query, headers, await request.read())
        token = parse_qs(query).get("validationToken")
        if token is not None:
            self.challenges.append(call)
            return await self._carried_out(self.challenge or Plan(body=token[0]))
        self.calls.append(call)
        self.heard(call)
        return await self._carried_out(self.plans.pop(0) if self.plans else self.otherwise)

    async def _carried_out(self, plan: Plan) -> web.Response:
        if plan.hang:
            await self._stopping.wait()
        return web.Response(status=plan.status, text=plan.body, content_type=plan.kind, headers=plan.headers)
