"""Where a request came from."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.requests import Request

Network = IPv4Network | IPv6Network


def address(request: Request, proxies: Sequence[Network]) -> str:
    """The network address of the browser: of who connected, or, where that is one of the `proxies`, the last one that
    no proxy wrote into X-Forwarded-For of itself. What is no address is the empty text."""
    named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    chain = [name.strip() for name in named if name.strip()] + [request.client.host if request.client else ""]
    for name in reversed(chain):
        if not _within(name, proxies):
            return name if _is_address(name) else ""
    return ""


def _within(name: str, networks: Sequence[Network]) -> bool:
    return _is_address(name) and any(ip_address(name) in network for network in networks)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
