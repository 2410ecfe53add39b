"""The routes: one file per area, one row per operation."""

from gateway.http.route import Route
from gateway.routes import (
    accounts,
    booking,
    drafts,
    events,
    folders,
    group_booking,
    messages,
    public_booking,
    schedules,
    streams,
    subscriptions,
    sync,
)

_AREAS = (
    accounts,
    messages,
    drafts,
    folders,
    sync,
    streams,
    subscriptions,
    events,
    schedules,
    booking,
    group_booking,
    public_booking,
)

ROUTES: tuple[Route, ...] = tuple(route for area in _AREAS for route in area.ROUTES)
