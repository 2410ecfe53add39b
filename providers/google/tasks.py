"""The Tasks port.

Google keeps of a due time the day, and neither start, importance nor categories: who sends them is told so. Of states
it knows open and completed. There is no sync token: what was updated since a moment is asked for, a little overlapping,
with all that lists hide; deletions are told for a while only, so that an old position is given up.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.base.collection import Change, Delta, Page, PageRequest, Ref
from providers.base.errors import CursorExpired, Invalid, NotFound
from providers.base.ports import TaskQuery, Tasks
from providers.google.client import Client
from providers.google.task_lists import bare, check, checked
from schemas.tasks import Task, TaskCreate, TaskImportance, TaskLink, TaskStatus, TaskUpdate

_PAGE = 100
_SHOWN = {"showCompleted": True, "showHidden": True, "showAssigned": True}
_OVERLAP = timedelta(seconds=30)
_BEFORE = timedelta(minutes=5)  # that our clock may be ahead of Google's
_KEPT = timedelta(days=14)  # for which deletions are relied on
_PREFIX = "t"
_UNKNOWN = {"start_date_time": "startDateTime", "categories": "categories"}

Json = Mapping[str, Any]


class GoogleTasks(Tasks):
    """Subtasks come after their parents."""

    def __init__(self, client: Client) -> None:
        self._client, self._api = client, client.apis.tasks

    async def find(self, parent: str | None, query: TaskQuery, page: PageRequest) -> Page[Task]:
        asked: dict[str, Any] = {"pageToken": page.cursor} if page.cursor is not None else {}
        limit = min(page.limit, _PAGE)
        try:
            request = self._api.list(tasklist=checked(parent, "task list"), maxResults=limit, **_SHOWN, **asked)
            answer = await self._client.call(request)
        except Invalid as error:
            raise Invalid(error.message, path="pageToken", original=error.original) from None
        found = [raw for raw in answer.get("items", ()) if _is_shown(raw, query)]
        return Page([_task(raw) for raw in found], answer.get("nextPageToken"))

    async def get(self, ref: Ref) -> Task:
        return _task(await self._raw(ref))

    async def create(self, parent: str | None, draft: TaskCreate) -> Task:
        where = {"parent": draft.parent_id, "previous": draft.previous_id}
        given = {name: checked(item, "task") for name, item in where.items() if item is not None}
        body = {name: value for name, value in _body(draft).items() if value is not None}
        request = self._api.insert(tasklist=checked(parent, "task list"), body=body, **given)
        return _task(await self._placed(request) if given else await self._client.call(request))

    async def update(self, ref: Ref, patch: TaskUpdate, etag: str | None = None) -> Task:
        raw = await self._raw(ref)
        check(raw, etag)
        if body := _body(patch):
            raw = await self._client.call(self._api.patch(tasklist=ref.parent, task=ref.id, body=body))
        if {"parent_id", "previous_id"} & patch.model_fields_set:
            raw = await self._moved(ref, patch, raw)
        return _task(raw)

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        check(await self._raw(ref), etag)
        await self._client.call(self._api.delete(tasklist=ref.parent, task=ref.id))

    async def changes(self, parent: str | None, cursor: str | None, query: TaskQuery) -> Delta:
        since = _since(cursor) if cursor is not None else None
        asked: dict[str, Any] = {} if since is None else {"updatedMin": _written(since - _OVERLAP), "showDeleted": True}
        newest, changed, removed = datetime.now(UTC) - _BEFORE, list[Change](), list[str]()
        async for raw in self._all(checked(parent, "task list"), asked):
            newest = max(newest, datetime.fromisoformat(raw["updated"]))
            if raw.get("deleted") or not _is_shown(raw, query):
                removed.append(raw["id"])
            else:
                changed.append(Change(raw["id"], bare(raw)))
        return Delta(changed, [] if since is None else removed, f"{_PREFIX}{_written(newest)}")

    async def _all(self, parent: str, asked: dict[str, Any]) -> Any:
        page: dict[str, Any] = {}
        while True:
            request = self._api.list(tasklist=parent, maxResults=_PAGE, **_SHOWN, **asked, **page)
            answer = await self._client.call(request)
            for raw in answer.get("items", ()):
                yield raw
            if answer.get("nextPageToken") is None:
                return
            page = {"pageToken": answer["nextPageToken"]}

    async def _raw(self, ref: Ref) -> Json:
        """Raises `NotFound`, also for one that was deleted, which Google still shows."""
        request = self._api.get(tasklist=checked(ref.parent, "task list"), task=checked(ref.id, "task"))
        raw: Json = await self._client.call(request)
        if raw.get("deleted"):
            raise NotFound(f"the task {ref.id[:80]!r} was deleted")
        return raw

    async def _moved(self, ref: Ref, patch: TaskUpdate, raw: Json) -> Json:
        named = "parent_id" in patch.model_fields_set
        where = {"parent": patch.parent_id if named else raw.get("parent"), "previous": patch.previous_id}
        if where["parent"] == ref.id:
            raise Invalid("a task does not lie in itself", path="parentId")
        given = {name: checked(str(item), "task") for name, item in where.items() if item is not None}
        return await self._placed(self._api.move(tasklist=ref.parent, task=ref.id, **given))

    async def _placed(self, request: Any) -> Json:
        try:
            raw: Json = await self._client.call(request)
        except Invalid as error:
            path = "previousId" if "previous" in error.message.lower() else "parentId"
            raise Invalid(error.message, path=path, original=error.original) from None
        return raw


def _body(write: TaskCreate | TaskUpdate) -> dict[str, Any]:
    """Raises `Invalid` for what Google would drop."""
    names = write.model_fields_set
    for field, path in _UNKNOWN.items():
        if getattr(write, field):
            raise Invalid("Google Tasks does not keep this", path=path)
    if write.importance not in (None, TaskImportance.NORMAL):
        raise Invalid("Google Tasks knows no importance", path="importance")
    found: dict[str, Any] = {name: getattr(write, name) for name in ("title", "notes") if name in names}
    if "due" in names:
        found["due"] = f"{write.due.date().isoformat()}T00:00:00.000Z" if write.due else None
    if "status" in names:
        done = write.status is TaskStatus.COMPLETED
        found |= {"status": "completed"} if done else {"status": "needsAction", "completed": None}
    return found


def _task(raw: Json) -> Task:
    done = raw.get("status") == "completed"
    return Task(
        id=raw["id"],
        etag=bare(raw) or None,
        title=raw.get("title"),
        last_modified_time=_moment(raw.get("updated")),
        parent_id=raw.get("parent"),
        position=raw.get("position"),
        notes=raw.get("notes"),
        status=TaskStatus.COMPLETED if done else TaskStatus.NOT_STARTED,
        due=_moment(raw.get("due")),
        completed=_moment(raw.get("completed")) if done else None,
        links=[
            TaskLink(source=one.get("type"), description=one.get("description"), link=one.get("link"))
            for one in raw.get("links", ())
        ]
        or None,
    )


def _is_shown(raw: Json, query: TaskQuery) -> bool:
    completed = _moment(raw.get("completed"))
    return query.completed_since is None or completed is None or completed >= query.completed_since


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _since(cursor: str) -> datetime:
    try:
        found = datetime.fromisoformat(cursor.removeprefix(_PREFIX)) if cursor.startswith(_PREFIX) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or datetime.now(UTC) - found > _KEPT:
        raise CursorExpired("the position is none of this list, or too old")
    return found


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
