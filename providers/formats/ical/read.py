"""VEVENT -> event. What iCalendar has and the contract has not (contacts, resources, geo positions, ...) is not shown;
it can be asked for by its name as a native property."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from providers.formats import values
from providers.formats.contentlines import Component, write_line
from providers.formats.ical import marks, people
from providers.formats.ical.alarms import reminder
from providers.formats.ical.attachments import attachments
from providers.formats.ical.conferences import conference, provider
from providers.formats.ical.occurrences import Occurrence, deleted, key_of, modified, override_of
from providers.formats.ical.repeating import recurrence
from providers.formats.ical.resource import Resource
from providers.formats.ical.spans import When, span
from schemas.calendar import Event, RecurrenceType, SeriesInfo
from schemas.mail import BodyType
from schemas.meetings import MeetingInfo
from schemas.recurrence import OccurrenceInfo, OccurrenceType


@dataclass(frozen=True, slots=True)
class View:
    """What to show: `own` addresses of the account (for its response), names of native properties, the rendering."""

    own: tuple[str, ...] = ()
    native: tuple[str, ...] = ()
    body_type: BodyType = BodyType.TEXT


def occurrence_id(master_id: str, key: str) -> str:
    """The id of an occurrence: that of its master and its key."""
    return f"{master_id}_{key}"


def master(resource: Resource, item_id: str, view: View = View()) -> Event:
    """The master of a series, a single event, or the only known occurrence of one."""
    if resource.master is None:
        only = override_of(resource, resource.main)
        if only is not None and only.planned is not None:
            return occurrence(resource, only, item_id, view)
    found = span(resource.main, resource.zones)
    return _fields(resource, resource.main, view, item_id).model_copy(
        update={
            "start": found.start.record() if found else None,
            "end": found.end.record() if found else None,
            "recurrence_type": RecurrenceType.MASTER if resource.repeats else RecurrenceType.SINGLE,
            "recurrence": recurrence(resource),
            "reminder": reminder(resource.main, found),
        }
    )


def occurrence(resource: Resource, found: Occurrence, master_id: str, view: View = View()) -> Event:
    """One occurrence; a single event is itself."""
    if found.planned is None:
        return master(resource, master_id, view)
    item_id = occurrence_id(master_id, key_of(found.planned))
    return _fields(resource, found.component, view, item_id).model_copy(
        update={
            "start": found.span.start.record(),
            "end": found.span.end.record(),
            "recurrence_type": RecurrenceType.OCCURRENCE,
            "occurrence_info": info(found.planned, found.type, master_id, found.span.start),
            "reminder": reminder(found.component, found.span),
        }
    )


def info(planned: When, kind: OccurrenceType, master_id: str, start: When | None) -> OccurrenceInfo:
    """Where an occurrence stands in its series."""
    return OccurrenceInfo(
        id=occurrence_id(master_id, key_of(planned)),
        type=kind,
        original_start=planned.record(),
        start=start.record() if start else None,
        master_id=master_id,
    )


def series_info(resource: Resource, item_id: str) -> SeriesInfo:
    """The recurrence, and the occurrences that were changed or deleted. Raises `Invalid`."""
    changed = [one for one in modified(resource) if one.planned is not None]
    return SeriesInfo(
        id=item_id,
        recurrence=recurrence(resource),
        modified_occurrences=[info(one.planned, one.type, item_id, one.span.start) for one in changed if one.planned],
        deleted_occurrences=[info(when, OccurrenceType.DELETED, item_id, None) for when in deleted(resource)],
    )


def _fields(resource: Resource, event: Component, view: View, item_id: str) -> Event:
    """Everything but the times."""
    attached = attachments(event)
    return Event(
        id=item_id,
        created_time=_moment(event, "CREATED"),
        last_modified_time=_moment(event, "LAST-MODIFIED") or _moment(event, "DTSTAMP"),
        subject=_text(event, "SUMMARY"),
        description=_description(event, view.body_type),
        location=_text(event, "LOCATION"),
        organizer=people.organizer(event),
        meeting_info=_meeting(event, view.own),
        i_cal_uid=resource.uid or None,
        show_as=marks.show_as(event),
        sensitivity=marks.sensitivity(event),
        categories=marks.categories(event) or None,
        html_link=event.value("URL"),
        has_attachments=bool(attached),
        attachments=attached or None,
        native_properties=native(event, view.native),
    )


def _text(event: Component, name: str) -> str | None:
    value = event.value(name)
    return values.text(value) if value is not None else None


def _description(event: Component, body_type: BodyType) -> str | None:
    """The HTML that Outlook and others keep beside the text, when HTML is asked for."""
    rich = event.get("X-ALT-DESC")
    if body_type is BodyType.HTML and rich is not None and (rich.parameter("FMTTYPE") or "").lower() == "text/html":
        return values.text(rich.value)
    return _text(event, "DESCRIPTION")


def _moment(event: Component, name: str) -> datetime | None:
    found = values.moment(event.value(name) or "")
    return found if isinstance(found, datetime) and found.tzinfo is not None and found.year > 1 else None


def _meeting(event: Component, own: Iterable[str]) -> MeetingInfo | None:
    """None for an event without people, conference and cancellation."""
    invited, details = people.attendees(event), conference(event)
    cancelled = marks.is_cancelled(event)
    if not (invited or details or cancelled or event.get("ORGANIZER")):
        return None
    return MeetingInfo(
        canceled=cancelled,
        attendees=invited or None,
        response=people.own_response(event, own),
        online_meeting_provider=provider(details),
        online_meeting_details=details,
    )


def native(event: Component, names: Iterable[str]) -> dict[str, str] | None:
    """The values of properties as they are written; of several with one name, their lines."""
    found = {name: event.all(name.upper()) for name in names}
    shown = {
        name: lines[0].value if len(lines) == 1 else "\n".join(map(write_line, lines))
        for name, lines in found.items()
        if lines
    }
    return shown or None
