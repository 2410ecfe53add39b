"""The calendars of an account: collections that may hold events."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Conflict, Denied, Exists, Invalid, NotFound, Unsupported
from providers.base.ports import CalendarQuery, Calendars
from providers.caldav import elements, pages, paths
from providers.caldav.account import Account, folder_path
from providers.caldav.busy import BusyTimes
from providers.caldav.client import Dav
from providers.caldav.elements import APPLE, CAL, DAV
from providers.caldav.files import Files
from providers.caldav.grant import Home
from providers.caldav.homes import Folder
from providers.caldav.multistatus import Multistatus, read
from schemas.calendar import AccessRole, Calendar, CalendarCreate, CalendarUpdate
from schemas.schedules import FreeBusySchedule

_DEFAULT = CAL + "schedule-default-calendar-URL"
_USUAL = ("default", "home", "calendar", "personal", "events")


class CaldavCalendars(Calendars):
    """Collections with VEVENTs. `withShared` adds those that somebody else owns."""

    def __init__(self, account: Account, files: Files) -> None:
        self._account, self._files = account, files
        self._busy = BusyTimes(account, files)

    async def find(self, parent: str | None, query: CalendarQuery, page: PageRequest) -> Page[Calendar]:
        """See `Calendars`; in the owner's order."""
        folders = await self._folders()
        main = await self._primary(folders)
        shown = [one for one in folders if one.mine or query.with_shared]
        found = pages.page(enumerate(shown), lambda one: (f"{one[0]:06}", ""), page)
        return Page([_record(one, main) for _, one in found.records], found.cursor)

    async def get(self, ref: Ref) -> Calendar:
        """See `Collection.get`."""
        place = await self._account.calendar_folder(ref.id, "calendar")
        if not place.has_events:
            raise NotFound("this is no calendar")
        return _record(place, await self._primary(await self._folders()))

    async def create(self, parent: str | None, draft: CalendarCreate) -> Calendar:
        """See `Collection.create`."""
        if not (draft.name or "").strip():
            raise Invalid("name: a calendar needs one", path="name")
        values = [elements.element(DAV + "displayname", text=draft.name)]
        if draft.description is not None:
            values.append(elements.element(CAL + "calendar-description", text=draft.description))
        if draft.color is not None:
            values.append(elements.element(APPLE + "calendar-color", text=draft.color))
        path = await make(self._account.dav, self._account.calendar_home, self._files, "VEVENT", values)
        return await self.get(Ref(paths.item_id(path)))

    async def update(self, ref: Ref, patch: CalendarUpdate, etag: str | None = None) -> Calendar:
        """See `Collection.update`. Calendars have no versions."""
        names = {"name": DAV + "displayname", "description": CAL + "calendar-description"}
        values = {names[field]: getattr(patch, field) for field in patch.model_fields_set}
        path = folder_path(ref.id, "calendar")
        if values:
            await change(self._account.dav, self._files.url(path), values)
        return await self.get(ref)

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        """See `Collection.delete`: the calendar with all that is in it."""
        await self.get(ref)
        await self._account.dav.done("DELETE", self._files.url(folder_path(ref.id, "calendar")))

    async def primary(self) -> str:
        """The calendar that the server files invitations in, else the one of a usual name, else the first one."""
        found = await self._primary(await self._folders())
        if found is None:
            raise NotFound("this account has no calendar")
        return paths.item_id(found)

    async def busy(self, emails: Sequence[str], time_min: datetime, time_max: datetime) -> list[FreeBusySchedule]:
        """See `Calendars.busy`."""
        own = [one.path for one in await self._folders() if one.mine]
        return await self._busy.schedules(emails, time_min, time_max, own)

    async def _folders(self) -> list[Folder]:
        return [one for one in await self._account.calendar_folders() if one.has_events]

    async def _primary(self, folders: Sequence[Folder]) -> str | None:
        candidates = [one for one in folders if one.mine and one.writable] or list(folders)
        known = {one.path for one in candidates}
        default = await self._default()
        if default in known:
            return default
        usual = {one.path.rstrip("/").rpartition("/")[2].lower(): one.path for one in reversed(candidates)}
        named = (usual[name] for name in _USUAL if name in usual)
        return next(named, next((one.path for one in candidates), None))

    async def _default(self) -> str | None:
        inbox = self._account.calendar_home.inbox
        if inbox is None:
            return None
        try:
            answer = await self._account.dav.propfind(inbox, (_DEFAULT,))
        except (NotFound, Denied, Unsupported):
            return None
        hrefs = [href for one in answer.found for href in one.hrefs(_DEFAULT)]
        return paths.folder(paths.canonical(hrefs[0], answer.url)) if hrefs else None


async def make(dav: Dav, home: Home, files: Files, component: str, values: list[Any]) -> str:
    """A new collection for one kind of item in the first home set; its path."""
    comp = elements.element(CAL + "comp", name=component)
    every = [*values, elements.element(CAL + "supported-calendar-component-set", comp)]
    path = paths.folder(paths.canonical(home.sets[0])) + f"{uuid.uuid4()}/"
    body = elements.setting(CAL + "mkcalendar", every)
    try:
        reply = await dav.done("MKCALENDAR", files.url(path), body)
    except Conflict as error:
        raise Exists(error.message, original=error.original) from None
    if reply.status == 207:
        refuse_failed(read(reply.body, reply.url))
    return path


async def change(dav: Dav, url: str, values: dict[str, str | None]) -> None:
    """Set properties of a collection; None makes them empty, since Xandikos fails when asked to remove one. Raises
    `NotFound`, `Denied`."""
    given = [elements.element(name, text=value or "") for name, value in values.items()]
    reply = await dav.done("PROPPATCH", url, elements.setting(DAV + "propertyupdate", given))
    if reply.status == 207:
        refuse_failed(read(reply.body, reply.url))


def refuse_failed(answer: Multistatus) -> None:
    """Raises `Denied` for properties that the server did not set."""
    statuses = [status for one in answer.found for status in (*one.refused.values(), one.status or 200)]
    if any(status in (404, 410) for status in statuses) and not any(one.props for one in answer.found):
        raise NotFound("there is no such collection")
    if any(status >= 400 for status in statuses):
        raise Denied("the server did not take this name or description")


def _record(place: Folder, main: str | None) -> Calendar:
    role = AccessRole.READER if not place.writable else AccessRole.OWNER if place.owned else AccessRole.WRITER
    return Calendar(
        id=paths.item_id(place.path),
        name=place.name or place.path.rstrip("/").rpartition("/")[2],
        color=place.color,
        description=place.description,
        access_role=role,
        primary=place.path == main,
        multiple_reminders_supported=True,
    )
