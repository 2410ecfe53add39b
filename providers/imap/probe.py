"""How a server wants to be spoken to: TLS at once, STARTTLS, or (in private networks only) without protection."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from providers.base.errors import Invalid, Timeout, Unavailable
from providers.base.provider import ProviderSettings
from providers.imap import net
from providers.imap.address import IMAP, Address, Protocol
from providers.imap.grant import Endpoint, Security

_PATIENCE = 0.3  # seconds of silence after which a server is taken for one that waits for TLS
_MAX_LINE = 4096  # octets
_MAX_LINES = 50


def endpoint(
    addresses: Sequence[Address], protocol: Protocol, settings: ProviderSettings, *, verify: bool, path: str
) -> Endpoint:
    """The endpoint at the first address that answers; when none does, the first one's failure is raised.

    Raises `Invalid(path)` when it offers no protection (and private networks are not allowed) or may not be connected
    to, `Misconfigured` when it speaks something else, `Timeout`, `Unavailable`.
    """
    failures: list[Unavailable] = []
    for address in addresses:
        try:
            found = _endpoint(address, protocol, settings, verify=verify, path=path)
            if len(addresses) > 1:
                net.connect(found, settings, path=path).close()
            return found
        except Timeout:  # the next one would keep the caller waiting as long again
            raise
        except Unavailable as error:
            failures.append(error)
    raise failures[0]


def _endpoint(address: Address, protocol: Protocol, settings: ProviderSettings, *, verify: bool, path: str) -> Endpoint:
    plain = Endpoint(host=address.host, port=address.port, security=Security.PLAIN, verify=verify)
    patient = replace(settings, read_timeout=settings.connect_timeout)
    security = address.security or (Security.STARTTLS if _speaks_first(plain, patient, path) else Security.TLS)
    if security is Security.STARTTLS and not _offers_starttls(plain, protocol, patient, path):
        if not settings.allow_private_networks:
            raise Invalid(f"{plain.host}:{plain.port} offers neither TLS nor STARTTLS", path=path)
        security = Security.PLAIN
    return plain.model_copy(update={"security": security})


def _speaks_first(plain: Endpoint, settings: ProviderSettings, path: str) -> bool:
    """Whether the server greets in the clear; one that stays silent is offered TLS, and may prove to be slow only."""
    connection = net.connect(plain, settings, path=path)
    connection.settimeout(_PATIENCE)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        connection.settimeout(settings.connect_timeout)
        return not _takes_tls(connection, plain, settings)
    except OSError as error:
        raise _broken(plain) from error
    finally:
        connection.close()


def _takes_tls(connection: socket.socket, plain: Endpoint, settings: ProviderSettings) -> bool:
    """False when what came instead of TLS was a greeting that took its time."""
    try:
        net.secure(connection, plain.model_copy(update={"verify": False}), settings).close()
    except net.Misconfigured:
        return False
    return True


def _offers_starttls(plain: Endpoint, protocol: Protocol, settings: ProviderSettings, path: str) -> bool:
    """Asks without credentials, by the protocol's own command for it."""
    with net.connect(plain, settings, path=path) as connection, connection.makefile("rb") as stream:
        try:
            greeting = stream.readline(_MAX_LINE)
            if not greeting.startswith(b"* " if protocol is IMAP else b"220"):
                raise _stranger(plain, protocol, greeting)
            if greeting.startswith(b"220-"):
                list(_answer(stream, protocol))
            connection.sendall(b"C CAPABILITY\r\n" if protocol is IMAP else b"EHLO [127.0.0.1]\r\n")
            return any(b"STARTTLS" in line.upper() for line in _answer(stream, protocol))
        except OSError as error:
            raise _broken(plain) from error


def _answer(stream: BinaryIO, protocol: Protocol) -> Iterator[bytes]:
    """The lines of one answer: of IMAP up to the one with our tag, of SMTP up to the one without a hyphen."""
    for _ in range(_MAX_LINES):
        line = stream.readline(_MAX_LINE)
        if line:
            yield line
        if not line or (line.startswith(b"C ") if protocol is IMAP else line[3:4] != b"-"):
            return


def _stranger(plain: Endpoint, protocol: Protocol, greeting: bytes) -> Unavailable:
    where = f"{plain.host}:{plain.port}"
    if not greeting:
        return Unavailable(f"{where} closed the connection before its {protocol.name} greeting")
    shown = greeting[:60].decode("ascii", "replace").strip()
    return net.Misconfigured(f"{where} does not speak {protocol.name}: it greets with {shown!r}")


def _broken(plain: Endpoint) -> Unavailable:
    return Unavailable(f"{plain.host}:{plain.port} did not greet in time, or closed the connection")
