"""DAV over the one HTTP client: signing in, redirects within a service, bounded answers, errors by the table."""

import asyncio
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from providers.base.errors import Denied, Invalid, ProviderError, Retryable, Timeout, Uncertain
from providers.base.provider import ProviderSettings
from providers.base.rest import Answer, Dropped, Http
from providers.caldav import elements, multistatus, service
from providers.caldav.errors import refusal
from providers.caldav.multistatus import Multistatus

MAX_OCTETS = 32 * 1024 * 1024  # of one answer
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_READS = frozenset(("GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"))
_ALWAYS = {"User-Agent": "Postroom", "Accept-Encoding": "identity", "Accept": "*/*"}
_XML = "application/xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Access:
    """The credentials."""

    login: str
    password: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    verify: bool = True

    @property
    def header(self) -> str:
        """Sent unasked: some servers (Yahoo) answer 401 without saying how to sign in."""
        if self.access_token is not None:
            return f"Bearer {self.access_token}"
        return "Basic " + b64encode(f"{self.login}:{self.password or ''}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `url` is where it came from, after redirects."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Dav:
    """The requests of one account, so many at a time. Raises the errors of the provider contract."""

    def __init__(self, http: Http, access: Access, settings: ProviderSettings, seconds: float | None = None) -> None:
        self._http, self._access, self._settings = http, access, settings
        self._seconds = seconds or settings.read_timeout
        self._gate = asyncio.Semaphore(max(1, settings.connections_per_account))

    async def propfind(self, url: str, names: Iterable[str], depth: int = 0) -> Multistatus:
        """Properties of a resource, with depth 1 of its members too. Raises `NotFound`, `Unauthorized`, ..."""
        reply = await self.done("PROPFIND", url, elements.propfind(names), {"Depth": str(depth)})
        answer = multistatus.read(reply.body, reply.url)
        if len(answer.found) == 1 and (answer.found[0].status or 200) >= 400:  # of the resource itself (Xandikos)
            raise refusal(answer.found[0].status or 0, {}, b"")
        return answer

    async def report(self, url: str, body: bytes, depth: int = 1) -> Multistatus:
        """The answer to a REPORT."""
        reply = await self.done("REPORT", url, body, {"Depth": str(depth)})
        return multistatus.read(reply.body, reply.url)

    async def done(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None, kind: str = _XML
    ) -> Reply:
        """A request that has to succeed."""
        reply = await self.send(method, url, body, headers, kind)
        if not 200 <= reply.status < 300:
            raise refusal(reply.status, reply.headers, reply.body)
        return reply

    async def send(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        kind: str = _XML,
        *,
        signed: bool = True,
    ) -> Reply:
        """Whatever is answered; redirects are followed with the method kept, unsigned requests stay without password.

        Raises `Uncertain` for a write whose answer was lost, `Denied` for a redirect to another service."""
        every = {**_ALWAYS, **({"Content-Type": kind} if body else {}), **(headers or {})}
        for _ in range(_MAX_REDIRECTS + 1):
            signing = {"Authorization": self._access.header} if signed else {}
            answer = await self._once(method, url, {**every, **signing}, body)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not target:
                break
            url = self._redirected(url, target)
        return Reply(url, answer.status, answer.headers, answer.body)

    def _redirected(self, url: str, target: str) -> str:
        found = service.place(url, target)
        old, new = urlsplit(url), urlsplit(found)
        if not service.same(old.hostname or "", new.hostname or ""):
            raise service.foreign(new.hostname or found[:100], old.hostname or "")
        if old.scheme == "https" and new.scheme != "https":
            raise Denied(f"{old.hostname} points to a place without TLS: the password was not sent there")
        return found

    async def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self._check(url)
        reads = method in _READS
        async with self._gate:
            try:
                return await self._try(method, url, headers, body)
            except Dropped:
                if not reads:
                    raise Uncertain(f"{_host(url)} closed the connection before it answered {method}") from None
            except Timeout as error:
                if not reads:
                    raise Uncertain(error.message) from None
                raise
            return await self._try(method, url, headers, body)

    async def _try(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        seconds, verify = self._seconds, self._access.verify
        try:
            return await self._http.send(
                method, url, headers=headers, body=body, timeout=seconds, limit=MAX_OCTETS, whole=True, verify=verify
            )
        except ProviderError as error:
            raise _named(error, url) from None

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        allowed = ("https", "http") if self._settings.allow_private_networks else ("https",)
        if parts.scheme not in allowed or not parts.hostname:
            raise Invalid("only https is taken: a password is not sent without TLS", path="serverUrl")


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2]


def _named(error: ProviderError, url: str) -> ProviderError:
    """The same error, saying which server it is about."""
    message = f"{_host(url)} {error.message}"
    if isinstance(error, Retryable):
        return type(error)(message, retry_after=error.retry_after, original=error.original)
    return type(error)(message, original=error.original)
