"""REPORTs that look for items: by time, by UID."""

from datetime import UTC, datetime, timedelta
from typing import Any

from providers.base.errors import Denied, Invalid, Unauthorized, Unavailable, Unsupported
from providers.caldav import elements
from providers.caldav.changes import Window
from providers.caldav.elements import CAL, ETAG
from providers.caldav.files import Files, is_member

_MARGIN = timedelta(days=2)  # servers differ about dates, floating times and ends: what they give is looked at again
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)  # of what servers take


async def events_within(files: Files, folder: str, window: Window) -> list[str] | None:
    """The resources with events that may lie in a window; None where the server cannot say."""
    names = {"start": window.first and window.first - _MARGIN, "end": window.last and window.last + _MARGIN}
    ends = {
        name: f"{end.astimezone(UTC):%Y%m%dT%H%M%SZ}" for name, end in names.items() if end and _FIRST < end < _LAST
    }
    if not ends:
        return None
    return await _asked(files, folder, _filter("VEVENT", elements.element(CAL + "time-range", **ends)))


async def components(files: Files, folder: str, name: str) -> list[str] | None:
    """The resources with components of that name."""
    return await _asked(files, folder, _filter(name))


async def with_uid(files: Files, folder: str, name: str, uid: str) -> list[str] | None:
    """The resources that may have this UID; None where the server cannot say (iCloud does not search texts)."""
    match = elements.element(CAL + "text-match", text=uid, collation="i;octet")
    return await _asked(files, folder, _filter(name, elements.element(CAL + "prop-filter", match, name="UID")))


def _filter(name: str, *inner: Any) -> bytes:
    component = elements.element(CAL + "comp-filter", *inner, name=name)
    outer = elements.element(CAL + "comp-filter", component, name="VCALENDAR")
    return elements.written(
        elements.element(CAL + "calendar-query", elements.props((ETAG,)), elements.element(CAL + "filter", outer))
    )


async def _asked(files: Files, folder: str, body: bytes) -> list[str] | None:
    try:
        answer = await files.dav.report(files.url(folder), body)
    except Unauthorized:
        raise
    except (Invalid, Unsupported, Denied):
        return None
    except Unavailable as error:
        if isinstance(error.original, dict) and error.original.get("status") == 500:
            return None  # it fails at this question; whether at all, the next one shows
        raise
    if any(one.status == 507 for one in answer.found):
        return None  # cut short: no use
    return [one.path for one in answer.found if is_member(one.path, folder) and (one.status or 200) < 400]
