"""Channels by which providers call the gateway: made for what is followed, renewed at half of their life, and ended
when nobody follows any more. Whatever fails here, accounts are polled as before.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from gateway.identity import Account
from gateway.pauses import jittered, pause
from gateway.services.identity import Identity
from gateway.services.sessions import Sessions
from gateway.store.channels import Channels, Followed
from gateway.store.hashing import fingerprint, new_secret
from gateway.store.tables import ChannelRow
from gateway.work.pump import Pump
from providers.base.errors import ProviderError, Retryable, Unsupported
from providers.base.provider import Session
from providers.base.push import Channel, Push
from schemas.accounts import TokenStatus

log = logging.getLogger("postroom.push")
_PATIENCE = timedelta(minutes=5)  # after which a channel that was begun counts as not made
_SHORTEST, _LONGEST = 30.0, 3600.0  # seconds between attempts to make one
_ENDINGS = 5  # attempts to end one; then it runs out by itself
_MAX_ERROR = 500  # characters
_FAREWELL = 5.0  # seconds that ending channels gets before an account goes


class ChannelKeeping:
    """Keeps them; `url` is where providers reach the gateway. `wake` has an account attended to: which channels are
    missing, or too many, the rows say."""

    def __init__(
        self, channels: Channels, sessions: Sessions, identity: Identity, url: str, wake: Callable[[int], None]
    ) -> None:
        self._channels, self._sessions, self._identity = channels, sessions, identity
        self._url, self._wake = url, wake

    def pump(self) -> Pump:
        """Keyed by the account."""
        return Pump("push", self._channels.due, self.run, every=10.0, at_once=8)

    async def run(self, account_id: int) -> None:
        """Do what is due for one account."""
        account = await self._identity.anybody(account_id)
        if account is None:
            return
        rows, followed = await self._channels.of(account_id), await self._channels.followed(account_id)
        for one in sorted(followed, key=str):
            await self._keep(account, one, [row for row in rows if (row.port, row.parent) == one])
        for row in rows:
            if (row.port, row.parent) not in followed:
                await self._end(account, row)

    async def covered(self, account: Account) -> Mapping[Followed, float]:
        """What the provider tells of by itself, and for how many seconds still. Raises `Unavailable`."""
        if not self.tells(account):
            return {}
        now = datetime.now(UTC)
        rows = await self._channels.of(account.id)
        ends = {(row.port, row.parent): row.expires_at for row in rows if row.expires_at is not None}
        return {one: left for one, end in ends.items() if (left := (end - now).total_seconds()) > 0}

    def tells(self, account: Account) -> Collection[str]:
        """The ports of which the provider of an account tells by calling."""
        return self._channels.ports(account.service_type)

    def attend(self, account: Account) -> None:
        """Something that is followed may lack its channel."""
        self._wake(account.id)

    async def doubt(self, account: Account, followed: Followed) -> None:
        """A channel did not tell what happened: have another one made. Raises `Unavailable`."""
        await self._channels.doubt(account.id, followed)
        self._wake(account.id)

    async def leave(self, account_ids: Collection[int]) -> None:
        """These accounts, and those that live by them, are about to lose their credentials: end their channels, as far
        as that is a matter of seconds. What is left runs out by itself, and its calls are about nothing known."""
        try:
            async with asyncio.timeout(_FAREWELL):
                family = await self._channels.family(account_ids)
                await asyncio.gather(*(self._leave(account_id) for account_id in family))
        except (ProviderError, TimeoutError) as error:
            log.info("channels of accounts that go run out by themselves: %s", error)

    async def _leave(self, account_id: int) -> None:
        account = await self._identity.anybody(account_id)
        for row in await self._channels.of(account_id) if account else ():
            assert account is not None
            await self._end(account, row, attempts=1)

    async def _keep(self, account: Account, followed: Followed, rows: Sequence[ChannelRow]) -> None:
        """See that there is one channel that works, and no other."""
        now = datetime.now(UTC)
        working = [row for row in rows if _works(row, now)]
        fresh = [row for row in working if row.next_at > now]
        waiting = [row for row in rows if row.expires_at is None and row.next_at > now]
        kept = fresh[-1].id if fresh else None
        if kept is None and (waiting or not (kept := await self._make(account, followed, rows))):
            return
        for row in rows:
            if row.id != kept:
                await self._end(account, row)

    async def _make(self, account: Account, followed: Followed, rows: Sequence[ChannelRow]) -> int | None:
        """A new channel; its id, None where there could be none, which is tried again."""
        name, secret = str(uuid.uuid4()), new_secret()
        made = await self._channels.begin(account.id, followed, name, fingerprint(secret), _PATIENCE)
        provider = self._sessions.provider(account)
        door = next(door for door in provider.doors if door.port == followed[0])
        try:
            async with self._sessions.native(account) as session:
                address = f"{self._url}/push/{provider.name}/{door.name}"
                channel = await _push(session).watch(*followed, address, secret, name)
        except ProviderError as error:
            await self._failed(account, followed, made, rows, error)
            return None
        half = _half(channel.expires_at)
        if await self._channels.made(made, name, channel.id, channel.resource, channel.expires_at, half):
            return made
        log.warning("account %d: somebody else made a channel meanwhile", account.id)  # this process stood still
        return None

    async def _failed(
        self, account: Account, followed: Followed, made: int, rows: Sequence[ChannelRow], error: ProviderError
    ) -> None:
        log.info("account %d: %s of %s is polled only: %s", account.id, *followed, error.message)
        again: float | None = _LONGEST
        if isinstance(error, Retryable):
            again = error.retry_after
        else:
            self._sessions.renew(account)  # what is wrong may be the registration, and be another one by then
        failures = 1 + max((row.failures for row in rows), default=0)
        seconds = pause(failures, _SHORTEST, _LONGEST, again)
        ids = {made, *(row.id for row in rows)}
        await self._channels.failed(ids, error.message[:_MAX_ERROR], timedelta(seconds=seconds))

    async def _end(self, account: Account, row: ChannelRow, attempts: int = _ENDINGS) -> None:
        """End a channel, and forget it; not while that is put off."""
        if row.failures and row.expires_at is not None and row.next_at > datetime.now(UTC) and attempts > 1:
            return
        try:
            await self._stop(account, row)
        except Retryable as error:
            if row.failures + 1 < attempts:
                await self._channels.failed([row.id], error.message[:_MAX_ERROR], timedelta(seconds=_SHORTEST))
                return
        except ProviderError as error:
            log.info("a channel of account %d runs out by itself: %s", account.id, error.message)
        await self._channels.remove(row.id)

    async def _stop(self, account: Account, row: ChannelRow) -> None:
        gone = account.token_status is TokenStatus.DEAD or account.sealed_grant is None
        if gone or row.expires_at is None or await self._channels.is_shared(row):
            return
        async with self._sessions.native(account) as session:
            await _push(session).stop(Channel(row.port, row.parent, row.name, row.resource, row.expires_at))


def _push(session: Session) -> Push:
    if session.push is None:
        raise Unsupported("this account's provider does not call")
    return session.push


def _works(row: ChannelRow, now: datetime) -> bool:
    return row.expires_at is not None and row.expires_at > now


def _half(ends: datetime) -> datetime:
    """When to renew what ends then."""
    now = datetime.now(UTC)
    return now + (ends - now) * jittered(0.45, 0.55)
