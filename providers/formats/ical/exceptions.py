"""Changing, deleting and answering single occurrences: read-modify-write of the text that has the series."""

from collections.abc import Iterable
from datetime import UTC, datetime

from providers.base.errors import Denied
from providers.formats import values
from providers.formats.contentlines import Component, Line
from providers.formats.ical import people
from providers.formats.ical.occurrences import Occurrence
from providers.formats.ical.resource import RULES, Resource
from providers.formats.ical.spans import line
from providers.formats.ical.write import apply, finish
from schemas.calendar import Event
from schemas.mail import BodyType, EmailAddress
from schemas.meetings import MeetingResponseType
from schemas.recurrence import OccurrenceType


def update_occurrence(
    resource: Resource,
    occurrence: Occurrence,
    patch: Event,
    now: datetime,
    own: EmailAddress | None = None,
    body_type: BodyType = BodyType.TEXT,
) -> Component:
    """Change one occurrence; its override, which is made where there is none yet. Raises `Invalid` with the path."""
    override = _override(resource, occurrence)
    apply(override, resource, patch, body_type, own)
    finish(resource, override, patch, now)
    return override


def standalone(occurrence: Occurrence) -> Component:
    """An occurrence as a VEVENT of its own: what an invitation to it, or its cancellation, says."""
    if occurrence.type is OccurrenceType.MODIFIED or occurrence.planned is None:
        return occurrence.component
    event = occurrence.component.copy()
    for name in (*RULES, "DURATION", "DTEND"):
        event.put(name)
    times = [line("DTSTART", occurrence.span.start), line("DTEND", occurrence.span.end)]
    event.put("DTSTART", [line("RECURRENCE-ID", occurrence.planned), *times])
    return event


def _override(resource: Resource, occurrence: Occurrence) -> Component:
    override = standalone(occurrence)
    if override is not occurrence.component:
        last = max(index for index, child in enumerate(resource.calendar.children) if child.name == "VEVENT")
        resource.calendar.children.insert(last + 1, override)
        resource.overrides.append(override)
    return override


def delete_occurrence(resource: Resource, occurrence: Occurrence, now: datetime) -> bool:
    """Take one occurrence out of its series; False when nothing is left of the text's events, which then goes whole."""
    if occurrence.type is OccurrenceType.MODIFIED:
        resource.drop([occurrence.component])
    if resource.master is None or occurrence.planned is None:
        return bool(resource.overrides)
    resource.master.lines.append(line("EXDATE", occurrence.planned))
    finish(resource, resource.master, None, now)
    return True


def respond(
    resource: Resource,
    own: Iterable[str],
    response: MeetingResponseType,
    now: datetime,
    occurrence: Occurrence | None = None,
) -> Component:
    """Set the account's own answer and leave everything else, SEQUENCE too (RFC 5546 3.2.3): of one occurrence, or of
    the series with every changed occurrence. Gives the answered component. Raises `Denied` for who is not invited."""
    own = tuple(own)
    if occurrence is not None and occurrence.planned is not None:
        targets = [_override(resource, occurrence)]
    else:
        targets = [resource.main, *(one for one in resource.overrides if one is not resource.main)]
    if not [target for target in targets if people.respond(target, own, response)]:
        raise Denied("this account is not invited to the event")
    for target in targets:
        target.put("DTSTAMP", [Line("DTSTAMP", values.written(now.astimezone(UTC)))])
    return targets[0]
