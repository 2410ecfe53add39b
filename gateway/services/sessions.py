"""Warm provider sessions: one for each account in use, opened once, given back when idle or stale."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from gateway.identity import Account
from gateway.services.identity import Identity
from gateway.services.registrations import Registrations
from gateway.services.renamed import MAIL, Names, RenamedSession
from gateway.services.token_keeping import TokenKeeper
from gateway.store.aliases import Aliases
from gateway.store.database import Database
from gateway.store.queries import accounts
from gateway.store.vault import Vault
from providers.base.errors import ProviderError, Unauthorized, Unsupported
from providers.base.provider import Hear, Listening, Mailbox, Provider, Session
from schemas.accounts import TokenStatus

log = logging.getLogger("postroom.sessions")

IDLE = 600.0  # seconds
MAX_WARM = 500  # sessions of one process; each may hold several connections
_SWEEP = 30.0  # seconds
_MAX_ERROR = 500  # characters of a provider's words that are kept


@dataclass(slots=True, eq=False)
class _Warm:
    """A session that is open or being opened; closed when `stale` and nobody uses it."""

    version: int
    opening: asyncio.Task[Session]
    users: int = 0
    stale: bool = False
    used_at: float = field(default_factory=time.monotonic)


class Sessions:
    """Lends sessions; `providers` by serviceType. What a provider says of the credentials is noted on the account."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        vault: Vault,
        database: Database,
        identity: Identity,
        *,
        idle: float = IDLE,
        limit: int = MAX_WARM,
    ) -> None:
        self._providers, self._database, self._identity = providers, database, identity
        self._registrations = Registrations(database, vault)
        self._keeper = TokenKeeper(database, vault, self._registrations)
        self._aliases = Aliases(database)
        self.wrote: Callable[[int], None] = lambda account_id: None  # called after writes of this process
        self._idle, self._limit = idle, limit
        self._warm: OrderedDict[int, _Warm] = OrderedDict()  # by account id, least recently used first
        self._closing: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        identity.watch(self._changed)

    @asynccontextmanager
    async def use(self, account: Account) -> AsyncIterator[Session]:
        """A session on the account, in which messages go by the ids that callers know. Raises as `native`."""
        async with self.native(account) as session:
            names = self.names(account, MAIL, known=account.renamed)
            yield RenamedSession(session, names, partial(self.wrote, account.id))

    def names(self, account: Account, port: str, *, known: bool = True) -> Names:
        """What the items of a port are called; unless `known`, they were never renamed."""
        return Names(self._aliases, account.id, port, known, lambda: self._identity.forget(f"account:{account.id}"))

    @asynccontextmanager
    async def native(self, account: Account) -> AsyncIterator[Session]:
        """A session on the account in the provider's names, shared with other requests.

        Raises `Unauthorized` (final) for an account that is dead, without contacting anybody; what `Provider.open`
        raises; and passes on what the block raises."""
        _check_alive(account)
        try:
            async with self._lent(account) as session:
                yield session
        except Unauthorized as error:
            await self._refused(account, error)
            raise
        if account.token_status is TokenStatus.INVALID:
            await self._accepted(account)

    def renew(self, account: Account) -> None:
        """Have the next use open a session anew, with the registration as it is then."""
        self._retire(account.id)

    async def listen(self, account: Account, hear: Hear) -> Listening:
        """Be told of changes, as by `Provider.listen`, which says what it raises.

        Raises `Unauthorized` (final) for an account that is dead, as `use`; a refusal is noted on the account."""
        _check_alive(account)
        try:
            return await self.provider(account).listen(await self.mailbox(account), hear)
        except Unauthorized as error:
            await self._refused(account, error)
            raise

    async def mailbox(self, account: Account) -> Mailbox:
        """The account as its adapter sees it, with the grant opened. Raises `WrongKey`, and `Unauthorized` when the
        service account that it lives by is dead."""
        auth, grant = self.provider(account).auth, await self._keeper.grant(account)
        return Mailbox(
            key=account.id,
            version=account.version,
            email=account.email,
            grant=grant,
            name=account.name,
            marks=dict(account.marks),
            copy_to_sent=account.copy_to_sent,
            tokens=self._keeper.tokens(account, auth, grant) if auth else None,
            client=await self._registrations.client(account.application_id, account.service_type) if auth else None,
        )

    def provider(self, account: Account) -> Provider:
        """The adapter of the account. Raises `Unsupported` when this gateway lacks it."""
        found = self._providers.get(account.service_type)
        if found is None:
            raise Unsupported(f"this gateway has no adapter for {account.service_type} accounts")
        return found

    async def close(self) -> None:
        """Give every session back, those in use too."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for account_id in list(self._warm):
            self._close(self._warm.pop(account_id))
        while self._closing:
            await asyncio.wait(self._closing)
        await self._keeper.close()

    @asynccontextmanager
    async def _lent(self, account: Account) -> AsyncIterator[Session]:
        warm = self._entry(account)
        warm.users += 1
        try:
            yield await asyncio.shield(warm.opening)  # whoever goes away leaves it to those who wait as well
        finally:
            warm.users -= 1
            warm.used_at = time.monotonic()
            if warm.stale and not warm.users:
                self._close(warm)

    def _entry(self, account: Account) -> _Warm:
        """The account's entry: the one there is unless it is of an earlier version or failed to open."""
        warm = self._warm.get(account.id)
        if warm is None or warm.version < account.version or _failed(warm.opening):
            self._retire(account.id)
            self._warm[account.id] = warm = _Warm(account.version, asyncio.create_task(self._open(account)))
            warm.opening.add_done_callback(_failed)  # seen, also when everybody who waited has gone
            self._retire_excess()
            self._start_sweeping()
        self._warm.move_to_end(account.id)
        return warm

    async def _open(self, account: Account) -> Session:
        return await self.provider(account).open(await self.mailbox(account))

    def _retire(self, account_id: int) -> None:
        """Lend this one no more; it is closed when its last user has gone."""
        warm = self._warm.pop(account_id, None)
        if warm is not None:
            warm.stale = True
            if not warm.users:
                self._close(warm)

    def _retire_excess(self) -> None:
        excess = len(self._warm) - self._limit
        if excess > 0:
            newest = next(reversed(self._warm))
            spare = [key for key, warm in self._warm.items() if not warm.users and key != newest]
            for account_id in spare[:excess]:
                self._retire(account_id)

    def _changed(self, topic: str | None) -> None:
        """Another process, or a service of this one, took the account's grant away."""
        kind, _, account_id = (topic or "").partition(":")
        if kind == "gone":
            self._retire(int(account_id))

    def _close(self, warm: _Warm) -> None:
        task = asyncio.create_task(_close(warm.opening))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _start_sweeping(self) -> None:
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP, self._idle))
            limit = time.monotonic() - self._idle
            for account_id in [key for key, warm in self._warm.items() if not warm.users and warm.used_at < limit]:
                self._retire(account_id)

    async def _refused(self, account: Account, error: Unauthorized) -> None:
        async with self._database.session() as session:
            words = error.message[:_MAX_ERROR]
            await accounts.refused(session, account.id, account.version, words, final=error.final)
        self._identity.forget(f"account:{account.id}")

    async def _accepted(self, account: Account) -> None:
        async with self._database.session() as session:
            await accounts.accepted(session, account.id, account.version)
        self._identity.forget(f"account:{account.id}")


def _check_alive(account: Account) -> None:
    if account.token_status is TokenStatus.DEAD or account.sealed_grant is None:
        raise Unauthorized("The account's credentials are dead: connect the account again", final=True)


def _failed(opening: "asyncio.Task[Session]") -> bool:
    return opening.done() and (opening.cancelled() or opening.exception() is not None)


async def _close(opening: "asyncio.Task[Session]") -> None:
    await asyncio.wait({opening})
    if _failed(opening):
        return
    try:
        await opening.result().close()
    except ProviderError as error:  # it was being given back: nobody misses it
        log.debug("a session could not be closed properly: %s", error.message)
