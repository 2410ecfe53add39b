"""What takes an owner's time. Texts that stay as they are are read once."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from providers.formats.ical import marks
from providers.formats.ical.occurrences import Occurrence, between
from providers.formats.ical.resource import Resource, resources
from schemas.calendar import ShowAs
from schemas.schedules import FreeBusyItem

_KEPT = 8192  # texts of about 1 KiB


def taken(texts: Iterable[bytes], time_min: datetime, time_max: datetime) -> list[FreeBusyItem]:
    """What is not free within a window, in order."""
    found = (item for text in texts for item in _of(text, time_min, time_max))
    return sorted(found, key=lambda item: (item.start, item.end))


def _of(text: bytes, time_min: datetime, time_max: datetime) -> Iterator[FreeBusyItem]:
    known = _known(text)
    if isinstance(known, Resource):
        yield from filter(None, map(_item, between(known, time_min, time_max)))
    elif known is not None and known.end > time_min and known.start < time_max:  # type: ignore[operator]
        yield known


@lru_cache(maxsize=_KEPT)
def _known(text: bytes) -> FreeBusyItem | Resource | None:
    """A single event's item, None when it takes no time; a series, which nobody may change."""
    resource = resources(text)[0]
    if resource.repeats or resource.master is None or resource.current():
        return resource
    span = resource.span
    return None if span is None else _item(Occurrence(resource.master, span, None))


def _item(one: Occurrence) -> FreeBusyItem | None:
    status = marks.show_as(one.component)
    if status is ShowAs.FREE or marks.is_cancelled(one.component):
        return None
    return FreeBusyItem(start=one.span.start.moment, end=one.span.end.moment, status=status)
