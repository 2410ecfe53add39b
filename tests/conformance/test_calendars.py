"""Calendars: finding, making, naming, deleting them, and whose time is taken."""

from datetime import timedelta

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Denied, Invalid, NotFound
from providers.base.ports import CalendarQuery, EventQuery
from schemas.calendar import AccessRole, Calendar, CalendarCreate, CalendarUpdate, ShowAs
from tests.conformance.agenda import START, between, day, listed, patched, primary, weekly, written
from tests.conformance.backends import Subject

pytestmark = pytest.mark.anyio
PORT = "calendars"


async def found(box: Subject, *, shared: bool = False, limit: int = 50) -> dict[str, Calendar]:
    assert box.session.calendars
    records: dict[str, Calendar] = {}
    cursor = None
    while True:
        page = await box.session.calendars.find(None, CalendarQuery(shared), PageRequest(cursor, limit))
        assert len(page.records) <= limit
        records |= {record.id or "": record for record in page.records}
        cursor = page.cursor
        if cursor is None:
            return records


async def test_the_primary_one_is_listed_and_can_be_read(box: Subject) -> None:
    assert box.session.calendars
    item = await primary(box)
    record = (await found(box))[item]
    assert record.primary and record.name and record.access_role in (AccessRole.OWNER, AccessRole.WRITER)
    assert await box.session.calendars.get(Ref(item)) == record
    assert [one.id for one in (await found(box)).values() if one.primary] == [item]
    with pytest.raises(NotFound):
        await box.session.calendars.get(Ref("nothing"))


async def test_a_calendar_is_made_named_and_deleted(box: Subject) -> None:
    assert box.session.calendars and box.session.events
    box.needs("calendars.create", "calendars.update", "calendars.delete")
    before = await found(box)
    made = await box.session.calendars.create(None, CalendarCreate(name="Ferien & Reisen ☀"))
    assert made.name == "Ferien & Reisen ☀" and not made.primary and made.id
    assert (await found(box)).keys() == before.keys() | {made.id}
    await box.session.events.create(made.id, written("Flight"))
    changed = await box.session.calendars.update(Ref(made.id), CalendarUpdate(name="Reisen"))
    assert (changed.id, changed.name) == (made.id, "Reisen")
    assert (await box.session.calendars.get(Ref(made.id))).name == "Reisen"
    assert len(await listed(box.session, made.id)) == 1
    assert await listed(box.session, await primary(box)) == []
    await box.session.calendars.delete(Ref(made.id))
    assert await found(box) == before
    for call in (
        box.session.calendars.get(Ref(made.id)),
        box.session.calendars.delete(Ref(made.id)),
        box.session.events.find(made.id, EventQuery(), PageRequest()),
        box.session.events.create(made.id, written()),
        box.session.events.changes(made.id, None, EventQuery()),
    ):
        with pytest.raises(NotFound):
            await call


async def test_a_calendar_needs_a_name(box: Subject) -> None:
    assert box.session.calendars
    box.needs("calendars.create")
    for name in (None, "", "  "):
        with pytest.raises(Invalid, match="name"):
            await box.session.calendars.create(None, CalendarCreate(name=name))


async def test_pages(box: Subject) -> None:
    assert box.session.calendars
    box.needs("calendars.create")
    for number in range(3):
        await box.session.calendars.create(None, CalendarCreate(name=f"Calendar {number}"))
    assert list(await found(box, limit=1)) == list(await found(box))
    assert list(await found(box, limit=2)) == list(await found(box))


async def test_what_is_shared_for_reading_cannot_be_written(box: Subject) -> None:
    assert box.session.calendars and box.session.events
    shared = box.place.read_only_calendar()
    if shared is None:
        pytest.skip("the server has no such calendar")
    assert shared in await found(box, shared=True)
    assert (await box.session.calendars.get(Ref(shared))).access_role is AccessRole.READER
    with pytest.raises(Denied):
        await box.session.events.create(shared, written())
    assert await listed(box.session, shared) == []


async def test_busy_times(box: Subject) -> None:
    assert box.session.calendars and box.session.events
    box.needs("calendars.busy")
    calendar = await primary(box)
    await box.session.events.create(calendar, written("taken", 2))
    await box.session.events.create(calendar, written("free", 4, show_as=ShowAs.FREE))
    await box.session.events.create(calendar, written("before", -5))
    away = await box.session.events.create(
        calendar, patched(subject="away", start=day("2026-03-04"), end=day("2026-03-05"), show_as=ShowAs.OUT_OF_OFFICE)
    )
    await box.session.events.create(calendar, weekly(start="2026-03-03T09:00"))
    emails = [box.address, "nobody@elsewhere.example"]
    own, stranger = await box.session.calendars.busy(emails, START, START + timedelta(days=9))
    assert (own.email, stranger.email) == (box.address, "nobody@elsewhere.example")
    assert own.error is None and stranger.error and not stranger.items
    hours = [((item.start - START) / timedelta(hours=1), item.status) for item in own.items or [] if item.start]
    busy = ShowAs.BUSY
    out = busy if box.lacks("busy kinds") else ShowAs.OUT_OF_OFFICE
    assert hours == [(2, busy), (23, busy), (39, out), (23 + 7 * 24, busy)]
    assert away.id
    assert len(await between(box.session, calendar, 0, 9 * 24)) == 5
