"""Who calls: credentials -> applications and accounts, mostly from memory (design section 14).

A warm request costs no round trip. Changes reach the caches at once, in this process by `forget`, in others by the
database's announcements; and within `LIFE` seconds should those fail.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.identity import Account, Application
from gateway.services.cache import Cache
from gateway.services.uses import Uses
from gateway.store import values
from gateway.store.announcements import Listener
from gateway.store.database import Database
from gateway.store.hashing import fingerprint, matches
from gateway.store.queries import accounts, applications, tokens

LIFE = 5.0  # seconds
_LIMIT = 10_000  # values of each kind


@dataclass(frozen=True, slots=True)
class _Tenant:
    application: Application
    secret_hash: bytes
    former_hash: bytes | None = None
    former_until: datetime | None = None

    def is_known_by(self, secret: str) -> bool:
        """Whether it is its client secret, or the former one while that is still good."""
        if matches(secret, self.secret_hash):
            return True
        if self.former_hash is None or self.former_until is None or self.former_until <= datetime.now(UTC):
            return False
        return matches(secret, self.former_hash)


@dataclass(frozen=True, slots=True)
class _Bearer:
    token_id: int
    application: Application
    account: Account


class Identity:
    """Looks up credentials. Call `start` in the running loop, `close` at the end; without `start` it works, but hears
    of other processes' changes only when its values expire."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenants: Cache[_Tenant] = Cache(LIFE, _LIMIT)
        self._bearers: Cache[_Bearer] = Cache(LIFE, _LIMIT)
        self._accounts: Cache[Account] = Cache(LIFE, _LIMIT)
        self._origins: Cache[frozenset[str]] = Cache(LIFE, 1)
        self._uses = Uses(database)
        self._listener: Listener | None = None
        self._watchers: list[Callable[[str | None], None]] = []

    async def start(self) -> None:
        """Begin to hear what other processes change."""
        self._listener = self._database.listen(self.forget)

    async def close(self) -> None:
        """Write what is still to be noted, and stop listening."""
        if self._listener is not None:
            await self._listener.close()
        await self._uses.close()

    def watch(self, watcher: Callable[[str | None], None]) -> None:
        """Have `watcher` called with the topic of every change (gateway/store/announcements.py)."""
        self._watchers.append(watcher)

    def forget(self, topic: str | None) -> None:
        """Something changed: `application:ID`, `account:ID`, `gone:ID`; None when it is not known what."""
        filed = topic.replace("gone:", "account:") if topic else None
        for cache in (self._tenants, self._bearers, self._accounts, self._origins):
            cache.drop(filed)
        if topic is None or topic.startswith("application:"):
            self._origins.drop(None)
        for watcher in self._watchers:
            watcher(topic)

    async def application(self, client_id: str, secret: str) -> Application | None:
        """The application whose credentials these are."""
        tenant = await self._tenant(client_id)
        return tenant.application if tenant and tenant.is_known_by(secret) else None

    async def application_by_client_id(self, client_id: str) -> Application | None:
        """The application with this client id, which is no secret."""
        tenant = await self._tenant(client_id)
        return tenant.application if tenant else None

    async def token(self, bearer: str) -> tuple[Application, Account] | None:
        """The account whose access token this is; its use is noted in the background."""
        found = await self._bearer(fingerprint(bearer))
        if found is None:
            return None
        self._uses.note(found.token_id)
        return found.application, found.account

    async def account(self, application: Application, account_id: int) -> Account | None:
        """An account of the application."""
        key = (application.id, account_id)
        if known := self._accounts.get(key):
            return known
        age = self._accounts.age
        async with self._database.read() as session:
            row = await accounts.get(session, application.id, account_id)
        if row is None:
            return None
        account = values.account(row)
        self._accounts.put(key, account, [f"account:{account_id}"], age)
        return account

    async def anybody(self, account_id: int) -> Account | None:
        """An account of whatever application: for the gateway's own work, never for a caller's."""
        async with self._database.read() as session:
            row = await accounts.any_by_id(session, account_id)
        return values.account(row) if row else None

    async def trusted_origin(self, origin: str) -> bool:
        """Whether any application trusts pages of this origin, such as `https://app.example.com`."""
        known = self._origins.get("all")
        if known is None:
            age = self._origins.age
            async with self._database.read() as session:
                known = await applications.trusted_origins(session)
            self._origins.put("all", known, [], age)
        return origin.lower() in known

    async def _tenant(self, client_id: str) -> _Tenant | None:
        if known := self._tenants.get(client_id):
            return known
        age = self._tenants.age
        async with self._database.read() as session:
            row = await applications.by_client_id(session, client_id)
        if row is None:
            return None
        former = (row.former_secret_hash, row.former_secret_until)
        tenant = _Tenant(values.application(row), row.secret_hash, *former)
        self._tenants.put(client_id, tenant, [f"application:{row.id}"], age)
        return tenant

    async def _bearer(self, token_hash: bytes) -> _Bearer | None:
        if known := self._bearers.get(token_hash):
            return known
        age = self._bearers.age
        async with self._database.read() as session:
            found = await tokens.find(session, token_hash)
        if found is None:
            return None
        token_id, row, tenant = found
        bearer = _Bearer(token_id, values.application(tenant), values.account(row))
        self._bearers.put(token_hash, bearer, [f"account:{row.id}", f"application:{tenant.id}"], age)
        return bearer
