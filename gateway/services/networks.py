"""Whom a network address stands for: what one customer can use counts as one."""

from ipaddress import IPv6Address, ip_address, ip_network

_HOUSEHOLD = 64  # bits of an IPv6 address that one customer has (RFC 6177)


def network_of(address: str) -> str | None:
    """An IPv4 address as it is, also one mapped into IPv6; of other IPv6 addresses the customer's network. None for
    what is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((int(found), _HOUSEHOLD), strict=False))
    return str(found)
