"""The routes: one file per area, one row per operation."""

from gateway.http.route import Route
from gateway.routes import (
    accounts,
    booking,
    calendar_events,
    calendars,
    contacts,
    direct,
    drafts,
    events,
    folders,
    group_booking,
    messages,
    public_booking,
    push,
    schedules,
    service_accounts,
    signin,
    streams,
    subscriptions,
    sync,
    tasks,
    users,
)

_MAIL, _PLANS = (messages, drafts, folders), (calendars, calendar_events, contacts, tasks)
_BOOKING = (schedules, booking, group_booking, public_booking)
_CHANGES, _PROVIDERS = (sync, streams, subscriptions, events), (direct, push)
_AREAS = (accounts, service_accounts, signin, users, *_MAIL, *_PLANS, *_BOOKING, *_CHANGES, *_PROVIDERS)

ROUTES: tuple[Route, ...] = tuple(route for area in _AREAS for route in area.ROUTES)
