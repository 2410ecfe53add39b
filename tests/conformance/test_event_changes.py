"""What a provider tells of changes in a calendar: nothing is missed, nothing is told that is not so."""

from datetime import timedelta

import pytest

from providers.base.collection import Ref
from providers.base.errors import CursorExpired, NotFound
from providers.base.ports import EventQuery
from schemas.calendar import Event
from tests.conformance.agenda import START, at, between, calendar, patched, primary, vevent, wall, weekly, written
from tests.conformance.backends import Subject
from tests.conformance.following import Follower

pytestmark = pytest.mark.anyio
PORT = "events"
ALL = (0, 20 * 7 * 24)


@pytest.fixture(autouse=True)
def claimed(box: Subject) -> None:
    box.needs("events.changes")


@pytest.fixture
async def follower(box: Subject) -> Follower:
    assert box.session.events
    return Follower(box.session.events, await primary(box), EventQuery())


async def made(box: Subject, subject: str, hours: float = 0) -> Event:
    assert box.session.events
    return await box.session.events.create(await primary(box), written(subject, hours))


async def test_the_first_listing_is_everything(box: Subject, follower: Follower) -> None:
    one, two = await made(box, "one"), await made(box, "two", 5000)
    assert await follower.follow() == ({one.id, two.id}, set())
    assert all(change.parent is None and change.kin is None for change in follower.known.values())
    assert follower.known[one.id or ""].identity == one.i_cal_uid
    assert await follower.follow() == (set(), set()) and await follower.agrees()


async def test_an_empty_calendar(follower: Follower) -> None:
    assert await follower.follow() == (set(), set())
    assert await follower.follow() == (set(), set())


async def test_what_happens_is_told(box: Subject, follower: Follower) -> None:
    assert box.session.events
    one, two = await made(box, "one"), await made(box, "two")
    await follower.follow()
    three = await made(box, "three")
    assert await follower.follow() == ({three.id}, set())
    await box.session.events.update(Ref(one.id or "", follower.parent), patched(subject="uno"))
    assert await follower.follow() == ({one.id}, set())
    await box.session.events.delete(Ref(two.id or "", follower.parent), notify=False)
    assert await follower.follow() == (set(), {two.id})
    assert await follower.agrees()


async def test_what_happens_behind_our_back_is_told(box: Subject, follower: Follower) -> None:
    assert follower.parent
    await box.put_text("events", follower.parent, "a@suite", calendar(vevent("a@suite")))
    [item], gone = await follower.follow()
    assert not gone and follower.known[item].identity == "a@suite"
    await box.put_text("events", follower.parent, "a@suite", calendar(vevent("a@suite", {"SUMMARY": "Other"})))
    assert await follower.follow() == ({item}, set())
    await box.remove_text("events", follower.parent, "a@suite")
    assert await follower.follow() == (set(), {item})


async def test_masters_and_exceptions_are_told_and_occurrences_are_not(box: Subject, follower: Follower) -> None:
    assert box.session.events and follower.parent
    series = await box.session.events.create(follower.parent, weekly())
    assert await follower.follow() == ({series.id}, set())
    records = await between(box.session, follower.parent, *ALL)
    moved = Ref(records[1].id or "", follower.parent)
    await box.session.events.update(moved, patched(start=wall("2026-03-10T15:00")))
    assert await follower.follow() == ({series.id, moved.id}, set())
    assert follower.known[moved.id].parent == series.id
    renamed = Ref(records[3].id or "", follower.parent)
    await box.session.events.update(renamed, patched(subject="Special"))
    changed, gone = await follower.follow()
    assert {series.id, renamed.id} <= changed <= {series.id, renamed.id, moved.id} and not gone
    assert await follower.agrees()
    await box.session.events.delete(moved, notify=False)
    changed, gone = await follower.follow()
    assert gone == {moved.id} and series.id in changed and await follower.agrees()
    await box.session.events.delete(Ref(records[4].id or "", follower.parent), notify=False)
    changed, gone = await follower.follow()
    assert not gone and series.id in changed, "an occurrence that was never told needs no end"
    await box.session.events.delete(Ref(series.id or "", follower.parent), notify=False)
    assert await follower.follow() == (set(), {series.id, renamed.id})
    assert await follower.agrees()


async def test_an_exception_that_others_take_back(box: Subject, follower: Follower) -> None:
    assert follower.parent
    if box.lacks("undone exceptions"):
        pytest.skip("an exception stays one")
    master = vevent("s@suite", {"RRULE": "FREQ=WEEKLY;COUNT=4"})
    moved = vevent("s@suite", {"RECURRENCE-ID": "20260316T090000Z"}, "20260317T100000Z")
    await box.put_text("events", follower.parent, "s@suite", calendar(master, moved))
    changed, _ = await follower.follow()
    assert len(changed) == 2
    await box.put_text("events", follower.parent, "s@suite", calendar(master))
    changed, gone = await follower.follow()
    assert len(changed) == 1 and len(gone) == 1 and await follower.agrees()


