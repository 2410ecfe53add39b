"""Ways of saying the same in DAV: what a front makes of a server's answers, so that they look like those of others."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from tests.servers.dav_front import Asked, DavFront

DAV = "{DAV:}"
Change = Callable[[Asked, Any], None]  # of the root of an answer
_DATA = ("{urn:ietf:params:xml:ns:caldav}calendar-data", "{urn:ietf:params:xml:ns:carddav}address-data")
_PREFIXES = {
    "DAV:": "x-y.z",
    "urn:ietf:params:xml:ns:caldav": "DAV",
    "urn:ietf:params:xml:ns:carddav": "D",
    "http://calendarserver.org/ns/": "C",
    "http://apple.com/ns/ical/": "_1",
}


def _edit(front: DavFront, change: Change, write: Callable[[Any], bytes] = etree.tostring) -> None:
    def edit(asked: Asked, body: bytes) -> bytes:
        if b"multistatus" not in body[:500]:
            return body
        root = etree.fromstring(body)
        change(asked, root)
        return write(root)

    front.edits.append(edit)


def _hrefs(root: Any) -> Iterator[Any]:
    return (one for one in root.iter(DAV + "href") if one.text)


def _nothing(asked: Asked, root: Any) -> None:
    return


def _renamed(root: Any, names: Mapping[str | None, str]) -> bytes:
    """The same elements under other prefixes."""

    def copy(old: Any, parent: Any) -> Any:
        new = etree.Element(old.tag, old.attrib, nsmap=names) if parent is None else etree.SubElement(parent, old.tag)
        new.attrib.update(old.attrib)
        new.text, new.tail = old.text, old.tail
        for child in old:
            copy(child, new)
        return new

    return bytes(etree.tostring(copy(root, None)))


def default_namespace(front: DavFront) -> None:
    """No prefix for `DAV:`."""
    others: dict[str | None, str] = {prefix: name for name, prefix in _PREFIXES.items() if name != "DAV:"}
    _edit(front, _nothing, lambda root: _renamed(root, {None: "DAV:", **others}))


def odd_prefixes(front: DavFront) -> None:
    """Prefixes that others use for something else."""
    _edit(front, _nothing, lambda root: _renamed(root, {prefix: name for name, prefix in _PREFIXES.items()}))


def absolute_hrefs(front: DavFront) -> None:
    """With scheme and host."""

    def change(asked: Asked, root: Any) -> None:
        for one in _hrefs(root):
            one.text = front.url + one.text if one.text.startswith("/") else one.text

    _edit(front, change)


def relative_hrefs(front: DavFront) -> None:
    """From the resource that was asked."""

    def change(asked: Asked, root: Any) -> None:
        base = unquote(urlsplit(asked.path).path).rpartition("/")[0] + "/"
        for one in root.iter(DAV + "response"):
            href = one.find(DAV + "href")
            path = unquote(href.text)
            if path.startswith(base):
                rest = path[len(base) :]
                href.text = "./" + re.sub(r"[ %?#]", lambda sign: f"%{ord(sign[0]):02X}", rest)

    _edit(front, change)


def escaped_hrefs(front: DavFront) -> None:
    """Everything but letters and digits escaped, in small letters."""

    def change(asked: Asked, root: Any) -> None:
        for one in _hrefs(root):
            if "://" not in one.text and ":" not in one.text:
                one.text = re.sub(r"[^A-Za-z0-9/]", lambda sign: f"%{ord(sign[0]):02x}", unquote(one.text))

    _edit(front, change)


def wrapped_data(front: DavFront) -> None:
    """Contents in CDATA, a byte order mark, comments and processing instructions."""

    def change(asked: Asked, root: Any) -> None:
        for one in root.iter(*_DATA):
            if one.text:
                one.text = etree.CDATA(one.text)
        for one in list(root):
            one.insert(0, etree.Comment(" said by a proxy "))

    head = b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>\n<?proxy was here?>"
    _edit(front, change, lambda root: head + etree.tostring(root, encoding="utf-8"))


def blank_lines_first(front: DavFront) -> None:
    """As scripts with a blank line at their end give."""
    _edit(front, _nothing, lambda root: b"\r\n\n<?xml version='1.0'?>" + etree.tostring(root))


def latin_letters(front: DavFront) -> None:
    """Another encoding than UTF-8."""
    _edit(front, _nothing, lambda root: bytes(etree.tostring(root, xml_declaration=True, encoding="iso-8859-1")))


def verbose(front: DavFront) -> None:
    """Properties that nobody asked for, some of them missing, with words for people."""
    words = (
        "<response xmlns='DAV:' xmlns:v='urn:vendor'><propstat><prop><getetag/><v:x><href>/no/</href></v:x></prop>"
        "<status>HTTP/1.1 404 Not Found</status><responsedescription>none</responsedescription></propstat>"
        "<propstat><prop><v:more>1</v:more></prop><status> HTTP/1.1 200 </status></propstat></response>"
    )

    def change(asked: Asked, root: Any) -> None:
        for one in root.findall(DAV + "response"):
            if one.find(DAV + "propstat") is not None:
                one.extend(etree.fromstring(words))

    _edit(front, change)


def weak_versions(front: DavFront) -> None:
    """As behind a proxy that compresses."""

    def change(asked: Asked, root: Any) -> None:
        for one in root.iter(DAV + "getetag"):
            one.text = f"W/{one.text}" if one.text else one.text

    _edit(front, change)
    front.header_edits.append(lambda asked, name, value: f"W/{value}" if name.lower() == "etag" else value)


def versions_by_propfind_only(front: DavFront) -> None:
    """No ETag with GET and PUT."""
    front.header_edits.append(lambda asked, name, value: None if name.lower() == "etag" else value)


def no_versions_with_data(front: DavFront) -> None:
    """A multiget without getetag: it has to be asked for."""

    def change(asked: Asked, root: Any) -> None:
        for one in list(root.iter(DAV + "getetag")):
            if b"multiget" in asked.body and any(data in {each.tag for each in one.getparent()} for data in _DATA):
                one.getparent().remove(one)

    _edit(front, change)


DIALECTS = (
    default_namespace,
    odd_prefixes,
    absolute_hrefs,
    relative_hrefs,
    escaped_hrefs,
    wrapped_data,
    blank_lines_first,
    latin_letters,
    verbose,
    weak_versions,
    versions_by_propfind_only,
    no_versions_with_data,
)
