"""Calendars (contract: tag Calendars)."""

from typing import Annotated

from pydantic import Field

from gateway.http.route import Route
from gateway.routes.scopes import READ_CALENDAR, WRITE_CALENDAR
from gateway.services.parents import calendar_of
from providers.base.collection import Page, PageRequest, Ref
from providers.base.ports import CalendarQuery, Calendars
from schemas.calendar import Calendar, CalendarCreate, CalendarMode, CalendarsPage, CalendarUpdate
from schemas.common import OkResponse

WithShared = Annotated[bool, Field(description="calendars of others too that the account may see")]
Mode = Annotated[CalendarMode | None, Field(description="Office365 only")]


async def find(
    calendars: Calendars, page: PageRequest, with_shared: WithShared = False, mode: Mode = None
) -> Page[Calendar]:
    """List calendars."""
    return await calendars.find(None, CalendarQuery(with_shared, mode), page)


async def create(body: CalendarCreate, calendars: Calendars) -> Calendar:
    """Create a calendar."""
    return await calendars.create(None, body)


async def get(id: str, calendars: Calendars) -> Calendar:
    """Read a calendar; `primary` is the account's own first one."""
    return await calendars.get(Ref(await calendar_of(calendars, id)))


async def update(id: str, body: CalendarUpdate, calendars: Calendars) -> Calendar:
    """Change a calendar."""
    return await calendars.update(Ref(await calendar_of(calendars, id)), body)


async def delete(id: str, calendars: Calendars) -> OkResponse:
    """Delete a calendar with its events."""
    await calendars.delete(Ref(await calendar_of(calendars, id)))
    return OkResponse()


_LIST, _ONE, _TAG = "/v1/calendars", "/v1/calendars/{id}", "Calendars"
ROUTES = (
    Route("GET", _LIST, "calendars", READ_CALENDAR, find, CalendarsPage, tag=_TAG),
    Route("POST", _LIST, "createCalendar", WRITE_CALENDAR, create, Calendar, tag=_TAG, once=True),
    Route("GET", _ONE, "calendarById", READ_CALENDAR, get, Calendar, tag=_TAG),
    Route("PATCH", _ONE, "updateCalendar", WRITE_CALENDAR, update, Calendar, tag=_TAG),
    Route("DELETE", _ONE, "deleteCalendar", WRITE_CALENDAR, delete, OkResponse, tag=_TAG),
)