def window(begin: float, end: float) -> EventQuery:
    return EventQuery(time_min=START + timedelta(hours=begin), time_max=START + timedelta(hours=end))


async def test_a_window(box: Subject, follower: Follower) -> None:
    assert box.session.events and follower.parent
    follower.query = window(0, 100)
    before, inside, after = await made(box, "before", -1), await made(box, "inside", 50), await made(box, "after", 100)
    assert await follower.follow() == ({inside.id}, set())
    late = Ref(after.id or "", follower.parent)
    await box.session.events.update(late, patched(start=at(99), end=at(101)))
    assert await follower.follow() == ({after.id}, set())
    await box.session.events.update(Ref(inside.id or "", follower.parent), patched(start=at(-9), end=at(-8)))
    await box.session.events.update(Ref(before.id or "", follower.parent), patched(subject="still before"))
    assert await follower.follow() == (set(), {inside.id})
    assert await follower.agrees()


async def test_series_in_a_window(box: Subject, follower: Follower) -> None:
    """A series is told when anything of it lies in the window, its exceptions when they do."""
    assert box.session.events and follower.parent
    follower.query = window(8 * 24, 30 * 24)
    series = await box.session.events.create(follower.parent, weekly())
    ended = await box.session.events.create(follower.parent, weekly("Ended", "RRULE:FREQ=WEEKLY;COUNT=2"))
    assert await follower.follow() == ({series.id}, set())
    records = [one for one in await between(box.session, follower.parent, *ALL) if one.subject == "Weekly"]
    for one, to in (
        (records[0], "2026-03-03T09:00"),
        (records[2], "2026-03-17T09:00"),
        (records[3], "2026-05-05T09:00"),
    ):
        await box.session.events.update(Ref(one.id or "", follower.parent), patched(start=wall(to)))
    await follower.follow()
    assert follower.known.keys() == {series.id, records[2].id}
    last = [one for one in await between(box.session, follower.parent, *ALL) if one.subject == "Ended"][-1]
    await box.session.events.update(Ref(last.id or "", follower.parent), patched(start=wall("2026-03-11T09:00")))
    await follower.follow()
    assert {ended.id, last.id} <= follower.known.keys() and await follower.agrees()


async def test_a_moved_start_of_a_series(box: Subject, follower: Follower) -> None:
    assert box.session.events and follower.parent
    series = await box.session.events.create(follower.parent, weekly())
    records = await between(box.session, follower.parent, *ALL)
    await box.session.events.update(Ref(records[1].id or "", follower.parent), patched(subject="Special"))
    await follower.follow()
    await box.session.events.update(Ref(series.id or "", follower.parent), patched(start=wall("2026-03-02T10:00")))
    await follower.follow()
    assert series.id in follower.known and len(follower.known) == 2 and await follower.agrees()


async def test_an_old_cursor_leads_to_the_same_state(box: Subject, follower: Follower) -> None:
    assert box.session.events and follower.parent
    one, two = await made(box, "one"), await made(box, "two")
    await follower.follow()
    late = Follower(follower.port, follower.parent, follower.query, follower.cursor, dict(follower.known))
    await box.session.events.update(Ref(one.id or "", follower.parent), patched(subject="uno"))
    await follower.follow()
    await box.session.events.delete(Ref(two.id or "", follower.parent), notify=False)
    await made(box, "three")
    await follower.follow()
    await late.follow()
    assert late.known == follower.known
    fresh = (await box.reopened()).events
    assert fresh
    again = Follower(fresh, follower.parent, follower.query, follower.cursor, dict(follower.known))
    assert await again.follow() == (set(), set())


@pytest.mark.parametrize("garbage", ["", "x", "é", "0", "c1.999999.0", "A" * 5000, '{"a":1}', "https://example.org/"])
async def test_a_cursor_that_never_was(follower: Follower, garbage: str) -> None:
    with pytest.raises(CursorExpired):
        await follower.port.changes(follower.parent, garbage, EventQuery())


async def test_a_calendar_that_never_was(follower: Follower) -> None:
    with pytest.raises(NotFound):
        await follower.port.changes("nowhere", None, EventQuery())


async def test_a_cursor_is_text_that_a_database_takes(box: Subject, follower: Follower) -> None:
    await made(box, "one")
    await follower.follow()
    assert follower.cursor and follower.cursor.isascii() and follower.cursor.isprintable()
    assert len(follower.cursor) < 2000
