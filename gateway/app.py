"""create_app(): the one place where all parts meet."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import logs
from gateway.http.binding import Surroundings
from gateway.http.delta_tokens import DeltaTokens
from gateway.http.event_cursors import EventCursors
from gateway.http.event_stream import frames
from gateway.http.frontdoor import FrontDoor
from gateway.http.openapi import document
from gateway.http.pages import pages
from gateway.http.repeats import Repeats
from gateway.http.router import router
from gateway.http.tokens import Tokens
from gateway.routes import ROUTES
from gateway.services.accounts import Accounts
from gateway.services.applications import Applications
from gateway.services.attention import Attention
from gateway.services.changelog import ChangeLog
from gateway.services.identity import Identity
from gateway.services.live import MAX_WAIT, Live, Pace
from gateway.services.mail_sync import MailSync
from gateway.services.marks import Marks
from gateway.services.sending import Sending
from gateway.services.sessions import Sessions
from gateway.services.sources import Sources
from gateway.settings import Settings
from gateway.store import keyring
from gateway.store.database import Database
from gateway.store.feed_places import FeedPlaces
from gateway.store.idempotency import IdempotencyKeys
from gateway.store.sends import Sends
from gateway.store.vault import Vault
from gateway.store.wants import Wants
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
    async def _lifespan(self, _: object) -> AsyncIterator[dict[str, object]]:
        async with AsyncExitStack() as stack:
            self._door, leave = await build(self._settings, stack)
            yield {"leave": leave}


async def build(settings: Settings, stack: AsyncExitStack) -> tuple[ASGIApp, Callable[[], None]]:
    """Every part, wired, and what has answers without end come to one; `stack` closes what was opened."""
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
    changelog = ChangeLog(database)
    stack.push_async_callback(changelog.close)
    sources = Sources(sessions)
    attention = Attention(Wants(database), identity, changelog, sources)
    stack.push_async_callback(attention.close)
    live = Live(
        FeedPlaces(database), EventCursors(), frames, attention, Pace(wait=min(MAX_WAIT, settings.request_timeout / 2))
    )
    identity.watch(live.heard)
    services: Sequence[object] = (
        accounts,
        Applications(database, vault),
        Sending(Sends(database), settings.max_recipients),
        Marks(accounts, sessions),
        MailSync(changelog, sources, DeltaTokens(keys)),
        live,
    )
    keys_in_use = IdempotencyKeys(database, vault)
    if settings.work:
        _in_background(upkeep(keys_in_use), stack)
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
    return FrontDoor(router(ROUTES, around, beside), identity), live.leave


def _in_background(work: Coroutine[None, None, None], stack: AsyncExitStack) -> None:
    task = asyncio.create_task(work)
    stack.callback(task.cancel)
