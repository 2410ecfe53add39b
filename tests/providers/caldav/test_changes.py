"""What changed, by sync tokens and without: whoever applies the deltas has what the server has."""

import re

import pytest

from providers.base.collection import Delta
from providers.base.errors import CursorExpired, Invalid, Unavailable
from providers.base.ports import EventQuery, EventWrite
from providers.caldav import changes, cursor, paths
from providers.caldav.cursor import Position
from tests.providers.caldav.conftest import Desk, at, day, event, moment
from tests.providers.caldav.test_events import FOREIGN, override, series
from tests.servers.dav_front import Asked, Said

pytestmark = pytest.mark.anyio
MARCH = EventQuery(moment("2026-03-01 00:00"), moment("2026-04-01 00:00"))


def apply(known: dict[str, str], delta: Delta) -> None:
    """What lies below a master that is named, and is not named itself, is gone (see `Events`)."""
    assert not {change.id for change in delta.changed} & set(delta.removed)
    for item in (*(change.id for change in delta.changed), *delta.removed):
        for below in [one for one in known if one.startswith(item + "_")]:
            del known[below]
    for item in delta.removed:
        known.pop(item, None)
    for change in delta.changed:
        master, _, key = change.id.partition("_")
        assert (change.parent, change.kin) == (master if key else None, None)
        known[change.id] = change.version


class Consumer:
    """Applies deltas."""

    def __init__(self, desk: Desk, query: EventQuery = EventQuery()) -> None:
        self.desk, self.query = desk, query
        self.cursor: str | None = None
        self.known: dict[str, str] = {}
        self.last = Delta([], [], "")
        self.deltas = 0

    async def follow(self) -> set[str]:
        self.changed: set[str] = set()
        self.removed: set[str] = set()
        for _ in range(100):
            delta = await self.desk.events.changes(self.desk.calendar, self.cursor, self.query)
            self.deltas += 1
            self.cursor = delta.cursor
            before = set(self.known)
            apply(self.known, delta)
            self.changed |= {change.id for change in delta.changed}
            self.removed |= before - set(self.known)
            if not delta.more:
                return set(self.known)
        raise AssertionError("it never ends")


def poor(desk: Desk) -> None:
    """A server without sync tokens."""

    def forget(asked: Asked, body: bytes) -> bytes:
        return re.sub(rb"<(\w+:)?sync-token>[^<]*</(\w+:)?sync-token>", b"", body)

    def refuse(asked: Asked) -> Said | None:
        return Said(403) if b"sync-collection" in asked.body else None

    desk.server.front.edits.append(forget)
    desk.server.front.rules.append(refuse)


@pytest.fixture(params=["tokens", "etags"])
def any_desk(desk: Desk, request: pytest.FixtureRequest) -> Desk:
    """Each server, with sync tokens and as if it had none."""
    if request.param == "etags":
        poor(desk)
    return desk


async def test_a_life(any_desk: Desk) -> None:
    desk, consumer = any_desk, Consumer(any_desk)
    assert await consumer.follow() == set()
    made = await desk.add("a", subject="a", start=day("2026-01-01"))
    item = await desk.put("s.ics", series())
    assert await consumer.follow() == {made.id, item}
    assert consumer.known[made.id or ""] == made.etag
    assert await consumer.follow() == {made.id, item}
    assert (consumer.changed, consumer.removed) == (set(), set())
    await desk.put("s.ics", series(more=override("20260310T120000Z")))
    kid = f"{item}_20260304T090000Z"
    assert await consumer.follow() == {made.id, item, kid}
    assert consumer.changed == {item, kid}
    [one] = await desk.events.get_many(desk.calendar, [kid])
    assert (one.subject, one.occurrence_info.master_id, one.etag) == ("Moved", item, consumer.known[kid])
    await desk.put("s.ics", series())
    assert await consumer.follow() == {made.id, item}
    assert consumer.removed == {kid}
    await desk.put("s.ics", series(more=override("20260310T120000Z")))
    await consumer.follow()
    await desk.events.delete(desk.ref(item))
    await desk.events.delete(desk.ref(made.id))
    assert await consumer.follow() == set()
    assert consumer.removed == {item, kid, made.id}


async def test_servers_without_tokens_are_compared(desk: Desk) -> None:
    with_token = Consumer(desk)
    await with_token.follow()
    poor(desk)
    without = Consumer(desk)
    await without.follow()
    assert [one.token is None for one in (*_read(with_token), *_read(without))] == [False, True]


def _read(consumer: Consumer) -> list[Position]:
    return list(cursor.read(consumer.cursor or "").values())


async def test_identities_are_uids(any_desk: Desk) -> None:
    await any_desk.put("x.ics", FOREIGN)
    delta = await any_desk.events.changes(any_desk.calendar, None, EventQuery())
    assert [one.identity for one in delta.changed] == ["foreign-1"]


