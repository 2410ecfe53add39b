"""imapclient on a socket that is connected and guarded already, up to where passwords may be sent."""

import imaplib
import socket

from imapclient import IMAPClient

from providers.base import errors
from providers.base.provider import ProviderSettings
from providers.imap import net
from providers.imap.grant import Endpoint, Security
from providers.imap.wire import Wire


def greeted(endpoint: Endpoint, connected: socket.socket, settings: ProviderSettings) -> IMAPClient:
    """A welcomed client, behind TLS unless plain text was chosen. Raises `Unavailable` and the errors of imaplib."""
    client = _Client(endpoint, connected)
    if endpoint.security is Security.STARTTLS:
        _protect(client, endpoint, settings)
    return client


class _Imap(imaplib.IMAP4):
    """imaplib on a socket that is connected already."""

    def __init__(self, endpoint: Endpoint, connected: socket.socket) -> None:
        self._connected = connected
        super().__init__(endpoint.host, endpoint.port)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._connected


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient carries no types
    """imapclient on a socket that is connected already; silent, since its log would hold passwords."""

    def __init__(self, endpoint: Endpoint, connected: socket.socket) -> None:
        self._endpoint, self._connected = endpoint, connected
        super().__init__(endpoint.host, endpoint.port, ssl=False, timeout=connected.gettimeout())
        self.normalise_times = False  # else dates come naive, in the zone of this machine
        self._imap.debug = 0

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap(self._endpoint, self._connected)


def _protect(client: IMAPClient, endpoint: Endpoint, settings: ProviderSettings) -> None:
    """STARTTLS; whatever came before it is forgotten, capabilities and read-ahead too (RFC 3501 6.2.1)."""
    imap = client._imap
    if "STARTTLS" not in imap.capabilities:
        raise errors.Unavailable(f"{endpoint.host}:{endpoint.port} does not offer STARTTLS: the password was not sent")
    Wire(imap, settings.read_timeout).run(b"STARTTLS")
    imap.sock = net.secure(imap.sock, endpoint, settings)
    imap.file = imap.sock.makefile("rb")
    client._starttls_done = True
