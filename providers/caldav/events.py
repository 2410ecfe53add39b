"""The events of an account's calendars."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from urllib.parse import urljoin, urlsplit

from providers.base.collection import Delta, Page, PageRequest, Ref
from providers.base.errors import Invalid, NotFound
from providers.base.ports import Content, EventQuery, Events, EventView, EventWrite
from providers.caldav import convert, cursor, finding, paths, service
from providers.caldav.account import Account, folder_path, item_path
from providers.caldav.changes import Follower, Window
from providers.caldav.event_items import EventItems
from providers.caldav.event_writing import EventWriter
from providers.caldav.files import File, Files
from providers.caldav.finding import EventFinder
from providers.formats import values
from providers.formats.ical import attachments, listing, read
from providers.formats.ical.occurrences import Occurrence, planned_at
from providers.formats.ical.resource import Resource
from schemas.calendar import Event, SeriesInfo
from schemas.meetings import MeetingResponse

_CHUNK = 64 * 1024


class CaldavEvents(Events):
    """VEVENTs."""

    def __init__(self, account: Account, files: Files) -> None:
        self._account, self._files = account, files
        self._items = EventItems(files)
        self._follower = Follower(files, self._items)
        self._finder = EventFinder(account, files)
        self._writer = EventWriter(account, files)

    async def find(self, parent: str | None, query: EventQuery, page: PageRequest) -> Page[Event]:
        """See `Events`. An event that cannot be read or expanded is left out of lists."""
        return await self._finder.find(folder_path(parent, "calendar"), query, page)

    async def get(self, ref: Ref, view: EventView = EventView()) -> Event:
        """See `Events.get`. Of an event without a master, its id stands for the first occurrence that there is."""
        file, found, one = await self._read(ref)
        return self._record(file, found, one, view)

    async def get_many(self, parent: str | None, ids: Sequence[str], view: EventView = EventView()) -> list[Event]:
        """The events that still exist among `ids`, in that order."""
        wanted = [(item, *_place(item, parent)) for item in ids if _is_id(item, parent)]
        files = await finding.files_of(self._files, [path for _, path, _ in wanted])
        resources = {path: finding.resource_or_none(file) for path, file in files.items()}
        found = []
        for _, path, key in wanted:
            resource = resources.get(path)
            one = finding.occurrence_or_none(resource, key) if resource is not None and key else None
            if resource is not None and (one is not None) == (key is not None):
                found.append(self._record(files[path], resource, one, view))
        return found

    async def create(self, parent: str | None, draft: EventWrite) -> Event:
        """See `Collection.create`. An event with the UID that is there already is that event: see `EventWrite`."""
        file, found = await self._writer.create(folder_path(parent, "calendar"), draft)
        return self._record(file, found, None, EventView(draft.body_type))

    async def update(self, ref: Ref, patch: EventWrite, etag: str | None = None) -> Event:
        """See `Collection.update`."""
        path, key = _place(ref.id, ref.parent)
        file, found = await self._writer.update(path, key, patch, etag)
        one = finding.occurrence_or_none(found, key) if key else None
        return self._record(file, found, one, EventView(patch.body_type))

    async def delete(self, ref: Ref, etag: str | None = None, notify: bool = True) -> None:
        """See `Events.delete`. There is no trash: what is deleted is gone."""
        path, key = _place(ref.id, ref.parent)
        await self._writer.delete(path, key, etag, notify=notify)

    async def respond(self, ref: Ref, response: MeetingResponse, notify: bool = True) -> None:
        """See `Events.respond`."""
        path, key = _place(ref.id, ref.parent)
        await self._writer.respond(path, key, response, notify=notify)

    async def series(self, ref: Ref) -> SeriesInfo:
        """See `Events.series`."""
        file, found = await self._series(ref)
        return read.series_info(found, paths.item_id(file.path))

    async def occurrences(self, ref: Ref, page: PageRequest, view: EventView = EventView()) -> Page[Event]:
        """See `Events.occurrences`. Raises `Invalid` for a series that cannot be expanded."""
        file, found = await self._series(ref)
        shown, cursor_ = listing.run(found, page.cursor, page.limit)
        return Page([self._record(file, found, one, view) for one in shown], cursor_)

    async def occurrence(self, ref: Ref, planned: date | datetime, view: EventView = EventView()) -> Event:
        """See `Events.occurrence`."""
        file, found = await self._series(ref)
        wanted = planned.astimezone(UTC) if isinstance(planned, datetime) and planned.tzinfo else planned
        one = planned_at(found, values.written(wanted))
        if one is None:
            raise NotFound("the series has no such occurrence, or it was deleted")
        return self._record(file, found, one, view)

    async def attachment(self, ref: Ref, attachment_id: str) -> Content:
        """See `Events.attachment`. What lies on the server itself is fetched; what lies elsewhere is not."""
        _, found, one = await self._read(ref)
        component = one.component if one is not None else found.main
        content = attachments.content(component, attachment_id)
        described = next(each for each in attachments.attachments(component) if each.id == attachment_id)
        if isinstance(content, str):
            content = await self._fetched(content)
        return Content(
            _pieces(content), described.mime_type or "application/octet-stream", described.name, len(content)
        )

    async def changes(self, parent: str | None, cursor_: str | None, query: EventQuery) -> Delta:
        """See `Collection.changes`; what is told of is written in `event_items.py`."""
        folder, window = folder_path(parent, "calendar"), Window(query.time_min, query.time_max)
        known = cursor.read(cursor_).get(folder) if cursor_ is not None else None
        step = await self._follower.step(folder, known, window)
        return Delta(step.changed, step.removed, cursor.write({folder: step.position}), step.more)

    async def _read(self, ref: Ref) -> tuple[File, Resource, Occurrence | None]:
        path, key = _place(ref.id, ref.parent)
        file = await self._files.get(path)
        found = convert.resource(file)
        one = planned_at(found, key) if key is not None else None
        if key is not None and one is None:
            raise NotFound("the series has no such occurrence, or it was deleted")
        return file, found, one

    async def _series(self, ref: Ref) -> tuple[File, Resource]:
        file, found, _ = await self._read(ref)
        if not found.repeats or found.span is None or paths.split_id(ref.id)[1] is not None:
            raise Invalid("this event is no series")
        return file, found

    def _record(self, file: File, found: Resource, one: Occurrence | None, view: EventView) -> Event:
        shown = convert.view_of(view, self._account.own)
        return convert.event(file, found, shown) if one is None else convert.occurrence(file, found, one, shown)

    async def _fetched(self, place: str) -> bytes:
        """Managed attachments (RFC 8607) lie on the calendar server."""
        url = urljoin(self._files.url("/"), place)
        host = urlsplit(self._files.url("/")).hostname or ""
        if urlsplit(url).scheme not in ("https", "http") or not service.same(host, urlsplit(url).hostname or ""):
            raise NotFound("the attachment lies elsewhere: its contentLocation says where")
        return (await self._account.dav.done("GET", url)).body


def _place(item: str, parent: str | None) -> tuple[str, str | None]:
    """Path and key of an event's id. Raises `NotFound`."""
    master, key = paths.split_id(item)
    return item_path(master, parent, "event"), key


def _is_id(item: str, parent: str | None) -> bool:
    try:
        _place(item, parent)
    except NotFound:
        return False
    return True


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), _CHUNK):
        yield content[at : at + _CHUNK]
