"""The routes: one file per area, one row per operation."""

from gateway.http.route import Route
from gateway.routes import accounts, drafts, events, folders, messages, sync

ROUTES: tuple[Route, ...] = (
    *accounts.ROUTES,
    *messages.ROUTES,
    *drafts.ROUTES,
    *folders.ROUTES,
    *sync.ROUTES,
    *events.ROUTES,
)
