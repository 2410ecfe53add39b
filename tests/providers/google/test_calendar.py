"""What is Google Calendar's own: forgotten tokens, conferences, chunks of free/busy, whole-day moves, answers."""

from datetime import timedelta

import pytest

from providers.base.collection import Ref
from providers.base.errors import CursorExpired, Invalid, Uncertain
from providers.base.ports import EventQuery, EventWrite
from schemas.calendar import Event, Reminder, ReminderOverride
from schemas.mail import EmailAddress
from schemas.meetings import Attendee, MeetingInfo
from tests.conformance.agenda import START, at, day, patched, wall, weekly, written
from tests.conformance.following import Follower
from tests.providers.google.conftest import Desk
from tests.servers.google.agenda import Agenda, Calendar

pytestmark = pytest.mark.anyio


def agenda(desk: Desk) -> Agenda:
    found: Agenda = desk.user.shelf(Agenda)
    return found


async def test_a_forgotten_token_is_an_expired_cursor(desk: Desk) -> None:
    calendar = await desk.session.calendars.primary()
    follower = Follower(desk.session.events, calendar, EventQuery())
    made = await desk.session.events.create(calendar, written("one"))
    await follower.follow()
    await desk.session.events.delete(Ref(made.id, calendar))
    two = await desk.session.events.create(calendar, written("two"))
    agenda(desk).calendar("primary").floor = agenda(desk).calendar("primary").counter
    with pytest.raises(CursorExpired):
        await follower.follow()
    fresh = Follower(desk.session.events, calendar, EventQuery())
    assert await fresh.follow() == ({two.id}, set())


async def test_a_round_of_many_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.google.event_changes.PAGE", 2)
    calendar = await desk.session.calendars.primary()
    made = {(await desk.session.events.create(calendar, written(f"n{number}", number))).id for number in range(5)}
    follower = Follower(desk.session.events, calendar, EventQuery())
    assert await follower.follow() == (made, set())
    assert await follower.follow() == (set(), set())


async def test_a_conference_is_made_and_told(desk: Desk) -> None:
    calendar = await desk.session.calendars.primary()
    made = await desk.session.events.create(calendar, written(meeting_info=MeetingInfo(online_meeting=True)))
    details = made.meeting_info.online_meeting_details
    assert details.url == "https://meet.google.com/abc-defg-hij"
    assert (details.phone, details.pin, details.region_code) == ("+49-30-1", "123", "DE")
    assert made.meeting_info.online_meeting_provider == "hangoutsMeet"


async def test_free_busy_goes_in_chunks_of_calendars_and_of_time(desk: Desk) -> None:
    others = [f"c{number}@example.test" for number in range(70)]
    for item in others[:60]:
        agenda(desk).add(Calendar(item, "x@example.test", item), "reader")
    calendar = await desk.session.calendars.primary()
    long = patched(subject="long", start=at(59 * 24), end=at(61 * 24))
    await desk.session.events.create(calendar, long)
    desk.google.calls.clear()
    emails = [desk.user.email, *others]
    found = await desk.session.calendars.busy(emails, START, START + timedelta(days=100))
    assert desk.calls("calendar.freebusy.query") == 4
    assert [one.email for one in found] == emails
    assert [one.error is None for one in found] == [True] * 61 + [False] * 10
    assert [(one.start, one.end) for one in found[0].items] == [(at(59 * 24).instant(), at(61 * 24).instant())]


async def test_between_days_and_moments(desk: Desk) -> None:
    calendar = await desk.session.calendars.primary()
    made = await desk.session.events.create(calendar, written())
    changed = await desk.session.events.update(
        Ref(made.id, calendar), patched(start=day("2026-03-03"), end=day("2026-03-04"))
    )
    assert (changed.start, changed.end) == (day("2026-03-03"), day("2026-03-04"))
    back = await desk.session.events.update(Ref(made.id, calendar), patched(start=at(1), end=at(2)))
    assert (back.start, back.end) == (at(1), at(2))
    with pytest.raises(Invalid):
        await desk.session.events.update(Ref(made.id, calendar), patched(start=day("2026-03-03")))


async def test_whether_guests_are_told(desk: Desk) -> None:
    calendar = await desk.session.calendars.primary()
    guest = MeetingInfo(attendees=[Attendee(email_address=EmailAddress(address="a@example.org"))])
    made = await desk.session.events.create(calendar, written(meeting_info=guest))
    desk.google.plan("calendar.events.delete", 0, after=True)
    with pytest.raises(Uncertain):
        await desk.session.events.delete(Ref(made.id, calendar), notify=True)
    assert desk.calls("calendar.events.delete") == 1, "what may have told guests is not repeated"


async def test_reminders_that_google_does_not_keep(desk: Desk) -> None:
    calendar = await desk.session.calendars.primary()
    for minutes, path in (([1] * 6, "reminder.overrides"), ([5, -5], "reminder.overrides.1.minutes")):
        reminder = Reminder(overrides=[ReminderOverride(minutes=one) for one in minutes])
        with pytest.raises(Invalid) as refused:
            await desk.session.events.create(calendar, written(reminder=reminder))
        assert refused.value.path == path


async def test_places_of_work_are_no_events(desk: Desk) -> None:
    calendar = agenda(desk).calendar("primary")
    made = await desk.session.events.create(calendar.id, written("real"))
    calendar.put({**calendar.events[made.id], "id": "place", "iCalUID": "place", "eventType": "workingLocation"})
    follower = Follower(desk.session.events, calendar.id, EventQuery())
    assert await follower.follow() == ({made.id}, set())


async def test_a_series_in_another_zone_keeps_its_wall_time(desk: Desk) -> None:
    calendar = await desk.session.calendars.primary()
    made = await desk.session.events.create(calendar, weekly())
    stored = agenda(desk).calendar("primary").events[made.id]
    assert stored["start"]["timeZone"] == "Europe/Berlin" and made.start == wall("2026-03-02T09:00")
    moved = await desk.session.events.update(
        Ref(made.id, calendar), EventWrite(Event(start=wall("2026-03-02T10:00")), notify=False)
    )
    assert moved.end == wall("2026-03-02T11:00")
