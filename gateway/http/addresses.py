"""Where a request comes from: the peer of its connection, or what trusted proxies say of theirs."""

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

Proxies = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]


def address_of(request: Request, proxies: Proxies) -> str | None:
    """The address of the client; None where the server has none (a Unix socket). `X-Forwarded-For` counts only as far
    as trusted proxies wrote it: from its end to the first address that is none of them."""
    peer = request.client.host if request.client else None
    if peer is None or not _trusted(peer, proxies):
        return peer
    named = [part.strip() for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
    for address in reversed([_bare(one) for one in named if one]):
        if not _trusted(address, proxies):
            return address[:100]
        peer = address
    return peer


def _trusted(address: str, proxies: Proxies) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return any(mapped in network for network in proxies if network.version == mapped.version)


def _bare(address: str) -> str:
    """Some proxies add the port."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
