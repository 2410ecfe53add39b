"""Events of calendars (contract: tag Events)."""

import asyncio
from datetime import date, datetime
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from gateway.http.parameters import Also
from gateway.http.route import Media, Route
from gateway.routes.items import IfMatch, Moment, NativeProperties, etag
from gateway.routes.scopes import READ_CALENDAR, WRITE_CALENDAR
from gateway.services.parents import calendar_of
from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Invalid
from providers.base.ports import Calendars, Content, EventQuery, Events, EventView, EventWrite
from schemas.calendar import Event, EventOrId, EventsPageNext, SeriesInfo
from schemas.common import OkResponse
from schemas.mail import BodyType
from schemas.meetings import MeetingResponse

Notify = Annotated[bool, Field(description="tell attendees, where the account organizes the meeting")]
ReturnRecord = Annotated[bool, Field(description="answer the whole record, else its ids only")]
Written = Annotated[BodyType, Field(description="what description is written in")]
Uids = Annotated[list[str], Also("iCalUid", "ICalUid"), Field(max_length=50, description="repeated or comma-separated")]
_PLANNED: TypeAdapter[date | datetime] = TypeAdapter(date | datetime)


async def find(calendar_id: str, calendars: Calendars, events: Events, page: PageRequest) -> Page[Event]:
    """List events: single ones and the masters of series, not each occurrence."""
    return await events.find(await calendar_of(calendars, calendar_id), EventQuery(), page)


async def find_in_range(
    calendar_id: str, time_min: Moment, time_max: Moment, calendars: Calendars, events: Events, page: PageRequest
) -> Page[Event]:
    """List what takes place in a window: single events and occurrences that end after `timeMin` and start before
    `timeMax`, in the order of their starts."""
    if time_max <= time_min:
        raise Invalid("must be after timeMin", path="timeMax")
    query = EventQuery(time_min=time_min, time_max=time_max)
    return await events.find(await calendar_of(calendars, calendar_id), query, page)


async def find_by_uid(
    calendar_id: str, i_cal_u_id: Uids, calendars: Calendars, events: Events, page: PageRequest
) -> Page[Event]:
    """Find events by their iCalendar UIDs; all are answered on one page."""
    parent, uids = await calendar_of(calendars, calendar_id), dict.fromkeys(i_cal_u_id)
    found = await asyncio.gather(*(events.find(parent, EventQuery(i_cal_uid=uid), PageRequest()) for uid in uids))
    return Page([event for one in found for event in one.records])


async def create(
    calendar_id: str,
    body: Event,
    calendars: Calendars,
    events: Events,
    notify_attendees: Notify = True,
    body_type: Written = BodyType.HTML,
    return_record: ReturnRecord = True,
) -> EventOrId:
    """Create an event, or a series."""
    parent = await calendar_of(calendars, calendar_id)
    return _result(await events.create(parent, EventWrite(body, notify_attendees, body_type)), return_record)


async def get(
    calendar_id: str,
    event_id: str,
    calendars: Calendars,
    events: Events,
    native_properties: NativeProperties = (),
) -> Event:
    """Read an event, a master or an occurrence."""
    ref = Ref(event_id, await calendar_of(calendars, calendar_id))
    return await events.get(ref, EventView(native_properties=native_properties))


async def update(
    calendar_id: str,
    event_id: str,
    body: Event,
    calendars: Calendars,
    events: Events,
    notify_attendees: Notify = True,
    body_type: Written = BodyType.HTML,
    return_record: ReturnRecord = True,
    if_match: IfMatch = None,
) -> EventOrId:
    """Change what the body names of an event; null clears. Changing an occurrence makes it an exception."""
    ref = Ref(event_id, await calendar_of(calendars, calendar_id))
    changed = await events.update(ref, EventWrite(body, notify_attendees, body_type), etag(if_match))
    return _result(changed, return_record)


async def delete(
    calendar_id: str, event_id: str, calendars: Calendars, events: Events, notify_attendees: Notify = True
) -> None:
    """Delete an event, a whole series, or one occurrence."""
    await events.delete(Ref(event_id, await calendar_of(calendars, calendar_id)), notify=notify_attendees)


