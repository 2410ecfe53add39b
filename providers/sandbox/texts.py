"""Stored texts -> events, contacts and tasks, as pure functions; what is lost is said by `providers.formats`."""

from providers.formats import contentlines
from providers.formats.contentlines import Component
from providers.formats.ical import read
from providers.formats.ical.occurrences import Occurrence
from providers.formats.ical.resource import Resource, resources
from providers.sandbox.cabinet import Entry
from schemas.calendar import Event


def resource_of(entry: Entry) -> Resource:
    """The events of an entry: one UID."""
    return resources(entry.text)[0]


def component_of(entry: Entry) -> Component:
    """The VCALENDAR or VCARD of an entry."""
    return contentlines.parse(entry.text)[0]


def event(entry: Entry, resource: Resource, view: read.View, occurrence: Occurrence | None = None) -> Event:
    """The master or single event of an entry, or one of its occurrences."""
    shown = (
        read.master(resource, entry.id, view)
        if occurrence is None
        else read.occurrence(resource, occurrence, entry.id, view)
    )
    return shown.model_copy(update={"etag": entry.etag, "calendar_id": entry.shelf})


def parts(item: str) -> tuple[str, str | None]:
    """The entry and the occurrence that an id names; see `read.occurrence_id`."""
    entry_id, _, key = item.partition("_")
    return entry_id, key or None