async def test_a_window(any_desk: Desk) -> None:
    """What moves out of it is removed, what moves into it comes; changed occurrences count by themselves."""
    desk, consumer = any_desk, Consumer(any_desk, MARCH)
    inside = await desk.add(subject="in", start=at("2026-03-05 10:00"))
    outside = await desk.add(subject="out", start=at("2026-06-05 10:00"))
    item = await desk.put("s.ics", series(more=override("20260510T120000Z")))
    kid = f"{item}_20260304T090000Z"
    assert await consumer.follow() == {inside.id, item}
    assert consumer.removed == set()
    for made, start in ((inside, "2026-06-05 10:00"), (outside, "2026-03-05 10:00")):
        await desk.events.update(desk.ref(made.id), _moved(start))
    assert await consumer.follow() == {outside.id, item}
    assert (consumer.changed, consumer.removed) == ({outside.id}, {inside.id})
    consumer.query = EventQuery(MARCH.time_min, moment("2026-07-01 00:00"))
    assert await consumer.follow() == {outside.id, item, kid, inside.id}


def _moved(start: str) -> EventWrite:
    return EventWrite(event(start=at(start)))


async def test_portions(any_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "AT_ONCE", 2)
    desk, consumer = any_desk, Consumer(any_desk)
    made = {(await desk.add(subject=f"{n}", start=day("2026-01-01"))).id for n in range(5)}
    assert await consumer.follow() == made
    assert consumer.deltas == 3
    for item in sorted(made)[:3]:
        await desk.events.delete(desk.ref(item))
    assert await consumer.follow() == set(sorted(made)[3:])


async def test_an_answer_that_was_cut_short_is_continued(desk: Desk) -> None:
    """507 within the multistatus (RFC 6578 3.6)."""
    made = await desk.add(subject="a", start=day("2026-01-01"))
    href = paths.path_of(desk.calendar).encode()
    cut = (
        b"<response xmlns='DAV:'><href>"
        + href
        + b"</href><status>HTTP/1.1 507 Insufficient Storage</status></response>"
    )
    count = 0

    def shorten(asked: Asked, body: bytes) -> bytes:
        nonlocal count
        count += b"sync-collection" in asked.body
        end = body.rindex(b"</")
        return body[:end] + cut + body[end:] if b"sync-collection" in asked.body and count == 1 else body

    desk.server.front.edits.append(shorten)
    consumer = Consumer(desk)
    assert await consumer.follow() == {made.id}
    assert (consumer.deltas, count) == (2, 2)


async def test_a_lost_token(desk: Desk) -> None:
    """Whatever status a server says it with."""
    consumer = Consumer(desk)
    await consumer.follow()
    [position] = _read(consumer)
    position.token = "http://example.org/ns/sync/forgotten"
    bad = cursor.write({paths.path_of(desk.calendar): position})
    with pytest.raises(CursorExpired):
        await desk.events.changes(desk.calendar, bad, EventQuery())
    for status in (403, 409, 412, 500):
        desk.server.front.rules = [
            lambda asked, status=status: (
                Said(status) if b"sync-collection" in asked.body and b"forgotten" in asked.body else None
            )
        ]
        with pytest.raises(CursorExpired):
            await desk.events.changes(desk.calendar, bad, EventQuery())
    desk.server.front.rules = [lambda asked: Said(503, {"Retry-After": "7"})]
    with pytest.raises(Unavailable) as caught:
        await desk.events.changes(desk.calendar, consumer.cursor, EventQuery())
    assert caught.value.retry_after == 7
    for nonsense in ("", "x", "eJw", "éé"):
        with pytest.raises(CursorExpired):
            await desk.events.changes(desk.calendar, nonsense, EventQuery())


async def test_content_is_read_once(desk: Desk) -> None:
    """What was read for the change log is not read again for the records, only its version is asked."""
    ids = [(await desk.add(subject=f"{n}", start=day("2026-01-01"))).id for n in range(3)]
    fresh = await desk.provider.open(desk.mailbox)
    assert fresh.events is not None
    desk.server.front.asked.clear()
    delta = await fresh.events.changes(desk.calendar, None, EventQuery())
    found = await fresh.events.get_many(desk.calendar, [one.id for one in delta.changed])
    assert {one.id for one in found} == set(ids)
    with_data = [one for one in desk.server.front.asked if b"calendar-data" in one.body]
    assert len(with_data) <= 1


async def test_what_is_no_event_takes_no_place(any_desk: Desk) -> None:
    """Tasks in a calendar; an override without a master; unreadable things."""
    desk, consumer = any_desk, Consumer(any_desk)
    orphan = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{override('20260310T120000Z', 'orphan')}END:VCALENDAR\n"
    try:
        item = await desk.put("orphan.ics", orphan)
    except Invalid:
        pytest.skip("the server takes no override without a master")
    kid = f"{item}_20260304T090000Z"
    assert await consumer.follow() == {kid}
    [one] = await desk.events.get_many(desk.calendar, [kid])
    assert one.subject == "Moved"
    await desk.events.delete(desk.ref(kid))
    assert await consumer.follow() == set()
    assert consumer.removed == {kid}
