"""Calls to receivers: notifications, and the challenge by which a URL shows that it wants them."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from providers.base.errors import Invalid, ProviderError
from providers.base.rest import Answer, Dropped, Http

TIMEOUT = 10.0  # seconds for a call, the challenge's too: the request that waits for it has a deadline
EXCERPT = 1024  # octets of an answer that are looked at
GONE = 422  # the receiver wants no more
_PATH = "notificationUrl"
_ALWAYS = {"User-Agent": "Postroom", "Accept-Encoding": "identity", "Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a call: `error` is None for success, `status` where there was an answer."""

    status: int | None
    error: str | None
    body: bytes
    milliseconds: int


class Receiver:
    """Calls; `timeout` in seconds."""

    def __init__(self, http: Http, timeout: float = TIMEOUT) -> None:
        self._http, self._timeout = http, timeout

    async def notify(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a notification. Only 200 is success."""
        begun = time.monotonic()
        status, error, beginning = None, None, b""
        try:
            answer = await self._post(url, {"Content-Type": "application/json", **headers}, body)
        except ProviderError as failure:
            error = f"the receiver {failure.message}"
        else:
            status, beginning = answer.status, answer.body
            error = None if status == 200 else f"the receiver answered {status}"
        return Reply(status, error, beginning, round(1000 * (time.monotonic() - begun)))

    async def challenge(self, url: str, headers: Mapping[str, str]) -> None:
        """Have the URL repeat a token; `headers` sign an empty body. Raises `Invalid` when it does not."""
        token = secrets.token_urlsafe(32)
        called = with_token(url, token)
        try:
            answer = await self._post(called, {"Content-Type": "text/plain; charset=utf-8", **headers}, b"")
        except ProviderError as failure:
            raise Invalid(f"{_PATH}: the validation call failed: it {failure.message}", path=_PATH) from None
        if wrong := _wrong(answer, token):
            raise Invalid(f"{_PATH}: the validation call failed: it {wrong}", path=_PATH)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """A connection that was kept may have been closed by the other side just now: a fresh one gets a try."""
        try:
            return await self._once(url, headers, body)
        except Dropped:
            return await self._once(url, headers, body)

    async def _once(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        given = {**_ALWAYS, **headers}
        return await self._http.send("POST", url, headers=given, body=body, timeout=self._timeout, limit=EXCERPT)


def checked(url: str) -> str:
    """The URL, when it is one that can be called. Raises `Invalid`."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise Invalid(f"{_PATH}: must be a web address such as https://app.example.com/hook", path=_PATH)
    return url


def with_token(url: str, token: str) -> str:
    """The URL with the token behind the query that it has."""
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode({"validationToken": token})]))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _wrong(answer: Answer, token: str) -> str | None:
    """What is wrong with the answer to a challenge."""
    if answer.status != 200:
        return f"answered {answer.status}, not 200"
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/plain":
        return f"answered with the content type {kind[:80] or '(none)'!r}, not text/plain"
    if answer.body.strip() != token.encode():
        return "did not answer with the token in validationToken"
    return None
