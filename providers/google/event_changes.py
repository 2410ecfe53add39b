"""What changed in a calendar, by Google's sync tokens.

A token belongs to a listing without a window, since none is allowed beside it: what has nothing in the window is sorted
out here. Whatever changed of a series, its master is told and with it all of its exceptions; the version of a
master is made of all of them, so that a deleted occurrence changes it. Google knows best which series have something in
a window, so it is asked.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from providers.base.collection import Change, Delta
from providers.base.errors import CursorExpired, Invalid, NotFound
from providers.base.ports import EventQuery
from providers.google.agenda import KINDS, PAGE, Agenda, Json, calendar_id, event_id
from providers.google.event_convert import etag
from providers.google.event_times import read
from schemas.when import EventDateTime

_PREFIX = "s"
_LONGEST = 1500  # characters of a cursor


class EventChanges:
    """The verb `changes` of one account."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda

    async def delta(self, calendar: str, cursor: str | None, query: EventQuery) -> Delta:
        """Raises `CursorExpired`, `NotFound`."""
        if cursor is None:
            found, token = await self._listed(calendar, {})
            return await self._everything(calendar, found, token, query)
        if not cursor.startswith(_PREFIX) or len(cursor) > _LONGEST or not cursor.isascii():
            raise CursorExpired("the position is none of this calendar")
        try:
            found, token = await self._listed(calendar, {"syncToken": cursor[len(_PREFIX) :]})
        except Invalid as error:
            raise CursorExpired("Google does not know this position", original=error.original) from None
        return await self._since(calendar, found, token, query)

    async def _listed(self, calendar: str, query: dict[str, Any]) -> tuple[list[Json], str]:
        """All pages of a round, and the token that only the last one has."""
        found: list[Json] = []
        page: dict[str, Any] = {}
        while True:
            request = self._agenda.apis.events.list(
                calendarId=calendar_id(calendar), maxResults=PAGE, eventTypes=KINDS, **query, **page
            )
            answer = await self._agenda.client.call(request)
            found += answer.get("items", ())
            if answer.get("nextPageToken") is None:
                return found, f"{_PREFIX}{answer['nextSyncToken']}"
            page = {"pageToken": answer["nextPageToken"]}

    async def _everything(self, calendar: str, found: Sequence[Json], cursor: str, query: EventQuery) -> Delta:
        below: dict[str, list[Json]] = defaultdict(list)
        for raw in found:
            if raw.get("recurringEventId"):
                below[raw["recurringEventId"]].append(raw)
        inside = await self._series_inside(calendar, query)
        changed: list[Change] = []
        for raw in found:
            if raw.get("recurringEventId") or raw.get("status") == "cancelled":
                continue
            if not raw.get("recurrence"):
                changed += [_single(raw)] if _within(raw, query) else []
            elif inside is None or raw["id"] in inside:
                changed += _series(raw, below[raw["id"]], query)
        return Delta(changed, [], cursor)

    async def _since(self, calendar: str, found: Sequence[Json], cursor: str, query: EventQuery) -> Delta:
        changed: list[Change] = []
        removed: list[str] = []
        masters: dict[str, None] = {}
        for raw in found:
            if raw.get("recurringEventId") or raw.get("recurrence"):
                masters[raw.get("recurringEventId") or raw["id"]] = None
            elif raw.get("status") == "cancelled" or not _within(raw, query):
                removed.append(raw["id"])
            else:
                changed.append(_single(raw))
        told = await asyncio.gather(*(self._told(calendar, item, query) for item in masters))
        for item, changes in zip(masters, told, strict=True):
            changed += changes
            removed += [] if changes or item in removed else [item]
        return Delta(changed, removed, cursor)

    async def _told(self, calendar: str, item: str, query: EventQuery) -> list[Change]:
        """A series as it is now; nothing when it is gone, or out of the window."""
        try:
            master = await self._agenda.event(calendar, item)
        except NotFound:
            return []
        if not master.get("recurrence"):
            return [_single(master)] if _within(master, query) else []
        everything = await self._agenda.resource(calendar, str(master["iCalUID"]))
        below = [raw for raw in everything if raw.get("recurringEventId") == item]
        return _series(master, below, query) if await self._is_inside(calendar, item, query) else []

    async def _series_inside(self, calendar: str, query: EventQuery) -> set[str] | None:
        """The masters of which anything lies in the window; None without one."""
        window = _window(query)
        if not window:
            return None
        found: set[str] = set()
        while True:
            request = self._agenda.apis.events.list(
                calendarId=calendar_id(calendar), singleEvents=True, maxResults=PAGE, eventTypes=KINDS, **window
            )
            answer = await self._agenda.client.call(request)
            found |= {raw["recurringEventId"] for raw in answer.get("items", ()) if raw.get("recurringEventId")}
            if answer.get("nextPageToken") is None:
                return found
            window["pageToken"] = answer["nextPageToken"]

    async def _is_inside(self, calendar: str, item: str, query: EventQuery) -> bool:
        window = _window(query)
        if not window:
            return True
        while True:
            request = self._agenda.apis.events.instances(
                calendarId=calendar_id(calendar), eventId=event_id(item), maxResults=1, **window
            )
            answer = await self._agenda.client.call(request)
            if answer.get("items") or answer.get("nextPageToken") is None:
                return bool(answer.get("items"))
            window["pageToken"] = answer["nextPageToken"]


def _window(query: EventQuery) -> dict[str, Any]:
    given = {"timeMin": query.time_min, "timeMax": query.time_max}
    return {name: written(moment) for name, moment in given.items() if moment is not None}


def written(moment: datetime) -> str:
    """As Google's parameters want it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _within(raw: Json, query: EventQuery) -> bool:
    start, end = read(raw.get("start")), read(raw.get("end"))
    if start is None or end is None:
        return True
    low, high = _instant(end), _instant(start)
    return (query.time_min is None or low > query.time_min) and (query.time_max is None or high < query.time_max)


def _instant(value: EventDateTime) -> datetime:
    return value.instant()


def _single(raw: Json) -> Change:
    return Change(raw["id"], str(etag(raw)), identity=raw.get("iCalUID"))


def _series(master: Json, below: Sequence[Json], query: EventQuery) -> list[Change]:
    """The master, and its exceptions that lie in the window."""
    parts = sorted(f"{raw['id']} {etag(raw)}" for raw in (master, *below))
    version = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    exceptions = [raw for raw in below if raw.get("status") != "cancelled" and _within(raw, query)]
    return [
        Change(master["id"], version, identity=master.get("iCalUID")),
        *(Change(raw["id"], str(etag(raw)), master["id"], raw.get("iCalUID")) for raw in exceptions),
    ]
