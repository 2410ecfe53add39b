"""What servers and other programs do wrong: nothing breaks a list, nothing is lost in silence."""

import pytest

from providers.base.collection import PageRequest
from providers.base.errors import Conflict, Denied, Invalid, NotFound, TooLarge, Unavailable, Uncertain, Unsupported
from providers.base.ports import EventQuery, EventView, EventWrite
from providers.caldav import multistatus, paths
from providers.caldav.errors import PRECONDITIONS, STATUSES, refusal
from providers.caldav.files import opaque
from schemas.mail import BodyType
from tests.providers.caldav.conftest import Desk, day, event, moment
from tests.providers.caldav.test_changes import Consumer
from tests.providers.caldav.test_events import FOREIGN, series
from tests.servers.dav import Radicale
from tests.servers.dav_front import Asked, Said

pytestmark = pytest.mark.anyio
MARCH = EventQuery(moment("2026-03-01 00:00"), moment("2026-04-01 00:00"), view=EventView(BodyType.TEXT))


def served(desk: Desk, name: str, text: bytes) -> None:
    """The server gives this for a resource, whatever it holds."""

    def lie(asked: Asked, body: bytes) -> bytes:
        if asked.method == "GET" and asked.path.endswith(name):
            return text
        mark = b"UID:foreign-1"
        if mark in body and b"multiget" in asked.body:
            begin, end = (
                body.rindex(b"BEGIN:VCALENDAR", 0, body.index(mark)),
                body.index(b"END:VCALENDAR", body.index(mark)),
            )
            return (
                body[:begin] + text.replace(b"&", b"&amp;").replace(b"<", b"&lt;") + body[end + len(b"END:VCALENDAR") :]
            )
        return body

    desk.server.front.edits.append(lie)


async def test_a_resource_of_twenty_megabytes(desk: Desk) -> None:
    """It is told of, and cannot be read; the others are."""
    item = await desk.put("foreign.ics", FOREIGN)
    made = await desk.add(subject="small", start=day("2026-03-05"))
    desk.session = await desk.provider.open(desk.mailbox)
    desk.mailbox = type(desk.mailbox)(desk.mailbox.key + 1, 1, desk.mailbox.email, desk.mailbox.grant)
    desk.session = await desk.provider.open(desk.mailbox)
    served(desk, "foreign.ics", FOREIGN.encode().replace(b"SUMMARY:Old", b"SUMMARY:" + b"x" * 20_000_000))
    found = await desk.events.find(desk.calendar, MARCH, PageRequest())
    assert [one.id for one in found.records] == [made.id]
    assert [one.id for one in await desk.events.get_many(desk.calendar, [item, made.id])] == [made.id]
    with pytest.raises(TooLarge):
        await desk.events.get(desk.ref(item))
    assert await Consumer(desk).follow() == {item, made.id}


