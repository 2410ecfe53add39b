"""Requests to the provider's own API, passed through with the account's credentials (behaviour.md, section 15)."""

import asyncio

from gateway.identity import Account
from gateway.metrics import PROVIDER
from gateway.raw import Raw
from gateway.services.sessions import Sessions
from providers.base.errors import Denied, Invalid, Uncertain, Unsupported
from providers.base.provider import DirectAnswer, DirectRequest
from schemas.accounts import Scope

#: Headers that say what the request means; all others are between the caller and the gateway.
_PASSED = ("accept", "accept-language", "content-type", "if-match", "if-modified-since", "if-none-match", "prefer")


class Direct:
    """Passes them; `patience`, in seconds, is for writes: it ends before the request's own, after which clients repeat
    what they asked for."""

    def __init__(self, sessions: Sessions, patience: float = 27.0) -> None:
        self._sessions, self._patience = sessions, patience

    async def passed(self, account: Account, raw: Raw) -> DirectAnswer:
        """The provider's answer, errors too.

        Raises `Invalid` for a path that is none of the provider's, and for an account whose provider has no such API;
        `Denied` without one of the scopes that open the path; `Uncertain` for a write that took too long; as
        `Session.direct` else."""
        headers = {name: raw.headers[name] for name in _PASSED if name in raw.headers}
        request = DirectRequest(raw.method, raw.rest, raw.query, headers, raw.body)
        _check_scopes(account, self._sessions.provider(account).direct_scopes(request))
        try:
            async with asyncio.timeout(None if raw.method == "GET" else self._patience):
                return await self._answered(account, request)
        except TimeoutError:
            raise Uncertain("The provider did not answer in time: what was asked for may have happened") from None
        except Unsupported as error:  # nothing that could be there one day, so no 501: the caller has to know
            raise Invalid(error.message, code="notSupported") from None

    async def _answered(self, account: Account, request: DirectRequest) -> DirectAnswer:
        async with self._sessions.use(account) as session:
            with PROVIDER.labels(account.service_type.value, "direct", request.method.lower()).time():
                return await session.direct(request)


def _check_scopes(account: Account, needed: frozenset[Scope]) -> None:
    if needed and not account.scopes & needed:
        raise Denied(f"this path needs one of the scopes {', '.join(sorted(needed))}, and the account has none of them")
