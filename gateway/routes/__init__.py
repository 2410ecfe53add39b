"""The routes: one file per area, one row per operation."""

from gateway.http.route import Route
from gateway.routes import accounts, drafts, events, folders, messages, streams, subscriptions, sync

_AREAS = (accounts, messages, drafts, folders, sync, streams, subscriptions, events)

ROUTES: tuple[Route, ...] = tuple(route for area in _AREAS for route in area.ROUTES)
