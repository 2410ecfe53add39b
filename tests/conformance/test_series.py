"""Series: both notations, occurrences in windows and one by one, and exceptions."""

from datetime import UTC, date, datetime, timedelta

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Invalid, NotFound
from providers.base.ports import EventQuery, EventWrite
from schemas.calendar import Event, RecurrenceType
from schemas.recurrence import (
    Frequency,
    OccurrenceType,
    RangeType,
    Recurrence,
    RecurrenceIcal,
    RecurrenceSimple,
    RecurrenceSimplePattern,
    RecurrenceSimpleRange,
)
from schemas.when import DayOfWeek
from tests.conformance.agenda import between, calendar, day, listed, patched, primary, subjects, vevent, wall, weekly
from tests.conformance.backends import Subject

pytestmark = pytest.mark.anyio
PORT = "events"
WEEK = 7 * 24
ALL = (-10 * WEEK, 30 * WEEK)


async def stored(box: Subject, event: EventWrite) -> tuple[Event, Ref]:
    assert box.session.events
    parent = await primary(box)
    made = await box.session.events.create(parent, event)
    return made, Ref(made.id or "", parent)


async def starts(box: Subject, ref: Ref) -> list[object]:
    """The wall times of everything that takes place."""
    return [one.start.wall for one in await between(box.session, ref.parent or "", *ALL) if one.start]


def mondays(*numbers: int) -> list[datetime]:
    """Nine o'clock of the Mondays with these numbers."""
    return [datetime(2026, 3, 2, 9) + timedelta(weeks=number) for number in numbers]


async def test_a_series_keeps_its_wall_time(box: Subject) -> None:
    assert box.session.events
    made, ref = await stored(box, weekly())
    assert made.recurrence_type is RecurrenceType.MASTER
    assert await starts(box, ref) == mondays(*range(6)), "clocks change after the fourth"
    records = await between(box.session, ref.parent or "", *ALL, limit=4)
    assert {one.recurrence_type for one in records} == {RecurrenceType.OCCURRENCE} and len(records) == 6
    assert len({one.id for one in records}) == 6
    for one in records:
        assert one.occurrence_info and one.occurrence_info.master_id == made.id and one.recurrence is None
        assert one.occurrence_info.original_start == one.start
        assert one.occurrence_info.type is OccurrenceType.REGULAR
        assert await box.session.events.get(Ref(one.id or "", ref.parent)) == one
    assert await box.session.events.get_many(ref.parent, [one.id or "" for one in records]) == records
    assert [one.id for one in await listed(box.session, ref.parent or "")] == [made.id]


async def test_both_notations(box: Subject) -> None:
    assert box.session.events
    made, _ = await stored(box, weekly(rule="RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20260501T070000Z"))
    assert made.recurrence and made.recurrence.ical and made.recurrence.simple
    assert made.recurrence.ical.rules == ["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20260501T070000Z"]
    pattern, span = made.recurrence.simple.pattern, made.recurrence.simple.range
    assert pattern and span
    assert (pattern.frequency, pattern.interval) == (Frequency.WEEKLY, 2)
    assert pattern.days_of_week == [DayOfWeek.MONDAY, DayOfWeek.WEDNESDAY]
    assert (span.type, span.recurrence_end) == (RangeType.BY_DATE, date(2026, 5, 1))
    daily = RecurrenceSimple(
        pattern=RecurrenceSimplePattern(frequency=Frequency.DAILY, interval=3),
        range=RecurrenceSimpleRange(type=RangeType.BY_COUNT, count=4),
    )
    event = weekly("Daily").event.model_copy(update={"recurrence": Recurrence(simple=daily)})
    made, ref = await stored(box, EventWrite(event, notify=False))
    assert made.recurrence and made.recurrence.ical and made.recurrence.simple
    assert made.recurrence.ical.rules == ["RRULE:FREQ=DAILY;INTERVAL=3;COUNT=4"]
    assert len([one for one in await between(box.session, ref.parent or "", *ALL) if one.subject == "Daily"]) == 4


async def test_one_occurrence_is_changed(box: Subject) -> None:
    assert box.session.events
    made, ref = await stored(box, weekly())
    second = (await between(box.session, ref.parent or "", *ALL))[1]
    change = patched(subject="Moved", start=wall("2026-03-10T15:00"), end=wall("2026-03-10T16:30"))
    changed = await box.session.events.update(Ref(second.id or "", ref.parent), change)
    assert (changed.id, changed.subject, changed.start) == (second.id, "Moved", wall("2026-03-10T15:00"))
    assert changed.occurrence_info and changed.occurrence_info.type is OccurrenceType.MODIFIED
    assert changed.occurrence_info.original_start == second.start
    records = await between(box.session, ref.parent or "", *ALL)
    assert subjects(records) == ["Weekly", "Moved", *["Weekly"] * 4]
    assert [one.id for one in await listed(box.session, ref.parent or "")] == [made.id]
    assert subjects(await between(box.session, ref.parent or "", WEEK, WEEK + 8)) == [], "not where it was"
    again = await box.session.events.update(Ref(second.id or "", ref.parent), patched(location="Room 5"))
    assert (again.id, again.subject, again.location) == (second.id, "Moved", "Room 5")
    master = await box.session.events.get(ref)
    assert master.subject == "Weekly" and master.start == made.start and master.recurrence == made.recurrence


