"""A row -> what answers its requests: credentials, arguments, the call, the answer."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import Response

from gateway.browsers import Browser, Redirect, WithCookies
from gateway.http.addresses import Proxies, address_of
from gateway.http.answers import answer_bytes, answer_raw, answer_redirect, answer_stream, with_cookies
from gateway.http.arguments import Incoming, Query, arguments
from gateway.http.event_stream import EventStream
from gateway.http.parameters import Source, parameters
from gateway.http.problems import Problem
from gateway.http.repeats import Repeats
from gateway.http.route import Media, Route
from gateway.http.security import Identity, identify, still_stands
from gateway.http.tokens import Tokens
from gateway.identity import Account, Caller, Standing
from gateway.live import Batches
from gateway.raw import Raw
from providers.base.collection import Page, PageRequest
from providers.base.errors import Invalid, ProviderError
from providers.base.ports import Content
from providers.base.provider import DirectAnswer, Session

PAGE_SIZE, MAX_PAGE_SIZE = 20, 100


class Sessions(Protocol):
    """Opened accounts."""

    def use(self, account: Account) -> AbstractAsyncContextManager[Session]: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every row needs; `services` are handed to route functions by their class."""

    identity: Identity
    sessions: Sessions
    tokens: Tokens
    repeats: Repeats
    services: Mapping[type, object]
    max_body: int  # octets
    timeout: float  # seconds until the answer begins
    show: Callable[[ProviderError], Response] | None = None  # a failure, for people
    proxies: Proxies = ()


class Binding:
    """One row, ready to answer."""

    def __init__(self, route: Route, around: Surroundings) -> None:
        self.route, self._around = route, around
        self._parameters = parameters(route.run, route.path)
        self._sources = {parameter.source for parameter in self._parameters}
        asked = [parameter for parameter in self._parameters if parameter.source is Source.QUERY]
        self._known = {spelling: p.wire for p in asked for spelling in (*p.also, p.wire)}

    async def answer(self, request: Request) -> Response:
        """The response to a request; every failure is raised, but those that people are to see on a page."""
        try:
            return await self._answer(request)
        except ProviderError as error:
            show, wanted = self._around.show, "text/html" in request.headers.get("accept", "")
            if show is None or not wanted or self.route.answer is not Media.REDIRECT:
                raise
            return show(error)

    async def _answer(self, request: Request) -> Response:
        async with asyncio.timeout(self._around.timeout):
            credentials = (self._around.identity, self.route.access, request.headers)
            caller = await identify(*credentials, request.method)
            request.scope["caller"] = caller
            query, page = self._query(request, caller)
            standing, services = Standing(partial(still_stands, *credentials)), self._around.services
            incoming = Incoming(request.path_params, query, request.headers, b"", page, caller, standing, services)
            if Source.BROWSER in self._sources:
                address = address_of(request, self._around.proxies)
                incoming.browser = Browser(request.cookies, request.scope["request_id"], address)
            if Source.BODY in self._sources:
                incoming.body = await self._body(request)
            if Source.RAW in self._sources:
                incoming.raw = await self._raw(request)
            key = request.headers.get("idempotency-key") if self.route.once else None
            if key is None or caller is None:
                return await self._run(request, incoming)
            asked = repr(sorted(query.items())).encode()
            digest = hashlib.sha256(asked + b"\0" + incoming.body).digest()
            use, request_id = self._use(request), request.scope["request_id"]
            run = partial(self._run, request, incoming)
            return await self._around.repeats.answer(caller, request_id, use, key, digest, run)

    async def _run(self, request: Request, incoming: Incoming) -> Response:
        async with self._session(incoming.caller) as incoming.session:
            given = await self.route.run(**arguments(self._parameters, incoming))
            if isinstance(given, Content):
                return await answer_stream(self.route, given)
            if isinstance(given, DirectAnswer):
                return answer_raw(given)
            if isinstance(given, Batches):
                return EventStream(given.pieces, self.route.status)
            if isinstance(given, Redirect):
                return answer_redirect(self.route, given)
            if isinstance(given, WithCookies):
                return with_cookies(answer_bytes(self.route, given.value), given.cookies)
            if isinstance(given, Page):
                given = self._page(given, self._use(request), incoming.caller, incoming.query)
            return answer_bytes(self.route, given)

    def _session(self, caller: Caller | None) -> AbstractAsyncContextManager[Session | None]:
        if Source.PORT not in self._sources or caller is None or caller.account is None:
            return nullcontext()
        return self._around.sessions.use(caller.account)

    def _query(self, request: Request, caller: Caller | None) -> tuple[Query, PageRequest]:
        """The query parameters that this row knows, and the page that is asked for."""
        text = request.scope["query_string"].decode("latin-1")
        given = parse_qs(text, keep_blank_values=True) if text else {}
        query: Query = {wire: given[name] for name, wire in self._known.items() if name in given}
        if Source.PAGE not in self._sources:
            return query, PageRequest()
        limit, token = _limit(given.get("limit", [""])[-1]), given.get("pageToken", [""])[-1]
        if not token:
            return query, PageRequest(None, limit)
        query, cursor = self._around.tokens.open(token, _owner(caller), self._use(request), query)
        return query, PageRequest(cursor, limit)

    def _page(self, page: Page[Any], use: str, caller: Caller | None, query: Query) -> Any:
        seal = self._around.tokens.seal
        token = seal(_owner(caller), use, query, page.cursor) if page.cursor is not None else None
        return self.route.answer(records=list(page.records), length=len(page.records), next_page_token=token)

    def _use(self, request: Request) -> str:
        """What a token or an idempotency key is good for: the operation on exactly these path parameters."""
        return "/".join([self.route.operation, *map(str, request.path_params.values())])

    async def _body(self, request: Request) -> bytes:
        """The body, collected in a space of the declared size: a growing one is held twice, and in pieces."""
        declared = request.headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > self._around.max_body:
            raise self._too_large()
        body, length = bytearray(int(declared)), 0
        async for chunk in request.stream():
            body[length : length + len(chunk)] = chunk
            length += len(chunk)
            if length > self._around.max_body:
                raise self._too_large()
        return bytes(memoryview(body)[:length])

    async def _raw(self, request: Request) -> Raw:
        path = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
        rest = path.decode("latin-1").partition(self.route.path.partition("{")[0])[2]
        query, headers = request.scope["query_string"].decode("latin-1"), dict(request.headers)
        return Raw(request.method, rest, query, headers, await self._body(request))

    def _too_large(self) -> Problem:
        limit = f"body: is larger than {self._around.max_body} octets (POSTROOM_MAX_BODY_BYTES)"
        return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "tooLarge", limit)


def _owner(caller: Caller | None) -> int:
    return caller.account.id if caller and caller.account else 0


def _limit(text: str) -> int:
    if not text:
        return PAGE_SIZE
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise Invalid("must be a whole number from 1", path="limit")
    return min(int(text), MAX_PAGE_SIZE)
