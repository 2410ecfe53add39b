"""Which hosts are one service. A password goes to a server that the caller or a preset named, and from there only to
hosts of the same registrable domain: `caldav.icloud.com` may point to `p42-caldav.icloud.com`, to nobody else.

The list of public suffixes is not consulted: the registrable domain is taken to be the last two labels, or the last
three below the usual second levels of countries (`co.uk`). Addresses and single names are only one with themselves.
"""

import ipaddress
from urllib.parse import urljoin, urlsplit, urlunsplit

from providers.base.errors import Denied

_SECOND_LEVELS = frozenset("ac co com edu gov id ltd me mil ne net nhs nom or org plc sch gob go gr lg".split())


def domain(host: str) -> str:
    """The registrable domain of a host name; an address and a single name stand for themselves."""
    host = host.rstrip(".").lower()
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    else:
        return host
    labels = host.split(".")
    is_deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3:] if is_deep else labels[-2:])


def same(one: str, other: str) -> bool:
    """Whether two hosts belong to one service."""
    return bool(one) and bool(other) and domain(one) == domain(other)


def place(url: str, href: str) -> str:
    """Where an href of the answer from `url` leads. A server behind a TLS proxy that does not know of it names itself
    with http: it is asked where it was reached."""
    found = urljoin(url, href)
    old, new = urlsplit(url), urlsplit(found)
    if old.scheme == "https" and new.scheme == "http" and old.hostname and old.hostname == new.hostname:
        return urlunsplit((old.scheme, old.netloc, new.path, new.query, ""))
    return found


def foreign(host: str, named_by: str) -> Denied:
    """The error for a host that may not see the password."""
    return Denied(
        f"{named_by} names {host} as the server, which is another service: the password was not sent there "
        f"(give {host} as serverUrl if it is yours)"
    )
