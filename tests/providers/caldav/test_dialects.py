"""One story, told by servers that say the same in other words."""

from collections.abc import AsyncIterator, Callable

import pytest

from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Conflict
from providers.base.ports import EventQuery, EventView, EventWrite, TaskQuery
from providers.caldav.provider import CaldavProvider
from schemas.contacts import Contact
from schemas.mail import BodyType
from schemas.tasks import TaskCreate, TaskListCreate, TaskStatus, TaskUpdate
from tests.providers.caldav.conftest import Desk, at, event, moment, opened, rule
from tests.providers.caldav.test_changes import Consumer
from tests.providers.caldav.test_contacts import make_book
from tests.servers.dav import DavServer
from tests.servers.dav_dialects import DIALECTS
from tests.servers.dav_front import DavFront

pytestmark = pytest.mark.anyio
MARCH = EventQuery(moment("2026-03-01 00:00"), moment("2026-04-01 00:00"), view=EventView(BodyType.TEXT))
NAME = "Jörg ]]> & <Ünal> 日本"


@pytest.fixture(params=DIALECTS, ids=lambda one: one.__name__)
async def desk(
    dav_provider: CaldavProvider, dav_server: DavServer, request: pytest.FixtureRequest, anyio_backend: str
) -> AsyncIterator[Desk]:
    """An account of a server that speaks a dialect from the first word on."""
    speak: Callable[[DavFront], None] = request.param
    speak(dav_server.front)
    yield await opened(dav_provider, dav_server)


async def test_events(desk: Desk) -> None:
    assert desk.session.calendars is not None
    assert desk.calendar in {one.id for one in (await desk.session.calendars.find(None, None, PageRequest())).records}
    consumer = Consumer(desk)
    made = await desk.add(subject=NAME, start=at("2026-03-05 10:00"), end=at("2026-03-05 11:00"))
    series = await desk.add(subject="S", start=at("2026-03-02 09:00"), recurrence=rule("RRULE:FREQ=DAILY;COUNT=3"))
    assert await consumer.follow() == {made.id, series.id}
    assert {one.subject for one in (await desk.events.find(desk.calendar, EventQuery(), PageRequest())).records} == {
        NAME,
        "S",
    }
    found: Page[object] = await desk.events.find(desk.calendar, MARCH, PageRequest())
    assert len(found.records) == 4
    by_uid = EventQuery(i_cal_uid=made.i_cal_uid)
    assert [one.id for one in (await desk.events.find(desk.calendar, by_uid, PageRequest())).records] == [made.id]
    again = await desk.events.get(desk.ref(made.id))
    assert (again.subject, again.etag) == (NAME, made.etag)
    changed = await desk.events.update(desk.ref(made.id), EventWrite(event(location="here")), made.etag)
    assert changed.location == "here"
    with pytest.raises(Conflict):
        await desk.events.update(desk.ref(made.id), EventWrite(event(location="there")), made.etag)
    assert await consumer.follow() == {made.id, series.id}
    assert consumer.changed == {made.id} and consumer.known[made.id or ""] == changed.etag
    await desk.events.delete(desk.ref(series.id))
    assert await consumer.follow() == {made.id}
    [busy] = await desk.session.calendars.busy(
        [desk.mailbox.email], moment("2026-03-05 00:00"), moment("2026-03-06 00:00")
    )
    assert len(busy.items or []) == 1


async def test_contacts_and_tasks(desk: Desk) -> None:
    if not await desk.session._account.books():
        await make_book(desk, "contacts")
    contacts, lists, tasks = desk.session.contacts, desk.session.task_lists, desk.session.tasks
    assert contacts is not None and lists is not None and tasks is not None
    made = await contacts.create(None, Contact.model_validate({"name": {"displayName": NAME}}))
    patched = await contacts.update(Ref(made.id or ""), Contact.model_validate({"notes": "n"}), made.etag)
    assert patched.name is not None and (patched.name.display_name, patched.notes) == (NAME, "n")
    assert [one.etag for one in (await contacts.find(None, None, PageRequest())).records] == [patched.etag]
    delta = await contacts.changes(None, None, None)
    assert [one.id for one in delta.changed] == [made.id]
    await contacts.delete(Ref(made.id or ""))
    later = await contacts.changes(None, delta.cursor, None)
    assert (later.changed, later.removed) == ([], [made.id])
    todo = await lists.create(None, TaskListCreate(title="Do"))
    task = await tasks.create(todo.id, TaskCreate(title=NAME))
    done = await tasks.update(Ref(task.id or "", todo.id), TaskUpdate(status=TaskStatus.COMPLETED), task.etag)
    assert (done.title, done.status) == (NAME, TaskStatus.COMPLETED)
    assert [one.id for one in (await tasks.find(todo.id, TaskQuery(), PageRequest())).records] == [task.id]
