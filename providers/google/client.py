"""Calls of one account: its token, its turn, repeats where they do no harm, errors by the table.

Reads are repeated after a lost connection, and with writes after a refusal for the sake of quota (nothing happened);
what sends mail is never repeated.
"""

import asyncio
import json
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from providers.base.errors import NotFound, ProviderError, RateLimited, Retryable, Timeout, Unavailable, Uncertain
from providers.base.oauth2 import OAuthClient, Tokens
from providers.base.provider import ProviderSettings
from providers.base.rest import Answer, Dropped, Http
from providers.google.errors import refusal
from providers.google.quota import Pace
from providers.google.requests import Apis, Request

_LIMIT = 100 * 1024 * 1024  # octets of an answer
_ATTEMPTS = 4
_LONGEST = 8.0  # seconds between two of them; whoever is told to wait longer is told so
_SENDS = frozenset(("gmail.users.messages.send", "gmail.users.drafts.send"))
_AGENT = "Postroom"


class Client:
    """Sends what `apis` built. Safe for concurrent use; so many calls at a time."""

    def __init__(
        self,
        http: Http,
        apis: Apis,
        tokens: Tokens,
        pace: Pace,
        settings: ProviderSettings,
        user: str,
        registration: OAuthClient | None = None,
    ) -> None:
        self.apis, self.tokens = apis, tokens
        self._http, self._pace, self._settings, self._user = http, pace, settings, user
        self._project = registration.client_id if registration else ""
        self._options = registration.options if registration else {}
        self._gate = asyncio.Semaphore(max(1, settings.connections_per_account) * 2)

    async def call(self, request: Request, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON that is answered, None where nothing is. Raises the errors of the provider contract."""
        answer = await self.send(
            request.methodId, request.method, request.uri, _headers(request, headers), _body(request)
        )
        return json.loads(answer.body) if answer.body.strip() else None

    async def found(self, request: Request) -> Any | None:
        """The same for what may have gone: None then."""
        try:
            return await self.call(request)
        except NotFound:
            return None

    async def upload(self, request: Request, source: bytes) -> Any:
        """A resumable upload in one piece: the first request makes a session and changes nothing, the second has the
        octets. https://developers.google.com/workspace/gmail/api/guides/uploads"""
        more = {"X-Upload-Content-Type": "message/rfc822", "X-Upload-Content-Length": str(len(source))}
        begun = await self.send("", request.method, request.uri, _headers(request, more), _body(request), repeats=True)
        place = begun.headers.get("location", "")
        if urlsplit(place).netloc != urlsplit(request.uri).netloc:
            raise Unavailable("Google named no place for the upload")
        content = {"Content-Type": "message/rfc822", "User-Agent": _AGENT}
        answer = await self.send(request.methodId, "PUT", place, content, source)
        return json.loads(answer.body)

    async def passed(self, name: str, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Whatever is answered, in its turn. A token that was refused is replaced, and a read then repeated once; a
        write is not, whatever its answer."""
        reads, refused = method in ("GET", "HEAD"), None
        kept = {**headers, "Accept-Encoding": "identity", "User-Agent": _AGENT}
        while True:
            token = await self.tokens.fresh(refused)
            await self._pace.turn(name, self._user, self._project, self._options)
            answer = await self._try(method, url, {**kept, "Authorization": f"Bearer {token}"}, body, reads)
            if answer.status != 401 or refused is not None:
                return answer
            refused = token
            if not reads:
                await self._replaced(refused)
                return answer

    async def _replaced(self, refused: str) -> None:
        """See that the next request has another token; what was answered to this one stands."""
        try:
            await self.tokens.fresh(refused)
        except Retryable:
            pass

    async def fetch(self, url: str) -> tuple[str, bytes]:
        """Media type and octets of what is at an address that Google gave, and that needs no token."""
        answer = await self._try("GET", url, {"User-Agent": _AGENT}, b"", reads=True)
        if answer.status >= 300:
            raise refusal(answer.status, answer.headers, answer.body, reads=True)
        return answer.headers.get("content-type", "application/octet-stream").partition(";")[0], answer.body

    async def send(
        self, name: str, method: str, url: str, headers: Mapping[str, str], body: bytes, *, repeats: bool = False
    ) -> Answer:
        """One call by its name in the discovery documents. `repeats`: it does no harm twice, though no GET."""
        reads, once, refused = method in ("GET", "HEAD") or repeats, name in _SENDS, None
        for attempt in range(_ATTEMPTS):
            token = await self.tokens.fresh(refused)
            await self._pace.turn(name, self._user, self._project, self._options)
            try:
                answer = await self._try(method, url, {**headers, "Authorization": f"Bearer {token}"}, body, reads)
            except Dropped:
                if attempt:
                    raise
                continue
            if answer.status < 300:
                return answer
            error = refusal(answer.status, answer.headers, answer.body, reads=reads)
            if once:
                raise error
            if answer.status == 401 and refused is None:
                refused = token
                continue
            await _pause(error, attempt)
        raise AssertionError("the last attempt returns or raises")

    async def _try(self, method: str, url: str, headers: Mapping[str, str], body: bytes, reads: bool) -> Answer:
        """Raises `Uncertain` for a write without an answer."""
        seconds = self._settings.read_timeout
        async with self._gate:
            try:
                return await self._http.send(
                    method, url, headers=headers, body=body, timeout=seconds, limit=_LIMIT, whole=True
                )
            except (Dropped, Timeout) as error:
                if reads:
                    raise type(error)(f"Google {error.message}") from None
                raise Uncertain(f"Google {error.message}") from None


async def _pause(error: ProviderError, attempt: int) -> None:
    """Wait before the next attempt, or raise when there is none (truncated exponential backoff with jitter)."""
    if not isinstance(error, (RateLimited, Unavailable)) or attempt + 1 == _ATTEMPTS:
        raise error
    asked = error.retry_after if isinstance(error, Retryable) else None
    wait = asked if asked is not None else 0.5 * 2**attempt * (1 + random.random())  # noqa: S311
    if wait > _LONGEST:
        raise error
    await asyncio.sleep(wait)


def _headers(request: Request, more: Mapping[str, str] | None) -> dict[str, str]:
    kept = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": _AGENT}
    if request.body is not None:
        kept["Content-Type"] = request.headers.get("content-type", "application/json")
    return {**kept, **(more or {})}


def _body(request: Request) -> bytes:
    body = request.body
    return b"" if body is None else body if isinstance(body, bytes) else str(body).encode()
