"""Task lists and tasks: what is written is read, parents, order where there is one, completion, changes."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Conflict, CursorExpired, Invalid, NotFound
from providers.base.ports import TaskQuery
from schemas.tasks import (
    Task,
    TaskCreate,
    TaskImportance,
    TaskList,
    TaskListCreate,
    TaskListUpdate,
    TaskStatus,
    TaskUpdate,
)
from tests.conformance.agenda import default_list, vtodo
from tests.conformance.backends import Subject
from tests.conformance.following import Follower

pytestmark = pytest.mark.anyio
PORT = "tasks"
DUE = datetime(2026, 3, 9, 15, 30, tzinfo=UTC)


async def listed(box: Subject, parent: str, query: TaskQuery = TaskQuery(), limit: int = 50) -> list[Task]:
    assert box.session.tasks
    found: list[Task] = []
    cursor = None
    while True:
        page = await box.session.tasks.find(parent, query, PageRequest(cursor, limit))
        assert len(page.records) <= limit
        found.extend(page.records)
        cursor = page.cursor
        if cursor is None:
            return found


async def lists(box: Subject, limit: int = 50) -> dict[str | None, TaskList]:
    assert box.session.task_lists
    found: dict[str | None, TaskList] = {}
    cursor = None
    while True:
        page = await box.session.task_lists.find(None, None, PageRequest(cursor, limit))
        found |= {record.id: record for record in page.records}
        cursor = page.cursor
        if cursor is None:
            return found


async def stored(box: Subject, **fields: object) -> tuple[Task, Ref]:
    assert box.session.tasks
    parent = await default_list(box)
    made = await box.session.tasks.create(parent, TaskCreate.model_validate(fields))
    return made, Ref(made.id or "", parent)


async def test_the_default_list_is_listed(box: Subject) -> None:
    assert box.session.task_lists
    item = await default_list(box)
    record = (await lists(box))[item]
    assert record.default_list and record.title and await box.session.task_lists.get(Ref(item)) == record
    assert [one.id for one in (await lists(box)).values() if one.default_list] == [item]


async def test_a_list_is_made_named_and_deleted(box: Subject) -> None:
    assert box.session.task_lists and box.session.tasks
    box.needs("task_lists.create", "task_lists.update", "task_lists.delete")
    before = await lists(box)
    made = await box.session.task_lists.create(None, TaskListCreate(title="Garten & Hof ☘"))
    assert made.title == "Garten & Hof ☘" and not made.default_list
    await box.session.tasks.create(made.id, TaskCreate(title="Dig"))
    changed = await box.session.task_lists.update(Ref(made.id or ""), TaskListUpdate(title="Garden"))
    assert (changed.id, changed.title) == (made.id, "Garden")
    assert (await box.session.task_lists.get(Ref(made.id or ""))).title == "Garden"
    assert list(await lists(box, 1)) == list(await lists(box))
    assert len(await listed(box, made.id or "")) == 1 and await listed(box, await default_list(box)) == []
    await box.session.task_lists.delete(Ref(made.id or ""))
    assert (await lists(box)).keys() == before.keys()
    for call in (
        box.session.task_lists.get(Ref(made.id or "")),
        box.session.tasks.find(made.id, TaskQuery(), PageRequest()),
        box.session.tasks.create(made.id, TaskCreate(title="x")),
        box.session.tasks.changes(made.id, None, TaskQuery()),
    ):
        with pytest.raises(NotFound):
            await call
    with pytest.raises(Invalid):
        await box.session.task_lists.create(None, TaskListCreate(title=" "))


async def test_what_is_written_is_read(box: Subject) -> None:
    assert box.session.tasks
    fields = {
        "title": "Brief; schreiben, „heute“ 🖋",
        "notes": "Two\nlines; and \\ more",
        "importance": TaskImportance.HIGH,
        "status": TaskStatus.IN_PROGRESS,
        "due": DUE,
        "start_date_time": DUE - timedelta(days=2),
        "categories": ["a", "b,c"],
    }
    if box.lacks("task fields"):
        fields = {"title": fields["title"], "notes": fields["notes"], "due": DUE.replace(hour=0, minute=0)}
    made, ref = await stored(box, **fields)
    record = await box.session.tasks.get(ref)
    for name, value in fields.items():
        assert getattr(record, name) == value, name
    assert record == made and record.etag and record.last_modified_time
    assert await listed(box, ref.parent or "") == [record]
    assert await box.session.tasks.get_many(ref.parent, [ref.id, "nothing"]) == [record]


async def test_a_patch_changes_what_it_names(box: Subject) -> None:
    assert box.session.tasks
    made, ref = await stored(box, title="Before", notes="Words", due=DUE)
    changed = await box.session.tasks.update(ref, TaskUpdate(title="After", due=None), made.etag)
    assert (changed.title, changed.notes, changed.due) == ("After", "Words", None)
    with pytest.raises(Conflict):
        await box.session.tasks.update(ref, TaskUpdate(title="Old"), made.etag)
    with pytest.raises(Conflict):
        await box.session.tasks.delete(ref, made.etag)
    await box.session.tasks.delete(ref, changed.etag)
    for call in (box.session.tasks.get(ref), box.session.tasks.delete(ref)):
        with pytest.raises(NotFound):
            await call


async def test_completing(box: Subject) -> None:
    assert box.session.tasks
    _, ref = await stored(box, title="Do it")
    done = await box.session.tasks.update(ref, TaskUpdate(status=TaskStatus.COMPLETED))
    assert done.status is TaskStatus.COMPLETED and done.completed
    again = await box.session.tasks.update(ref, TaskUpdate(status=TaskStatus.DEFERRED))
    expected = TaskStatus.NOT_STARTED if box.lacks("task states") else TaskStatus.DEFERRED
    assert again.status is expected and again.completed is None


async def test_subtasks_come_after_their_parents(box: Subject) -> None:
    assert box.session.tasks
    parent, ref = await stored(box, title="parent")
    await stored(box, title="other")
    child, below = await stored(box, title="child", parent_id=parent.id)
    assert child.parent_id == parent.id and (await box.session.tasks.get(below)).parent_id == parent.id
    titles = [task.title for task in await listed(box, ref.parent or "")]
    assert sorted(filter(None, titles)) == ["child", "other", "parent"]
    assert titles.index("parent") < titles.index("child")
    free = await box.session.tasks.update(below, TaskUpdate(parent_id=None))
    assert free.parent_id is None
    for wrong in ("nothing", below.id):
        with pytest.raises(Invalid) as refused:
            await box.session.tasks.update(below, TaskUpdate(parent_id=wrong))
        assert refused.value.path == "parentId"


async def test_pages(box: Subject) -> None:
    assert box.session.tasks
    for number in range(5):
        _, ref = await stored(box, title=f"n{number}")
    whole = [task.title for task in await listed(box, ref.parent or "")]
    assert sorted(filter(None, whole)) == [f"n{number}" for number in range(5)]
    for limit in (1, 2, 5):
        assert [task.title for task in await listed(box, ref.parent or "", limit=limit)] == whole
    with pytest.raises(Invalid):
        await box.session.tasks.find(ref.parent, TaskQuery(), PageRequest("x"))


async def test_properties_that_nobody_here_knows_survive(box: Subject) -> None:
    assert box.session.tasks
    if box.lacks("foreign properties"):
        pytest.skip("the provider keeps tasks in a shape of its own")
    parent = await default_list(box)
    await box.put_text("tasks", parent, "t@suite", vtodo("t@suite", "Foreign", "X-SUITE:precious", "PRIORITY:1"))
    [record] = await listed(box, parent)
    assert (record.title, record.importance) == ("Foreign", TaskImportance.HIGH)
    await box.session.tasks.update(Ref(record.id or "", parent), TaskUpdate(title="Changed"))
    text = await box.text("tasks", parent, "t@suite")
    assert "X-SUITE:precious" in text and "SUMMARY:Changed" in text


@pytest.mark.parametrize("item", ["nothing", "", "a/b", "../x", "é", "x" * 600])
async def test_ids_that_name_nothing(box: Subject, item: str) -> None:
    assert box.session.tasks
    parent = await default_list(box)
    for ref in (Ref(item, parent), Ref(item, "nowhere")):
        with pytest.raises(NotFound):
            await box.session.tasks.get(ref)


async def test_changes(box: Subject) -> None:
    assert box.session.tasks
    box.needs("tasks.changes")
    parent = await default_list(box)
    follower = Follower(box.session.tasks, parent, TaskQuery())
    assert await follower.follow() == (set(), set())
    one, ref = await stored(box, title="one")
    two, other = await stored(box, title="two")
    assert await follower.follow() == ({one.id, two.id}, set())
    await box.session.tasks.update(ref, TaskUpdate(status=TaskStatus.COMPLETED))
    await box.session.tasks.delete(other)
    assert await follower.follow() == ({one.id}, {two.id})
    await box.put_text("tasks", parent, "t@suite", vtodo("t@suite", "Foreign"))
    [third], _ = await follower.follow()
    assert await follower.agrees()
    await box.remove_text("tasks", parent, "t@suite")
    assert await follower.follow() == (set(), {third})
    for garbage in ("x", "", "c1.999999.0", "é"):
        with pytest.raises(CursorExpired):
            await box.session.tasks.changes(parent, garbage, TaskQuery())


async def test_what_was_completed_long_ago_is_left_out(box: Subject) -> None:
    assert box.session.tasks
    box.needs("tasks.changes")
    parent = await default_list(box)
    done = "STATUS:COMPLETED"
    await box.put_text("tasks", parent, "o@suite", vtodo("o@suite", "Old", done, "COMPLETED:20260101T000000Z"))
    await box.put_text("tasks", parent, "n@suite", vtodo("n@suite", "New", done, "COMPLETED:20260301T000000Z"))
    await stored(box, title="Open")
    query = TaskQuery(completed_since=datetime(2026, 2, 1, tzinfo=UTC))
    assert sorted(filter(None, [task.title for task in await listed(box, parent, query)])) == ["New", "Open"]
    follower = Follower(box.session.tasks, parent, query)
    changed, _ = await follower.follow()
    assert len(changed) == 2
    records = await box.session.tasks.get_many(parent, sorted(changed))
    assert {record.title for record in records} == {"New", "Open"}
