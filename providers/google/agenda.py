"""What the calendar ports of one account share: ids that may be asked for, pages, events by id and by UID."""

import re
from collections.abc import Mapping
from typing import Any

from providers.base.errors import Invalid, NotFound
from providers.google.client import Client
from providers.google.requests import Request

_CALENDAR = re.compile(r"[!-.0-~]{1,300}\Z", re.ASCII)
_EVENT = re.compile(r"[0-9A-Za-z_-]{1,1100}\Z", re.ASCII)
#: What counts as an event everywhere: places of work and birthdays are none.
KINDS = ["default", "focusTime", "fromGmail", "outOfOffice"]
PAGE = 2500

Json = Mapping[str, Any]


class Agenda:
    """The calendars of one account."""

    def __init__(self, client: Client) -> None:
        self.client, self.apis = client, client.apis

    async def event(self, calendar: str | None, item: str) -> Json:
        """An event, master or instance. Raises `NotFound`, also for one that was deleted."""
        request = self.apis.events.get(calendarId=calendar_id(calendar), eventId=event_id(item))
        raw: Json = await self.client.call(request)
        if raw.get("status") == "cancelled":
            raise NotFound(f"the event {item[:80]!r} was deleted")
        return raw

    async def resource(self, calendar: str, uid: str) -> list[Json]:
        """Everything of one iCalendar UID: master or single event, exceptions, cancelled ones too."""
        found: list[Json] = []
        query: dict[str, Any] = {"iCalUID": uid, "maxResults": PAGE, "eventTypes": KINDS}
        while True:
            answer = await self.paged(self.apis.events.list(calendarId=calendar_id(calendar), **query))
            found += answer.get("items", ())
            if (token := answer.get("nextPageToken")) is None:
                return found
            query["pageToken"] = token

    async def paged(self, request: Request) -> Json:
        """A page. Raises `Invalid` (path `pageToken`) for a token that is none."""
        try:
            answer: Json = await self.client.call(request)
        except Invalid as error:
            raise Invalid(error.message, path="pageToken", original=error.original) from None
        return answer


def calendar_id(item: str | None) -> str:
    """An id that can be one. Raises `NotFound` for others, which would name other resources."""
    if item is None or not _CALENDAR.match(item) or set(item) == {"."}:
        raise NotFound(f"there is no calendar {(item or '')[:80]!r}")
    return item


def event_id(item: str) -> str:
    """An id that can be one. Raises `NotFound`."""
    if not _EVENT.match(item):
        raise NotFound(f"there is no event {item[:80]!r}")
    return item
