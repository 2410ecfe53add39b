"""Mozilla's autoconfig documents: read over https under our address guard, parsed without entities or network.

Format: "Autoconfiguration" of the Mozilla wiki, `clientConfig` version 1.1.
"""

import http.client
import time
from dataclasses import replace
from urllib.parse import urlsplit

from lxml import etree

from providers.base.errors import ProviderError
from providers.base.provider import ProviderSettings
from providers.imap import net
from providers.imap.grant import Endpoint, Security
from providers.imap.suggestion import Suggestion

_MAX_DOCUMENT = 256 * 1024  # octets
_SECURITY = {"SSL": Security.TLS, "STARTTLS": Security.STARTTLS}  # "plain" is not taken


def suggestion(url: str, settings: ProviderSettings, ports: frozenset[int], deadline: float) -> Suggestion | None:
    """What the document at an https URL suggests; None when there is none, or it is of no use.

    Takes until `deadline` (monotonic seconds) at most, and connects to `ports` only in what it suggests.
    """
    try:
        document = _fetch(url, settings, deadline)
        return _read(document, ports) if document else None
    except (ProviderError, OSError, http.client.HTTPException, etree.XMLSyntaxError):
        return None


class _Guarded(http.client.HTTPConnection):
    """HTTP over a connection made by `net.connect`; redirects are not followed."""

    def __init__(self, endpoint: Endpoint, settings: ProviderSettings) -> None:
        super().__init__(endpoint.host, endpoint.port)
        self._endpoint, self._settings = endpoint, settings

    def connect(self) -> None:
        """Instead of http.client's own."""
        self.sock = net.connect(self._endpoint, self._settings)


def _fetch(url: str, settings: ProviderSettings, deadline: float) -> bytes | None:
    parts = urlsplit(url)
    left = max(0.1, deadline - time.monotonic())
    endpoint = Endpoint(host=parts.hostname or "", port=parts.port or 443)
    connection = _Guarded(endpoint, replace(settings, connect_timeout=left, read_timeout=left))
    try:
        connection.request("GET", parts.path, headers={"Accept": "text/xml, application/xml"})
        answer = connection.getresponse()
        return _body(answer, deadline) if answer.status == 200 else None
    finally:
        connection.close()


def _body(answer: http.client.HTTPResponse, deadline: float) -> bytes | None:
    """The body, or None when it is too large or too slow."""
    body = bytearray()
    while piece := answer.read1(65536):
        body += piece
        if len(body) > _MAX_DOCUMENT or time.monotonic() > deadline:
            return None
    return bytes(body)


def _read(document: bytes, ports: frozenset[int]) -> Suggestion | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(document, parser)
    imap = _servers(root, "incomingServer", "imap", ports)
    smtp = _servers(root, "outgoingServer", "smtp", ports)
    if not imap:
        return None
    login, smtp_login = imap[0][1], smtp[0][1] if smtp else ""
    return Suggestion(imap[0][0], smtp[0][0] if smtp else None, login=login, smtp_login=smtp_login or login)


def _servers(root: "etree._Element", tag: str, kind: str, ports: frozenset[int]) -> list[tuple[Endpoint, str]]:
    """(endpoint, user name) of the servers of a kind that are protected and on usual ports, in the document's order."""
    found = []
    for server in root.iterfind(f".//{tag}[@type='{kind}']"):
        host, port = (server.findtext("hostname") or "").strip(), (server.findtext("port") or "").strip()
        security = _SECURITY.get((server.findtext("socketType") or "").strip().upper())
        if host and security and port.isdigit() and int(port) in ports:
            endpoint = Endpoint(host=host, port=int(port), security=security)
            found.append((endpoint, (server.findtext("username") or "").strip() or "%EMAILADDRESS%"))
    return found
