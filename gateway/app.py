"""create_app(): the one place where all parts meet."""

import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from uuid import uuid4

from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import logs
from gateway.http.binding import Surroundings
from gateway.http.delta_tokens import DeltaTokens
from gateway.http.frontdoor import FrontDoor
from gateway.http.openapi import document
from gateway.http.pages import pages
from gateway.http.repeats import Repeats
from gateway.http.router import router
from gateway.http.tokens import Tokens
from gateway.routes import ROUTES
from gateway.services.accounts import Accounts
from gateway.services.applications import Applications
from gateway.services.changelog import ChangeLog
from gateway.services.identity import Identity
from gateway.services.mail_sync import MailSync
from gateway.services.marks import Marks
from gateway.services.sending import Sending
from gateway.services.sessions import Sessions
from gateway.services.sources import Sources
from gateway.services.watching import Watching
from gateway.settings import Settings
from gateway.store import keyring
from gateway.store.database import Database
from gateway.store.idempotency import IdempotencyKeys
from gateway.store.leases import Leases
from gateway.store.sends import Sends
from gateway.store.vault import Vault
from gateway.work.background import Background, chosen
from gateway.work.engine import Engine
from gateway.work.pump import Pump
from gateway.work.upkeep import upkeep
from providers import registry


def create_app(settings: Settings | None = None) -> ASGIApp:
    """The ASGI application; settings from the environment unless given. Raises `SettingsError` at once."""
    settings = settings or Settings.from_environment(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    return Gateway(settings)


class Gateway:
    """Opens everything when the server starts, answers requests, and closes everything when it stops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._outer = Router(lifespan=self._lifespan, default=self._serve)
        self._door: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._outer(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._door is not None, "requests come after the lifespan's start"
        await self._door(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            self._door = await build(self._settings, stack)
            yield


async def build(settings: Settings, stack: AsyncExitStack) -> ASGIApp:
    """Every part, wired; `stack` closes what was opened."""
    database = await Database.open(settings)
    stack.push_async_callback(database.close)
    keys = keyring.load(settings)
    vault = Vault.open(settings)
    providers = registry.load(settings.provider_settings())
    for provider in set(providers.values()):
        stack.push_async_callback(provider.close)
    identity = Identity(database)
    await identity.start()
    stack.push_async_callback(identity.close)
    sessions = Sessions(providers, vault, database, identity)
    stack.push_async_callback(sessions.close)
    accounts = Accounts(database, vault, providers, sessions, identity)
    pumps: Sequence[Pump] = ()
    kinds = chosen(settings.queues, [pump.name for pump in pumps], work=settings.work)
    engine = Engine(database, pumps, kinds)
    changelog = ChangeLog(database, told=engine.told)
    stack.push_async_callback(changelog.close)
    services: Sequence[object] = (
        accounts,
        Applications(database, vault),
        Sending(Sends(database), settings.max_recipients),
        Marks(accounts, sessions),
        MailSync(changelog, Sources(sessions), DeltaTokens(keys)),
    )
    keys_in_use = IdempotencyKeys(database, vault)
    leases = Leases(database, f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}")
    watching = Watching(leases, sessions, changelog, Sources(sessions))
    background = Background(kinds, engine, watching, partial(upkeep, keys_in_use), identity)
    await background.start()
    stack.push_async_callback(background.close)
    around = Surroundings(
        identity=identity,
        sessions=sessions,
        tokens=Tokens(keys),
        repeats=Repeats(keys_in_use),
        services={type(service): service for service in services},
        max_body=settings.max_body_bytes,
        timeout=settings.request_timeout,
    )
    beside = pages(database.ready, document(ROUTES, version("postroom")), "PROMETHEUS_MULTIPROC_DIR" in os.environ)
    return FrontDoor(router(ROUTES, around, beside), identity)
