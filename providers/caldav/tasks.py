"""The tasks of an account's lists.

The contract names a parent by its id, iCalendar by its UID: the one is looked up for the other. Siblings have no order
of their own in CalDAV but the numbers that many programs keep (`task_order`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from providers.base.collection import Delta, Page, PageRequest, Ref
from providers.base.errors import Conflict, Exists, Invalid, NotFound, TooLarge
from providers.base.ports import TaskQuery, Tasks
from providers.caldav import convert, cursor, finding, pages, paths, queries, task_order
from providers.caldav.account import Account, folder_path, item_path
from providers.caldav.changes import Follower, Window
from providers.caldav.files import File, Files, opaque
from providers.caldav.names import file_name, new_uid
from providers.formats import contentlines, values
from providers.formats.contentlines import Component
from providers.formats.ical import tasks
from providers.formats.timezones.calendar_zones import Zones
from schemas.tasks import Task, TaskCreate, TaskUpdate

Body = TypeVar("Body", TaskCreate, TaskUpdate)
_TRIES = 3  # of a change that nobody tied to a version


class Todo:
    """The task of a resource; of a repeated one the master."""

    def __init__(self, file: File) -> None:
        """Raises `NotFound` when the resource is something else."""
        calendars = [one for one in contentlines.parse(file.data) if one.name == "VCALENDAR"]
        pairs = ((text, todo) for text in calendars for todo in text.of("VTODO"))
        found = sorted(pairs, key=lambda pair: pair[1].get("RECURRENCE-ID") is not None)
        if not found:
            raise NotFound("there is no task in this resource")
        self.file = file
        self.text: Component = found[0][0]
        self.component: Component = found[0][1]

    @property
    def uid(self) -> str:
        """Its UID."""
        return values.text(self.component.value("UID") or "")

    def key(self) -> tuple[int, str, str]:
        """What orders siblings."""
        return task_order.place_of(self.component), self.component.value("CREATED") or "", self.file.path

    def record(self) -> Task:
        """As the contract has it; the parent is still a UID."""
        found = tasks.read(self.component, Zones(self.text))
        return found.model_copy(update={"id": paths.item_id(self.file.path), "etag": self.file.version or None})


class TaskItems:
    """What the change log has to know about tasks; see `changes.Contents`."""

    def __init__(self, since: datetime | None) -> None:
        self._since = since

    def items(self, file: File, window: Window) -> dict[str, str | None]:
        """The task, unless it was completed too long ago."""
        todo = _todo(file)
        return {} if todo is None or _is_past(todo.record(), self._since) else {"": todo.uid or None}

    def item(self, path: str, key: str) -> str:
        """The id of a task."""
        return paths.item_id(path)

    async def within(self, folder: str, window: Window) -> list[str] | None:
        """Never asked: the window is open."""
        return None


class CaldavTasks(Tasks):
    """VTODOs."""

    def __init__(self, account: Account, files: Files) -> None:
        self._account, self._files = account, files

    async def find(self, parent: str | None, query: TaskQuery, page: PageRequest) -> Page[Task]:
        """In the order that Apple's programs keep, else as they were made; subtasks after their parents."""
        folder = folder_path(parent, "task list")
        records = [one for one in ordered(await self._all(folder)) if not _is_past(one, query.completed_since)]
        found = pages.page(enumerate(records), lambda one: (f"{one[0]:06}", ""), page)
        return Page([one for _, one in found.records], found.cursor)

    async def get(self, ref: Ref) -> Task:
        """See `Collection.get`."""
        path = item_path(ref.id, ref.parent, "task")
        todo = Todo(await self._files.get(path))
        return await self._with_parent(todo)

    async def get_many(self, parent: str | None, ids: Sequence[str]) -> list[Task]:
        """The tasks that still exist among `ids`, in that order."""
        wanted = [path for item in ids if (path := _path(item, parent))]
        files = await finding.files_of(self._files, wanted)
        todos = [todo for path in wanted if path in files and (todo := _todo(files[path]))]
        return [await self._with_parent(todo, todos) for todo in todos]

    async def create(self, parent: str | None, draft: TaskCreate) -> Task:
        """See `Collection.create`. Raises `Invalid` for a parent or a predecessor that is not in the list."""
        folder, uid = folder_path(parent, "task list"), new_uid()
        known = await self._known_parent(folder, draft)
        text = tasks.create(known, uid, datetime.now(UTC))
        if "previous_id" in draft.model_fields_set:
            [todo] = text.of("VTODO")
            task_order.put_place(todo, await self._make_room(folder, known.parent_id, draft.previous_id))
        try:
            file = await self._files.create(folder + file_name(uid), convert.written(text))
        except (Conflict, Exists):
            await self._files.etags(folder)  # says so when the list is gone
            raise
        return await self._with_parent(Todo(file))

    async def update(self, ref: Ref, patch: TaskUpdate, etag: str | None = None) -> Task:
        """See `Collection.update`."""
        path = item_path(ref.id, ref.parent, "task")
        known = await self._known_parent(paths.parent(path), patch, path)
        place = await self._new_place(path, known, etag) if "previous_id" in patch.model_fields_set else None
        for attempt in range(_TRIES):
            todo = Todo(await self._current(path, etag))
            tasks.update(todo.component, known, datetime.now(UTC))
            if place is not None:
                task_order.put_place(todo.component, place)
            try:
                return await self._with_parent(Todo(await self._files.replace(todo.file, convert.written(todo.text))))
            except Conflict:
                if etag is not None or attempt == _TRIES - 1:
                    raise
        raise AssertionError("not reached")

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        """See `Collection.delete`; subtasks stay."""
        path = item_path(ref.id, ref.parent, "task")
        for attempt in range(_TRIES):
            todo = Todo(await self._current(path, etag))
            try:
                await self._files.delete(todo.file)
            except Conflict:
                if etag is not None or attempt == _TRIES - 1:
                    raise
                continue
            return

    async def changes(self, parent: str | None, cursor_: str | None, query: TaskQuery) -> Delta:
        """See `Collection.changes`."""
        folder = folder_path(parent, "task list")
        known = cursor.read(cursor_).get(folder) if cursor_ is not None else None
        follower = Follower(self._files, TaskItems(query.completed_since))
        step = await follower.step(folder, known, Window())
        return Delta(step.changed, step.removed, cursor.write({folder: step.position}), step.more)

    async def _all(self, folder: str) -> list[Todo]:
        found = await queries.components(self._files, folder, "VTODO")
        found = list(await self._files.etags(folder)) if found is None else found
        batch = await self._files.many(folder, found)
        return [todo for file in batch.files.values() if (todo := _todo(file))]

    async def _current(self, path: str, etag: str | None) -> File:
        file = await self._files.get(path)
        if etag is not None and opaque(etag) != file.version:
            raise Conflict("the task was changed in the meantime")
        return file

    async def _with_parent(self, todo: Todo, near: Sequence[Todo] = ()) -> Task:
        """The record with the parent's id; none for a parent that is not in the list (any more)."""
        record = todo.record()
        if record.parent_id is None:
            return record
        known = {one.uid: one.file.path for one in near}
        if record.parent_id not in known:
            files = await finding.with_uid(self._files, paths.parent(todo.file.path), "VTODO", record.parent_id)
            known |= {one.uid: one.file.path for file in files if (one := _todo(file))}
        path = known.get(record.parent_id)
        return record.model_copy(update={"parent_id": paths.item_id(path) if path else None})

    async def _known_parent(self, folder: str, body: Body, own: str | None = None) -> Body:
        """The body with the parent's UID in place of its id."""
        if body.parent_id is None:
            return body
        try:
            path = item_path(body.parent_id, paths.item_id(folder), "task")
            parent = Todo(await self._files.get(path))
        except NotFound:
            raise Invalid("there is no such task in this list", path="parentId") from None
        if path == own or not parent.uid:
            raise Invalid("a task cannot be its own parent", path="parentId")
        return body.model_copy(update={"parent_id": parent.uid})

    async def _new_place(self, path: str, patch: TaskUpdate, etag: str | None) -> int:
        """The number of a task that moves; a patch that names no parent leaves it below the one that it has."""
        todo = Todo(await self._current(path, etag))
        parent = patch.parent_id if "parent_id" in patch.model_fields_set else todo.record().parent_id
        return await self._make_room(paths.parent(path), parent, patch.previous_id, path)

    async def _make_room(self, folder: str, parent: str | None, previous: str | None, own: str | None = None) -> int:
        """The number behind a sibling (None: before all of them), below the parent of that UID; those behind it are
        moved on where there is none free. Raises `Invalid` for what is no sibling."""
        todos = await self._all(folder)
        uids = {todo.uid for todo in todos}

        def below(todo: Todo) -> str | None:
            named = todo.record().parent_id
            return named if named in uids else None

        wanted = parent if parent in uids else None
        siblings = sorted((one for one in todos if below(one) == wanted and one.file.path != own), key=Todo.key)
        behind = [paths.item_id(one.file.path) for one in siblings]
        if previous is not None and previous not in behind:
            raise Invalid("there is no such task beside it", path="previousId")
        at = behind.index(previous) + 1 if previous is not None else 0
        place, moved = task_order.room([task_order.place_of(one.component) for one in siblings], at)
        for one, number in reversed(list(zip(siblings[at:], moved, strict=False))):
            task_order.put_place(one.component, number)
            await self._files.replace(one.file, convert.written(one.text))
        return place


