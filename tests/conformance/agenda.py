"""Events, contacts and tasks for the suite, as schemas and as texts, and small questions asked of a session."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from providers.base.collection import PageRequest
from providers.base.ports import EventQuery, EventWrite
from providers.base.provider import Session
from schemas.calendar import Event
from schemas.recurrence import Recurrence, RecurrenceIcal
from schemas.when import EventDateTime
from tests.conformance.backends import Subject

START = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
BERLIN = "Europe/Berlin"  # clocks change on 29 March 2026


def at(hours: float, zone: str | None = None) -> EventDateTime:
    """So many hours after the start of the suite's calendar."""
    return EventDateTime(date_time=START + timedelta(hours=hours), timezone=zone)


def wall(text: str, zone: str = BERLIN) -> EventDateTime:
    """A wall time such as `2026-03-02T09:00`."""
    return EventDateTime(date_time=datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)), timezone=zone)


def day(text: str) -> EventDateTime:
    return EventDateTime(date_only=date.fromisoformat(text))


def written(subject: str = "Meeting", hours: float = 0, length: float = 1, **fields: Any) -> EventWrite:
    """An event to write, `length` hours long; nobody is notified."""
    values = {"start": at(hours), "end": at(hours + length), **fields}
    return EventWrite(Event(subject=subject, **values), notify=False)


def patched(**fields: Any) -> EventWrite:
    """A change of the fields that are named."""
    return EventWrite(Event(**fields), notify=False)


def weekly(
    subject: str = "Weekly", rule: str = "RRULE:FREQ=WEEKLY;COUNT=6", start: str = "2026-03-02T09:00"
) -> EventWrite:
    """A series of an hour, in Berlin."""
    first = wall(start)
    assert first.date_time is not None
    end = EventDateTime(date_time=first.date_time + timedelta(hours=1), timezone=BERLIN)
    recurrence = Recurrence(ical=RecurrenceIcal(rules=[rule]))
    return EventWrite(Event(subject=subject, start=first, end=end, recurrence=recurrence), notify=False)


def calendar(*components: str) -> bytes:
    """An iCalendar text."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Suite//EN", *components, "END:VCALENDAR"]
    return "\r\n".join(line for text in lines for line in text.strip().splitlines()).encode() + b"\r\n"


def vevent(uid: str, lines: Mapping[str, str] | None = None, start: str = "20260302T090000Z") -> str:
    """A VEVENT of an hour; `lines` are further properties, parameters included in the name."""
    head = {"UID": uid, "DTSTAMP": "20260101T000000Z", "DTSTART": start, "DURATION": "PT1H", "SUMMARY": "Foreign"}
    found = {**head, **(lines or {})}
    return "\n".join(["BEGIN:VEVENT", *(f"{name}:{value}" for name, value in found.items()), "END:VEVENT"])


def vcard(uid: str, name: str, *lines: str) -> bytes:
    """A vCard 3.0."""
    head = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", f"FN:{name}", f"N:{name};;;;"]
    return "\r\n".join([*head, *lines, "END:VCARD", ""]).encode()


def vtodo(uid: str, title: str, *lines: str) -> bytes:
    """A task."""
    head = ["BEGIN:VTODO", f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{title}"]
    return calendar("\n".join([*head, *lines, "END:VTODO"]))


async def primary(box: Subject) -> str:
    """The calendar that things are put into."""
    assert box.session.calendars
    return await box.session.calendars.primary()


async def default_list(box: Subject) -> str:
    assert box.session.task_lists
    return await box.session.task_lists.primary()


async def listed(session: Session, parent: str, query: EventQuery = EventQuery(), limit: int = 50) -> list[Event]:
    """Every event of a list, page by page."""
    assert session.events
    found: list[Event] = []
    cursor = None
    while True:
        page = await session.events.find(parent, query, PageRequest(cursor, limit))
        assert len(page.records) <= limit
        found.extend(page.records)
        cursor = page.cursor
        if cursor is None:
            return found


async def between(session: Session, parent: str, begin: float, end: float, limit: int = 50) -> list[Event]:
    """What lies between so many hours after the start of the suite's calendar."""
    window = EventQuery(time_min=START + timedelta(hours=begin), time_max=START + timedelta(hours=end))
    return await listed(session, parent, window, limit)


def subjects(records: Sequence[Event]) -> list[str | None]:
    return [record.subject for record in records]
