"""Lists of events: of a window, of a UID, of a whole calendar."""

import asyncio
from collections.abc import Sequence

from providers.base.collection import Page, PageRequest
from providers.base.errors import Invalid, NotFound, TooLarge
from providers.base.ports import EventQuery
from providers.caldav import convert, pages, paths, queries
from providers.caldav.account import Account
from providers.caldav.changes import Window
from providers.caldav.event_items import EARLIEST, LATEST
from providers.caldav.files import File, Files
from providers.caldav.names import file_name
from providers.formats.ical import listing
from providers.formats.ical.occurrences import Occurrence, planned_at
from providers.formats.ical.resource import Resource
from schemas.calendar import Event


class EventFinder:
    """`Events.find` of one account."""

    def __init__(self, account: Account, files: Files) -> None:
        self._account, self._files = account, files

    async def find(self, folder: str, query: EventQuery, page: PageRequest) -> Page[Event]:
        """One page. Raises `NotFound` when the calendar is gone, `Invalid` for a bad cursor."""
        if query.i_cal_uid is not None:
            return await self._with_uid(folder, query, page)
        if query.time_min is None and query.time_max is None:
            return await self._all(folder, query, page)
        return await self._within(folder, query, page)

    async def _within(self, folder: str, query: EventQuery, page: PageRequest) -> Page[Event]:
        after = listing.position(page.cursor)
        begin = max(end for end in (query.time_min or EARLIEST, after[0] if after else EARLIEST))
        found = await queries.events_within(self._files, folder, Window(begin, query.time_max))
        found = list(await self._files.etags(folder)) if found is None else found
        files = (await self._files.many(folder, found)).files
        texts = [(path, resource) for path, file in files.items() if (resource := resource_or_none(file))]
        last = query.time_max or LATEST
        placed, cursor = listing.window(texts, query.time_min or EARLIEST, last, page.cursor, page.limit)
        view = convert.view_of(query.view, self._account.own)
        return Page([convert.occurrence(files[path], resource, one, view) for path, resource, one in placed], cursor)

    async def _all(self, folder: str, query: EventQuery, page: PageRequest) -> Page[Event]:
        """In the order of their paths; what is no event, or cannot be read, takes no place."""
        after = pages.decode(page.cursor)
        names = sorted(path for path in await self._files.etags(folder) if after is None or path > after[0])
        view, last = convert.view_of(query.view, self._account.own), ""
        records: list[Event] = []
        while names and len(records) < page.limit:
            some, names = names[: page.limit - len(records)], names[page.limit - len(records) :]
            batch = await self._files.many(folder, some)
            pairs = [(batch.files[path], resource_or_none(batch.files[path])) for path in some if path in batch.files]
            records += [convert.event(file, resource, view) for file, resource in pairs if resource is not None]
            last = some[-1]
        return Page(records, pages.encode((last, "")) if names else None)

    async def _with_uid(self, folder: str, query: EventQuery, page: PageRequest) -> Page[Event]:
        uid = query.i_cal_uid or ""
        files = await with_uid(self._files, folder, "VEVENT", uid)
        view = convert.view_of(query.view, self._account.own)
        pairs = [(file, resource) for file in files if (resource := resource_or_none(file)) and resource.uid == uid]
        listed = pages.page(pairs, lambda pair: (pair[0].path, ""), page)
        return Page([convert.event(file, resource, view) for file, resource in listed.records], listed.cursor)


async def with_uid(files: Files, folder: str, component: str, uid: str) -> list[File]:
    """The resources that may have a UID: as the server finds them, else by the name that most programs give, else all
    that there are."""
    found = await queries.with_uid(files, folder, component, uid)
    if not found:
        guess = folder + file_name(uid)
        batch = await files.many(folder, [guess])
        if batch.files or found is not None:
            return list(batch.files.values())
        found = list(await files.etags(folder))
    batch = await files.many(folder, found)
    return sorted(batch.files.values(), key=lambda file: file.path)


async def files_of(files: Files, wanted: Sequence[str]) -> dict[str, File]:
    """Resources by their paths, each collection's in batches."""
    by_folder: dict[str, list[str]] = {}
    for path in wanted:
        by_folder.setdefault(paths.parent(path), []).append(path)
    batches = await asyncio.gather(*(_many_or_none(files, folder, some) for folder, some in by_folder.items()))
    return {path: file for batch in batches for path, file in batch.items()}


async def _many_or_none(files: Files, folder: str, some: list[str]) -> dict[str, File]:
    try:
        return (await files.many(folder, some)).files
    except NotFound:  # the collection is gone with all that was in it
        return {}


def resource_or_none(file: File) -> Resource | None:
    """The event of a resource; None for what is none, or cannot be read."""
    try:
        return convert.resource(file)
    except (NotFound, TooLarge):
        return None


def occurrence_or_none(resource: Resource, key: str) -> Occurrence | None:
    """One occurrence; None where there is none, or the series cannot be expanded."""
    try:
        return planned_at(resource, key)
    except Invalid:
        return None
