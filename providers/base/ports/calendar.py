"""Calendars and events."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from providers.base.collection import Collection, Page, PageRequest, Ref, optional, unsupported
from providers.base.errors import NotFound
from providers.base.ports.content import Content
from schemas.calendar import Calendar, CalendarCreate, CalendarMode, CalendarUpdate, Event, SeriesInfo
from schemas.mail import BodyType
from schemas.meetings import MeetingResponse
from schemas.schedules import FreeBusySchedule, WorkHoursResponseItem


@dataclass(frozen=True, slots=True)
class CalendarQuery:
    """Which calendars of a list; `mode` means something to Office 365 only."""

    with_shared: bool = False
    mode: CalendarMode | None = None


class Calendars(Collection[Calendar, CalendarCreate, CalendarUpdate, CalendarQuery]):
    """The calendars of an account, and whose time is taken."""

    @optional
    async def primary(self) -> str:
        """The id of the calendar that `primary` stands for. Raises `NotFound` when the account has none."""
        raise unsupported(self, "primary")

    @optional
    async def busy(self, emails: Sequence[str], time_min: datetime, time_max: datetime) -> list[FreeBusySchedule]:
        """The schedule of each address in order; one that cannot be read has an `error` and no items."""
        raise unsupported(self, "busy")

    @optional
    async def work_hours(self, emails: Sequence[str]) -> list[WorkHoursResponseItem]:
        """The work hours of each address in order, as the provider keeps them; without them where it has none."""
        raise unsupported(self, "work_hours")


@dataclass(frozen=True, slots=True)
class EventView:
    """How events are rendered."""

    body_type: BodyType = BodyType.HTML
    native_properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events of a calendar.

    With a window, `find` gives the occurrences (and single events) that end after `time_min` and start before
    `time_max`, in the order of their starts; without one, masters and single events. `i_cal_uid` names one resource.
    `changes` tells of masters, exceptions and single events of which anything lies in the window. What changed and has
    nothing in the window any more is removed.
    """

    time_min: datetime | None = None
    time_max: datetime | None = None
    i_cal_uid: str | None = None
    view: EventView = EventView()


@dataclass(frozen=True, slots=True)
class EventWrite:
    """An event as somebody wrote it: what `event` does not name stays as it is. `notify` attendees of what changed.

    `body_type` says what `event.description` is written in. `uid` is the iCalendar UID of a new event where the
    caller has one: a repeated create answers the event that is there."""

    event: Event
    notify: bool = True
    body_type: BodyType = BodyType.HTML
    uid: str | None = None


class Events(Collection[Event, EventWrite, EventWrite, EventQuery]):
    """The events of one calendar, the parent. Ids of occurrences are those that `find` with a window gives; they can be
    read, changed (which makes an exception) and deleted like others.

    In `changes` an exception has its master as `parent`, others have none. A delta that names a master as changed names
    all its exceptions; those that it does not name are gone, and so are those of a master that it names as removed:
    whoever reads deltas knows by that, so providers need not remember what they told. Ids never change (no `kin`)."""

    @optional
    async def get(self, ref: Ref, view: EventView = EventView()) -> Event:
        """One event, master or occurrence. Raises `NotFound`."""
        raise unsupported(self, "get")

    async def get_many(self, parent: str | None, ids: Sequence[str], view: EventView = EventView()) -> list[Event]:
        """The events that still exist among `ids`, in that order."""
        found = await asyncio.gather(*(self._get_or_none(Ref(item, parent), view) for item in ids))
        return [item for item in found if item is not None]

    async def _get_or_none(self, ref: Ref, view: EventView = EventView()) -> Event | None:
        try:
            return await self.get(ref, view)
        except NotFound:
            return None

    @optional
    async def delete(self, ref: Ref, etag: str | None = None, notify: bool = True) -> None:
        """Remove an event, a whole series or one occurrence. Raises `NotFound`, `Conflict`."""
        raise unsupported(self, "delete")

    @optional
    async def respond(self, ref: Ref, response: MeetingResponse, notify: bool = True) -> None:
        """Answer an invitation for the account. Raises `NotFound`, `Invalid` when the account is not invited."""
        raise unsupported(self, "respond")

    @optional
    async def series(self, ref: Ref) -> SeriesInfo:
        """A master with its modified and deleted occurrences. Raises `NotFound`, `Invalid` for what is no master."""
        raise unsupported(self, "series")

    @optional
    async def occurrences(self, ref: Ref, page: PageRequest, view: EventView = EventView()) -> Page[Event]:
        """The occurrences of a master in order; of a series without end, page by page without end."""
        raise unsupported(self, "occurrences")

    @optional
    async def occurrence(self, ref: Ref, planned: date | datetime, view: EventView = EventView()) -> Event:
        """The occurrence that was planned for this start; a date names the one of that day, in the series' zone.

        Raises `NotFound`, also for an occurrence that was deleted."""
        raise unsupported(self, "occurrence")

    @optional
    async def attachment(self, ref: Ref, attachment_id: str) -> Content:
        """One attachment, decoded. Raises `NotFound` before the first chunk."""
        raise unsupported(self, "attachment")
