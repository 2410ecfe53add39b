"""Resources <-> records of the contract.

What the mapping loses (see also `providers/formats/ical` and `vcard`): one resource is one event with all its changed
occurrences, so they share an ETag; of a resource with several UIDs, which RFC 4791 forbids, only the first is shown,
the others stay as they are; a change of "this and all future" occurrences is shown, and cannot be written.
"""

from providers.base.errors import Invalid, NotFound, TooLarge
from providers.base.ports import EventView
from providers.caldav.files import File
from providers.caldav.paths import item_id, parent
from providers.formats import contentlines
from providers.formats.contentlines import Component
from providers.formats.ical import read
from providers.formats.ical.occurrences import Occurrence
from providers.formats.ical.resource import Resource, resources
from schemas.calendar import Event


def resource(file: File) -> Resource:
    """The event of a resource. Raises `NotFound` when it is something else, `TooLarge`."""
    try:
        found = resources(file.data)
    except TooLarge:
        raise
    except Invalid:
        found = []
    if not found:
        raise NotFound("there is no event in this resource")
    return found[0]


def view_of(view: EventView, own: tuple[str, ...]) -> read.View:
    """How the formats are to render an event."""
    return read.View(own, view.native_properties, view.body_type)


def event(file: File, found: Resource, view: read.View) -> Event:
    """The master, or the single event."""
    return _placed(file, read.master(found, item_id(file.path), view))


def occurrence(file: File, found: Resource, one: Occurrence, view: read.View) -> Event:
    """An occurrence of it."""
    return _placed(file, read.occurrence(found, one, item_id(file.path), view))


def _placed(file: File, record: Event) -> Event:
    return record.model_copy(update={"etag": file.version or None, "calendar_id": item_id(parent(file.path))})


def text(found: Resource) -> bytes:
    """What is written back: the whole calendar text, whatever else it has."""
    return contentlines.write(found.calendar)


def written(calendar: Component) -> bytes:
    """A new calendar text."""
    return contentlines.write(calendar)
