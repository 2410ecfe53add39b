"""The TaskLists and Tasks ports."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar, TypeVar
from uuid import uuid4

from providers.base.collection import Change, Delta, Page, PageRequest, Ref
from providers.base.errors import Conflict, Denied, Invalid
from providers.base.lane import blocking
from providers.base.ports import TaskLists, TaskQuery, Tasks
from providers.formats import contentlines
from providers.formats.contentlines import Component
from providers.formats.ical import tasks
from providers.sandbox import entry_changes
from providers.sandbox.cabinet import Cabinet, Entry, Kind, Shelf
from providers.sandbox.order import Order, placed
from providers.sandbox.port import KeptPort, behind
from providers.sandbox.texts import component_of
from schemas.tasks import Task, TaskCreate, TaskList, TaskListCreate, TaskListUpdate, TaskStatus, TaskUpdate

B = TypeVar("B", TaskCreate, TaskUpdate)


class SandboxTaskLists(KeptPort, TaskLists):
    """The lists; the first one stays."""

    kind: ClassVar[Kind] = Kind.TASKS

    @blocking
    def find(self, parent: str | None, query: None, page: PageRequest) -> Page[TaskList]:
        with self.looking() as cabinet:
            found = cabinet.shelves()
        shown, cursor = behind(found, [shelf.id for shelf in found], page)
        return Page([_list(shelf) for shelf in shown], cursor)

    @blocking
    def get(self, ref: Ref) -> TaskList:
        with self.looking() as cabinet:
            return _list(cabinet.shelf(ref.id))

    @blocking
    def create(self, parent: str | None, draft: TaskListCreate) -> TaskList:
        with self.changing() as cabinet:
            return _list(cabinet.add_shelf(_title(draft.title)))

    @blocking
    def update(self, ref: Ref, patch: TaskListUpdate, etag: str | None = None) -> TaskList:
        with self.changing() as cabinet:
            shelf = cabinet.shelf(ref.id)
            if etag is not None and etag != str(shelf.change):
                raise Conflict("the list was changed meanwhile")
            if "title" in patch.model_fields_set:
                shelf = cabinet.change_shelf(shelf.id, name=_title(patch.title))
            return _list(shelf)

    @blocking
    def delete(self, ref: Ref, etag: str | None = None) -> None:
        with self.changing() as cabinet:
            shelf = cabinet.shelf(ref.id)
            if shelf.standard:
                raise Denied("the default task list cannot be deleted")
            cabinet.remove_shelf(shelf.id)

    @blocking
    def primary(self) -> str:
        with self.looking() as cabinet:
            return cabinet.standard().id


class SandboxTasks(KeptPort, Tasks):
    """Tasks in the owner's order; deleting a task deletes its subtasks."""

    kind: ClassVar[Kind] = Kind.TASKS
    changes_at_once = 2000  # tasks in one delta

    @blocking
    def find(self, parent: str | None, query: TaskQuery, page: PageRequest) -> Page[Task]:
        with self.looking() as cabinet:
            found = [task for task in _tasks(cabinet, cabinet.shelf(parent).id) if not _is_past(task, query)]
        shown, cursor = behind(found, [task.id or "" for task in found], page)
        return Page(shown, cursor)

    @blocking
    def get(self, ref: Ref) -> Task:
        with self.looking() as cabinet:
            entry = cabinet.entry(ref.id, ref.parent)
            return _task(entry, _ids(cabinet, entry.shelf))

    @blocking
    def get_many(self, parent: str | None, ids: Sequence[str]) -> list[Task]:
        with self.looking() as cabinet:
            found = cabinet.by_ids(ids, parent)
            known = {shelf: _ids(cabinet, shelf) for shelf in {entry.shelf for entry in found.values()}}
        return [_task(found[item], known[found[item].shelf]) for item in ids if item in found]

    @blocking
    def create(self, parent: str | None, draft: TaskCreate) -> Task:
        uid, now = str(uuid4()), datetime.now(UTC)
        with self.changing() as cabinet:
            shelf = cabinet.shelf(parent).id
            text = tasks.create(_with_uids(cabinet, shelf, draft), uid, now)
            place = placed(cabinet, shelf, draft.previous_id if "previous_id" in draft.model_fields_set else ...)
            entry = cabinet.add(shelf, uid, contentlines.write(text), place)
            return _task(entry, _ids(cabinet, shelf))

    @blocking
    def update(self, ref: Ref, patch: TaskUpdate, etag: str | None = None) -> Task:
        with self.changing() as cabinet:
            entry = cabinet.entry(ref.id, ref.parent)
            entry.check(etag)
            text = component_of(entry)
            tasks.update(_todo(text), _with_uids(cabinet, entry.shelf, patch, entry), datetime.now(UTC))
            place = entry.place
            if "previous_id" in patch.model_fields_set:
                place = placed(cabinet, entry.shelf, patch.previous_id, entry)
            return _task(cabinet.put(entry, contentlines.write(text), place), _ids(cabinet, entry.shelf))

    @blocking
    def delete(self, ref: Ref, etag: str | None = None) -> None:
        with self.changing() as cabinet:
            entry = cabinet.entry(ref.id, ref.parent)
            entry.check(etag)
            order = Order.of(cabinet, entry.shelf, _parent_uid)
            for gone in order.with_children(entry):
                cabinet.remove(gone)

    @blocking
    def changes(self, parent: str | None, cursor: str | None, query: TaskQuery) -> Delta:
        with self.looking() as cabinet:
            shelf = cabinet.shelf(parent).id
            return entry_changes.delta(cabinet, shelf, cursor, self.changes_at_once, partial(_told, query))


