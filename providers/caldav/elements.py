"""The names of WebDAV's XML, and the bodies of requests."""

from collections.abc import Iterable
from typing import Any

from lxml import etree

DAV = "{DAV:}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
CARD = "{urn:ietf:params:xml:ns:carddav}"
CALSERVER = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"

_NAMES = {"d": DAV, "c": CAL, "a": CARD, "s": CALSERVER, "i": APPLE}
_NSMAP = {prefix: name[1:-1] for prefix, name in _NAMES.items()}

ETAG = DAV + "getetag"
SYNC_TOKEN = DAV + "sync-token"
CTAG = CALSERVER + "getctag"
CALENDAR_DATA = CAL + "calendar-data"
ADDRESS_DATA = CARD + "address-data"


def element(tag: str, /, *children: Any, text: str | None = None, **attributes: str) -> Any:
    """An element; `children` that are strings are names of empty ones, hyphens in attributes are underscores."""
    made = etree.Element(tag, {key.replace("_", "-"): value for key, value in attributes.items()}, nsmap=_NSMAP)
    made.text = text
    made.extend(etree.SubElement(made, child) if isinstance(child, str) else child for child in children)
    return made


def written(root: Any) -> bytes:
    """The document of a request."""
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def props(names: Iterable[str]) -> Any:
    """DAV:prop with empty properties."""
    return element(DAV + "prop", *names)


def propfind(names: Iterable[str]) -> bytes:
    """Asks for properties."""
    return written(element(DAV + "propfind", props(names)))


def setting(root: str, values: Iterable[Any]) -> bytes:
    """MKCALENDAR, MKCOL or PROPPATCH with the properties to set."""
    return written(element(root, element(DAV + "set", element(DAV + "prop", *values))))


def hrefs(paths: Iterable[str]) -> list[Any]:
    """DAV:href for each path."""
    return [element(DAV + "href", text=path) for path in paths]
