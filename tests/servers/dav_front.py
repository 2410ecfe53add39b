"""A proxy in front of a DAV server: keeps what was asked, checks passwords where the server does not, and answers
itself where a test says so."""

import asyncio
import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.servers.certificates import Certificate


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    host: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def login(self) -> str | None:
        """Who signs in; None for a request without credentials."""
        kind, _, rest = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(rest).decode().partition(":")[0] if kind == "Basic" else None


@dataclass(frozen=True)
class Said:
    """An answer that the front gives itself; with `after`, only once the server did what was asked."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: bool = False
    cut: bool = False  # hang up instead
    hang: bool = False  # say nothing


#: What to say to a request; None: what the server says.
Rule = Callable[[Asked], Said | None]
#: The answer of the server, changed.
Edit = Callable[[Asked, bytes], bytes]
#: A header of the answer, changed; None: left out.
HeaderEdit = Callable[[Asked, str, str], str | None]


class DavFront:
    """`with DavFront("http://127.0.0.1:5232") as front:`; `rules` are asked in turn, `asked` has every request."""

    def __init__(self, upstream: str, certificate: Certificate | None = None) -> None:
        self.upstream, self.certificate = upstream, certificate
        self.checks_passwords = False
        self.passwords: dict[str, str] = {}
        self.rules: list[Rule] = []
        self.edits: list[Edit] = []
        self.header_edits: list[HeaderEdit] = []
        self.asked: list[Asked] = []
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> "DavFront":
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://localhost:{self.port}"

    def reset(self) -> None:
        """No rules any more, and nothing asked yet."""
        self.rules, self.edits, self.header_edits, self.asked = [], [], [], []

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        started.set()
        self._loop.run_forever()

    async def _open(self) -> None:
        self._client = aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0))
        self._runner = web.AppRunner(_application(self._answer), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        context = self.certificate.context() if self.certificate else None
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        await self._client.close()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = Asked(request.host, request.method, request.raw_path, dict(request.headers), body)
        self.asked.append(asked)
        said = next((found for rule in list(self.rules) if (found := rule(asked)) is not None), None)
        if said is not None and said.hang:
            await asyncio.sleep(3600)
        if said is None and self.checks_passwords and not self._knows(request):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="dav"'})
        if said is None or said.after:
            passed = await self._pass_on(asked)
        if said is None:
            return passed
        if said.cut:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=said.status, headers=said.headers, body=said.body)

    def _knows(self, request: web.Request) -> bool:
        kind, _, rest = request.headers.get("Authorization", "").partition(" ")
        login, _, password = base64.b64decode(rest).decode().partition(":") if kind == "Basic" else ("", "", "")
        return bool(password) and self.passwords.get(login) == password

    async def _pass_on(self, asked: Asked) -> web.Response:
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in _OWN}
        headers["Accept-Encoding"] = "identity"
        if self.checks_passwords and asked.login:
            headers["X-Remote-User"] = asked.login
            headers.pop("Authorization", None)
        url = aiohttp.client.URL(self.upstream + asked.path, encoded=True)
        async with self._client.request(
            asked.method, url, data=asked.body, headers=headers, allow_redirects=False
        ) as found:
            body = await found.read()
            for edit in self.edits:
                body = edit(asked, body)
            kept = [(name, value) for name, value in found.headers.items() if name.lower() not in _HOP]
            for change in self.header_edits:
                changed = ((name, change(asked, name, value)) for name, value in kept)
                kept = [(name, value) for name, value in changed if value is not None]
            return web.Response(status=found.status, body=body, headers=_multi(kept))


_HOP = frozenset(
    ("connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "date", "server")
)
_OWN = _HOP | {"host"}


def _multi(pairs: list[tuple[str, str]]) -> Any:
    from multidict import CIMultiDict

    return CIMultiDict(pairs)


def _application(handler: Callable[[web.Request], Any]) -> web.Application:
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", handler)
    return application
