"""The events of a calendar: which items a resource has, and which occurrences lie in a window.

`changes` tells of a resource by the id of its master (or single event) and by one id for each changed occurrence, all
of them with the version of the resource: whatever is changed in it changes the ETag of all of them. Of an event without
a master (invited to single occurrences only) the occurrences are told, and that there is no master.
"""

import re
from datetime import UTC, datetime

from providers.base.errors import Invalid, NotFound, TooLarge
from providers.caldav import convert, paths, queries
from providers.caldav.changes import Window
from providers.caldav.files import File, Files
from providers.formats import values
from providers.formats.ical.occurrences import between, key_of, modified
from providers.formats.ical.resource import Resource
from providers.formats.ical.spans import Span

_PLAIN = 64 * 1024  # octets
_UID = re.compile(rb"^UID:([!-~]+)\r?\n(?![ \t])", re.MULTILINE)  # not folded, nothing but ASCII
EARLIEST, LATEST = datetime(2, 1, 2, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)


class EventItems:
    """What the change log has to know about events; see `changes.Contents`."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def items(self, file: File, window: Window) -> dict[str, str | None]:
        """The master as "", changed occurrences by their keys."""
        if window.is_open and (uid := _plain(file.data)) is not None:
            return {"": uid}
        try:
            resource = convert.resource(file)
        except NotFound:
            return {}
        except TooLarge:  # something is there
            return {"": None}
        if not window.is_open and not lies_in(resource, window):
            return {}
        changed = [one for one in modified(resource) if one.planned is not None and is_in(one.span, window)]
        keys = [key_of(one.planned) for one in changed if one.planned is not None]
        return dict.fromkeys([*([""] if resource.master is not None else []), *keys], resource.uid or None)

    def item(self, path: str, key: str) -> str:
        """The id of an event or an occurrence."""
        return f"{paths.item_id(path)}_{key}" if key else paths.item_id(path)

    async def within(self, folder: str, window: Window) -> list[str] | None:
        """By the server's own search."""
        return await queries.events_within(self._files, folder, window)


def _plain(data: bytes) -> str | None:
    """The UID of a text with one event and nothing that could be a changed occurrence: most are so, and are not taken
    apart to find that out. None for all others."""
    if b"RECURRENCE-ID" in data.upper() or data.count(b"BEGIN:VEVENT") != 1 or len(data) > _PLAIN:
        return None
    found = _UID.findall(data)
    return values.text(found[0].decode("ascii")).strip() if len(found) == 1 else None


def is_in(span: Span, window: Window) -> bool:
    """Ends after the beginning of a window and starts before its end."""
    late = window.first is None or span.end.moment > window.first
    return late and (window.last is None or span.start.moment < window.last)


def lies_in(resource: Resource, window: Window) -> bool:
    """Whether anything of an event lies in a window; what cannot be expanded might."""
    try:
        return next(between(resource, window.first or EARLIEST, window.last or LATEST), None) is not None
    except Invalid:
        return True
