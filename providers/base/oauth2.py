"""OAuth 2 between the gateway and the adapters (RFC 6749, RFC 7636): who signs in how, and who has a fresh token.

The grant of an account that signed in by OAuth is JSON:

    {"access_token", "expires_at", "refresh_token", "scope", "token_type"}    a user who consented
    {"access_token", "expires_at", "service_account", "subject", "scope"}     a service account that acts for a user

`expires_at` is seconds of the epoch. An adapter's `Auth` talks to the provider and stores nothing; the gateway stores
grants, and refreshes each once at a time (a row lock, over all processes). A session asks its `Tokens` before requests.
"""

import hashlib
import secrets
from abc import ABC, abstractmethod
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from providers.base.errors import Unauthorized
from providers.base.linked import Grant, Linked
from schemas.accounts import Scope

LEEWAY = 120.0  # seconds before its end from which a token is not used any more


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An application's registration at a provider; `options` are the provider's own (tenant, quotas, topics)."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user is asked for. `state` comes back with the code; `verifier` is kept for `Auth.finish`.

    `hint`: the address that is expected to sign in. `prompt`: what the provider shall show, None for its own choice.
    `native_scopes`: names of the provider's own, to be asked for as they are beside `scopes`."""

    redirect_uri: str
    state: str
    verifier: str
    scopes: frozenset[Scope]
    hint: str | None = None
    prompt: str | None = None
    native_scopes: tuple[str, ...] = ()


class Auth(ABC):
    """A provider's way of signing users in. Safe for concurrent use; nothing is stored."""

    @abstractmethod
    def begin(self, client: OAuthClient, consent: Consent) -> str:
        """The URL that the user's browser is sent to."""

    @abstractmethod
    async def finish(self, client: OAuthClient, consent: Consent, code: str) -> Linked:
        """Exchange the code for a grant, and ask who it is of. `consent` is the one of `begin`.

        Raises `Denied` (nothing usable was granted), `Unauthorized` (the code, the client), `Unavailable`."""

    @abstractmethod
    async def refresh(self, client: OAuthClient | None, grant: Grant) -> Grant:
        """The whole grant with a new access token; what the answer does not name is kept. Call it for one grant once
        at a time, and store the result before it is used: some providers give a new refresh token each time.

        Service accounts need no client. Raises `Unauthorized` (final: a new sign-in is needed), `Unavailable`."""

    async def identify(self, client: OAuthClient | None, grant: Grant) -> Linked:
        """Whose grant it is, for grants that were not got by `finish` (imported tokens, service accounts): refreshed
        where it has to be. Raises as `refresh` does."""
        raise Unauthorized("this provider cannot say whose credentials they are", final=True)

    async def revoke(self, client: OAuthClient | None, grant: Grant) -> None:
        """Take the grant back. Some providers revoke every grant of the user that way: do not call it while another
        account lives of the same user. Credentials that are dead already are no error."""


class Tokens(Protocol):
    """The access tokens of one account, as its session sees them."""

    async def fresh(self, refused: str | None = None) -> str:
        """A token that is good for a while; refreshed, if it has to be, once at a time whoever asks.

        `refused`: the token that the provider has just answered 401 to. If that is still the newest, another is got.
        A session calls it so once per request, repeats a read once, and then takes the second 401 for the truth.

        Raises `Unauthorized` (final when the provider takes the grant no more), `Unavailable`."""


class GivenToken:
    """The token of a grant, by nobody refreshed: for a grant that has nothing else, and for trying one."""

    def __init__(self, grant: Grant) -> None:
        self._token = str(grant.get("access_token") or "")

    async def fresh(self, refused: str | None = None) -> str:
        """The token, until it was refused."""
        if not self._token or refused == self._token:
            raise Unauthorized("the access token is refused, and there is nothing to get another with", final=True)
        return self._token


def usable(grant: Grant, now: float, refused: str | None = None) -> str | None:
    """The access token of a grant, unless it ends within `LEEWAY` of `now` (seconds of the epoch) or was refused."""
    token = grant.get("access_token")
    if not token or token == refused or float(grant.get("expires_at") or 0) - LEEWAY <= now:
        return None
    return str(token)


def verifier() -> str:
    """A new PKCE code verifier (RFC 7636 4.1)."""
    return secrets.token_urlsafe(48)


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
