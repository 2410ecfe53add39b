"""The Events port."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

from providers.base.collection import Delta, Page, PageRequest, Ref
from providers.base.errors import CursorExpired, Exists, Invalid, NotFound
from providers.base.ports import EventQuery, Events, EventView, EventWrite
from providers.google import event_write
from providers.google.agenda import KINDS, PAGE, Agenda, Json, calendar_id, event_id
from providers.google.event_changes import EventChanges, written
from providers.google.event_convert import event, occurrence
from providers.google.event_times import read, recurrence
from schemas.calendar import Event, SeriesInfo
from schemas.meetings import MeetingResponse, MeetingResponseType
from schemas.recurrence import OccurrenceType

_MIDDLE_STATES = ("pending",)
_LOOKS = 3  # at a conference that is being made
_PAUSE = 0.5  # seconds between them
_ANSWERS = {MeetingResponseType.NO_RESPONSE: "needsAction"}


class GoogleEvents(Events):
    """Ids are Google's; those of occurrences too."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._changes = EventChanges(agenda)

    async def find(self, parent: str | None, query: EventQuery, page: PageRequest) -> Page[Event]:
        asked: dict[str, Any] = {"maxResults": min(page.limit, PAGE), "eventTypes": KINDS}
        if query.i_cal_uid is not None:
            asked["iCalUID"] = query.i_cal_uid
        if query.time_min is not None or query.time_max is not None:
            asked |= {"singleEvents": True, "orderBy": "startTime"}
            asked |= {"timeMin": written(query.time_min)} if query.time_min else {}
            asked |= {"timeMax": written(query.time_max)} if query.time_max else {}
        if page.cursor is not None:
            asked["pageToken"] = page.cursor
        answer = await self._agenda.paged(self._agenda.apis.events.list(calendarId=calendar_id(parent), **asked))
        expanded = "singleEvents" in asked
        raws = [raw for raw in answer.get("items", ()) if raw.get("status") != "cancelled"]
        shown = [raw for raw in raws if expanded or not raw.get("recurringEventId")]
        return Page([event(raw, parent or "", query.view) for raw in shown], answer.get("nextPageToken"))

    async def get(self, ref: Ref, view: EventView = EventView()) -> Event:
        return event(await self._agenda.event(ref.parent, ref.id), ref.parent or "", view)

    async def create(self, parent: str | None, draft: EventWrite) -> Event:
        """With a UID, a repeated one answers what the first one made."""
        calendar = calendar_id(parent)
        if draft.event.start is None:  # the calendar may be what is missing
            await self._agenda.client.call(self._agenda.apis.calendar_list.get(calendarId=calendar))
        body = event_write.body(draft, {})
        if draft.uid is not None:
            body["iCalUID"] = draft.uid
            if known := await self._known(calendar, draft.uid):
                return event(known, calendar, EventView())
        request = self._agenda.apis.events.insert(calendarId=calendar, body=body, **_options(draft))
        try:
            raw = await self._agenda.client.call(request)
        except Exists:
            found = await self._known(calendar, draft.uid or "")
            if found is None:
                raise
            raw = found
        return event(await self._conferred(calendar, raw), calendar, EventView())

    async def update(self, ref: Ref, patch: EventWrite, etag: str | None = None) -> Event:
        calendar = calendar_id(ref.parent)
        raw = await self._agenda.event(calendar, ref.id)
        body = event_write.body(patch, raw)
        request = self._agenda.apis.events.patch(
            calendarId=calendar, eventId=event_id(ref.id), body=body, **_options(patch)
        )
        changed = await self._agenda.client.call(request, _guard(etag))
        return event(await self._conferred(calendar, changed), calendar, EventView())

    async def delete(self, ref: Ref, etag: str | None = None, notify: bool = True) -> None:
        request = self._agenda.apis.events.delete(
            calendarId=calendar_id(ref.parent), eventId=event_id(ref.id), sendUpdates=_updates(notify)
        )
        try:
            await self._agenda.client.call(request, _guard(etag))
        except CursorExpired:  # 410
            raise NotFound("the event was deleted before") from None

    async def changes(self, parent: str | None, cursor: str | None, query: EventQuery) -> Delta:
        return await self._changes.delta(calendar_id(parent), cursor, query)

    async def respond(self, ref: Ref, response: MeetingResponse, notify: bool = True) -> None:
        """Only the account's own line is written, so that nobody else's is touched."""
        raw = await self._agenda.event(ref.parent, ref.id)
        own = next((one for one in raw.get("attendees") or () if one.get("self")), None)
        if own is None:
            raise Invalid("the account is not invited to this event")
        answer = {"email": own["email"], "responseStatus": _ANSWERS.get(response.response, str(response.response))}
        if response.comment is not None:
            answer["comment"] = response.comment
        request = self._agenda.apis.events.patch(
            calendarId=calendar_id(ref.parent),
            eventId=event_id(ref.id),
            sendUpdates=_updates(notify),
            body={"attendees": [answer], "attendeesOmitted": True},
        )
        await self._agenda.client.call(request)

    async def series(self, ref: Ref) -> SeriesInfo:
        master = await self._master(ref)
        everything = await self._agenda.resource(ref.parent or "", str(master["iCalUID"]))
        below = [raw for raw in everything if raw.get("recurringEventId") == ref.id]
        gone = [raw for raw in below if raw.get("status") == "cancelled"]
        return SeriesInfo(
            id=ref.id,
            recurrence=recurrence(master),
            modified_occurrences=[
                occurrence(raw, OccurrenceType.MODIFIED) for raw in below if raw.get("status") != "cancelled"
            ],
            deleted_occurrences=[occurrence(raw, OccurrenceType.DELETED) for raw in gone],
        )

    async def occurrences(self, ref: Ref, page: PageRequest, view: EventView = EventView()) -> Page[Event]:
        await self._master(ref)
        asked: dict[str, Any] = {} if page.cursor is None else {"pageToken": page.cursor}
        answer = await self._agenda.paged(self._instances(ref, maxResults=min(page.limit, PAGE), **asked))
        records = [event(raw, ref.parent or "", view) for raw in answer.get("items", ())]
        return Page(records, answer.get("nextPageToken"))

    async def occurrence(self, ref: Ref, planned: date | datetime, view: EventView = EventView()) -> Event:
        start = read((await self._master(ref)).get("start"))
        if start is None:
            raise NotFound("the series has no start")
        wanted = planned.isoformat() if start.all_day else None
        if not isinstance(planned, datetime) and not start.all_day:
            wall = start.wall
            assert isinstance(wall, datetime)
            planned = datetime.combine(planned, wall.time(), start.zone)
        if isinstance(planned, datetime):
            wanted = planned.astimezone(start.zone).date().isoformat() if start.all_day else _moment(planned)
        answer = await self._agenda.client.call(self._instances(ref, originalStart=wanted))
        found = [raw for raw in answer.get("items", ()) if raw.get("status") != "cancelled"]
        if not found:
            raise NotFound("no occurrence was planned then")
        return event(found[0], ref.parent or "", view)

    async def _master(self, ref: Ref) -> Json:
        raw = await self._agenda.event(ref.parent, ref.id)
        if not raw.get("recurrence"):
            raise Invalid("the event is no series")
        return raw

    def _instances(self, ref: Ref, **asked: Any) -> Any:
        calendar, item = calendar_id(ref.parent), event_id(ref.id)
        return self._agenda.apis.events.instances(calendarId=calendar, eventId=item, **asked)

    async def _known(self, calendar: str, uid: str) -> Json | None:
        found = await self._agenda.resource(calendar, uid)
        alive = (raw for raw in found if not raw.get("recurringEventId") and raw.get("status") != "cancelled")
        return next(alive, None)

    async def _conferred(self, calendar: str, raw: Json) -> Json:
        """The event with its conference, if one is being made and is ready soon."""
        for _ in range(_LOOKS):
            request = (raw.get("conferenceData") or {}).get("createRequest") or {}
            if (request.get("status") or {}).get("statusCode") not in _MIDDLE_STATES:
                break
            await asyncio.sleep(_PAUSE)
            raw = await self._agenda.event(calendar, str(raw["id"]))
        return raw


def _options(write: EventWrite) -> dict[str, Any]:
    info = write.event.meeting_info
    conference = {"conferenceDataVersion": 1} if info is not None and info.online_meeting else {}
    return {"sendUpdates": _updates(write.notify), **conference}


def _updates(notify: bool) -> str:
    return "all" if notify else "none"


def _guard(etag: str | None) -> dict[str, str]:
    if etag is None:
        return {}
    bare = etag.strip('"')
    return {"If-Match": f'"{bare}"'}


def _moment(planned: datetime) -> str:
    return planned.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
