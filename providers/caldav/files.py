"""The resources of collections: read in batches, kept in memory by their version, written with If-Match.

A resource whose ETag is the same has the same content (RFC 9110 8.8.3), so that what was read for a change log need not
be read again for the records: only whether it is still current is asked.
"""

import asyncio
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urljoin

from providers.base.cache import Cache
from providers.base.errors import Conflict, NotFound, ProviderError, TooLarge, Uncertain, Unsupported
from providers.caldav import elements
from providers.caldav.client import Dav
from providers.caldav.elements import CAL, CARD, DAV, ETAG
from providers.caldav.multistatus import Damaged, Found
from providers.caldav.paths import canonical


@dataclass(frozen=True, slots=True)
class File:
    """One resource as it was read; `etag` as the server writes it."""

    path: str
    etag: str | None
    data: bytes = field(repr=False)

    @property
    def version(self) -> str:
        """The ETag without its quotes: what callers see and give back."""
        return opaque(self.etag)

    @property
    def weight(self) -> int:
        """Octets of memory, about."""
        return len(self.data) + 300


def opaque(etag: str | None) -> str:
    """An ETag without weakness and quotes: proxies that compress make strong ones weak, some servers forget quotes."""
    text = (etag or "").strip()
    text = text[2:] if text.startswith("W/") else text
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read of many; what is in neither is not there. `broken` could not be read."""

    files: dict[str, File]
    broken: dict[str, ProviderError]


class Sort(Protocol):
    """What tells calendars and address books apart."""

    multiget: str
    data: str
    media_type: str
    at_once: int


class CalendarSort:
    """iCalendar."""

    multiget = CAL + "calendar-multiget"
    data = elements.CALENDAR_DATA
    media_type = "text/calendar; charset=utf-8"
    at_once = 50


class ContactSort:
    """vCard; photos make cards large."""

    multiget = CARD + "addressbook-multiget"
    data = elements.ADDRESS_DATA
    media_type = "text/vcard; charset=utf-8"
    at_once = 25


class Files:
    """The resources of one account on one service; `owner` tells its entries in the shared cache apart."""

    def __init__(self, dav: Dav, base: str, sort: Sort, cache: Cache[File], owner: Hashable) -> None:
        self.dav, self._base, self.sort = dav, base, sort
        self._cache, self._owner = cache, owner

    def url(self, path: str) -> str:
        """Where a path is asked for."""
        return urljoin(self._base, path)

    async def get(self, path: str) -> File:
        """One resource as it is now. Raises `NotFound`."""
        reply = await self.dav.done("GET", self.url(path), headers={"Accept": self.sort.media_type})
        etag = reply.headers.get("etag")
        if etag is None:
            found = await self.etags_of(path, [path], depth=0)
            etag = found.get(path)
        return self._keep(File(path, etag, reply.body))

    async def etags(self, folder: str) -> dict[str, str]:
        """Path and ETag of every resource in a collection. Raises `NotFound` when it is gone."""
        answer = await self.dav.propfind(self.url(folder), (ETAG, DAV + "resourcetype"), depth=1)
        return {
            one.path: one.text(ETAG) or ""
            for one in answer.found
            if is_member(one.path, folder) and DAV + "collection" not in {tag.tag for tag in one.children(_TYPE)}
        }

    async def etags_of(self, folder: str, paths: Sequence[str], depth: int = 1) -> dict[str, str]:
        """The ETags of those that exist."""
        if depth == 0:
            found = (await self.dav.propfind(self.url(folder), (ETAG,))).found
        else:
            found = await self._multiget(folder, paths, with_data=False)
        return {one.path: one.text(ETAG) or "" for one in found if ETAG in one.props}

    async def many(self, folder: str, paths: Iterable[str], *, fresh: bool = False) -> Batch:
        """Resources of one collection as they are now; those that memory has are only asked for their versions.
        `fresh`: all of them are read."""
        batch = Batch({}, {})
        wanted = list(dict.fromkeys(paths))
        chunks = [wanted[at : at + self.sort.at_once] for at in range(0, len(wanted), self.sort.at_once)]
        await asyncio.gather(*(self._chunk(folder, chunk, batch, fresh) for chunk in chunks))
        return batch

    async def _chunk(self, folder: str, paths: list[str], batch: Batch, fresh: bool) -> None:
        known = {} if fresh else {path: file for path in paths if (file := self._known(path))}
        if len(known) == len(paths):
            etags = await self.etags_of(folder, paths)
            current = {path: file for path, file in known.items() if file.version == opaque(etags.get(path)) != ""}
            batch.files.update(current)
            paths = [path for path in paths if path in etags and path not in current]
        if paths:
            await self._read(folder, paths, batch)

    async def _read(self, folder: str, paths: list[str], batch: Batch) -> None:
        """By halves, where the answer to all is too large, or spoilt by one of them; that one is asked for alone."""
        try:
            found = {one.path: one for one in await self._multiget(folder, paths, with_data=True)}
        except (TooLarge, Damaged):
            if len(paths) == 1:
                await self._place(paths[0], None, batch)
                return
            half = len(paths) // 2
            await self._read(folder, paths[:half], batch)
            await self._read(folder, paths[half:], batch)
            return
        for path in paths:
            await self._place(path, found.get(path), batch)

    async def _place(self, path: str, found: Found | None, batch: Batch) -> None:
        """Servers that leave out what is there, its data or its ETag, are asked for it alone."""
        try:
            data = found.props.get(self.sort.data) if found is not None else None
            if found is not None and data is not None and data.text and found.text(ETAG):
                batch.files[path] = self._keep(File(path, found.text(ETAG), data.text.encode()))
            elif found is None or found.status != 404:
                batch.files[path] = await self.get(path)
        except NotFound:
            pass
        except (TooLarge, Conflict) as error:
            batch.broken[path] = error

    async def _multiget(self, folder: str, paths: Sequence[str], *, with_data: bool) -> tuple[Found, ...]:
        names = (ETAG, self.sort.data) if with_data else (ETAG,)
        body = elements.written(elements.element(self.sort.multiget, elements.props(names), *elements.hrefs(paths)))
        return (await self.dav.report(self.url(folder), body, depth=0)).found

    async def create(self, path: str, data: bytes) -> File:
        """A new resource. Raises `Conflict` or `Exists` when there is one already."""
        return await self._put(path, data, {"If-None-Match": "*"})

    async def replace(self, file: File, data: bytes) -> File:
        """The next version of what was read. Raises `Conflict` when it was changed since."""
        return await self._put(file.path, data, self._guard(file))

    async def delete(self, file: File, headers: Mapping[str, str] | None = None) -> None:
        """Remove what was read. Raises `Conflict` when it was changed since, `NotFound`."""
        try:
            await self.dav.done("DELETE", self.url(file.path), headers={**self._guard(file), **(headers or {})})
        except Uncertain:
            if not await self._is_gone(file.path):
                raise

    async def _put(self, path: str, data: bytes, guard: Mapping[str, str]) -> File:
        try:
            reply = await self.dav.done("PUT", self.url(path), data, guard, self.sort.media_type)
        except Uncertain:
            return await self._settled(path, data)
        place, etag = canonical(reply.headers.get("location", path), reply.url), reply.headers.get("etag", "")
        if etag.startswith('"') and place == path:
            return self._keep(File(path, etag, data))
        return await self.get(place)  # no strong ETag: the server changed what it was given (RFC 4791 5.3.4)

    async def _settled(self, path: str, data: bytes) -> File:
        """After the answer to a write was lost: whether it happened. Raises `Uncertain` where that cannot be told."""
        try:
            file = await self.get(path)
        except ProviderError:
            raise Uncertain("the server did not say whether it stored the change") from None
        if _essence(file.data) != _essence(data):
            raise Uncertain("the server did not say whether it stored the change")
        return file

    async def _is_gone(self, path: str) -> bool:
        try:
            await self.get(path)
        except NotFound:
            return True
        except ProviderError:
            pass
        return False

    def _guard(self, file: File) -> dict[str, str]:
        """If-Match with the ETag that was read. iCloud and Radicale disagree on `*`, so it is never sent."""
        if not file.etag:
            raise Unsupported("the server gives its items no ETags: they cannot be changed safely")
        text = file.etag.strip()
        return {"If-Match": f'"{file.version}"' if text.startswith("W/") else text}

    def _known(self, path: str) -> File | None:
        return self._cache.get((self._owner, path))

    def _keep(self, file: File) -> File:
        if file.version:
            self._cache.put((self._owner, file.path), file)
        return file


_TYPE = DAV + "resourcetype"


def is_member(path: str, folder: str) -> bool:
    """Whether a path is one of a resource directly in the collection: iCloud lists the collection itself too."""
    return path.startswith(folder) and path != folder and not path.endswith("/")


def _essence(data: bytes) -> frozenset[bytes]:
    """The unfolded lines, in whatever order a server puts them."""
    return frozenset(data.replace(b"\r\n", b"\n").replace(b"\n ", b"").split(b"\n")) - {b""}
