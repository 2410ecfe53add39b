"""Passwords cannot be guessed by the hosted forms: failures are counted per network address and per account, whatever
application, sign-in or process they go through."""

import math
from collections.abc import Sequence

from gateway.services.networks import network_of
from gateway.store.attempts import Attempts, Limit
from providers.base.errors import RateLimited
from schemas.accounts import ApiAccountInDto

PER_ACCOUNT, PER_ADDRESS = 20, 200  # within a quarter of an hour


class Guessing:
    """Keeps count."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    async def begin(self, address: str | None, body: ApiAccountInDto) -> None:
        """Before a password is tried. Raises `RateLimited`."""
        wait = await self._attempts.begin([_account(body), *_address(address)])
        if wait > 0:
            minutes = math.ceil(wait / 60)
            words = f"Too many passwords were tried: please try again in {minutes} minute{'s' if minutes > 1 else ''}"
            raise RateLimited(words, retry_after=math.ceil(wait))

    async def succeeded(self, body: ApiAccountInDto) -> None:
        """The password was right. What an address has failed at elsewhere stays counted."""
        await self._attempts.forget([_account(body)])


def _account(body: ApiAccountInDto) -> Limit:
    login = (body.login_string or body.email or "").strip().casefold()
    return Limit(f"account {body.service_type} {login}", PER_ACCOUNT)


def _address(text: str | None) -> Sequence[Limit]:
    """None for a peer without an address, such as a Unix socket."""
    network = network_of(text or "")
    return (Limit(f"address {network}", PER_ADDRESS),) if network else ()
