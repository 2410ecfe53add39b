"""Public keys that issuers of tokens publish: fetched when they are needed, remembered for a while."""

import asyncio
import time
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway.services.cache import Cache
from providers.base.errors import ProviderError, Unavailable
from providers.base.rest import Http

_LIFE = 3600.0  # seconds
_AGAIN = 60.0  # seconds after which a key that was not among the others is looked for anew
_PATIENCE = 5.0  # seconds after which an issuer that failed is asked again
_TIMEOUT, _MOST = 10.0, 256 * 1024

Read = Callable[[bytes], Mapping[str, RSAPublicKey]]


class PublishedKeys:
    """`read` makes keys by their names of what an issuer publishes, or raises `Unavailable`. Whoever writes tokens can
    make us ask the issuer that they name no more than once a minute."""

    def __init__(self, http: Http, read: Read) -> None:
        self._http, self._read = http, read
        self._keys: Cache[Mapping[str, RSAPublicKey]] = Cache(_LIFE, 100)
        self._turn = asyncio.Lock()
        self._asked: dict[str, float] = {}  # issuer -> when
        self._failed: dict[str, float] = {}

    async def find(self, issuer: str, name: str) -> RSAPublicKey | None:
        """The key of this name; None when the issuer (an address that is trusted) has none. Raises `Unavailable`."""
        known = self._keys.get(issuer)
        if known is None or (name not in known and not self._recently(self._asked, issuer, _AGAIN)):
            async with self._turn:
                known = await self._fresh(issuer, name)
        return known.get(name)

    async def _fresh(self, issuer: str, name: str) -> Mapping[str, RSAPublicKey]:
        """The keys as they are now, unless somebody has just asked."""
        known = self._keys.get(issuer)
        if known is not None and (name in known or self._recently(self._asked, issuer, _AGAIN)):
            return known
        if self._recently(self._failed, issuer, _PATIENCE):
            raise _silent()
        try:
            found = await self._fetched(issuer)
        except ProviderError as error:
            self._failed[issuer] = time.monotonic()
            raise _silent() from error
        self._asked[issuer] = time.monotonic()
        self._keys.put(issuer, found, [], self._keys.age)
        return found

    async def _fetched(self, issuer: str) -> Mapping[str, RSAPublicKey]:
        headers = {"accept": "application/json"}
        answer = await self._http.send("GET", issuer, headers=headers, timeout=_TIMEOUT, limit=_MOST)
        if answer.status != 200:
            raise _silent()
        return self._read(answer.body)

    def _recently(self, times: Mapping[str, float], issuer: str, seconds: float) -> bool:
        return time.monotonic() - times.get(issuer, -seconds) < seconds


def _silent() -> Unavailable:
    return Unavailable("the issuer of the token does not tell its keys at the moment", retry_after=_PATIENCE)
