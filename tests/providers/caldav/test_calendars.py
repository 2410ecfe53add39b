"""Calendars on real servers."""

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Denied, NotFound
from providers.base.ports import CalendarQuery
from providers.caldav import paths
from schemas.calendar import AccessRole, CalendarCreate, CalendarUpdate
from tests.providers.caldav.conftest import Desk, event, everything

pytestmark = pytest.mark.anyio


async def test_a_calendar_lives(desk: Desk) -> None:
    calendars = desk.session.calendars
    assert calendars is not None
    made = await calendars.create(None, CalendarCreate(name="Größe & Maß", color="#ff8800", description="of <all>"))
    assert (made.name, made.color, made.description) == ("Größe & Maß", "#ff8800", "of <all>")
    assert made.access_role is AccessRole.OWNER
    changed = await calendars.update(Ref(made.id or ""), CalendarUpdate(name="Other"))
    assert (changed.name, changed.description) == ("Other", "of <all>")
    cleared = await calendars.update(Ref(made.id or ""), CalendarUpdate(description=None))
    assert (cleared.name, cleared.description) == ("Other", None)
    assert cleared == await calendars.get(Ref(made.id or ""))
    await calendars.delete(Ref(made.id or ""))
    for gone in (calendars.get(Ref(made.id or "")), calendars.delete(Ref(made.id or ""))):
        with pytest.raises(NotFound):
            await gone
    with pytest.raises(NotFound):
        await calendars.update(Ref(made.id or ""), CalendarUpdate(name="x"))


async def test_the_list_has_pages_and_one_primary(desk: Desk) -> None:
    calendars = desk.session.calendars
    assert calendars is not None
    made = [await calendars.create(None, CalendarCreate(name=f"c{number}")) for number in range(4)]
    found = await everything(lambda page: calendars.find(None, CalendarQuery(), page), 2)
    ids = [one.id for one in found]
    assert len(ids) == len(set(ids))
    assert {one.id for one in made} | {desk.calendar} <= set(ids)
    assert [one.id for one in found if one.primary] == [await calendars.primary()]
    shared = await calendars.find(None, CalendarQuery(with_shared=True), PageRequest(limit=50))
    assert [one.id for one in shared.records] == ids


async def test_ids_that_name_no_calendar(desk: Desk) -> None:
    calendars = desk.session.calendars
    assert calendars is not None
    home = desk.session._account.calendar_home
    principal = paths.item_id(paths.folder(paths.canonical(home.sets[0])))
    for bad in ("", "nothing", "é", principal, paths.item_id("/../etc/"), desk.calendar + "x", "A" * 3000):
        with pytest.raises((NotFound, Denied)):
            await calendars.get(Ref(bad))
        with pytest.raises((NotFound, Denied)):
            await calendars.delete(Ref(bad))


async def test_a_calendar_that_was_deleted_meanwhile(desk: Desk) -> None:
    from providers.base.ports import EventQuery, EventWrite

    calendars, made = desk.session.calendars, await desk.add(subject="a", start={"dateOnly": "2026-01-01"})
    assert calendars is not None
    cursor = (await desk.events.changes(desk.calendar, None, EventQuery())).cursor
    await calendars.delete(Ref(desk.calendar))
    for call in (
        desk.events.find(desk.calendar, EventQuery(), PageRequest()),
        desk.events.find(desk.calendar, EventQuery(i_cal_uid="x"), PageRequest()),
        desk.events.get(desk.ref(made.id)),
        desk.events.create(desk.calendar, EventWrite(event(start={"dateOnly": "2026-01-01"}))),
        desk.events.changes(desk.calendar, cursor, EventQuery()),
        desk.events.changes(desk.calendar, None, EventQuery()),
    ):
        with pytest.raises(NotFound):
            await call
    assert await desk.events.get_many(desk.calendar, [made.id]) == []
