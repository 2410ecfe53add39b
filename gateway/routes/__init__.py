"""The routes: one file per area, one row per operation."""

from gateway.http.route import Route
from gateway.routes import (
    accounts,
    calendar_events,
    calendars,
    contacts,
    drafts,
    events,
    folders,
    messages,
    streams,
    subscriptions,
    sync,
    tasks,
)

_MAIL, _PLANS = (messages, drafts, folders), (calendars, calendar_events, contacts, tasks)
_AREAS = (accounts, *_MAIL, *_PLANS, sync, streams, subscriptions, events)

ROUTES: tuple[Route, ...] = tuple(route for area in _AREAS for route in area.ROUTES)
