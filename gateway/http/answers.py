"""What a route function gave -> the HTTP response."""

import base64
from collections.abc import AsyncIterator, Iterable

from starlette.responses import Response, StreamingResponse

from gateway.browsers import Cookie, Redirect
from gateway.http.route import Media, Route
from providers.base.ports import Content
from providers.base.provider import DirectAnswer
from schemas.base import Model

_JSON = {"content-type": "application/json"}
# What a provider answers is no page of ours, whatever it says: browsers run nothing of it here.
_FOREIGN = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; sandbox"}


def answer_bytes(route: Route, value: Model | None) -> Response:
    """A model as JSON, or an empty body."""
    if value is None:
        return Response(b"", route.status)
    return Response(value.to_json(), route.status, _JSON)


def answer_raw(given: DirectAnswer) -> Response:
    """A provider's answer, passed on."""
    return Response(given.body, given.status, {**given.headers, **_FOREIGN})


def answer_redirect(route: Route, redirect: Redirect) -> Response:
    """On to the next page, which must not learn from the browser what stood in this one's address."""
    headers = {"location": redirect.location, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return with_cookies(Response(b"", route.status, headers), redirect.cookies)


def with_cookies(response: Response, cookies: Iterable[Cookie]) -> Response:
    """The response, which sets these too."""
    for cookie in cookies:
        response.set_cookie(
            cookie.name,
            cookie.value or "",
            max_age=cookie.seconds if cookie.value else 0,
            secure=cookie.secure,
            httponly=True,
            samesite="none" if cookie.foreign else "lax",
        )
    return response


async def answer_stream(route: Route, content: Content) -> Response:
    """Streamed bytes. The first piece is awaited before the status goes out, so that a failure still has one."""
    chunks = aiter(content.chunks)
    first = await anext(chunks, b"")
    if route.answer is Media.BASE64_JSON:
        return StreamingResponse(_base64_json(first, chunks), route.status, _JSON)
    headers = {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}
    return StreamingResponse(_chain(first, chunks), route.status, headers)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _base64_json(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`{"content":"..."}` with Base64 made piece by piece, three octets being the smallest that needs no padding."""
    yield b'{"content":"'
    held = b""
    async for chunk in _chain(first, rest):
        held += chunk
        whole = len(held) - len(held) % 3
        yield base64.b64encode(held[:whole])
        held = held[whole:]
    yield base64.b64encode(held) + b'"}'
