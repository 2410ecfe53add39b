"""Whose address counts behind proxies."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from gateway.http.addresses import address_of


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.5"], "192.0.2.1"),  # whoever that is
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["1.2.3.4, 203.0.113.5"], "203.0.113.5"),  # the first one is the visitor's invention
        ("10.0.0.1", ["1.2.3.4", "203.0.113.5, 10.0.0.7"], "203.0.113.5"),
        ("::ffff:10.0.0.1", ["203.0.113.5:4711"], "203.0.113.5"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["unknown"], "unknown"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        (None, ["203.0.113.5"], None),
    ],
)
def test_where_a_request_comes_from(peer: str | None, forwarded: list[str], address: str | None) -> None:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    scope = {"type": "http", "headers": headers, "client": (peer, 1) if peer else None}
    assert address_of(Request(scope), [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]) == address