def _list(shelf: Shelf) -> TaskList:
    return TaskList(
        id=shelf.id, etag=str(shelf.change), title=shelf.name, owner=True, shared=False, default_list=shelf.standard
    )


def _title(given: str | None) -> str:
    title = (given or "").strip()
    if not title:
        raise Invalid("a list has a title of at least one character", path="title")
    return title


def _tasks(cabinet: Cabinet, shelf: str) -> Iterator[Task]:
    """In the list's order, subtasks after their parents."""
    order = Order.of(cabinet, shelf, _parent_uid)
    ids = {entry.uid: entry.id for entry in order.entries}
    return (_task(entry, ids) for entry in order.walk())


def _ids(cabinet: Cabinet, shelf: str) -> Mapping[str, str]:
    """UID -> id."""
    return {entry.uid: entry.id for entry in cabinet.entries(shelf)}


def _task(entry: Entry, ids: Mapping[str, str]) -> Task:
    [(_, shown)] = tasks.tasks(component_of(entry))[:1]
    more = {"id": entry.id, "etag": entry.etag, "parent_id": ids.get(shown.parent_id or "")}
    return shown.model_copy(update={**more, "position": f"{entry.place:020.6f}"})


def _todo(text: Component) -> Component:
    return text.of("VTODO")[0]


def _parent_uid(entry: Entry) -> str | None:
    return tasks.tasks(component_of(entry))[0][1].parent_id


def _with_uids(cabinet: Cabinet, shelf: str, given: B, own: Entry | None = None) -> B:
    """The body with its parent's UID instead of its id. Raises `Invalid` for a parent that is none."""
    if given.parent_id is None:
        return given
    parent = cabinet.by_ids([given.parent_id], shelf).get(given.parent_id)
    if parent is None:
        raise Invalid("there is no such task in the list", path="parentId")
    order = Order.of(cabinet, shelf, _parent_uid)
    if own is not None and parent.id in {entry.id for entry in order.with_children(own)}:
        raise Invalid("a task cannot lie below itself", path="parentId")
    return given.model_copy(update={"parent_id": parent.uid})


def _is_past(task: Task, query: TaskQuery) -> bool:
    since = query.completed_since
    return (
        since is not None
        and task.status is TaskStatus.COMPLETED
        and task.completed is not None
        and task.completed < since
    )


def _told(query: TaskQuery, item: str, version: str, text: bytes) -> Sequence[Change]:
    found = tasks.tasks(contentlines.parse(text)[0])
    return () if not found or _is_past(found[0][1], query) else (Change(item, version, None, found[0][0]),)
