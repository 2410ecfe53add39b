"""Where an account's collections are (RFC 6764): a server, its principal, the principal's home sets.

The first question goes out without a password: `/.well-known` is often answered by a web site that has nothing to do
with calendars. Only where that leads, within one service, the password is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import dns.exception
import dns.resolver

from providers.base.errors import Denied, NotFound, ProviderError, Unauthorized, Unavailable
from providers.base.lane import Lane
from providers.caldav import elements, service
from providers.caldav.client import Dav
from providers.caldav.elements import CAL, CARD, DAV
from providers.caldav.grant import Home
from providers.caldav.multistatus import Found
from providers.formats.contentlines import Line
from providers.formats.ical.people import address_of

_DNS_SECONDS = 3.0  # for one question
_PRINCIPAL = (DAV + "current-user-principal", DAV + "principal-URL")
_SCHEDULING = (CAL + "schedule-inbox-URL", CAL + "schedule-outbox-URL", CAL + "calendar-user-address-set")
_lookups = Lane(8)


@dataclass(frozen=True, slots=True)
class _Names:
    well_known: str
    record: str
    home_set: str
    more: tuple[str, ...] = ()


class Kind(Enum):
    """The two services."""

    CALENDARS = _Names("/.well-known/caldav", "_caldavs._tcp", CAL + "calendar-home-set", _SCHEDULING)
    CONTACTS = _Names("/.well-known/carddav", "_carddavs._tcp", CARD + "addressbook-home-set")


async def home(dav: Dav, kind: Kind, starts: Sequence[str]) -> Home:
    """What the account has at the first of these URLs that leads to it.

    Raises `Unauthorized` at the first server that refuses, so that no other one sees the password; else the first
    failure, or `NotFound`."""
    failures: list[ProviderError] = []
    for start in starts:
        try:
            return await _home(dav, kind, start)
        except Unauthorized:
            raise
        except ProviderError as error:
            failures.append(error)
    denied = next((error for error in failures if isinstance(error, Denied)), None)
    raise denied or next(iter(failures), None) or NotFound("no server to ask")


async def _home(dav: Dav, kind: Kind, start: str) -> Home:
    context = await _context(dav, kind, start)
    names = kind.value
    (first, url) = await _one(dav, context, (*_PRINCIPAL, names.home_set, *names.more))
    principal = next((service.place(url, href) for name in _PRINCIPAL for href in first.hrefs(name)), None)
    if principal is not None:
        _check(url, principal)
        (first, url) = await _one(dav, principal, (names.home_set, *names.more))
    sets = tuple(service.place(url, href) for href in first.hrefs(names.home_set))
    if not sets:
        raise NotFound(
            f"{urlsplit(url).netloc} has no {names.well_known.rpartition('/')[2]} collections for this login"
        )
    for place in sets:
        _check(url, place)
    return await _described(dav, first, url, principal or url, sets)


async def _described(dav: Dav, found: Found, url: str, principal: str, sets: tuple[str, ...]) -> Home:
    addresses = (address_of(Line("ATTENDEE", href)) for href in found.hrefs(_SCHEDULING[2]))
    inbox, outbox = (next((service.place(url, href) for href in found.hrefs(name)), None) for name in _SCHEDULING[:2])
    schedules = outbox is not None and await _schedules(dav, sets[0])
    known = tuple(dict.fromkeys(address for address in addresses if address))
    return Home(principal=principal, sets=sets, addresses=known, schedules=schedules, inbox=inbox, outbox=outbox)


async def _schedules(dav: Dav, url: str) -> bool:
    reply = await dav.send("OPTIONS", url)
    return "calendar-auto-schedule" in {word.strip().lower() for word in reply.headers.get("dav", "").split(",")}


async def _one(dav: Dav, url: str, names: Sequence[str]) -> tuple[Found, str]:
    answer = await dav.propfind(url, names)
    if not answer.found:
        raise Unavailable(f"{urlsplit(url).netloc} says nothing about {urlsplit(url).path}")
    return answer.found[0], answer.url


async def _context(dav: Dav, kind: Kind, start: str) -> str:
    """Where to ask for the principal: the URL itself where it has a path, else where the well-known one leads."""
    parts = urlsplit(start)
    if parts.path not in ("", "/"):
        return start
    well_known = urlunsplit((parts.scheme, parts.netloc, kind.value.well_known, "", ""))
    body = elements.propfind(_PRINCIPAL)
    reply = await dav.send("PROPFIND", well_known, body, {"Depth": "0"}, signed=False)
    return reply.url if reply.status in (207, 401) else urlunsplit((parts.scheme, parts.netloc, "/", "", ""))


def _check(url: str, place: str) -> None:
    """A server may spread over the hosts of its own domain only."""
    old, new = urlsplit(url), urlsplit(place)
    if not service.same(old.hostname or "", new.hostname or ""):
        raise service.foreign(new.hostname or place[:100], old.hostname or "")
    if old.scheme == "https" and new.scheme != "https":
        raise Denied(f"{old.hostname} points to a place without TLS: the password was not sent there")


async def of_domain(
    domain: str, kind: Kind, resolver: dns.resolver.Resolver | None, trusted: Sequence[str] = ()
) -> list[str]:
    """Where a mail domain (ASCII) says that its server is: by SRV and TXT records, else itself.

    DNS answers can be forged (RFC 6764 section 8): a server of another service counts only when it is one with a host
    of `trusted`. Raises `Denied` when there is nothing but such a server."""
    found = await _lookups.run(lambda: _records(domain, kind, resolver))
    good = [url for host, url in found if any(service.same(host, known) for known in (domain, *trusted))]
    if found and not good:
        raise service.foreign(found[0][0], f"the DNS of {domain}")
    return [*good, f"https://{domain}/"]


def _records(domain: str, kind: Kind, resolver: dns.resolver.Resolver | None) -> list[tuple[str, str]]:
    """Hosts and URLs of the SRV records, the preferred one first; the path is that of the TXT record."""
    name = f"{kind.value.record}.{domain}"
    services = sorted(_look_up(name, "SRV", resolver), key=lambda one: (one.priority, -one.weight))
    texts = [part.decode("utf-8", "replace") for one in _look_up(name, "TXT", resolver) for part in one.strings]
    path = next((text[5:] for text in texts if text.startswith("path=/")), "/") if services else "/"
    hosts = ((one.target.to_text(omit_final_dot=True), one.port) for one in services)
    return [(host, f"https://{host}:{port}{path}") for host, port in hosts if host not in ("", ".")]


def _look_up(name: str, record: str, resolver: dns.resolver.Resolver | None) -> list[Any]:
    try:
        asked = resolver or dns.resolver.get_default_resolver()
        return list(asked.resolve(name, record, lifetime=_DNS_SECONDS, search=False))
    except dns.exception.DNSException:
        return []
