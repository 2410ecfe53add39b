"""Connections to mail servers: names are resolved once, private addresses are refused, every failure says which step.

The address that was checked is the one connected to, so that a name cannot change its meaning in between (DNS
rebinding).
"""

import socket
import ssl
import time

import idna

from providers.base.errors import Invalid, Timeout, Unavailable
from providers.base.networks import is_public, trust
from providers.base.provider import ProviderSettings
from providers.imap.grant import Endpoint, Security

_Address = tuple[socket.AddressFamily, str]


class Misconfigured(Unavailable):
    """The host name, the port or the certificate is wrong: somebody has to correct it (linking: `Invalid`)."""


def connect(endpoint: Endpoint, settings: ProviderSettings, *, path: str = "serverUrl") -> socket.socket:
    """A connected socket whose timeout is `settings.read_timeout`; implicit TLS is done, STARTTLS is not.

    Raises `Invalid(path)` for an address that is not allowed, `Misconfigured` for a name or a certificate that is
    wrong, `Timeout`, `Unavailable`.
    """
    deadline = time.monotonic() + settings.connect_timeout
    connection = _first(resolve(endpoint, settings, path=path), endpoint, deadline, settings)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if endpoint.security is not Security.TLS:
        connection.settimeout(settings.read_timeout)
        return connection
    connection.settimeout(max(0.1, deadline - time.monotonic()))
    return secure(connection, endpoint, settings)


def secure(connection: socket.socket, endpoint: Endpoint, settings: ProviderSettings) -> ssl.SSLSocket:
    """Wrap a connected socket in TLS, within the timeout it has; closes it and raises when that fails."""
    try:
        wrapped = tls_context(endpoint, settings).wrap_socket(connection, server_hostname=ascii_host(endpoint.host))
    except (OSError, ValueError) as error:  # ValueError: a host that cannot be a TLS server name
        connection.close()
        raise tls_error(error, endpoint) from error
    wrapped.settimeout(settings.read_timeout)
    return wrapped


def tls_context(endpoint: Endpoint, settings: ProviderSettings) -> ssl.SSLContext:
    """The client context for the endpoint: system CAs and `settings.ca_bundle`, or no check when it is trusted."""
    return trust(settings.ca_bundle, endpoint.verify)


def resolve(endpoint: Endpoint, settings: ProviderSettings, *, path: str = "serverUrl") -> list[_Address]:
    """The addresses of the endpoint's host, all of them allowed. Raises `Invalid(path)`, `Misconfigured`."""
    host = ascii_host(endpoint.host, path=path)
    try:
        found = socket.getaddrinfo(host, endpoint.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise _unknown_host(endpoint, error) from error
    addresses: list[_Address] = [(family, str(address[0])) for family, _, _, _, address in found]
    if not settings.allow_private_networks and not all(is_public(address) for _, address in addresses):
        raise Invalid(
            f"{endpoint.host} is an address in a private or reserved network, and this gateway may not connect to "
            "those (its operator can allow private networks)",
            path=path,
        )
    return addresses


def ascii_host(host: str, *, path: str = "serverUrl") -> str:
    """The host name as DNS takes it (IDNA 2008, RFC 5891). Raises `Invalid(path)` when it cannot be one."""
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise Invalid(f"{host!r} is not a host name: {error}", path=path) from error


def _first(addresses: list[_Address], endpoint: Endpoint, deadline: float, settings: ProviderSettings) -> socket.socket:
    """The first address that answers; the time that is left is shared by those not tried yet."""
    failure: OSError = TimeoutError()
    for tried, (family, address) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(max(0.1, (deadline - time.monotonic()) / (len(addresses) - tried)))
        try:
            connection.connect((address, endpoint.port))
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise _connect_error(failure, endpoint, settings) from failure


def _unknown_host(endpoint: Endpoint, error: socket.gaierror) -> Unavailable:
    if error.errno == socket.EAI_AGAIN:
        return Unavailable(f"the name {endpoint.host} could not be looked up now (DNS): try again later")
    return Misconfigured(f"there is no host called {endpoint.host} (DNS): check the server's name")


def _connect_error(error: OSError, endpoint: Endpoint, settings: ProviderSettings) -> Unavailable:
    where = f"{endpoint.host}:{endpoint.port}"
    if isinstance(error, TimeoutError):
        return Timeout(f"{where} did not accept a connection within {settings.connect_timeout:g} s")
    if isinstance(error, ConnectionRefusedError):
        return Unavailable(f"{where} refused the connection: is the port right, and is the server up?")
    return Unavailable(f"{where} cannot be reached: {error.strerror or type(error).__name__}")


def tls_error(error: Exception, endpoint: Endpoint) -> Unavailable:
    """What a failed TLS handshake with the endpoint means, in words for the person who entered it."""
    where = f"{endpoint.host}:{endpoint.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        return Misconfigured(f"the certificate of {where} is not valid: {why} (trustServer skips this check)")
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return Misconfigured(f"{where} does not speak TLS on this port (TLS handshake): is it a STARTTLS port?")
    if isinstance(error, TimeoutError):
        return Timeout(f"{where} accepted the connection, but did not finish the TLS handshake in time")
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return Misconfigured(f"the TLS handshake with {where} failed: {error.reason or 'protocol error'}")
    return Unavailable(f"{where} closed the connection during the TLS handshake")
