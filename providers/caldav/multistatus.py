"""207 answers (RFC 4918 13, RFC 6578): what a server says of each resource."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from providers.base.errors import Unavailable
from providers.caldav.elements import DAV
from providers.caldav.paths import canonical

_HEAD = 500  # octets that the name of the root is looked for in
_STATUS = re.compile(r"HTTP/\S+\s+(\d{3})")


@dataclass(frozen=True, slots=True)
class Found:
    """What is said of one resource: its status where that is given for all of it, the properties that it has, and the
    names of preconditions that failed (`{DAV:}number-of-matches-within-limits`)."""

    path: str
    status: int | None = None
    props: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)  # property -> status
    errors: frozenset[str] = frozenset()

    def text(self, name: str) -> str | None:
        """The text of a property; None without any."""
        found = self.props.get(name)
        text = "".join(found.itertext()).strip() if found is not None else ""
        return text or None

    def hrefs(self, name: str) -> list[str]:
        """The hrefs in a property, as they are written."""
        found = self.props.get(name)
        return (
            [text for one in found.iter(DAV + "href") if (text := (one.text or "").strip())]
            if found is not None
            else []
        )

    def children(self, name: str) -> list[Any]:
        """The elements in a property."""
        found = self.props.get(name)
        return list(found) if found is not None else []


@dataclass(frozen=True, slots=True)
class Multistatus:
    """One answer; `url` is that of the request, after redirects."""

    url: str
    found: tuple[Found, ...]
    sync_token: str | None = None


class Damaged(Unavailable):
    """An answer that begins as it should: one resource in it is not fit for XML (octets that are no text), or larger
    than a parser should take."""


def document(body: bytes) -> Any:
    """The root of an XML document. Entities and document types are refused: no DAV server needs them, attackers do.

    Raises `Unavailable` for what is no such document, `Damaged` where asking for less at once may help."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body.lstrip(), parser)  # scripts leave blank lines before the declaration
    except (etree.XMLSyntaxError, ValueError) as error:
        damaged = b"multistatus" in body[:_HEAD] and b"multistatus" in body[-_HEAD:]
        raise (Damaged if damaged else Unavailable)(f"the server's answer is no XML: {str(error)[:200]}") from None
    if root.getroottree().docinfo.doctype:
        raise Unavailable("the server's answer has a document type, which is not read")
    return root


def preconditions(body: bytes) -> frozenset[str]:
    """The names in a DAV:error; none where the body is something else."""
    try:
        root = document(body) if body.lstrip()[:1] == b"<" else None
    except Unavailable:
        return frozenset()
    return frozenset(one.tag for one in root) if root is not None and root.tag == DAV + "error" else frozenset()


def read(body: bytes, url: str) -> Multistatus:
    """The answer to a request that was made at `url`. Raises `Unavailable` for what is none."""
    root = document(body)
    if root.tag != DAV + "multistatus":
        raise Unavailable("the server's answer is no multistatus")
    found = tuple(one for response in root.iter(DAV + "response") for one in _responses(response, url))
    token = root.findtext(DAV + "sync-token")
    return Multistatus(url, found, token.strip() if token and token.strip() else None)


def _responses(response: Any, url: str) -> Iterator[Found]:
    props, refused = {}, {}
    for propstat in response.iter(DAV + "propstat"):
        status = _status(propstat) or 200
        for one in propstat.findall(f"{DAV}prop/*"):
            if status == 200:
                props[one.tag] = one
            else:
                refused[one.tag] = status
    errors = frozenset(one.tag for error in response.findall(DAV + "error") for one in error)
    for href in response.findall(DAV + "href"):
        yield Found(canonical(href.text or "", url), _status(response), props, refused, errors)


def _status(parent: Any) -> int | None:
    match = _STATUS.match((parent.findtext(DAV + "status") or "").strip())
    return int(match[1]) if match else None