async def test_an_answer_of_too_many_octets(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is read by halves; what is too large alone is told of and left out."""
    from providers.caldav import client

    item = await desk.put("big.ics", FOREIGN.replace("SUMMARY:Old", "SUMMARY:" + "x" * 6000))
    made = {(await desk.add(subject=f"{n}", start=day("2026-03-05"))).id for n in range(4)}
    desk.mailbox = type(desk.mailbox)(desk.mailbox.key + 1, 1, desk.mailbox.email, desk.mailbox.grant)
    desk.session = await desk.provider.open(desk.mailbox)
    monkeypatch.setattr(client, "MAX_OCTETS", 5000)
    delta = await desk.events.changes(desk.calendar, None, EventQuery())
    assert {one.id for one in delta.changed} == {item, *made}
    found = await desk.events.get_many(desk.calendar, [item, *sorted(made)])
    assert {one.id for one in found} == made


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no calendar",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:no start\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTART:garbage\r\nRRULE:FREQ=NEVER\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTART;TZID=Nowhere/Land:20260305T090000\r\n"
        b"RRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        b"\xff\xfe\x00BEGIN:VCALENDAR" * 10,
    ],
)
async def test_odd_texts_break_no_list(desk: Desk, text: bytes) -> None:
    item = await desk.put("foreign.ics", FOREIGN)
    made = await desk.add(subject="good", start=day("2026-03-05"))
    desk.mailbox = type(desk.mailbox)(desk.mailbox.key + 1, 1, desk.mailbox.email, desk.mailbox.grant)
    desk.session = await desk.provider.open(desk.mailbox)
    served(desk, "foreign.ics", text)
    for query in (MARCH, EventQuery()):
        found = await desk.events.find(desk.calendar, query, PageRequest(limit=3))
        assert "good" in [one.subject for one in found.records]
    assert made.id in await Consumer(desk).follow()
    assert made.id in await Consumer(desk, MARCH).follow()
    try:
        shown = await desk.events.get(desk.ref(item))
        assert shown.id
    except (NotFound, Invalid):
        pass


async def test_one_uid_in_two_resources(desk: Desk) -> None:
    """Both servers refuse the second one; one that has it anyway shows both."""
    await desk.put("one.ics", FOREIGN)
    other = await desk.put("two.ics", FOREIGN.replace("foreign-1", "foreign-2"))
    desk.server.front.edits.append(lambda asked, body: body.replace(b"foreign-2", b"foreign-1"))
    desk.mailbox = type(desk.mailbox)(desk.mailbox.key + 1, 1, desk.mailbox.email, desk.mailbox.grant)
    desk.session = await desk.provider.open(desk.mailbox)
    found = await desk.events.find(desk.calendar, EventQuery(), PageRequest())
    assert [one.i_cal_uid for one in found.records] == ["foreign-1", "foreign-1"]
    assert other in {one.id for one in found.records} and len({one.id for one in found.records}) == 2


async def test_a_series_that_cannot_be_expanded(desk: Desk) -> None:
    count = (
        series()
        .replace("RRULE:FREQ=DAILY;COUNT=5", "RRULE:FREQ=SECONDLY;COUNT=99999999")
        .replace("20260302T", "20150302T")
    )
    await desk.put("foreign.ics", FOREIGN)
    item = paths.item_id(paths.path_of(desk.calendar) + "foreign.ics")
    served(desk, "foreign.ics", count.encode())
    for call in (
        desk.events.occurrences(desk.ref(item), PageRequest(None, 1)),
        desk.events.occurrence(desk.ref(item), moment("2026-03-05 09:00")),
    ):
        try:
            await call
        except Invalid:
            pass
    assert (await desk.events.find(desk.calendar, MARCH, PageRequest())).records is not None


async def test_read_only_calendars(desk: Desk) -> None:
    if not isinstance(desk.server, Radicale):
        pytest.skip("everybody may write everything of their own in Xandikos")
    calendar = paths.item_id(paths.canonical(desk.server.make_read_only(desk.user)))
    assert desk.session.calendars is not None
    from providers.base.collection import Ref
    from schemas.calendar import AccessRole, CalendarUpdate

    assert (await desk.session.calendars.get(Ref(calendar))).access_role is AccessRole.READER
    for call in (
        desk.events.create(calendar, EventWrite(event(start=day("2026-01-01")))),
        desk.session.calendars.update(Ref(calendar), CalendarUpdate(name="x")),
        desk.session.calendars.delete(Ref(calendar)),
    ):
        with pytest.raises(Denied):
            await call
    assert await desk.session.calendars.primary() != calendar


async def test_a_lost_answer_to_a_write(desk: Desk) -> None:
    """Looked up before it is called uncertain, and never sent twice."""
    count = 0

    def cut(asked: Asked) -> Said | None:
        nonlocal count
        count += asked.method == "PUT"
        return Said(500, after=True, cut=True) if asked.method == "PUT" else None

    desk.server.front.rules = [cut]
    try:
        made = await desk.add("lost-1", subject="lost", start=day("2026-03-05"))
        assert made.subject == "lost"
    except Uncertain:
        made = None
    assert count in (1, 2)  # aiohttp itself repeats once on a connection that was kept
    desk.server.front.rules = []
    again = await desk.add("lost-1", subject="again", start=day("2026-03-05"))
    assert again.subject == "lost"
    desk.server.front.rules = [lambda asked: Said(500, cut=True) if asked.method in ("PUT", "GET") else None]
    with pytest.raises((Uncertain, Unavailable)):
        await desk.add("lost-2", subject="never", start=day("2026-03-05"))


async def test_answers_that_are_none(desk: Desk) -> None:
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    bomb = entities + b'<multistatus xmlns="DAV:"><response><href>&b;</href></response></multistatus>'
    for said in (
        Said(207, {}, bomb),
        Said(207, {}, b"<html/>"),
        Said(207, {}, b""),
        Said(207, {}, b"<multistatus xmlns='DAV:'><response>"),
        Said(502),
        Said(500, cut=True),
    ):
        desk.server.front.rules = [lambda asked, said=said: said]
        with pytest.raises(Unavailable):
            await desk.events.find(desk.calendar, EventQuery(), PageRequest())
        with pytest.raises(Unavailable):
            await desk.events.changes(desk.calendar, None, EventQuery())
    assert not multistatus.preconditions(bomb)


async def test_a_server_that_fails_at_queries(desk: Desk) -> None:
    """The whole calendar is read in their place; a server that fails at everything is out of order."""
    made = await desk.add("u-1", subject="a", start=day("2026-03-05"))
    desk.server.front.rules = [lambda asked: Said(500) if b"calendar-query" in asked.body else None]
    for query in (MARCH, EventQuery(i_cal_uid="u-1")):
        assert [one.id for one in (await desk.events.find(desk.calendar, query, PageRequest())).records] == [made.id]
    desk.server.front.rules = [lambda asked: Said(500)]
    with pytest.raises(Unavailable):
        await desk.events.find(desk.calendar, MARCH, PageRequest())


async def test_weak_and_missing_versions(desk: Desk) -> None:
    """A proxy that compresses makes ETags weak: the opaque part is what counts. Without any there is no safe write."""
    import re

    made = await desk.add(subject="a", start=day("2026-01-01"))
    desk.server.front.edits.append(lambda asked, body: re.sub(rb'(getetag>)("|&quot;)', rb"\1W/\2", body))
    desk.session = await desk.provider.open(desk.mailbox)
    [read] = await desk.events.get_many(desk.calendar, [made.id])
    assert read.etag == made.etag
    await desk.events.update(desk.ref(made.id), EventWrite(event(subject="b")), f'W/"{made.etag}"')
    assert [opaque(text) for text in ('"a"', 'W/"a"', "a", "", None, 'W/""')] == ["a", "a", "a", "", "", ""]
    with pytest.raises(Conflict):
        await desk.events.update(desk.ref(made.id), EventWrite(event(subject="b")), made.etag)


def test_every_status_has_an_error() -> None:
    for status in range(300, 600):
        assert refusal(status, {}, b"<html>secret</html>").message
    assert set(STATUSES) <= set(range(300, 600))
    for name in PRECONDITIONS:
        space, _, local = name[1:].partition("}")
        body = f'<d:error xmlns:d="DAV:" xmlns:x="{space}"><x:{local}/></d:error>'.encode()
        assert type(refusal(403, {}, body)) is PRECONDITIONS[name][0]
    assert isinstance(refusal(405, {}, b""), Unsupported)
