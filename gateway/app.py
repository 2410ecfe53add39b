"""create_app(): where the parts meet HTTP."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import logs
from gateway.http.binding import Surroundings
from gateway.http.frontdoor import FrontDoor
from gateway.http.openapi import document
from gateway.http.pages import pages
from gateway.http.repeats import Repeats
from gateway.http.router import router
from gateway.http.tokens import Tokens
from gateway.parts import Parts, Services, start
from gateway.routes import ROUTES
from gateway.services.booking.booking import Booking
from gateway.services.booking.public import PublicBooking
from gateway.services.callers import Callers
from gateway.services.figures import Figures
from gateway.services.live import Live
from gateway.services.signin.authorization import Authorization
from gateway.settings import Settings
from gateway.web.booking import BookingPages
from gateway.web.forms import FormTokens
from gateway.web.signin import SignInPages, failure


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
            parts = await Parts.open(self._settings, stack)
            services = await start(parts)
            self._door = _build(parts, services)
            yield {"leave": services[Live].leave}


def _build(parts: Parts, services: Services) -> ASGIApp:
    """Every part behind the front door."""
    settings = parts.settings
    around = Surroundings(
        identity=services[Callers],
        sessions=parts.sessions,
        tokens=Tokens(parts.keys),
        repeats=Repeats(parts.idempotency),
        services=services.by_class,
        max_body=settings.max_body_bytes,
        timeout=settings.request_timeout,
        show=failure,
        proxies=settings.trusted_proxies,
    )
    described = document(ROUTES, version("postroom"))
    several = "PROMETHEUS_MULTIPROC_DIR" in os.environ
    shown = settings.public_url, settings.trusted_proxies
    booking = BookingPages(services[PublicBooking], services[Booking], parts.keys, *shown)
    sign_in = SignInPages(services[Authorization], FormTokens(parts.keys), *shown)
    beside = [
        *booking.routes(),
        *sign_in.routes(),
        *pages(parts.database.ready, Figures(parts.database).text, described, several),
    ]
    return FrontDoor(router(ROUTES, around, beside), parts.identity)
