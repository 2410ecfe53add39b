"""Server addresses as people write them: `host`, `host:port`, `imaps://host:port`, `smtp=host:port`."""

import ipaddress
import json
import re
from dataclasses import dataclass

from providers.base.errors import Invalid
from providers.imap.grant import Security
from providers.imap.net import ascii_host

_ADDRESS = re.compile(r"(?:([a-z]+)://)?(\[[0-9a-fA-F:.]+\]|[^/:@?#\[\]\s]+)(?::(\d{1,5}))?/?\Z", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Protocol:
    """What an address is for: its URL schemes, and the usual ports with TLS and without."""

    name: str
    scheme: str
    tls_port: int
    plain_ports: tuple[int, ...]  # of services that start without TLS


IMAP = Protocol("IMAP", "imap", 993, (143,))
SMTP = Protocol("SMTP", "smtp", 465, (587, 25))


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; `security` is None where it has to be found out.

    STARTTLS here means "starts without TLS": whether that can be switched on, the server says.
    """

    host: str
    port: int
    security: Security | None


def parse(text: str, protocol: Protocol, *, path: str) -> list[Address]:
    """The addresses that `text` may mean, the likeliest first: several when it is a mere host name.

    Raises `Invalid(path)` naming the forms that are understood.
    """
    match = _ADDRESS.match(text.strip())
    if not match:
        raise Invalid(f"{text[:100]!r} is no server address: {_forms(protocol)}", path=path)
    scheme, host, port = (match[1] or "").lower(), _host(match[2], text, path), int(match[3] or 0)
    if scheme not in ("", protocol.scheme, protocol.scheme + "s"):
        raise Invalid(f"{scheme}:// is not understood here: {_forms(protocol)}", path=path)
    if match[3] and not 0 < port < 65536:
        raise Invalid(f"{port} is no port (1 to 65535)", path=path)
    usual = [(protocol.tls_port, Security.TLS), (protocol.plain_ports[0], Security.STARTTLS)]
    if port:
        return [Address(host, port, _security(scheme, port, protocol))]
    return [Address(host, *known) for known in usual if scheme in ("", _scheme(known[1], protocol))]


def from_server_info(text: str) -> str | None:
    """The SMTP address in an account's `serverInfo`: JSON `{"smtp": "host:port"}` or text `smtp=host:port`.

    None when it speaks of something else. Raises `Invalid` when it is JSON and `smtp` is no text.
    """
    try:
        known = json.loads(text)
    except ValueError:
        match = re.search(r"(?:^|[\s,;])smtp\s*=\s*([^\s,;]+)", text, re.IGNORECASE)
        return match[1] if match else None
    address = known.get("smtp") if isinstance(known, dict) else None
    if address is not None and not isinstance(address, str):
        raise Invalid('serverInfo takes JSON such as {"smtp": "smtp.example.com:465"}', path="serverInfo")
    return address


def _security(scheme: str, port: int | None, protocol: Protocol) -> Security | None:
    if scheme:
        return Security.TLS if scheme.endswith("s") else Security.STARTTLS
    if port == protocol.tls_port:
        return Security.TLS
    return Security.STARTTLS if port in protocol.plain_ports else None


def _scheme(security: Security, protocol: Protocol) -> str:
    return protocol.scheme + ("s" if security is Security.TLS else "")


def _host(host: str, text: str, path: str) -> str:
    if host.startswith("["):
        host = host[1:-1]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    name = ascii_host(host, path=path).rstrip(".").lower()
    if len(name) > 253 or not all(_LABEL.match(label) for label in name.split(".")):
        raise Invalid(f"{text[:100]!r} does not hold a host name", path=path)
    return name


def _forms(protocol: Protocol) -> str:
    return f"write host, host:port, {protocol.scheme}s://host:port or {protocol.scheme}://host:port"
