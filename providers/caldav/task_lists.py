"""The task lists of an account: collections that may hold tasks.

A collection that holds events too is a calendar and a task list at once; it is not deleted as a task list.
"""

from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Denied, Invalid, NotFound
from providers.base.ports import TaskLists
from providers.caldav import elements, pages, paths
from providers.caldav.account import Account, folder_path
from providers.caldav.calendars import change, make
from providers.caldav.elements import DAV
from providers.caldav.files import Files
from providers.caldav.homes import Folder
from schemas.tasks import TaskList, TaskListCreate, TaskListUpdate

_USUAL = ("tasks", "reminders", "todo", "default", "inbox")


class CaldavTaskLists(TaskLists):
    """Collections with VTODOs, also those shared by others."""

    def __init__(self, account: Account, files: Files) -> None:
        self._account, self._files = account, files

    async def find(self, parent: str | None, query: None, page: PageRequest) -> Page[TaskList]:
        """In the owner's order."""
        folders = await self._folders()
        found = pages.page(enumerate(folders), lambda one: (f"{one[0]:06}", ""), page)
        return Page([_record(one, _primary(folders)) for _, one in found.records], found.cursor)

    async def get(self, ref: Ref) -> TaskList:
        """See `Collection.get`."""
        return _record(await self._folder(ref), _primary(await self._folders()))

    async def create(self, parent: str | None, draft: TaskListCreate) -> TaskList:
        """See `Collection.create`."""
        if not (draft.title or "").strip():
            raise Invalid("title: a task list needs one", path="title")
        values = [elements.element(DAV + "displayname", text=draft.title)]
        path = await make(self._account.dav, self._account.calendar_home, self._files, "VTODO", values)
        return await self.get(Ref(paths.item_id(path)))

    async def update(self, ref: Ref, patch: TaskListUpdate, etag: str | None = None) -> TaskList:
        """See `Collection.update`. Lists have no versions."""
        if "title" in patch.model_fields_set:
            url = self._files.url(folder_path(ref.id, "task list"))
            await change(self._account.dav, url, {DAV + "displayname": patch.title})
        return await self.get(ref)

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        """See `Collection.delete`. Raises `Denied` for a list that is a calendar as well."""
        place = await self._folder(ref)
        if place.has_events:
            raise Denied("this list is a calendar too: delete that calendar, or the tasks one by one")
        await self._account.dav.done("DELETE", self._files.url(place.path))

    async def primary(self) -> str:
        """The list of a usual name, else the first one."""
        found = _primary(await self._folders())
        if found is None:
            raise NotFound("this account has no task list")
        return paths.item_id(found)

    async def _folder(self, ref: Ref) -> Folder:
        place = await self._account.calendar_folder(ref.id, "task list")
        if not place.has_tasks:
            raise NotFound("this is no task list")
        return place

    async def _folders(self) -> list[Folder]:
        return [one for one in await self._account.calendar_folders() if one.has_tasks]


def _primary(folders: list[Folder]) -> str | None:
    """Lists that are nothing else come first."""
    candidates = [one for one in folders if one.mine and one.writable] or folders
    candidates = [one for one in candidates if not one.has_events] or candidates
    usual = {one.path.rstrip("/").rpartition("/")[2].lower(): one.path for one in reversed(candidates)}
    named = (usual[name] for name in _USUAL if name in usual)
    return next(named, next((one.path for one in candidates), None))


def _record(place: Folder, main: str | None) -> TaskList:
    return TaskList(
        id=paths.item_id(place.path),
        title=place.name or place.path.rstrip("/").rpartition("/")[2],
        owner=place.owned,
        shared=not place.mine,
        default_list=place.path == main,
    )
