"""Whose address counts behind proxies."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from gateway.web.peers import address

PROXIES = [ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "wanted"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),  # not from a proxy: anybody can write that
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "192.0.2.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "", ""),
        ("127.0.0.1", "nonsense", ""),
        ("", "", ""),
    ],
)
def test_the_address_of_the_browser(peer: str, forwarded: str, wanted: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})
    assert address(request, PROXIES) == wanted
