"""Whose time is taken, and who is told of meetings, on a server that schedules (Xandikos) and one that does not."""

from datetime import timedelta

import pytest

from providers.base.ports import EventWrite
from providers.caldav.busy import items
from schemas.calendar import ShowAs
from schemas.mail import BodyType
from schemas.meetings import MeetingResponse, MeetingResponseType
from tests.providers.caldav.conftest import Desk, at, day, event, moment
from tests.providers.caldav.test_events import series
from tests.servers.dav_front import Asked, Said

pytestmark = pytest.mark.anyio
FIRST, LAST = moment("2026-03-01 00:00"), moment("2026-03-08 00:00")


async def test_own_time(desk: Desk) -> None:
    """Free, cancelled and declined events take none; nor do those outside."""
    assert desk.session.calendars is not None
    own = desk.user.address
    await desk.add(subject="taken", start=at("2026-03-02 09:00"), end=at("2026-03-02 10:00"))
    await desk.add(subject="free", start=at("2026-03-03 09:00"), end=at("2026-03-03 10:00"), showAs="free")
    await desk.add(subject="maybe", start=at("2026-03-04 09:00"), end=at("2026-03-04 10:00"), showAs="tentative")
    await desk.add(subject="later", start=at("2026-03-09 09:00"), end=at("2026-03-09 10:00"))
    await desk.put("gone.ics", series("gone", "STATUS:CANCELLED\n"))
    no = f"ORGANIZER:mailto:boss@else.example\nATTENDEE;PARTSTAT=DECLINED:mailto:{own}\n"
    await desk.put("no.ics", series("no", no))
    [mine, other] = await desk.session.calendars.busy([own.upper(), "x@else.example"], FIRST, LAST)
    found = [(item.start, item.end, item.status) for item in mine.items or ()]
    hour, second, fourth = timedelta(hours=1), moment("2026-03-02 09:00"), moment("2026-03-04 09:00")
    assert found == [(second, second + hour, ShowAs.BUSY), (fourth, fourth + hour, ShowAs.TENTATIVE)]
    assert (mine.error, other.items, other.email) == (None, None, "x@else.example") and other.error


async def test_the_outbox_answers_for_others(desk: Desk) -> None:
    """Its answer is of the server's making (RFC 6638 5.2): here one that knows two people, and one that fails."""
    assert desk.session.calendars is not None
    if desk.session._account.calendar_home.outbox is None:
        pytest.skip("no outbox")
    data = (
        "BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20260302T090000Z/PT1H\r\n"
        "FREEBUSY;FBTYPE=FREE:20260303T090000Z/PT1H\r\nFREEBUSY:20260304T090000Z/20260304T100000Z,bad\r\n"
        "END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    )
    body = (
        '<c:schedule-response xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><c:response><c:recipient>'
        "<d:href>mailto:known@dav.example</d:href></c:recipient><c:request-status>2.0;Success</c:request-status>"
        f"<c:calendar-data>{data}</c:calendar-data></c:response>"
        "<c:response><c:recipient><d:href>mailto:no@dav.example</d:href></c:recipient>"
        "<c:request-status>3.7;Invalid User</c:request-status></c:response></c:schedule-response>"
    )
    desk.server.front.rules.append(lambda asked: Said(200, {}, body.encode()) if asked.method == "POST" else None)
    emails = ["known@dav.example", "no@dav.example", "third@dav.example"]
    known, no, third = await desk.session.calendars.busy(emails, FIRST, LAST)
    assert [item.status for item in known.items or ()] == [ShowAs.TENTATIVE, ShowAs.BUSY]
    assert no.error and "3.7" in no.error and third.error and not no.items
    desk.server.front.rules[:] = [lambda asked: Said(503) if asked.method == "POST" else None]
    assert all(one.error for one in await desk.session.calendars.busy(emails, FIRST, LAST))


async def test_a_real_outbox(desk: Desk) -> None:
    """Xandikos answers for nobody outside; the request is one that it understands."""
    assert desk.session.calendars is not None
    [one] = await desk.session.calendars.busy(["x@else.example"], FIRST, LAST)
    assert one.error and one.items is None
    asked = [each for each in desk.server.front.asked if each.method == "POST"]
    assert len(asked) == (1 if desk.server.name == "xandikos" else 0)


def test_periods() -> None:
    odd = b"FREEBUSY:20260302T090000/PT1H,,x/y,20260302T090000Z/"
    assert list(items(b"BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\n" + odd + b"\nEND:VFREEBUSY\nEND:VCALENDAR")) == []


async def test_who_tells_the_guests(desk: Desk) -> None:
    """A server that schedules is kept from telling when nobody is to be told; other servers see no such mark."""
    people = {"attendees": [{"emailAddress": {"address": "guest@else.example"}}]}
    quiet = await desk.add(subject="quiet", start=day("2026-03-02"), meetingInfo=people, notify=False)
    told = await desk.add(subject="told", start=day("2026-03-02"), meetingInfo=people)
    schedules = desk.server.name == "xandikos"
    assert ("SCHEDULE-AGENT=CLIENT" in _put(desk, "quiet")) == schedules
    assert "SCHEDULE-AGENT" not in _put(desk, "told")
    await desk.events.update(desk.ref(quiet.id), EventWrite(event(subject="loud"), True, BodyType.TEXT))
    assert "SCHEDULE-AGENT" not in _put(desk, "loud")
    await desk.events.delete(desk.ref(told.id), notify=False)
    [deletion] = [one for one in desk.server.front.asked if one.method == "DELETE"]
    assert deletion.headers["Schedule-Reply"] == "F"
    invited = f"ORGANIZER:mailto:boss@else.example\nATTENDEE:mailto:{desk.user.address}\n"
    item = await desk.put("in.ics", series("in", invited))
    await desk.events.respond(desk.ref(item), MeetingResponse(response=MeetingResponseType.ACCEPTED), notify=False)
    assert ("ORGANIZER;SCHEDULE-AGENT=CLIENT" in _put(desk, "PARTSTAT=ACCEPTED")) == schedules


def _put(desk: Desk, mark: str) -> str:
    """The last text that was written and has this in it."""

    def text(asked: Asked) -> str:
        return asked.body.decode().replace("\r\n ", "")

    return next(text(one) for one in reversed(desk.server.front.asked) if one.method == "PUT" and mark in text(one))
