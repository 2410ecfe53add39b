"""Fresh access tokens: each account's grant is refreshed by one process at a time, and stored before it is used.

The account's row is locked from before the provider is asked until its answer is stored (`FOR NO KEY UPDATE`, which
holds up nothing but other changes of the row), so that a refresh token that changes with each use is never used twice.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.identity import Account
from gateway.services.registrations import Registrations
from gateway.store.database import Database
from gateway.store.queries import accounts
from gateway.store.tables import AccountRow
from gateway.store.vault import Vault
from providers.base.errors import ProviderError, Unauthorized, Unavailable
from providers.base.linked import Grant
from providers.base.oauth2 import Auth, usable
from schemas.accounts import TokenStatus

log = logging.getLogger("postroom.tokens")

AHEAD = 300.0  # seconds before a token is no longer used from which another is got, while nobody has to wait for it
_PATIENCE = 30.0  # seconds between attempts ahead of time
_AT_ONCE = 3  # refreshes of a process at a time: each holds a connection of the pool
_DEADLINE = 15.0  # seconds; shorter than PostgreSQL's patience with a transaction in which nothing is said
_STORE_AGAIN = (0.1, 0.5, 1.0, 2.0)  # seconds


@dataclass(frozen=True, slots=True)
class _Refreshed:
    """A grant that was got, and what it takes the place of."""

    account_id: int
    version: int
    was: bytes | None
    sealed: bytes
    grant: Grant


class TokenKeeper:
    """Refreshes grants; one in a process."""

    def __init__(self, database: Database, vault: Vault, registrations: Registrations) -> None:
        self._database, self._vault, self._registrations = database, vault, registrations
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._running: dict[int, asyncio.Task[Grant]] = {}

    def tokens(self, account: Account, auth: Auth, grant: Grant) -> "KeptTokens":
        """The access tokens of an account whose grant was this just now."""
        return KeptTokens(self, account.id, auth, grant)

    async def grant(self, account: Account) -> Grant:
        """The grant of an account as it is used. Raises `WrongKey`."""
        own = self._opened(account.sealed_grant)
        if account.parent_id is None:
            return own
        async with self._database.read() as session:
            return {**self._opened(await self._of_parent(session, account.parent_id)), **own}

    async def renewed(self, account_id: int, auth: Auth, refused: str | None) -> Grant:
        """A grant whose token is good, and is not the refused one. Whoever asks meanwhile gets the same; whoever goes
        away leaves the refresh running. Raises `Unauthorized`, `Unavailable`."""
        return await asyncio.shield(self.renewing(account_id, auth, refused))

    def renewing(self, account_id: int, auth: Auth, refused: str | None = None) -> "asyncio.Task[Grant]":
        """The refresh of an account that is running, or a new one."""
        task = self._running.get(account_id)
        if task is None:
            self._running[account_id] = task = asyncio.create_task(self._renew(account_id, auth, refused))
            task.add_done_callback(lambda done: self._done(account_id, done))
        return task

    async def close(self) -> None:
        """Let refreshes that have begun come to their end: an answer that is not stored may be lost for good."""
        if self._running:
            await asyncio.wait(set(self._running.values()), timeout=_DEADLINE)

    def _done(self, account_id: int, task: "asyncio.Task[Grant]") -> None:
        self._running.pop(account_id, None)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, ProviderError):
            log.error("the tokens of account %s could not be refreshed", account_id, exc_info=error)

    async def _renew(self, account_id: int, auth: Auth, refused: str | None) -> Grant:
        got: _Refreshed | None = None
        async with self._turns:
            try:
                async with self._database.session() as session:
                    row = await self._locked(session, account_id)
                    grant, shared = await self._used(session, row)
                    if usable(grant, time.time() + (0 if refused else AHEAD), refused):
                        return grant  # somebody else was faster
                    got = await self._ask(session, auth, row, grant, shared)
                    await self._store(session, got)
                return got.grant
            except Unavailable:
                if got is None:
                    raise
                return await self._store_again(got)  # the answer must not be lost with the connection

    async def _locked(self, session: AsyncSession, account_id: int) -> AccountRow:
        row = await accounts.locked(session, account_id)
        if row is None or row.sealed_grant is None or row.token_status == TokenStatus.DEAD:
            raise Unauthorized("The account's credentials are dead: connect the account again", final=True)
        return row

    async def _used(self, session: AsyncSession, row: AccountRow) -> tuple[Grant, Grant]:
        """The grant as it is used, and the part that is the service account's."""
        shared = self._opened(await self._of_parent(session, row.parent_id)) if row.parent_id else {}
        return {**shared, **self._opened(row.sealed_grant)}, shared

    async def _ask(self, session: AsyncSession, auth: Auth, row: AccountRow, grant: Grant, shared: Grant) -> _Refreshed:
        client = await self._registrations.of(session, row.application_id, row.service_type)
        try:
            async with asyncio.timeout(_DEADLINE):
                fresh = await auth.refresh(client, grant)
        except TimeoutError:
            raise Unavailable("The provider did not give a new token in time") from None
        own = {name: value for name, value in fresh.items() if name not in shared or shared[name] != value}
        return _Refreshed(row.id, row.version, row.sealed_grant, self._vault.seal(own), fresh)

    async def _store(self, session: AsyncSession, got: _Refreshed) -> bool:
        expires = float(got.grant.get("expires_at") or 0) or None
        return await accounts.keep_grant(session, got.account_id, got.version, got.was, got.sealed, expires)

    async def _store_again(self, got: _Refreshed) -> Grant:
        for pause in _STORE_AGAIN:
            await asyncio.sleep(pause)
            try:
                async with self._database.session() as session:
                    if not await self._store(session, got):  # connected anew, or refreshed by somebody who had the lock
                        grant, _ = await self._used(session, await self._locked(session, got.account_id))
                        return grant
                return got.grant
            except Unavailable:
                continue
        log.error("a new token of account %s could not be stored", got.account_id)
        return got.grant

    async def _of_parent(self, session: AsyncSession, parent_id: int) -> bytes | None:
        row = await accounts.any_by_id(session, parent_id)
        if row is None or row.sealed_grant is None or row.token_status == TokenStatus.DEAD:
            raise Unauthorized("The service account's credentials are dead: connect it again", final=True)
        return row.sealed_grant

    def _opened(self, sealed: bytes | None) -> Grant:
        opened: Mapping[str, object] = self._vault.unseal(sealed) if sealed else {}
        return opened


