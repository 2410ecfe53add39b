"""Which addresses may be connected to, and whose certificates are believed: the same for every protocol."""

import functools
import ipaddress
import ssl

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet, also behind IPv4-in-IPv6 notations."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else inner
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


@functools.lru_cache(maxsize=8)
def trust(ca_bundle: str | None, verify: bool = True) -> ssl.SSLContext:
    """The client's TLS context: system CAs and those of `ca_bundle` (a PEM file); no check at all without `verify`."""
    context = ssl.create_default_context()
    if ca_bundle:
        context.load_verify_locations(ca_bundle)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