async def test_one_occurrence_is_deleted(box: Subject) -> None:
    assert box.session.events
    _, ref = await stored(box, weekly())
    records = await between(box.session, ref.parent or "", *ALL)
    await box.session.events.delete(Ref(records[2].id or "", ref.parent), notify=False)
    assert await starts(box, ref) == mondays(0, 1, 3, 4, 5)
    gone = Ref(records[2].id or "", ref.parent)
    for call in (box.session.events.get(gone), box.session.events.delete(gone, notify=False)):
        with pytest.raises(NotFound):
            await call
    await box.session.events.update(Ref(records[3].id or "", ref.parent), patched(subject="Changed"))
    await box.session.events.delete(Ref(records[3].id or "", ref.parent), notify=False)
    assert await starts(box, ref) == mondays(0, 1, 4, 5), "a changed one too"
    await box.session.events.delete(ref, notify=False)
    assert await starts(box, ref) == []
    assert await listed(box.session, ref.parent or "") == []


async def test_what_is_told_of_a_series(box: Subject) -> None:
    assert box.session.events
    box.needs("events.series")
    made, ref = await stored(box, weekly())
    records = await between(box.session, ref.parent or "", *ALL)
    await box.session.events.update(Ref(records[1].id or "", ref.parent), patched(start=wall("2026-03-09T11:00")))
    await box.session.events.delete(Ref(records[4].id or "", ref.parent), notify=False)
    told = await box.session.events.series(ref)
    assert told.id == made.id and told.recurrence and told.recurrence.ical
    [changed], [gone] = told.modified_occurrences or [], told.deleted_occurrences or []
    assert (changed.id, changed.original_start, changed.master_id) == (records[1].id, records[1].start, made.id)
    assert changed.start == wall("2026-03-09T11:00") and changed.type is OccurrenceType.MODIFIED
    assert (gone.original_start, gone.type) == (records[4].start, OccurrenceType.DELETED)
    single, other = await stored(box, patched(subject="One", start=day("2026-03-03"), end=day("2026-03-04")))
    assert single.recurrence_type is RecurrenceType.SINGLE
    with pytest.raises(Invalid):
        await box.session.events.series(other)


async def test_occurrences_by_their_planned_start(box: Subject) -> None:
    assert box.session.events
    box.needs("events.occurrence")
    _, ref = await stored(box, weekly())
    records = await between(box.session, ref.parent or "", *ALL)
    await box.session.events.update(Ref(records[1].id or "", ref.parent), patched(start=wall("2026-03-12T11:00")))
    await box.session.events.delete(Ref(records[2].id or "", ref.parent), notify=False)
    records = await between(box.session, ref.parent or "", *ALL)
    planned: tuple[date, ...] = (date(2026, 3, 9), datetime(2026, 3, 9, 8, tzinfo=UTC))
    for ost in planned:
        assert await box.session.events.occurrence(ref, ost) == records[1]
    summer = datetime(2026, 4, 6, 7, tzinfo=UTC)
    found = await box.session.events.occurrence(ref, summer)
    assert found.start and found.start.instant() == summer
    nowhere: tuple[date, ...] = (
        date(2026, 3, 16),
        date(2026, 3, 12),
        datetime(2026, 3, 9, 9, tzinfo=UTC),
        date(2030, 1, 7),
    )
    for ost in nowhere:
        with pytest.raises(NotFound):
            await box.session.events.occurrence(ref, ost)


