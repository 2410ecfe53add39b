"""Single events: what is written is read, what is not named stays, versions guard, windows are exact."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Conflict, Invalid, NotFound
from providers.base.ports import CalendarQuery, EventQuery, EventView, EventWrite
from schemas.calendar import Event, RecurrenceType, Reminder, ReminderOverride, ShowAs
from schemas.mail import BodyType, EmailAddress, Sensitivity
from schemas.meetings import (
    Attendee,
    AttendeeResponse,
    AttendeeType,
    MeetingInfo,
    MeetingResponse,
    MeetingResponseType,
)
from tests.conformance.agenda import (
    BERLIN,
    START,
    at,
    between,
    calendar,
    day,
    listed,
    patched,
    primary,
    subjects,
    vevent,
    wall,
    written,
)
from tests.conformance.backends import Subject
from tests.conformance.messages import read

pytestmark = pytest.mark.anyio
PORT = "events"


async def stored(box: Subject, event: EventWrite) -> tuple[Event, Ref]:
    assert box.session.events
    parent = await primary(box)
    made = await box.session.events.create(parent, event)
    return made, Ref(made.id or "", parent)


async def test_what_is_written_is_read(box: Subject) -> None:
    assert box.session.events
    event = written(
        "Ortstermin; Nr. 5, „Gleis 9¾“ 🚆",
        description="Zwei\nZeilen, ein Semikolon; ein \\ und ein Emoji 🎻",
        location="Café Müller, 1. Stock",
        start=wall("2026-03-28T23:30"),
        end=wall("2026-03-29T03:30"),
        show_as=ShowAs.TENTATIVE,
        sensitivity=Sensitivity.PRIVATE,
        reminder=Reminder(overrides=[ReminderOverride(minutes=15)]),
    )
    event = EventWrite(event.event, notify=False, body_type=BodyType.TEXT)
    made, ref = await stored(box, event)
    record = await box.session.events.get(ref, EventView(BodyType.TEXT))
    for name in ("subject", "description", "location", "start", "end", "show_as", "sensitivity"):
        assert getattr(record, name) == getattr(event.event, name), name
    assert record.reminder and record.reminder.overrides == [ReminderOverride(minutes=15)]
    assert record.recurrence_type is RecurrenceType.SINGLE and record.recurrence is None
    assert record.calendar_id == ref.parent and record.etag == made.etag and record.i_cal_uid == record.i_cal_u_id
    assert record.i_cal_uid and record.last_modified_time
    assert await listed(box.session, ref.parent or "") == [await box.session.events.get(ref)]


async def test_html_is_kept_beside_the_text(box: Subject) -> None:
    assert box.session.events
    _, ref = await stored(box, written(description="<p>Hello <b>you</b></p>"))
    assert (await box.session.events.get(ref)).description == "<p>Hello <b>you</b></p>"
    text = (await box.session.events.get(ref, EventView(BodyType.TEXT))).description
    assert text and "Hello" in text and "<" not in text


async def test_an_all_day_event_ends_on_the_day_after(box: Subject) -> None:
    assert box.session.events
    _, ref = await stored(box, patched(subject="Fair", start=day("2026-03-03"), end=day("2026-03-05")))
    record = await box.session.events.get(ref)
    assert (record.start, record.end) == (day("2026-03-03"), day("2026-03-05"))
    assert subjects(await between(box.session, ref.parent or "", 48 + 14, 48 + 15)) == ["Fair"]
    assert await between(box.session, ref.parent or "", 48 + 15, 48 + 16) == []


async def test_without_a_start_there_is_no_event(box: Subject) -> None:
    assert box.session.events
    parent = await primary(box)
    with pytest.raises(Invalid) as refused:
        await box.session.events.create(parent, patched(subject="When?"))
    assert refused.value.path == "start"
    assert await listed(box.session, parent) == []


async def test_a_patch_changes_what_it_names(box: Subject) -> None:
    assert box.session.events
    made, ref = await stored(box, written("Before", description="Words", location="Here"))
    changed = await box.session.events.update(ref, patched(subject="After", location=None), made.etag)
    assert (changed.id, changed.subject, changed.location) == (made.id, "After", None)
    assert changed.etag != made.etag
    record = await box.session.events.get(ref)
    assert record == changed
    assert (record.description, record.start, record.end) == (made.description, made.start, made.end)
    moved = await box.session.events.update(ref, patched(start=at(5)))
    assert moved.start and moved.end
    hours = [moment.instant() - START for moment in (moved.start, moved.end)]
    assert hours == [timedelta(hours=5), timedelta(hours=6)], "a moved start takes the end along"
    with pytest.raises(Invalid) as refused:
        await box.session.events.update(ref, patched(end=at(4)))
    assert refused.value.path == "end"
    assert await box.session.events.get(ref) == moved


async def test_properties_that_nobody_here_knows_survive(box: Subject) -> None:
    assert box.session.events
    if box.lacks("foreign properties"):
        pytest.skip("the provider keeps events in a shape of its own")
    parent = await primary(box)
    alarm = "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nTRIGGER:-PT30M\nX-SOUND:bell\nEND:VALARM\nEND:VEVENT"
    body = vevent("keep@suite", {"X-SUITE;X-P=1": "precious", "GEO": "53.5;10.0"}).replace("END:VEVENT", alarm)
    await box.put_text("events", parent, "keep@suite", calendar(body))
    [record] = await listed(box.session, parent, EventQuery(i_cal_uid="keep@suite"))
    await box.session.events.update(Ref(record.id or "", parent), patched(subject="Changed"))
    text = await box.text("events", parent, "keep@suite")
    assert all(line in text for line in ("X-SUITE;X-P=1:precious", "GEO:53.5;10.0", "X-SOUND:bell", "SUMMARY:Changed"))
    view = EventView(native_properties=("X-SUITE", "X-NONE"))
    assert (await box.session.events.get(Ref(record.id or "", parent), view)).native_properties == {
        "X-SUITE": "precious"
    }


async def test_versions_guard_changes_and_deletions(box: Subject) -> None:
    assert box.session.events
    made, ref = await stored(box, written())
    newer = await box.session.events.update(ref, patched(subject="Newer"), made.etag)
    with pytest.raises(Conflict):
        await box.session.events.update(ref, patched(subject="Older"), made.etag)
    with pytest.raises(Conflict):
        await box.session.events.delete(ref, made.etag)
    assert (await box.session.events.get(ref)).subject == "Newer"
    await box.session.events.delete(ref, newer.etag, notify=False)
    for call in (
        box.session.events.get(ref),
        box.session.events.update(ref, patched(subject="Gone")),
        box.session.events.delete(ref),
    ):
        with pytest.raises(NotFound):
            await call


async def test_another_program_changes_the_version(box: Subject) -> None:
    assert box.session.events
    made, ref = await stored(box, written())
    text = await box.text("events", ref.parent, made.i_cal_uid or "")
    changed = text.replace("SUMMARY:Meeting", "SUMMARY:Changed elsewhere").encode()
    await box.put_text("events", ref.parent, made.i_cal_uid or "", changed)
    with pytest.raises(Conflict):
        await box.session.events.update(ref, patched(subject="Mine"), made.etag)
    record = await box.session.events.get(ref)
    assert record.subject == "Changed elsewhere" and record.etag != made.etag


@pytest.mark.parametrize("item", ["nothing", "", "a/b", "../x", "é", "x" * 600, "e1_20260302", "%00"])
async def test_ids_that_name_nothing(box: Subject, item: str) -> None:
    assert box.session.events
    parent = await primary(box)
    for ref in (Ref(item, parent), Ref(item, "nowhere")):
        with pytest.raises(NotFound):
            await box.session.events.get(ref)
    assert await box.session.events.get_many(parent, [item]) == []


async def test_an_event_lies_in_its_calendar_only(box: Subject) -> None:
    assert box.session.events and box.session.calendars
    _, ref = await stored(box, written())
    page = await box.session.calendars.find(None, CalendarQuery(), PageRequest())
    for other in [record.id for record in page.records if record.id != ref.parent]:
        with pytest.raises(NotFound):
            await box.session.events.get(Ref(ref.id, other))
    with pytest.raises(NotFound):
        await listed(box.session, "nowhere")


async def test_windows_are_exact(box: Subject) -> None:
    parent = await primary(box)
    assert box.session.events
    for name, hours in (("a", 0), ("b", 1), ("c", 2), ("d", 3)):
        await box.session.events.create(parent, written(name, hours))
    await box.session.events.create(parent, written("long", -100, 300))
    assert subjects(await between(box.session, parent, 1, 3)) == ["long", "b", "c"], "both ends are exclusive"
    assert subjects(await between(box.session, parent, 0.5, 2.01)) == ["long", "a", "b", "c"]
    assert subjects(await between(box.session, parent, 200, 300)) == []
    for limit in (1, 2, 3):
        assert subjects(await between(box.session, parent, -10, 10, limit)) == ["long", "a", "b", "c", "d"]


async def test_pages_of_the_list(box: Subject) -> None:
    parent = await primary(box)
    assert box.session.events
    for number in range(7):
        await box.session.events.create(parent, written(f"n{number}", number))
    for limit in (1, 3, 7, 50):
        assert sorted(subjects(await listed(box.session, parent, limit=limit))) == [f"n{number}" for number in range(7)]
    for cursor in ("x", "", "é", "9" * 40):
        for query in (EventQuery(), EventQuery(START, START + timedelta(days=1))):
            with pytest.raises(Invalid):
                await box.session.events.find(parent, query, PageRequest(cursor or "\x00"))


async def test_by_uid(box: Subject) -> None:
    made, ref = await stored(box, written("This"))
    await stored(box, written("That"))
    assert await listed(box.session, ref.parent or "", EventQuery(i_cal_uid=made.i_cal_uid)) == [made]
    assert await listed(box.session, ref.parent or "", EventQuery(i_cal_uid="nobody")) == []


async def test_a_repeated_create_is_the_same_event(box: Subject) -> None:
    assert box.session.events
    parent = await primary(box)
    once = EventWrite(written("Once").event, notify=False, uid="once-2026@suite.example")
    first = await box.session.events.create(parent, once)
    again = await box.session.events.create(parent, once)
    assert first.i_cal_uid == "once-2026@suite.example"
    assert again.id == first.id and len(await listed(box.session, parent)) == 1


async def test_what_others_wrote_is_read(box: Subject) -> None:
    parent = await primary(box)
    texts = {
        "zone@suite": vevent("zone@suite", {"SUMMARY": "Zone"}, "20260302T090000").replace(
            "DTSTART:", "DTSTART;TZID=W. Europe Standard Time:"
        ),
        "day@suite": vevent("day@suite", {"SUMMARY": "Day"}).replace(
            "DTSTART:20260302T090000Z\nDURATION:PT1H", "DTSTART;VALUE=DATE:20260304"
        ),
        "note@suite": vevent(
            "note@suite", {"SUMMARY": "Note", "DESCRIPTION": "One\\nTwo\\, three", "CLASS": "PRIVATE"}
        ),
        "free@suite": vevent("free@suite", {"SUMMARY": "Free", "TRANSP": "TRANSPARENT", "CATEGORIES": "a,b"}),
    }
    for uid, text in texts.items():
        await box.put_text("events", parent, uid, calendar(text))
    found = {record.subject: record for record in await listed(box.session, parent)}
    assert found.keys() == {"Zone", "Day", "Note", "Free"}
    assert found["Zone"].start == wall("2026-03-02T09:00") and found["Zone"].end == wall("2026-03-02T10:00")
    assert (found["Day"].start, found["Day"].end) == (day("2026-03-04"), day("2026-03-05"))
    assert found["Note"].description == "One\nTwo, three" and found["Note"].sensitivity is Sensitivity.PRIVATE
    assert found["Free"].show_as is ShowAs.FREE
    assert box.lacks("categories") or found["Free"].categories == ["a", "b"]


def invited(*addresses: str) -> MeetingInfo:
    people = [
        Attendee(email_address=EmailAddress(address=address), type=AttendeeType.REQUIRED) for address in addresses
    ]
    return MeetingInfo(attendees=people)


async def test_a_meeting_is_called_by_the_account(box: Subject) -> None:
    assert box.session.events
    made, ref = await stored(box, written(meeting_info=invited("ann@example.org", "bob@example.org")))
    record = await box.session.events.get(ref)
    assert record.organizer and record.organizer.email_address
    assert record.organizer.email_address.address == box.address
    assert record.meeting_info and record.meeting_info.response is MeetingResponseType.ACCEPTED
    people = [one.email_address.address for one in record.meeting_info.attendees or [] if one.email_address]
    assert people == ["ann@example.org", "bob@example.org"]
    text = (await box.text("events", ref.parent, made.i_cal_uid or "")).replace("NEEDS-ACTION", "ACCEPTED", 1)
    await box.put_text("events", ref.parent, made.i_cal_uid or "", text.encode())
    await box.session.events.update(ref, patched(meeting_info=invited("ann@example.org", "cy@example.org")))
    record = await box.session.events.get(ref)
    assert record.meeting_info and record.meeting_info.attendees
    told = [(one.email_address.address, one.response) for one in record.meeting_info.attendees if one.email_address]
    assert told == [("ann@example.org", AttendeeResponse.ACCEPTED), ("cy@example.org", None)], "answers stay"


def invitation(box: Subject, uid: str, more: str = "") -> bytes:
    lines = {
        "ORGANIZER;CN=Ann": "mailto:ann@example.org",
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;{more}CN=Me": f"mailto:{box.address}",
        "ATTENDEE;PARTSTAT=DECLINED": "mailto:bob@example.org",
    }
    return calendar(vevent(uid, lines))


@pytest.mark.parametrize("answer", ["accepted", "tentative", "declined"])
async def test_an_invitation_is_answered(box: Subject, answer: str) -> None:
    assert box.session.events
    box.needs("events.respond")
    parent = await primary(box)
    await box.put_text("events", parent, "asked@suite", invitation(box, "asked@suite", "X-MINE=1;"))
    [record] = await listed(box.session, parent)
    assert record.meeting_info and record.meeting_info.response is MeetingResponseType.NO_RESPONSE
    ref = Ref(record.id or "", parent)
    await box.session.events.respond(ref, MeetingResponse(response=MeetingResponseType(answer)), notify=False)
    [record] = await listed(box.session, parent)
    assert record.meeting_info and record.meeting_info.response == answer
    people = {
        one.email_address.address: one.response for one in record.meeting_info.attendees or [] if one.email_address
    }
    assert people == {box.address: answer, "bob@example.org": "declined"}
    assert box.lacks("foreign properties") or "X-MINE=1" in await box.text("events", parent, "asked@suite")


async def test_who_is_not_invited_cannot_answer(box: Subject) -> None:
    assert box.session.events
    box.needs("events.respond")
    _, ref = await stored(box, written())
    with pytest.raises(Invalid):
        await box.session.events.respond(ref, MeetingResponse(response=MeetingResponseType.ACCEPTED), notify=False)


async def test_attachments(box: Subject) -> None:
    assert box.session.events
    box.needs("events.attachment")
    parent = await primary(box)
    content = base64.b64encode(b"Minutes\n").decode()
    inline = {"ATTACH;ENCODING=BASE64;VALUE=BINARY;FMTTYPE=text/plain;FILENAME=minutes.txt": content}
    await box.put_text("events", parent, "file@suite", calendar(vevent("file@suite", inline)))
    [record] = await listed(box.session, parent)
    assert record.has_attachments and record.attachments
    [said] = record.attachments
    assert (said.name, said.mime_type) == ("minutes.txt", "text/plain")
    ref = Ref(record.id or "", parent)
    assert await read(await box.session.events.attachment(ref, said.id or "")) == b"Minutes\n"
    with pytest.raises(NotFound):
        await box.session.events.attachment(ref, "nothing")


async def test_times_are_told_in_their_zone(box: Subject) -> None:
    made, _ = await stored(box, written(start=at(0, BERLIN), end=at(1, BERLIN)))
    assert made.start and made.start.timezone == BERLIN and made.start.instant() == START
    assert made.start.wall == datetime(2026, 3, 2, 10)
    made, _ = await stored(box, written())
    assert (
        made.start
        and made.start.instant() == START
        and made.start.zone.utcoffset(datetime(2026, 7, 1, tzinfo=UTC)) == timedelta()
    )