def ordered(todos: Sequence[Todo]) -> list[Task]:
    """Records with the ids of their parents; children follow their parent. Cycles are broken where they are met."""
    paths_of = {todo.uid: todo.file.path for todo in todos if todo.uid}
    children: dict[str | None, list[tuple[tuple[int, str, str], Task]]] = {}
    for todo in todos:
        record = todo.record()
        parent = paths_of.get(record.parent_id or "")
        parent_id = paths.item_id(parent) if parent and parent != todo.file.path else None
        children.setdefault(parent_id, []).append((todo.key(), record.model_copy(update={"parent_id": parent_id})))
    found: list[Task] = []
    seen: set[str | None] = set()
    waiting: list[str | None] = [None]

    def add(parent_id: str | None) -> None:
        for _, record in sorted(children.get(parent_id, ()), key=lambda pair: pair[0]):
            if record.id not in seen:
                seen.add(record.id)
                found.append(record)
                add(record.id)

    add(waiting.pop())
    for some in children.values():  # what hangs on a cycle
        for _, record in some:
            if record.id not in seen:
                seen.add(record.id)
                found.append(record)
                add(record.id)
    return found


def _todo(file: File) -> Todo | None:
    try:
        return Todo(file)
    except (NotFound, TooLarge):
        return None


def _path(item: str, parent: str | None) -> str | None:
    try:
        return item_path(item, parent, "task")
    except NotFound:
        return None


def _is_past(record: Task, since: datetime | None) -> bool:
    return since is not None and record.completed is not None and record.completed < since
