"""What takes an owner's time. Texts that stay as they are are read once, and so are the calendars of an account."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from providers.formats.ical import marks
from providers.formats.ical.occurrences import Occurrence, between
from providers.formats.ical.resource import Resource, resources
from providers.sandbox.cabinet import Cabinet
from providers.sandbox.client import Client
from schemas.calendar import ShowAs
from schemas.schedules import FreeBusyItem

_KEPT = 8192  # texts of about 1 KiB
_WEIGHT = 1000  # octets of an item or a series, about


@dataclass(frozen=True, slots=True)
class Agenda:
    """What stands in an account's own calendars: single items, and series, which nobody may change."""

    items: tuple[FreeBusyItem, ...]
    series: tuple[Resource, ...]

    @property
    def weight(self) -> int:
        """Octets of memory, about."""
        return (len(self.items) + len(self.series)) * _WEIGHT

    def within(self, time_min: datetime, time_max: datetime) -> list[FreeBusyItem]:
        """What is not free within a window, in order."""
        found = [one for one in self.items if one.end > time_min and one.start < time_max]  # type: ignore[operator]
        for one in self.series:
            found += filter(None, map(_item, between(one, time_min, time_max)))
        return sorted(found, key=lambda item: (item.start, item.end))


def agenda(client: Client, cabinet: Cabinet, account: int) -> Agenda:
    """The agenda as it is in this transaction; kept until something in the account's calendars is written."""
    key = ("agenda", account, *cabinet.state())
    found = client.kept.get(key)
    if not isinstance(found, Agenda):
        own = (shelf for shelf in cabinet.shelves() if shelf.writable)
        found = _read(entry.text for shelf in own for entry in cabinet.entries(shelf.id))
        client.kept.put(key, found)
    return found


def _read(texts: Iterable[bytes]) -> Agenda:
    known = [_known(text) for text in texts]
    items = (one for one in known if isinstance(one, FreeBusyItem))
    return Agenda(tuple(items), tuple(one for one in known if isinstance(one, Resource)))


@lru_cache(maxsize=_KEPT)
def _known(text: bytes) -> FreeBusyItem | Resource | None:
    """A single event's item, None when it takes no time; a series."""
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