class KeptTokens:
    """See `Tokens` (providers/base/oauth2.py)."""

    def __init__(self, keeper: TokenKeeper, account_id: int, auth: Auth, grant: Grant) -> None:
        self._keeper, self._account_id, self._auth, self._grant = keeper, account_id, auth, grant
        self._tried = 0.0  # when another was last asked for ahead of time

    async def fresh(self, refused: str | None = None) -> str:
        """A token that is good for a while. Raises `Unauthorized`, `Unavailable`."""
        now = time.time()
        if token := usable(self._grant, now, refused):
            if not usable(self._grant, now + AHEAD) and self._renewable and now - self._tried > _PATIENCE:
                self._tried = now
                self._keeper.renewing(self._account_id, self._auth).add_done_callback(self._take)
            return token
        self._grant = await self._keeper.renewed(self._account_id, self._auth, refused)
        token = str(self._grant.get("access_token") or "")
        if token == refused:  # the refresh that was running was not for this refusal
            self._grant = await self._keeper.renewed(self._account_id, self._auth, refused)
        return str(self._grant.get("access_token") or "")

    @property
    def _renewable(self) -> bool:
        return any(name in self._grant for name in ("refresh_token", "service_account"))

    def _take(self, task: "asyncio.Task[Grant]") -> None:
        """What a refresh ahead of time gave; should it have failed, there is time for another."""
        if not task.cancelled() and task.exception() is None:
            self._grant = task.result()
