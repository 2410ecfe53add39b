"""The only HTTP client: one pool of connections per process, and a guard on the address that is really connected to.

The guard looks at each new connection's address, wherever it came from (a name, a literal, the second of several
addresses), so that a name which changes its meaning later (DNS rebinding) gains nothing. Redirects are not followed,
cookies and the environment's proxies not used.
"""

import functools
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from providers.base.errors import Denied, Invalid, Timeout, TooLarge, Unavailable
from providers.base.lane import Lane
from providers.base.networks import is_public, trust
from providers.base.provider import ProviderSettings

_LOOKUPS = 64  # names looked up at a time; a dead name server holds a thread for many seconds
_KEEPALIVE = 30.0  # seconds that an idle connection is kept

#: The addresses of a host name. Raises `OSError` for a name that there is not.
Resolve = Callable[[str, int], Awaitable[list[str]]]
Allowed = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response: names of headers in lower case, the body up to the length that was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Dropped(Unavailable):
    """The connection ended before there was an answer: whether the request was read is not known."""


class _Refused(OSError):
    """The guard's no."""


class Http:
    """Sends requests. `allowed` says of an address whether it may be connected to; close it at the end."""

    def __init__(
        self, allowed: Allowed = is_public, ca_bundle: str | None = None, resolve: Resolve | None = None
    ) -> None:
        self._allowed, self._ca_bundle = allowed, ca_bundle
        self._names = _Names(resolve or _system(Lane(_LOOKUPS)))
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def open(cls, settings: ProviderSettings) -> Self:
        """The client that the operator's settings describe."""
        return cls((lambda _: True) if settings.allow_private_networks else is_public, settings.ca_bundle)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout: float,  # noqa: ASYNC109 - it is aiohttp's own, over connecting, sending and reading
        limit: int,
        whole: bool = False,
        verify: bool = True,
    ) -> Answer:
        """One request, `timeout` seconds for all of it; of the response's body at most `limit` octets are read. What
        the body has when its end does not come in time will do: the status has been given.

        `whole`: the body has to be complete instead, and within `limit`. `verify`: check the server's certificate.

        Raises `Invalid` for a URL that is none, `Denied` for an address that is not allowed, `Timeout`, `Dropped`,
        `Unavailable`; with `whole` also `TooLarge`."""
        try:
            async with self._opened().request(
                method,
                _url(url),
                data=body or None,
                headers=headers,
                timeout=_within(timeout),
                allow_redirects=False,
                ssl=True if verify else trust(self._ca_bundle, verify=False),
            ) as response:
                found = {name.lower(): value for name, value in response.headers.items()}
                read = _everything if whole else _beginning
                return Answer(response.status, found, await read(response, limit))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _error(error, timeout) from error

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,  # whoever waits for a slow server must not hold up the others
                ssl=trust(self._ca_bundle),
                resolver=self._names,
                use_dns_cache=False,
                keepalive_timeout=_KEEPALIVE,
                socket_factory=self._socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
            )
            self._session._retry_connection = False  # else aiohttp sends PUT and DELETE again when an answer is lost
        return self._session

    def _socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _, where = address
        if not self._allowed(where[0]):
            raise _Refused("the address is in a private or reserved network, and this gateway may not connect to those")
        return socket.socket(family, kind, protocol)


class _Names(AbstractResolver):
    """aiohttp's way of asking for addresses."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [_result(host, port, address) for address in await self._resolve(host, port)]

    async def close(self) -> None:
        pass


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def _system(lane: Lane) -> Resolve:
    """The machine's own resolver, which knows its hosts file too."""

    async def resolve(host: str, port: int) -> list[str]:
        found = await lane.run(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    return resolve


@functools.lru_cache(maxsize=64)
def _within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds)


@functools.lru_cache(maxsize=4096)
def _url(text: str) -> URL:
    """The URL octet for octet as it was given, where it is ASCII."""
    url = URL(text, encoded=text.isascii())
    return url if url.raw_path else URL(str(url), encoded=False)


async def _beginning(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    try:
        while len(body) < limit and (chunk := await response.content.read(limit - len(body))):
            body += chunk
    except (aiohttp.ClientError, TimeoutError):
        pass
    return bytes(body)


async def _everything(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            response.close()  # what is left is not wanted
            raise TooLarge(f"answered with more than {limit} octets")
    return bytes(body)


def _error(error: Exception, timeout: float) -> Exception:
    """The error of the provider contract, in words for whoever chose the URL."""
    if isinstance(error, TimeoutError):
        return Timeout(f"did not answer within {timeout:g} s")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):  # a ValueError too
        return Unavailable("has a certificate that is not valid")
    if isinstance(error, (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError)):
        return Invalid("is not a URL that can be called", path="url")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unavailable("has a host name that cannot be looked up (DNS)")
    if isinstance(error, aiohttp.ClientSSLError):
        return Unavailable("does not complete the TLS handshake")
    if isinstance(error, aiohttp.ClientConnectorError):
        return _unconnected(error.os_error)
    if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        return Dropped("closed the connection without an answer")
    if isinstance(error, aiohttp.ClientPayloadError):
        return Dropped("closed the connection in the middle of its answer")
    return Unavailable("did not answer in HTTP")


def _unconnected(error: OSError) -> Exception:
    if isinstance(error, _Refused) or "private or reserved network" in str(error):
        return Denied("is at an address in a private or reserved network, and this gateway may not connect to those")
    reason = "refused the connection" if isinstance(error, ConnectionRefusedError) else "cannot be reached"
    return Unavailable(reason)
