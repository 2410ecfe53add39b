"""The simulator's HTTP: one aiohttp server on loopback for all APIs and for the token endpoint.

Who calls is known by the bearer token. Before and after each handler the discovery documents are asked; a fault fails
the request and stays in `faults`. Tests plant answers to come by `plan`.
"""

import asyncio
import json
import threading
import urllib.parse
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from providers.base.provider import ProviderSettings
from tests.servers.google import calendar, gmail, people, tasks  # noqa: F401 - register their operations
from tests.servers.google.caller import Caller
from tests.servers.google.discovery import Discovery, Operation
from tests.servers.google.handlers import HANDLERS
from tests.servers.google.world import Call, Failure, Json, World


@dataclass
class Planned:
    """An answer in place of the next `times` calls of `operation`; status 0 drops the connection, after the call was
    carried out where `after` says so."""

    operation: str
    status: int
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    after: bool = False


class GoogleSimulator:
    """`with GoogleSimulator() as google:`; `google.url` is the root of all APIs."""

    def __init__(self) -> None:
        self.discovery, self.world = Discovery(), World()
        self.faults: list[str] = []
        self.calls: list[str] = []  # the operations in order
        self.callers: list[tuple[str, str]] = []  # the same with the user's address
        self.plans: list[Planned] = []
        self.caller = Caller()
        self._uploads: dict[str, tuple[Operation, Call]] = {}

    def plan(self, operation: str, status: int, reason: str = "", **more: Any) -> None:
        """Answer the next call of an operation so."""
        body = Failure(status, reason).body if status >= 400 else None
        self.plans.append(Planned(operation, status, body, **more))

    def settings(self, var_dir: Path) -> ProviderSettings:
        """Settings under which the provider finds the simulator."""
        endpoints = {
            "google_api_url": self.url,
            "google_auth_url": f"{self.url}authorize",
            "google_token_url": f"{self.url}token",
        }
        return ProviderSettings(var_dir, allow_private_networks=True, read_timeout=10.0, endpoints=endpoints)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self._thread.start()
        started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        self._loop.run_until_complete(self._runner.setup())
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        started.set()
        self._loop.run_forever()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._operate(request)
        except Failure as failure:
            return _json(failure.body, failure.status)

    async def _operate(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/oauth2/v3/certs":
            return self.caller.certs()
        if request.path == "/token":
            return _json(self.world.token(dict(await request.post())))
        if request.path == "/revoke":
            self.world.revoked.append(str((await request.post())["token"]))
            return _json({})
        if request.path.startswith("/photos/"):
            return web.Response(body=people.PHOTOS[request.path.rpartition("/")[2]], content_type="image/png")
        if request.path == "/oauth2/v2/userinfo":
            user = self.world.user(request.headers.get("Authorization", ""))
            return _json({"id": user.sub, "email": user.email, "name": "Sam"})
        if (upload := request.query.get("upload_id")) is not None:
            operation, call = self._uploads.pop(upload)
            call.media = await request.read()
            return await self._run(request, operation, call)
        operation = self.discovery.match(request.method, request.path)
        if operation is None:
            self.faults.append(f"{request.method} {request.path} is no method of the discovery documents")
            raise Failure(400, "noSuchMethod")
        user = self.world.user(request.headers.get("Authorization", ""))
        body, media = _bodies(await request.read(), request.headers.get("Content-Type", ""))
        query = {name: request.query.getall(name) for name in request.query}
        self._check(operation, self.discovery.request_faults(operation, query, body))
        call = Call(user, operation.path, query, body or {}, media, request.headers)
        if operation.upload and query.get("uploadType") == ["resumable"]:
            upload = uuid.uuid4().hex
            self._uploads[upload] = (operation, call)
            return web.Response(headers={"Location": f"{self.url}resume?upload_id={upload}"})
        return await self._run(request, operation, call)

    async def _run(self, request: web.Request, operation: Operation, call: Call) -> web.StreamResponse:
        self.calls.append(operation.id)
        self.callers.append((operation.id, call.user.email))
        planned = next((plan for plan in self.plans if plan.operation == operation.id and plan.times > 0), None)
        if planned is not None:
            planned.times -= 1
            if not planned.after:
                return _planned(request, planned)
        handler = HANDLERS.get(operation.id)
        if handler is None:
            self.faults.append(f"{operation.id} is not simulated")
            raise Failure(501, "notSimulated")
        with self.world.lock:
            answer = handler(self.world, call)
        answer = json.loads(json.dumps(answer))  # what is sent may not change any more
        if planned is not None:
            return _planned(request, planned)
        self._check(operation, self.discovery.answer_faults(operation, answer))
        return _json(answer) if answer is not None else web.Response(status=204)

    def _check(self, operation: Operation, faults: list[str]) -> None:
        if faults:
            self.faults += [f"{operation.id}: {fault}" for fault in faults]
            raise Failure(400, "schema", "; ".join(faults)[:500])


def _planned(request: web.Request, planned: Planned) -> web.StreamResponse:
    if planned.status == 0:
        assert request.transport
        request.transport.abort()
        return web.Response()
    return _json(planned.body or {}, planned.status, planned.headers)


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=headers)


def _bodies(data: bytes, kind: str) -> tuple[Any, bytes | None]:
    """The JSON of a request, and the media beside it (multipart/related)."""
    if kind.startswith("multipart/related"):
        boundary = urllib.parse.unquote(kind.partition("boundary=")[2]).strip('"').encode()
        _, first, second, _ = data.split(b"--" + boundary)
        media = second.partition(b"\n\n")[2].removesuffix(b"\n")
        return json.loads(first.partition(b"\n\n")[2]), media
    if kind.startswith("application/json") and data:
        return json.loads(data), None
    return None, data or None
