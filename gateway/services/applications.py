"""Applications: making them, what browsers and sign-ins may use, their registrations at providers."""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from gateway.identity import Application
from gateway.services.signing import in_use
from gateway.store import values
from gateway.store.database import Database
from gateway.store.hashing import fingerprint, new_secret
from gateway.store.queries import applications
from gateway.store.tables import ApplicationRow, OAuthClientRow
from gateway.store.vault import Vault
from providers.base.errors import Exists, Invalid, NotFound
from schemas.accounts import ApplicationDto, OAuthClientReg, OAuthClientRegsPage, ServiceType

_MAX_NAME = 200
_HOST = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")  # internationalised names in their ASCII form

# The contract names these fields; what the vendor writes into them is not known.
_TYPE = "server"
_CAPABILITIES = ["email"]


@dataclass(frozen=True, slots=True)
class Registration:
    """An OAuth client of an application at a provider; `daemon` for one that acts without a person."""

    service_type: ServiceType
    client_id: str
    client_secret: str = field(repr=False)
    daemon: bool = False
    topic_name: str | None = None
    callback_url: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class Applications:
    """Keeps applications. A name here is an application's name or its client id."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    async def create(self, name: str) -> tuple[Application, str, str]:
        """A new application with its client secret and its signing secret; the former is never shown again.

        Raises `Invalid` for a name that cannot be used, `Exists` for one that is taken."""
        secret, signing_secret = new_secret(), new_secret()
        row = ApplicationRow(
            client_id=secrets.token_hex(12),
            secret_hash=fingerprint(secret),
            sealed_client_secret=self._vault.seal_bytes(secret.encode()),
            sealed_signing_secret=self._vault.seal_bytes(signing_secret.encode()),
            name=_checked_name(name),
        )
        async with self._database.session() as session:
            added = await applications.add(session, row)
        if added is None:
            raise Exists(f"there is an application named {row.name!r} already")
        return values.application(added), secret, signing_secret

    async def new_secret(self, name: str, overlap: timedelta) -> tuple[str, datetime]:
        """A new client secret; the present one is good until the time that is answered. Raises `NotFound`."""
        secret, until = new_secret(), datetime.now(UTC) + overlap
        async with self._database.session() as session:
            row = _known(await applications.by_name(session, name), name)
            await applications.change(
                session,
                row.id,
                secret_hash=fingerprint(secret),
                sealed_client_secret=self._vault.seal_bytes(secret.encode()),
                former_secret_hash=row.secret_hash,
                sealed_former_client_secret=row.sealed_client_secret,
                former_secret_until=until,
            )
        return secret, until

    async def every(self) -> list[Application]:
        """All applications, oldest first."""
        async with self._database.read() as session:
            return [values.application(row) for row in await applications.every(session)]

    async def find(self, name: str) -> Application:
        """The application of this name. Raises `NotFound`."""
        async with self._database.session() as session:
            return values.application(_known(await applications.by_name(session, name), name))

    async def register(self, name: str, registration: Registration) -> None:
        """Store a registration at a provider, in place of an earlier one of the same kind. Raises `NotFound`."""
        async with self._database.session() as session:
            row = _known(await applications.by_name(session, name), name)
            await applications.put_oauth_client(session, self._row(row.id, registration))

    def _row(self, application_id: int, registration: Registration) -> OAuthClientRow:
        return OAuthClientRow(
            application_id=application_id,
            service_type=registration.service_type,
            daemon=registration.daemon,
            client_id=registration.client_id,
            sealed_secrets=self._vault.seal({"clientSecret": registration.client_secret}),
            topic_name=registration.topic_name,
            intermediate_callback_url=registration.callback_url,
            options=dict(registration.options),
        )

    async def change_domains(
        self, name: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """The trusted domains after adding and removing some. Raises `NotFound`, `Invalid`."""
        added, removed = [_origin(value) for value in add], [_origin(value) for value in remove]
        row = await self._change(name, lambda row: {"trusted_domains": _merged(row.trusted_domains, added, removed)})
        return tuple(row.trusted_domains)

    async def change_return_urls(
        self, name: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """The URLs at which sign-ins may end, after adding and removing some. Raises `NotFound`, `Invalid`."""
        added = [_web_url(value) for value in add]
        row = await self._change(name, lambda row: {"return_urls": _merged(row.return_urls, added, list(remove))})
        return tuple(row.return_urls)

    async def _change(self, name: str, plan: Callable[[ApplicationRow], dict[str, list[str]]]) -> ApplicationRow:
        async with self._database.session() as session:
            row = _known(await applications.by_name(session, name), name)
            return await applications.change(session, row.id, **plan(row))

    async def dto(self, application: Application) -> ApplicationDto:
        """The application as its owner sees it. Raises `NotFound` when it was deleted meanwhile."""
        async with self._database.read() as session:
            row = _known(await applications.by_id(session, application.id), application.name)
        signing, _ = in_use(
            row.sealed_signing_secret, row.sealed_next_signing_secret, row.next_signing_at, datetime.now(UTC)
        )
        return ApplicationDto(
            id=row.id,
            name=row.name,
            sync_available=False,
            internal_services_enabled=False,
            created_at=row.created_at,
            application_type=_TYPE,
            capabilities=_CAPABILITIES,
            trial=False,
            signing_secret=self._vault.unseal_bytes(signing).decode(),
        )

    async def oauth_regs(self, application: Application, offset: int = 0, limit: int = 50) -> OAuthClientRegsPage:
        """One page of the registrations at providers, without their secrets."""
        async with self._database.read() as session:
            total, rows = await applications.oauth_clients(session, application.id, offset=offset, limit=limit)
        done = not rows or offset + len(rows) >= total
        return OAuthClientRegsPage(offset=offset, total_size=total, done=done, records=[_reg(row) for row in rows])


def _reg(row: OAuthClientRow) -> OAuthClientReg:
    return OAuthClientReg(
        daemon=row.daemon,
        service_type=row.service_type,
        scopes=row.scopes,
        client_id=row.client_id,
        topic_name=row.topic_name,
        intermediate_callback_url=row.intermediate_callback_url,
    )


def _known(row: ApplicationRow | None, name: str) -> ApplicationRow:
    if row is None:
        raise NotFound(f"there is no application named {name!r}: see `postroom apps list`")
    return row


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise Invalid(f"name: must have 1 to {_MAX_NAME} printable characters", path="name")
    return name


def _merged(present: list[str], added: list[str], removed: list[str]) -> list[str]:
    return [value for value in dict.fromkeys([*present, *added]) if value not in removed]


def _origin(value: str) -> str:
    """An origin as browsers write it (RFC 6454 6.2); a bare domain means https."""
    parts = urlsplit(_web_url(value if "://" in value else f"https://{value}").lower())
    if parts.path not in ("", "/") or parts.query or parts.fragment or not _HOST.fullmatch(parts.netloc):
        raise Invalid(f"{value!r} is no origin: give scheme, host and port only, without wildcards", path="domain")
    default = {"https": ":443", "http": ":80"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.removesuffix(default)}"


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or not value.isprintable() or " " in value:
        raise Invalid(f"{value!r} is no web address: give something like https://app.example.com", path="url")
    return value
