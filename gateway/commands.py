"""What the `postroom` command does on the store; each returns what it prints, as JSON."""

import json
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from cryptography.fernet import Fernet

from gateway.services.applications import Applications, Registration
from gateway.services.signing import SigningSecrets
from gateway.settings import Settings
from gateway.store import keyring
from gateway.store.database import Database
from gateway.store.reseal import reseal
from gateway.store.vault import Vault

CONTRACT_OPERATIONS = 165  # operations in docs/contract/aurinko.openapi.yaml


class Failed(Exception):
    """The command cannot be carried out; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Store:
    """What commands work on."""

    settings: Settings
    database: Database
    vault: Vault

    @property
    def applications(self) -> Applications:
        """The applications kept in it."""
        return Applications(self.database, self.vault)


@asynccontextmanager
async def opened() -> AsyncIterator[Store]:
    """The store that the environment names. The embedded one is migrated first; of another this is its owner's
    decision. Raises `Failed` when it is not up to date or cannot be reached."""
    settings = Settings.from_environment()
    database = await Database.open(settings)
    try:
        if settings.database_url is None:
            await database.migrate()
        if reason := await database.ready():
            raise Failed(reason)
        yield Store(settings, database, Vault.open(settings))
    finally:
        await database.close()


async def migrate(_: Namespace) -> str:
    """Bring the schema up to date."""
    database = await Database.open(Settings.from_environment())
    try:
        await database.migrate()
    finally:
        await database.close()
    return "The database is up to date."


async def create(parsed: Namespace) -> dict[str, str]:
    """Make an application."""
    async with opened() as store:
        application, secret, signing_secret = await store.applications.create(parsed.name)
    return {"clientId": application.client_id, "clientSecret": secret, "signingSecret": signing_secret}


async def every(_: Namespace) -> list[dict[str, Any]]:
    """All applications."""
    async with opened() as store:
        found = await store.applications.every()
    return [
        {"id": item.id, "clientId": item.client_id, "name": item.name, "trustedDomains": list(item.trusted_domains)}
        for item in found
    ]


async def domains(parsed: Namespace) -> list[str]:
    """List or change trusted domains."""
    async with opened() as store:
        return list(await store.applications.change_domains(parsed.name, **_change(parsed)))


async def urls(parsed: Namespace) -> list[str]:
    """List or change return URLs."""
    async with opened() as store:
        return list(await store.applications.change_return_urls(parsed.name, **_change(parsed)))


def _change(parsed: Namespace) -> dict[str, list[str]]:
    if (parsed.action == "list") == bool(parsed.values):
        raise Failed("name the addresses to add or remove, and none to list them")
    return {} if parsed.action == "list" else {parsed.action: parsed.values}


async def signing_secret(parsed: Namespace) -> dict[str, str]:
    """A new signing secret, beside the present one for a while."""
    async with opened() as store:
        secret, since = await SigningSecrets(store.database, store.vault).rotate(
            parsed.name, timedelta(hours=parsed.overlap)
        )
    return {"signingSecret": secret, "standardFrom": since.isoformat(timespec="seconds")}


async def client_secret(parsed: Namespace) -> dict[str, str]:
    """A new client secret, beside the present one for a while."""
    async with opened() as store:
        secret, until = await store.applications.new_secret(parsed.name, timedelta(hours=parsed.overlap))
    return {"clientSecret": secret, "formerUntil": until.isoformat(timespec="seconds")}


async def register(parsed: Namespace) -> dict[str, str]:
    """Register an OAuth client."""
    given = parsed.client_secret
    secret = sys.stdin.readline().strip() if given == "-" else given
    registration = Registration(
        parsed.service,
        parsed.client_id,
        secret,
        parsed.daemon,
        parsed.topic_name,
        parsed.callback_url,
        dict(parsed.option or ()),
    )
    async with opened() as store:
        await store.applications.register(parsed.name, registration)
    return {"application": parsed.name, "serviceType": parsed.service, "clientId": parsed.client_id}


def routes(_: Namespace) -> list[str]:
    """Each row: method, path, whose credentials it takes, and the scopes of which one is needed."""
    from gateway.routes import ROUTES  # with the whole HTTP layer: other commands need not wait for it

    rows = [(row.method, row.path, row.access.audience.value, ",".join(row.access.scopes)) for row in ROUTES]
    return sorted(" ".join(filter(None, row)) for row in rows)


def counted(rows: list[str]) -> str:
    """The rows, and how many they are of the contract's."""
    return "\n".join([*rows, "", f"{len(rows)} of {CONTRACT_OPERATIONS} operations of the contract are served"])


def openapi(_: Namespace) -> str:
    """The document that the gateway serves."""
    from gateway.http.openapi import document
    from gateway.routes import ROUTES

    return json.dumps(document(ROUTES, version("postroom")), indent=2)


def new_key(_: Namespace) -> str:
    """A key for POSTROOM_SECRET_KEYS."""
    return Fernet.generate_key().decode()


async def rotate(parsed: Namespace) -> dict[str, Any]:
    """Add a key and reseal; or reseal and forget the earlier keys."""
    async with opened() as store:
        added = not parsed.retire and keyring.add(store.settings)
        store.vault.refresh()
        resealed = await reseal(store.database, store.vault)
        retired = parsed.retire and keyring.retire(store.settings)
    result: dict[str, Any] = {"keysAdded": int(added), "valuesResealed": resealed, "earlierKeysForgotten": retired}
    if store.settings.secret_keys:
        result["note"] = "the keys are in POSTROOM_SECRET_KEYS: put new ones first there, take old ones out there"
    return result
