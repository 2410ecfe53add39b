"""The Calendars port. Google tells no work hours: they are the gateway's own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Invalid
from providers.base.ports import CalendarQuery, Calendars
from providers.google import busy
from providers.google.agenda import Agenda, calendar_id
from schemas.calendar import AccessRole, Calendar, CalendarCreate, CalendarUpdate, ReminderOverride
from schemas.schedules import FreeBusySchedule

_ROLES = {"owner": AccessRole.OWNER, "writer": AccessRole.WRITER, "writerWithoutPrivateAccess": AccessRole.WRITER}
_MAX = 250


class GoogleCalendars(Calendars):
    """Calendars of the account's own list; without `with_shared` those that it owns."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._primary: str | None = None

    async def find(self, parent: str | None, query: CalendarQuery, page: PageRequest) -> Page[Calendar]:
        asked: dict[str, Any] = {"maxResults": min(page.limit, _MAX)}
        asked |= {} if query.with_shared else {"minAccessRole": "owner"}
        asked |= {} if page.cursor is None else {"pageToken": page.cursor}
        answer = await self._agenda.paged(self._agenda.apis.calendar_list.list(**asked))
        return Page([_calendar(raw) for raw in answer.get("items", ())], answer.get("nextPageToken"))

    async def get(self, ref: Ref) -> Calendar:
        request = self._agenda.apis.calendar_list.get(calendarId=calendar_id(ref.id))
        return _calendar(await self._agenda.client.call(request))

    async def create(self, parent: str | None, draft: CalendarCreate) -> Calendar:
        body = {"summary": _name(draft.name), "description": draft.description}
        request = self._agenda.apis.calendars.insert(body={name: text for name, text in body.items() if text})
        made = await self._agenda.client.call(request)
        return await self.get(Ref(made["id"]))

    async def update(self, ref: Ref, patch: CalendarUpdate, etag: str | None = None) -> Calendar:
        names = patch.model_fields_set
        body = {"summary": _name(patch.name)} if "name" in names else {}
        body |= {"description": patch.description or ""} if "description" in names else {}
        request = self._agenda.apis.calendars.patch(calendarId=calendar_id(ref.id), body=body)
        await self._agenda.client.call(request)
        return await self.get(ref)

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        await self._agenda.client.call(self._agenda.apis.calendars.delete(calendarId=calendar_id(ref.id)))

    async def primary(self) -> str:
        if self._primary is None:
            raw = await self._agenda.client.call(self._agenda.apis.calendar_list.get(calendarId="primary"))
            self._primary = str(raw["id"])
        return self._primary

    async def busy(self, emails: Sequence[str], time_min: datetime, time_max: datetime) -> list[FreeBusySchedule]:
        return await busy.schedules(self._agenda.client, emails, time_min, time_max)


def _calendar(raw: Mapping[str, Any]) -> Calendar:
    reminders = [ReminderOverride(minutes=one.get("minutes")) for one in raw.get("defaultReminders", ())]
    return Calendar(
        id=raw["id"],
        name=raw.get("summaryOverride") or raw.get("summary"),
        color=raw.get("backgroundColor"),
        description=raw.get("description"),
        access_role=_ROLES.get(raw.get("accessRole", ""), AccessRole.READER),
        primary=bool(raw.get("primary")),
        multiple_reminders_supported=True,
        default_reminders=reminders,
    )


def _name(name: str | None) -> str:
    if not (name or "").strip():
        raise Invalid("a calendar needs a name", path="name")
    return (name or "").strip()
