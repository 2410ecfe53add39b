"""The collections of an account: calendars, task lists and address books, and what may be done in them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from providers.base.errors import NotFound
from providers.caldav.client import Dav
from providers.caldav.elements import APPLE, CAL, CARD, CTAG, DAV, SYNC_TOKEN
from providers.caldav.grant import Home
from providers.caldav.multistatus import Found
from providers.caldav.paths import canonical, folder

PROPS = (
    DAV + "resourcetype",
    DAV + "displayname",
    DAV + "owner",
    DAV + "current-user-privilege-set",
    SYNC_TOKEN,
    CTAG,
    CAL + "calendar-description",
    CAL + "supported-calendar-component-set",
    CARD + "addressbook-description",
    CARD + "supported-address-data",
    APPLE + "calendar-color",
    APPLE + "calendar-order",
)
_CHANGING = frozenset((DAV + "write", DAV + "write-content", DAV + "bind", DAV + "all"))
_LATE = 10**6  # the place of a calendar that says none


@dataclass(frozen=True, slots=True)
class Folder:
    """A collection. `components` are what it may hold (all, where the server does not say); `mine` unless its owner is
    somebody else; `writable` unless the server says that it is not."""

    path: str
    name: str | None
    description: str | None
    color: str | None
    order: int
    is_calendar: bool
    is_book: bool
    components: frozenset[str]
    mine: bool
    owned: bool
    writable: bool
    token: str | None
    ctag: str | None
    takes_vcard4: bool

    @property
    def has_events(self) -> bool:
        """Whether it is a calendar."""
        return self.is_calendar and (not self.components or "VEVENT" in self.components)

    @property
    def has_tasks(self) -> bool:
        """Whether it is a task list."""
        return self.is_calendar and (not self.components or "VTODO" in self.components)


async def collections(dav: Dav, home: Home) -> list[Folder]:
    """Every calendar and address book in the home sets, in the order that the owner gave them, then by name."""
    found: dict[str, Folder] = {}
    for url in home.sets:
        answer = await dav.propfind(url, PROPS, depth=1)
        for one in answer.found:
            place = _folder(one, home, answer.url)
            if place is not None and (place.is_calendar or place.is_book):
                found.setdefault(place.path, place)
    return sorted(found.values(), key=lambda one: (one.order, (one.name or "").lower(), one.path))


async def collection(dav: Dav, home: Home, path: str) -> Folder:
    """One collection. Raises `NotFound`, also for what is none."""
    answer = await dav.propfind(urljoin(home.sets[0], path), PROPS)
    found = next((_folder(one, home, answer.url) for one in answer.found), None)
    if found is None or not (found.is_calendar or found.is_book):
        raise NotFound("there is no such collection")
    return found


def _folder(found: Found, home: Home, url: str) -> Folder | None:
    if found.status is not None and found.status >= 400:
        return None
    kinds = {one.tag for one in found.children(DAV + "resourcetype")}
    owners = [canonical(href, url).rstrip("/") for href in found.hrefs(DAV + "owner")]
    own = canonical(home.principal).rstrip("/")
    privileges = {one.tag for privilege in found.children(DAV + "current-user-privilege-set") for one in privilege}
    return Folder(
        path=folder(found.path),
        name=found.text(DAV + "displayname"),
        description=found.text(CAL + "calendar-description") or found.text(CARD + "addressbook-description"),
        color=_color(found.text(APPLE + "calendar-color")),
        order=_number(found.text(APPLE + "calendar-order")),
        is_calendar=CAL + "calendar" in kinds and CAL + "schedule-inbox" not in kinds,
        is_book=CARD + "addressbook" in kinds,
        components=_components(found),
        mine=not owners or own in owners,
        owned=own in owners or (not owners and DAV + "all" in privileges),
        writable=bool(privileges & _CHANGING) or DAV + "current-user-privilege-set" not in found.props,
        token=found.text(SYNC_TOKEN),
        ctag=found.text(CTAG),
        takes_vcard4=_takes(found.children(CARD + "supported-address-data"), "4.0"),
    )


def _components(found: Found) -> frozenset[str]:
    names = (one.get("name", "").upper() for one in found.children(CAL + "supported-calendar-component-set"))
    return frozenset(name for name in names if name)


def _takes(types: list[Any], version: str) -> bool:
    return any(one.get("version") == version for one in types)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else _LATE


def _color(text: str | None) -> str | None:
    """`#RRGGBB`; Apple adds the opacity."""
    return text[:7] if text and text.startswith("#") else text