async def test_occurrences_page_by_page(box: Subject) -> None:
    assert box.session.events
    box.needs("events.occurrences")
    _, ref = await stored(box, weekly(rule="RRULE:FREQ=WEEKLY"))
    records = await between(box.session, ref.parent or "", -WEEK, 10 * WEEK)
    await box.session.events.update(Ref(records[1].id or "", ref.parent), patched(start=wall("2026-03-12T11:00")))
    await box.session.events.delete(Ref(records[2].id or "", ref.parent), notify=False)
    found: list[Event] = []
    cursor = None
    for _ in range(4):
        page = await box.session.events.occurrences(ref, PageRequest(cursor, 3))
        found, cursor = [*found, *page.records], page.cursor
        assert cursor and len(page.records) == 3
    assert [one.start.wall for one in found if one.start][:4] == [
        *mondays(0),
        datetime(2026, 3, 12, 11),
        *mondays(3, 4),
    ]
    assert [one.id for one in found[:8]] == [one.id for one in (records[:2] + records[3:9])]
    await box.session.events.update(
        ref, patched(recurrence=Recurrence(ical=RecurrenceIcal(rules=["RRULE:FREQ=WEEKLY;COUNT=5"])))
    )
    page = await box.session.events.occurrences(ref, PageRequest(None, 50))
    assert page.cursor is None and len(page.records) in (4, 5)  # the deleted one may stay deleted
    with pytest.raises(Invalid):
        await box.session.events.occurrences(ref, PageRequest("x", 3))


async def test_a_series_of_days(box: Subject) -> None:
    assert box.session.events
    rule = Recurrence(ical=RecurrenceIcal(rules=["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3"]))
    event = patched(subject="Pay", start=day("2026-03-31"), end=day("2026-04-01"), recurrence=rule)
    _, ref = await stored(box, event)
    assert await starts(box, ref) == [date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]
    records = await between(box.session, ref.parent or "", *ALL)
    await box.session.events.delete(Ref(records[1].id or "", ref.parent), notify=False)
    assert await starts(box, ref) == [date(2026, 3, 31), date(2026, 5, 31)]


async def test_exceptions_that_others_wrote(box: Subject) -> None:
    assert box.session.events
    parent = await primary(box)
    zone = "20260302T090000"
    master = vevent("s@suite", {"RRULE": "FREQ=WEEKLY;COUNT=4", "EXDATE": "20260309T080000Z"}, zone)
    moved = vevent("s@suite", {"RECURRENCE-ID": "20260316T080000Z", "SUMMARY": "Other"}, "20260317T100000Z")
    gone = vevent("s@suite", {"RECURRENCE-ID": "20260323T080000Z", "STATUS": "CANCELLED"}, "20260323T080000Z")
    master = master.replace("DTSTART:", "DTSTART;TZID=Europe/Berlin:")
    await box.put_text("events", parent, "s@suite", calendar(master, moved, gone))
    records = await between(box.session, parent, *ALL)
    assert subjects(records) == ["Foreign", "Other"]
    assert records[1].occurrence_info and records[1].occurrence_info.original_start == wall("2026-03-16T09:00")


async def test_an_occurrence_has_no_recurrence_of_its_own(box: Subject) -> None:
    assert box.session.events
    made, ref = await stored(box, weekly())
    [first, *_] = await between(box.session, ref.parent or "", *ALL)
    with pytest.raises(Invalid) as refused:
        await box.session.events.update(Ref(first.id or "", ref.parent), patched(recurrence=made.recurrence))
    assert refused.value.path == "recurrence"
    assert await starts(box, ref) == mondays(*range(6))


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=MINUTELY;COUNT=5",
        "RRULE:FREQ=DAILY;COUNT=1000000000",
        "RRULE:FREQ=HOURLY;BYMINUTE=1,2,3,4,5,6,7,8,9,10;BYSECOND=1,2,3,4,5,6,7,8,9,10",
        "RRULE:FREQ=NEVER",
        "RRULE",
        "",
        "DTSTART:20260302T090000Z",
        "EXDATE:20260302T090000Z",
    ],
)
async def test_rules_that_are_none(box: Subject, rule: str) -> None:
    assert box.session.events
    parent = await primary(box)
    with pytest.raises(Invalid) as refused:
        await box.session.events.create(parent, weekly(rule=rule))
    assert (refused.value.path or "").startswith("recurrence.ical.rules")
    assert await listed(box.session, parent) == []


async def test_a_bomb_that_others_wrote_stops_nothing(box: Subject) -> None:
    if box.lacks("bombs"):
        pytest.skip("the provider takes no such rule from anybody")
    parent = await primary(box)
    await box.put_text("events", parent, "bomb@suite", calendar(vevent("bomb@suite", {"RRULE": "FREQ=SECONDLY"})))
    await box.put_text(
        "events", parent, "calm@suite", calendar(vevent("calm@suite", {"SUMMARY": "Calm"}, "20260301T090000Z"))
    )
    assert sorted(subjects(await listed(box.session, parent))) == ["Calm", "Foreign"]
    assert box.session.events
    query = EventQuery(time_min=datetime(2026, 3, 1, tzinfo=UTC), time_max=datetime(2036, 3, 1, tzinfo=UTC))
    page = await box.session.events.find(parent, query, PageRequest(None, 20))
    assert "Calm" in subjects(page.records)
