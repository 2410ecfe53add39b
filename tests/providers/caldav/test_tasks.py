"""Task lists and tasks on real servers."""

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Conflict, Denied, Invalid, NotFound
from providers.base.ports import TaskQuery, Tasks
from providers.caldav import paths, task_order
from schemas.calendar import CalendarCreate
from schemas.tasks import TaskCreate, TaskImportance, TaskListCreate, TaskListUpdate, TaskStatus, TaskUpdate
from tests.providers.caldav.conftest import Desk, everything, moment

pytestmark = pytest.mark.anyio

FOREIGN = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Other//EN
BEGIN:VTODO
UID:foreign-task
DTSTAMP:20260101T000000Z
SUMMARY:Old
PRIORITY:2
X-KEPT:yes
STATUS:CANCELLED
END:VTODO
END:VCALENDAR
"""


async def a_list(desk: Desk) -> tuple[Tasks, str]:
    assert desk.session.task_lists is not None and desk.session.tasks is not None
    made = await desk.session.task_lists.create(None, TaskListCreate(title="Do"))
    return desk.session.tasks, made.id or ""


async def test_a_list_lives(desk: Desk) -> None:
    lists = desk.session.task_lists
    assert lists is not None
    made = await lists.create(None, TaskListCreate(title="Do & <see>"))
    ref = Ref(made.id or "")
    assert (made.title, made.shared) == ("Do & <see>", False)
    assert (await lists.update(ref, TaskListUpdate(title="Done"))).title == "Done"
    found = await everything(lambda page: lists.find(None, None, page), 1)
    assert made.id in [one.id for one in found]
    assert [one.id for one in found if one.default_list] == [await lists.primary()]
    assert desk.session.calendars is not None
    with pytest.raises(NotFound):
        await desk.session.calendars.get(ref)
    await lists.delete(ref)
    with pytest.raises(NotFound):
        await lists.get(ref)


async def test_a_calendar_is_not_deleted_as_a_task_list(desk: Desk) -> None:
    lists, calendars = desk.session.task_lists, desk.session.calendars
    assert lists is not None and calendars is not None
    made = await calendars.create(None, CalendarCreate(name="events"))
    with pytest.raises((NotFound, Denied)):
        await lists.delete(Ref(made.id or ""))
    await calendars.get(Ref(made.id or ""))


async def test_a_task_lives(desk: Desk) -> None:
    tasks, parent = await a_list(desk)
    draft = TaskCreate(
        title="Write, it",
        notes="a\nb",
        importance=TaskImportance.HIGH,
        due=moment("2026-05-01 00:00"),
        categories=["x"],
    )
    made = await tasks.create(parent, draft)
    ref = Ref(made.id or "", parent)
    assert (made.title, made.notes, made.status) == ("Write, it", "a\nb", TaskStatus.NOT_STARTED)
    assert await tasks.get(ref) == made
    done = await tasks.update(ref, TaskUpdate(status=TaskStatus.COMPLETED), made.etag)
    assert done.completed is not None and (done.title, done.importance) == ("Write, it", TaskImportance.HIGH)
    with pytest.raises(Conflict):
        await tasks.update(ref, TaskUpdate(title="x"), made.etag)
    with pytest.raises(Conflict):
        await tasks.delete(ref, made.etag)
    await tasks.delete(ref, done.etag)
    for gone in (tasks.get(ref), tasks.delete(ref), tasks.update(ref, TaskUpdate(title="x"))):
        with pytest.raises(NotFound):
            await gone
    assert await tasks.get_many(parent, [made.id or "", "nothing"]) == []


async def test_what_is_not_known_is_kept(desk: Desk) -> None:
    tasks, parent = await a_list(desk)
    item = await desk.put("f.ics", FOREIGN, paths.path_of(parent))
    read = await tasks.get(Ref(item, parent))
    assert (read.status, read.importance) == (TaskStatus.COMPLETED, TaskImportance.HIGH)
    await tasks.update(Ref(item, parent), TaskUpdate(title="New"))
    text = await desk.text(item)
    assert "X-KEPT:yes" in text and "STATUS:CANCELLED" in text and "SUMMARY:New" in text


async def test_parents_are_ids(desk: Desk) -> None:
    tasks, parent = await a_list(desk)
    top = await tasks.create(parent, TaskCreate(title="top"))
    await tasks.create(parent, TaskCreate(title="other"))
    sub = await tasks.create(parent, TaskCreate(title="sub", parent_id=top.id))
    leaf = await tasks.create(parent, TaskCreate(title="leaf", parent_id=sub.id))
    assert (sub.parent_id, leaf.parent_id) == (top.id, sub.id)
    found = await everything(lambda page: tasks.find(parent, TaskQuery(), page), 3)
    titles = [one.title for one in found]
    assert titles.index("sub") == titles.index("top") + 1 and titles.index("leaf") == titles.index("sub") + 1
    assert {one.title: one.parent_id for one in found} == {
        "top": None, "other": None, "sub": top.id, "leaf": sub.id,
    }  # fmt: skip
    many = await tasks.get_many(parent, [leaf.id or "", top.id or ""])
    assert [one.parent_id for one in many] == [sub.id, None]
    freed = await tasks.update(Ref(sub.id or "", parent), TaskUpdate(parent_id=None))
    assert freed.parent_id is None
    for wrong in ("nothing", parent):
        with pytest.raises(Invalid) as caught:
            await tasks.create(parent, TaskCreate(title="x", parent_id=wrong))
        assert caught.value.path == "parentId"
    await tasks.delete(Ref(top.id or "", parent))
    await tasks.update(Ref(sub.id or "", parent), TaskUpdate(parent_id=leaf.id))  # a cycle, through other programs
    assert len(await everything(lambda page: tasks.find(parent, TaskQuery(), page), 3)) == 3


async def test_changes(desk: Desk) -> None:
    tasks, parent = await a_list(desk)
    old = FOREIGN.replace("STATUS:CANCELLED", "STATUS:COMPLETED\nCOMPLETED:20200101T000000Z").replace("foreign", "old")
    past = await desk.put("old.ics", old, paths.path_of(parent))
    made = await tasks.create(parent, TaskCreate(title="a"))
    query = TaskQuery(completed_since=moment("2025-01-01 00:00"))
    first = await tasks.changes(parent, None, query)
    assert ([one.id for one in first.changed], first.removed) == ([made.id], [])
    every = await tasks.changes(parent, None, TaskQuery())
    assert {one.id for one in every.changed} == {made.id, past}
    shown = await tasks.find(parent, query, PageRequest())
    assert [one.id for one in shown.records] == [made.id]
    await tasks.delete(Ref(made.id or "", parent))
    then = await tasks.changes(parent, first.cursor, query)
    assert (then.changed, then.removed) == ([], [made.id])
    assert (await tasks.changes(parent, then.cursor, query)).removed == []


async def test_a_list_that_is_gone(desk: Desk) -> None:
    tasks, parent = await a_list(desk)
    assert desk.session.task_lists is not None
    await desk.session.task_lists.delete(Ref(parent))
    for call in (
        tasks.create(parent, TaskCreate(title="x")),
        tasks.find(parent, TaskQuery(), PageRequest()),
        tasks.changes(parent, None, TaskQuery()),
    ):
        with pytest.raises(NotFound):
            await call


async def test_tasks_stand_where_they_are_put(desk: Desk) -> None:
    """Behind a sibling, or first; where numbers leave no room those behind move on."""
    tasks, folder = await a_list(desk)

    async def titles() -> list[str | None]:
        return [one.title for one in (await tasks.find(folder, TaskQuery(), PageRequest())).records]

    one = await tasks.create(folder, TaskCreate(title="one"))
    await tasks.create(folder, TaskCreate(title="first", previous_id=None))
    made = one
    for number in range(4):
        made = await tasks.create(folder, TaskCreate(title=f"{number}", previous_id=one.id))
    assert await titles() == ["first", "one", "3", "2", "1", "0"]
    moved = await tasks.update(Ref(made.id or "", folder), TaskUpdate(previous_id=None), made.etag)
    assert (moved.title, await titles()) == ("3", ["3", "first", "one", "2", "1", "0"])
    child = await tasks.create(folder, TaskCreate(title="child", parent_id=one.id))
    await tasks.create(folder, TaskCreate(title="younger", parent_id=one.id, previous_id=child.id))
    await tasks.create(folder, TaskCreate(title="elder", parent_id=one.id, previous_id=None))
    assert await titles() == ["3", "first", "one", "elder", "child", "younger", "2", "1", "0"]
    await tasks.update(Ref(child.id or "", folder), TaskUpdate(parent_id=None, previous_id=one.id))
    assert await titles() == ["3", "first", "one", "elder", "younger", "child", "2", "1", "0"]
    for wrong in (one.id, "nothing"):
        with pytest.raises(Invalid) as caught:
            await tasks.create(folder, TaskCreate(title="x", parent_id=child.id, previous_id=wrong))
        assert caught.value.path == "previousId"


@pytest.mark.parametrize(
    ("numbers", "at", "found"),
    [
        ([], 0, (0, [])),
        ([5], 0, (4, [])),
        ([5], 1, (6, [])),
        ([5, 9], 1, (7, [])),
        ([5, 6, 7, 20], 1, (6, [7, 8])),
        ([5, 5, 5], 1, (6, [7, 8])),
        ([5, 5, 9], 1, (6, [7])),
    ],
)
def test_room(numbers: list[int], at: int, found: tuple[int, list[int]]) -> None:
    assert task_order.room(numbers, at) == found
    with pytest.raises(Invalid):
        task_order.room([1] * 300, 1)
