"""What following a calendar of 5,000 events costs, beside the bare requests that it takes.

`python -m bench caldav` starts a Radicale, files the events there (each tenth a series with a changed occurrence), and
prints seconds of the wall and of our CPU: for sync-collection and multiget alone (answers read and thrown away), for a
first sync (changes, then every record), for a round without changes, and for the conversion of one event.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from providers.base.ports import EventQuery, EventView
from providers.base.provider import Mailbox, ProviderSettings
from providers.caldav import convert, elements, paths
from providers.caldav.elements import CAL, CALENDAR_DATA, DAV, ETAG, SYNC_TOKEN
from providers.caldav.files import File
from providers.caldav.provider import CaldavProvider, CaldavSession
from schemas.accounts import ApiAccountInDto, ServiceType
from tests.servers.dav import DavUser, Radicale

EVENTS = 5000
_AT_ONCE = 50
_END = "END:VCALENDAR\r\n"
_HREF = re.compile(rb"<href>([^<]+)</href>")


def text(number: int) -> str:
    """One event of an office's calendar."""
    day, hour = number % 28 + 1, number % 10 + 8
    head = [f"UID:e{number}@bench.example", "DTSTAMP:20260101T000000Z", f"SUMMARY:Event {number} with some words"]
    times = [f"DTSTART:202603{day:02}T{hour:02}0000Z", "DURATION:PT45M"]
    people = [f"ATTENDEE;CN=Person {one};PARTSTAT=ACCEPTED:mailto:p{one}@bench.example" for one in range(3)]
    body = [
        "DESCRIPTION:" + "Some words that describe it. " * 8,
        "LOCATION:Room 5",
        "ORGANIZER:mailto:boss@bench.example",
    ]
    rule = ["RRULE:FREQ=WEEKLY;COUNT=10"] if number % 10 == 0 else []
    events = [[*head, *times, *rule, *body, *people]]
    if rule:
        planned = f"RECURRENCE-ID:202603{day:02}T{hour:02}0000Z"
        events.append([*head, planned, f"DTSTART:202603{day:02}T200000Z", "DURATION:PT45M"])
    inner = "".join("\r\n".join(["BEGIN:VEVENT", *one, "END:VEVENT", ""]) for one in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:bench\r\n{inner}END:VCALENDAR\r\n"


async def fill(session: CaldavSession, user: DavUser) -> str:
    """The path of a calendar that is sent as one file, which Radicale takes apart."""
    files, folder = session._account.calendars, paths.canonical(f"/{user.address}/bench/")
    assert files is not None
    inner = "".join(text(number).partition("PRODID:bench\r\n")[2].removesuffix(_END) for number in range(EVENTS))
    body = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:bench\r\n{inner}{_END}"
    await files.dav.done("PUT", files.url(folder), body.encode(), kind="text/calendar; charset=utf-8")
    return folder


async def measured(name: str, act: Callable[[], Awaitable[str]]) -> None:
    """Run once and print."""
    wall, cpu = time.perf_counter(), time.process_time()
    said = await act()
    print(f"{name:34} {time.perf_counter() - wall:7.2f} s wall {time.process_time() - cpu:7.2f} s CPU  {said}")


async def bare(session: CaldavSession, folder: str) -> str:
    """The requests alone."""
    files = session._account.calendars
    assert files is not None
    sync = elements.element(
        DAV + "sync-collection", elements.element(SYNC_TOKEN), elements.element(DAV + "sync-level", text="1"),
        elements.props((ETAG,)),
    )  # fmt: skip
    answer = await files.dav.done("REPORT", files.url(folder), elements.written(sync), {"Depth": "0"})
    found = [href.decode() for href in _HREF.findall(answer.body)]
    octets = len(answer.body)

    async def some(hrefs: list[str]) -> int:
        props = elements.props((ETAG, CALENDAR_DATA))
        body = elements.written(elements.element(CAL + "calendar-multiget", props, *elements.hrefs(hrefs)))
        return len((await files.dav.done("REPORT", files.url(folder), body, {"Depth": "0"})).body)

    chunks = [found[at : at + _AT_ONCE] for at in range(0, len(found), _AT_ONCE)]
    octets += sum(await asyncio.gather(*map(some, chunks)))
    return f"{len(found)} resources, {octets / 1e6:.1f} MB"


async def first_sync(session: CaldavSession, calendar: str) -> tuple[str, str]:
    """Changes, then every record; what happened, and the cursor."""
    assert session.events is not None
    cursor, more, ids = None, True, []
    while more:
        delta = await session.events.changes(calendar, cursor, EventQuery())
        cursor, more = delta.cursor, delta.more
        ids += [change.id for change in delta.changed]
    count = 0
    for at in range(0, len(ids), 100):
        count += len(await session.events.get_many(calendar, ids[at : at + 100]))
    assert cursor is not None
    return f"{count} records, cursor of {len(cursor)}", cursor


def conversion() -> None:
    """CPU for one event, from octets to a record."""
    files = [File(f"/c/e{number}.ics", '"1"', text(number).encode()) for number in range(1000)]
    view = convert.view_of(EventView(), ("p1@bench.example",))
    cpu = time.process_time()
    for file in files:
        convert.event(file, convert.resource(file), view)
    print(f"{'conversion of one event':34} {(time.process_time() - cpu) * 1000:7.0f} us CPU")


async def bench(server: Radicale) -> None:
    """All figures."""
    user = server.new_user()
    provider = CaldavProvider(
        ProviderSettings(Path(tempfile.gettempdir()), allow_private_networks=True, read_timeout=120)
    )
    body = ApiAccountInDto(
        service_type=ServiceType.CALDAV,
        active=True,
        email=user.address,
        password=user.password,
        server_url=server.direct,
    )
    linked = await provider.link(body, ensure_access=False)
    cursors = list[str]()

    async def opened(key: int) -> CaldavSession:
        return await provider.open(Mailbox(key, 1, linked.email, linked.grant))

    session = await opened(1)
    folder = await fill(session, user)
    calendar = paths.item_id(folder)

    async def whole() -> str:
        said, cursor = await first_sync(await opened(2), calendar)
        cursors.append(cursor)
        return said

    async def nothing() -> str:
        events = (await opened(3)).events
        assert events is not None
        delta = await events.changes(calendar, cursors[0], EventQuery())
        return f"{len(delta.changed)} changed"

    await bare(session, folder)  # Radicale makes its history once
    await measured("sync-collection and multiget alone", lambda: bare(session, folder))
    await measured("first sync with all records", whole)
    await measured("round without changes", nothing)
    await provider.close()


def main() -> None:
    """Start, fill, measure."""
    conversion()
    with Radicale() as server:
        asyncio.run(bench(server))
