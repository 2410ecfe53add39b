"""Events on real servers: what is written is read, what is not known is kept, versions guard writes."""

from datetime import date

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Conflict, Invalid, NotFound, Unsupported
from providers.base.ports import EventQuery, EventView, EventWrite
from schemas.calendar import Event, RecurrenceType, ShowAs
from schemas.mail import BodyType
from schemas.meetings import MeetingResponse, MeetingResponseType
from schemas.recurrence import OccurrenceType
from tests.providers.caldav.conftest import Desk, at, day, event, everything, moment, rule

pytestmark = pytest.mark.anyio
TEXT = EventView(BodyType.TEXT)

FOREIGN = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Other//EN
BEGIN:VEVENT
UID:foreign-1
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20260302T090000
DTEND;TZID=Europe/Berlin:20260302T100000
SUMMARY:Old
X-KEPT;X-PARAM=a:one
CLASS:PRIVATE
BEGIN:VALARM
ACTION:AUDIO
TRIGGER:-PT30M
X-SOUND:bell
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def series(uid: str = "series-1", extra: str = "", more: str = "") -> str:
    return f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Other//EN
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
DTSTART:20260302T090000Z
DTEND:20260302T100000Z
RRULE:FREQ=DAILY;COUNT=5
SUMMARY:Daily
{extra}END:VEVENT
{more}END:VCALENDAR
"""


def override(start: str, uid: str = "series-1", recurrence_id: str = "RECURRENCE-ID:20260304T090000Z") -> str:
    return f"""BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
{recurrence_id}
DTSTART:{start}
DURATION:PT2H
SUMMARY:Moved
END:VEVENT
"""


async def test_an_event_lives(desk: Desk) -> None:
    made = await desk.add(
        subject="Lunch, and more; \\ ü",
        start=at("2026-03-01 12:00", "Europe/Berlin"),
        end=at("2026-03-01 13:00", "Europe/Berlin"),
        location="Café",
        showAs="free",
        reminder={"overrides": [{"minutes": 15}]},
    )
    assert made.id and made.etag and made.calendar_id == desk.calendar
    read = await desk.events.get(desk.ref(made.id), TEXT)
    assert read == made
    assert (read.subject, read.location, read.show_as) == ("Lunch, and more; \\ ü", "Café", ShowAs.FREE)
    assert read.start is not None and read.start.timezone == "Europe/Berlin"
    patch = EventWrite(event(subject="Dinner"), body_type=BodyType.TEXT)
    changed = await desk.events.update(desk.ref(made.id), patch, made.etag)
    assert (changed.subject, changed.location, changed.id) == ("Dinner", "Café", made.id)
    assert changed.etag != made.etag
    with pytest.raises(Conflict):
        await desk.events.update(desk.ref(made.id), patch, made.etag)
    with pytest.raises(Conflict):
        await desk.events.delete(desk.ref(made.id), made.etag)
    await desk.events.delete(desk.ref(made.id), f'"{changed.etag}"')
    for gone in (desk.events.get(desk.ref(made.id)), desk.events.delete(desk.ref(made.id))):
        with pytest.raises(NotFound):
            await gone


async def test_a_repeated_create_is_recognised(desk: Desk) -> None:
    first = await desk.add("one-and-only", subject="once", start=day("2026-05-01"))
    again = await desk.add("one-and-only", subject="twice", start=day("2026-05-01"))
    assert (again.id, again.subject, again.i_cal_uid) == (first.id, "once", "one-and-only")
    odd = await desk.add("odd/uid with spaces?é", subject="odd", start=day("2026-05-01"))
    assert (await desk.add("odd/uid with spaces?é", start=day("2026-05-02"))).id == odd.id
    await desk.put("elsewhere.ics", FOREIGN)
    assert (await desk.add("foreign-1", subject="x", start=day("2026-05-01"))).subject == "Old"


async def test_what_is_not_known_is_kept(desk: Desk) -> None:
    item = await desk.put("foreign.ics", FOREIGN)
    await desk.events.update(
        desk.ref(item), EventWrite(event(subject="New", reminder={"overrides": [{"minutes": 5}, {"minutes": 30}]}))
    )
    text = await desk.text(item)
    for kept in (
        "SUMMARY:New",
        "X-KEPT;X-PARAM=a:one",
        "X-SOUND:bell",
        "CLASS:PRIVATE",
        "TRIGGER:-PT5M",
        "BEGIN:VTIMEZONE",
    ):
        assert kept in text
    shown = await desk.events.get(desk.ref(item), EventView(BodyType.TEXT, ("x-kept",)))
    assert shown.native_properties == {"x-kept": "one"}


async def test_every_write_has_if_match(desk: Desk) -> None:
    made = await desk.add(subject="a", start=day("2026-01-01"))
    desk.server.front.asked.clear()
    await desk.events.update(desk.ref(made.id), EventWrite(event(subject="b")))
    await desk.events.delete(desk.ref(made.id))
    writes = [one for one in desk.server.front.asked if one.method in ("PUT", "DELETE")]
    assert [one.method for one in writes] == ["PUT", "DELETE"]
    assert all(one.headers["If-Match"].startswith('"') for one in writes)


async def test_who_names_no_version_overtakes_nobody(desk: Desk) -> None:
    """Somebody writes between our reading and writing: the change is made again upon theirs."""
    item = await desk.put("foreign.ics", FOREIGN)
    hit: list[str] = []
    original = desk.session._account.calendars
    assert original is not None
    replace = original.replace

    async def late(file, data):  # type: ignore[no-untyped-def]
        if not hit:
            hit.append("once")
            await desk.put("foreign.ics", FOREIGN.replace("X-KEPT;X-PARAM=a:one", "X-KEPT:theirs"))
        return await replace(file, data)

    original.replace = late  # type: ignore[method-assign]
    await desk.events.update(desk.ref(item), EventWrite(event(subject="Ours")))
    text = await desk.text(item)
    assert "X-KEPT:theirs" in text and "SUMMARY:Ours" in text and hit


async def test_a_window(desk: Desk) -> None:
    """Ends after the beginning and starts before the end, both exclusive; pages by start."""
    await desk.put("s.ics", series(more=override("20260310T120000Z")))
    inside = await desk.add(subject="single", start=at("2026-03-03 09:30"), end=at("2026-03-03 09:45"))
    await desk.add(subject="before", start=at("2026-03-01 09:30"), end=at("2026-03-02 09:00"))
    await desk.add(subject="after", start=at("2026-03-10 14:00"), end=at("2026-03-10 15:00"))
    all_day = await desk.add(subject="all day", start=day("2026-03-05"), end=day("2026-03-06"))
    query = EventQuery(moment("2026-03-02 09:00"), moment("2026-03-10 14:00"), view=TEXT)
    found = await everything(lambda page: desk.events.find(desk.calendar, query, page), 2)
    names = [one.subject for one in found]
    assert names == ["Daily", "Daily", "single", "all day", "Daily", "Daily", "Moved"]
    kinds = [one.recurrence_type for one in found]
    assert kinds.count(RecurrenceType.OCCURRENCE) == 5
    assert [one.id for one in found if one.recurrence_type is RecurrenceType.SINGLE] == [inside.id, all_day.id]
    for one in found:
        assert await desk.events.get(desk.ref(one.id), TEXT) == one
    assert await desk.events.get_many(desk.calendar, [one.id for one in found], TEXT) == found
    half = await desk.events.find(desk.calendar, EventQuery(time_min=moment("2026-03-10 00:00")), PageRequest(limit=9))
    assert [one.subject for one in half.records] == ["Moved", "after"]


async def test_without_a_window_masters_and_single_events(desk: Desk) -> None:
    await desk.put("s.ics", series(more=override("20260310T120000Z")))
    for number in range(4):
        await desk.add(subject=f"e{number}", start=day("2026-01-01"))
    found = await everything(lambda page: desk.events.find(desk.calendar, EventQuery(), page), 2)
    assert sorted(one.subject for one in found) == ["Daily", "e0", "e1", "e2", "e3"]
    [one] = (await desk.events.find(desk.calendar, EventQuery(i_cal_uid="series-1"), PageRequest())).records
    assert one.recurrence_type is RecurrenceType.MASTER
    assert (await desk.events.find(desk.calendar, EventQuery(i_cal_uid="series-"), PageRequest())).records == []
    with pytest.raises(Invalid):
        await desk.events.find(desk.calendar, EventQuery(), PageRequest("bad"))


async def test_occurrences_are_read_changed_and_deleted(desk: Desk) -> None:
    item = await desk.put("s.ics", series())
    ref = desk.ref(item)
    planned = await everything(lambda page: desk.events.occurrences(ref, page, TEXT), 2)
    assert [one.start.date_time.day for one in planned] == [2, 3, 4, 5, 6]
    third = await desk.events.occurrence(ref, date(2026, 3, 4), TEXT)
    assert third == planned[2] == await desk.events.occurrence(ref, moment("2026-03-04 09:00"), TEXT)
    patch = EventWrite(
        event(subject="Other", start=at("2026-03-04 15:00"), end=at("2026-03-04 16:00")), body_type=BodyType.TEXT
    )
    changed = await desk.events.update(desk.ref(third.id), patch, third.etag)
    assert (changed.id, changed.subject, changed.occurrence_info.type) == (third.id, "Other", OccurrenceType.MODIFIED)
    await desk.events.delete(desk.ref(planned[0].id))
    info = await desk.events.series(ref)
    assert [one.id for one in info.modified_occurrences] == [third.id]
    assert [one.id for one in info.deleted_occurrences] == [planned[0].id]
    left = await everything(lambda page: desk.events.occurrences(ref, page, TEXT), 2)
    assert [one.subject for one in left] == ["Daily", "Other", "Daily", "Daily"]
    for gone in (
        desk.events.get(desk.ref(planned[0].id)),
        desk.events.occurrence(ref, date(2026, 3, 2)),
        desk.events.delete(desk.ref(planned[0].id)),
    ):
        with pytest.raises(NotFound):
            await gone
    master = await desk.events.get(ref, TEXT)
    assert master.subject == "Daily"
    await desk.events.delete(ref)
    with pytest.raises(NotFound):
        await desk.events.get(desk.ref(third.id))


async def test_a_series_without_end_has_pages_without_end(desk: Desk) -> None:
    made = await desk.add(
        subject="for ever", start=at("2026-03-02 09:00", "Europe/Berlin"), recurrence=rule("RRULE:FREQ=WEEKLY")
    )
    page = await desk.events.occurrences(desk.ref(made.id), PageRequest(limit=40))
    assert page.cursor is not None
    clocks = {one.start.wall.hour for one in page.records}
    assert (len(page.records), clocks) == (40, {9})
    more = await desk.events.occurrences(desk.ref(made.id), PageRequest(page.cursor, 1))
    assert more.records[0].start.instant() > page.records[-1].start.instant()


async def test_what_is_no_series(desk: Desk) -> None:
    made = await desk.add(subject="single", start=day("2026-03-01"))
    for call in (desk.events.series, lambda ref: desk.events.occurrences(ref, PageRequest())):
        with pytest.raises(Invalid):
            await call(desk.ref(made.id))


async def test_an_answer_to_an_invitation(desk: Desk) -> None:
    people = (
        f"ORGANIZER:mailto:boss@else.example\nATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{desk.user.address}\n"
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:other@else.example\nSEQUENCE:3\n"
    )
    item = await desk.put("s.ics", series(extra=people))
    await desk.events.respond(desk.ref(item), MeetingResponse(response=MeetingResponseType.ACCEPTED))
    read = await desk.events.get(desk.ref(item))
    assert read.meeting_info.response is MeetingResponseType.ACCEPTED
    text = await desk.text(item)
    assert "SEQUENCE:3" in text and "mailto:other@else.example" in text
    one = await desk.events.occurrence(desk.ref(item), date(2026, 3, 5))
    await desk.events.respond(desk.ref(one.id), MeetingResponse(response=MeetingResponseType.DECLINED))
    assert (await desk.events.get(desk.ref(one.id))).meeting_info.response is MeetingResponseType.DECLINED
    assert (await desk.events.get(desk.ref(item))).meeting_info.response is MeetingResponseType.ACCEPTED
    alone = await desk.add(subject="nobody", start=day("2026-01-01"))
    with pytest.raises(Invalid):
        await desk.events.respond(desk.ref(alone.id), MeetingResponse(response=MeetingResponseType.ACCEPTED))


async def test_attachments(desk: Desk) -> None:
    extra = "ATTACH;ENCODING=BASE64;VALUE=BINARY;FMTTYPE=text/plain;X-FILENAME=a.txt:aGVsbG8=\nATTACH:https://else.example/b.pdf\n"
    item = await desk.put("s.ics", series(extra=extra))
    read = await desk.events.get(desk.ref(item))
    inline, far = read.attachments
    content = await desk.events.attachment(desk.ref(item), inline.id)
    assert b"".join([piece async for piece in content.chunks]) == b"hello"
    assert (content.mime_type, content.size, inline.name) == ("text/plain", 5, "a.txt")
    for wrong in (far.id, "nothing"):
        with pytest.raises(NotFound):
            await desk.events.attachment(desk.ref(item), wrong)


async def test_this_and_future_is_shown_and_not_written(desk: Desk) -> None:
    ranged = override("20260304T110000Z", recurrence_id="RECURRENCE-ID;RANGE=THISANDFUTURE:20260304T090000Z")
    try:
        item = await desk.put("s.ics", series(more=ranged))
    except Invalid:
        pytest.skip(f"{desk.server.name} does not take RANGE=THISANDFUTURE")
    query = EventQuery(moment("2026-03-01 00:00"), moment("2026-04-01 00:00"), view=TEXT)
    found = (await desk.events.find(desk.calendar, query, PageRequest())).records
    assert [(one.subject, one.start.date_time.hour) for one in found] == [("Daily", 9)] * 2 + [("Moved", 11)] * 3
    for call in (
        desk.events.update(desk.ref(item), EventWrite(event(subject="x"))),
        desk.events.delete(desk.ref(found[0].id)),
    ):
        with pytest.raises(Unsupported):
            await call
    await desk.events.delete(desk.ref(item))


async def test_a_wrong_parent_is_no_parent(desk: Desk) -> None:
    made = await desk.add(subject="a", start=day("2026-01-01"))
    other = await desk.session.calendars.primary()  # type: ignore[union-attr]
    if other != desk.calendar:
        with pytest.raises(NotFound):
            await desk.events.get(Ref(made.id or "", other))
    assert (await desk.events.get(Ref(made.id or ""))).id == made.id
    assert isinstance(made, Event)