async def series(calendar_id: str, master_id: str, calendars: Calendars, events: Events) -> SeriesInfo:
    """Read a series: its recurrence, and which occurrences were changed or deleted."""
    return await events.series(Ref(master_id, await calendar_of(calendars, calendar_id)))


async def occurrences(
    calendar_id: str, master_id: str, calendars: Calendars, events: Events, page: PageRequest
) -> Page[Event]:
    """List the occurrences of a series in order; a series without end has no last page."""
    return await events.occurrences(Ref(master_id, await calendar_of(calendars, calendar_id)), page)


async def occurrence(calendar_id: str, master_id: str, ost: str, calendars: Calendars, events: Events) -> Event:
    """Read the occurrence that was planned for a start, such as `2026-04-01` or `2026-04-01T09:00:00+02:00`."""
    try:
        planned = _PLANNED.validate_strings(ost.replace(" ", "+"))
    except ValidationError:
        raise Invalid("must be a date, or a date with a time", path="ost") from None
    return await events.occurrence(Ref(master_id, await calendar_of(calendars, calendar_id)), planned)


async def respond(
    calendar_id: str,
    event_id: str,
    body: MeetingResponse,
    calendars: Calendars,
    events: Events,
    notify_attendees: Notify = True,
) -> OkResponse:
    """Answer an invitation: to the event or series, or to one occurrence."""
    await events.respond(Ref(event_id, await calendar_of(calendars, calendar_id)), body, notify_attendees)
    return OkResponse()


async def attachment(
    calendar_id: str, event_id: str, attachment_id: str, calendars: Calendars, events: Events
) -> Content:
    """Read an attachment of an event."""
    return await events.attachment(Ref(event_id, await calendar_of(calendars, calendar_id)), attachment_id)


def _result(event: Event, return_record: bool) -> EventOrId:
    meeting = event.meeting_info
    return EventOrId(
        id=event.id,
        etag=event.etag,
        i_cal_u_id=event.i_cal_uid,
        global_id=event.global_id,
        record=event if return_record else None,
        online_meeting_provider=meeting.online_meeting_provider if meeting else None,
        online_meeting_details=meeting.online_meeting_details if meeting else None,
    )


_LIST, _TAG = "/v1/calendars/{calendarId}/events", "Events"
_ONE, _SERIES = f"{_LIST}/{{eventId}}", f"{_LIST}/{{masterId}}"
_PAGE = EventsPageNext
ROUTES = (
    Route("GET", _LIST, "listEvents", READ_CALENDAR, find, _PAGE, tag=_TAG),
    Route("POST", _LIST, "createEvent", WRITE_CALENDAR, create, EventOrId, 201, tag=_TAG, once=True),
    Route("GET", f"{_LIST}/range", "range", READ_CALENDAR, find_in_range, _PAGE, tag=_TAG),
    Route("GET", f"{_LIST}/find", "eventsByICalUIds", READ_CALENDAR, find_by_uid, _PAGE, tag=_TAG),
    Route("GET", _ONE, "event", READ_CALENDAR, get, Event, tag=_TAG),
    Route("PATCH", _ONE, "updateEvent", WRITE_CALENDAR, update, EventOrId, tag=_TAG, guarded=True),
    Route("DELETE", _ONE, "deleteEvent", WRITE_CALENDAR, delete, tag=_TAG),
    Route("GET", f"{_SERIES}/series", "seriesInfo", READ_CALENDAR, series, SeriesInfo, tag=_TAG),
    Route("GET", f"{_SERIES}/occurrences", "listOccurrences", READ_CALENDAR, occurrences, _PAGE, tag=_TAG),
    Route("GET", f"{_SERIES}/occurrences/{{ost}}", "occurrenceByOrigStart", READ_CALENDAR, occurrence, Event, tag=_TAG),
    Route("PUT", f"{_ONE}/response", "updateMeetingResponse", WRITE_CALENDAR, respond, OkResponse, tag=_TAG),
    Route(
        "GET",
        f"{_ONE}/attachments/{{attachmentId}}",
        "attachment",
        READ_CALENDAR,
        attachment,
        Media.BASE64_JSON,
        tag=_TAG,
    ),
)
