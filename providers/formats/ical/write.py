"""Event -> VEVENT. What the caller's body does not name stays as it is, unknown properties and alarms included; null
clears. Not written: attendee permissions, conferences, attachments and categories (read-only in the contract).
"""

from datetime import UTC, datetime

from providers.base.errors import Invalid
from providers.formats import values
from providers.formats.contentlines import Component, Line
from providers.formats.ical import marks, people
from providers.formats.ical.alarms import put_reminder
from providers.formats.ical.moving import moved
from providers.formats.ical.repeating import lines_of, recurrence
from providers.formats.ical.resource import RULES, Resource, calendar, of, sequence
from providers.formats.ical.spans import Span, When, given, line, span
from providers.formats.text import html_to_text
from providers.formats.timezones.describe import vtimezone
from providers.formats.timezones.names import iana_name
from schemas.calendar import Event
from schemas.mail import BodyType, EmailAddress
from schemas.recurrence import Recurrence

_TIMES = frozenset(("start", "end"))
#: Changes that make invitations outdated (RFC 5546 2.1.4).
_SIGNIFICANT = _TIMES | {"recurrence"}
_TEXTS = {"subject": "SUMMARY", "location": "LOCATION"}


def create(
    event: Event, uid: str, now: datetime, own: EmailAddress | None = None, body_type: BodyType = BodyType.TEXT
) -> Resource:
    """A new event. `own` becomes its organizer where people are invited. Raises `Invalid` with the path."""
    if event.start is None:
        raise Invalid("is required", path="start")
    lines = [Line("UID", values.escaped(uid)), Line("CREATED", values.written(now.astimezone(UTC)))]
    text = calendar([Component("VEVENT", [*lines, line("DTSTART", given(event.start))])])
    (resource,) = of(text)
    update(resource, event, now, own, body_type)
    return resource


def update(
    resource: Resource,
    patch: Event,
    now: datetime,
    own: EmailAddress | None = None,
    body_type: BodyType = BodyType.TEXT,
) -> None:
    """Change the master (or the only occurrence) within its text. Raises `Invalid` with the path."""
    event, before = resource.main, resource.span
    old = resource.series() if _SIGNIFICANT & patch.model_fields_set and resource.repeats else None
    known = recurrence(resource)
    apply(event, resource, patch, body_type, own)
    if "recurrence" in patch.model_fields_set and resource.master is not None:
        _put_recurrence(resource, patch, known)
    if old is not None and before is not None:
        moved(resource, old)
    finish(resource, event, patch, now)


def apply(event: Component, resource: Resource, patch: Event, body_type: BodyType, own: EmailAddress | None) -> None:
    """Write every field that the patch names but the recurrence. Raises `Invalid` with the path."""
    names = patch.model_fields_set
    for field, name in _TEXTS.items():
        if field in names:
            _put_text(event, name, getattr(patch, field))
    if "description" in names:
        _put_description(event, patch.description, body_type)
    if _TIMES & names:
        _put_times(event, resource, patch)
    if "meeting_info" in names:
        _put_people(event, patch, own)
    if "show_as" in names:
        marks.put_show_as(event, patch.show_as)
    if "sensitivity" in names:
        marks.put_sensitivity(event, patch.sensitivity)
    if "reminder" in names:
        put_reminder(event, patch.reminder, span(event, resource.zones))


def _put_text(event: Component, name: str, text: str | None) -> None:
    event.put(name, [] if text is None else [Line(name, values.escaped(text))])


def _put_description(event: Component, text: str | None, body_type: BodyType) -> None:
    """HTML is kept beside the text that is made of it, as Outlook does."""
    event.put("X-ALT-DESC")
    if text is not None and body_type is BodyType.HTML:
        event.lines.append(Line("X-ALT-DESC", values.escaped(text), {"FMTTYPE": ("text/html",)}))
        text = html_to_text(text)
    _put_text(event, "DESCRIPTION", text)


def _put_times(event: Component, resource: Resource, patch: Event) -> None:
    now = span(event, resource.zones)
    wanted = _wanted(now, given(patch.start) if patch.start else None, given(patch.end) if patch.end else None)
    event.put("DURATION")
    event.put("DTSTART", [line("DTSTART", wanted.start)])
    event.put("DTEND")
    place = next(index for index, one in enumerate(event.lines) if one.name == "DTSTART") + 1
    event.lines.insert(place, line("DTEND", wanted.end))


def _wanted(now: Span | None, start: When | None, end: When | None) -> Span:
    """A moved start takes the end along."""
    start = start or (now.start if now else None)
    if start is None:
        raise Invalid("is required", path="start")
    if end is None:
        carried = now is not None and now.start.all_day == start.all_day
        end = now.moved_to(start).end if now is not None and carried else start
    if start.all_day != end.all_day:
        raise Invalid("start and end must both have dateOnly (all-day) or both have dateTime", path="end")
    if end.moment < start.moment or (end.all_day and end.wall <= start.wall):
        raise Invalid("is before start", path="end")
    return Span(start, end)


def _put_people(event: Component, patch: Event, own: EmailAddress | None) -> None:
    meeting = patch.meeting_info
    if meeting is None or "attendees" in meeting.model_fields_set:
        people.put_attendees(event, (meeting.attendees if meeting else None) or ())
    if event.get("ATTENDEE") is None:
        event.put("ORGANIZER")
    elif event.get("ORGANIZER") is None and own is not None:
        event.lines.append(people.organizer_line(own))


def _put_recurrence(resource: Resource, patch: Event, known: Recurrence | None) -> None:
    master = resource.master
    assert master is not None
    first = span(master, resource.zones)
    lines = lines_of(patch.recurrence, first.start, known) if patch.recurrence is not None and first is not None else []
    for name in RULES:
        master.put(name, [one for one in lines if one.name == name])
    if patch.recurrence is None:
        resource.drop(resource.overrides)


def finish(resource: Resource, event: Component, patch: Event | None, now: datetime) -> None:
    """Stamps and sequence (RFC 5546 2.1.4, RFC 5545 3.8.7), and the zones that are named are described."""
    stamp = values.written(now.astimezone(UTC))
    for name in ("DTSTAMP", "LAST-MODIFIED"):
        event.put(name, [Line(name, stamp)])
    if patch is None or _SIGNIFICANT & patch.model_fields_set:
        known = event.get("SEQUENCE")
        event.put("SEQUENCE", [Line("SEQUENCE", str(sequence(event) + 1 if known else 0))])
    describe_zones(resource.calendar)


def describe_zones(text: Component) -> None:
    """Every TZID in use has its VTIMEZONE; those that are there stay."""
    described = {values.text(zone.value("TZID") or "") for zone in text.of("VTIMEZONE")}
    used = {tzid for child in text.children for one in child.lines if (tzid := one.parameter("TZID"))}
    missing = [vtimezone(tzid) for tzid in sorted(used - described) if iana_name(tzid) == tzid]
    text.children[:0] = missing
