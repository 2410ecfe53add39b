"""CalDAV and CardDAV on a real Radicale and a real Xandikos; the truth is read with plain requests."""

import asyncio
import http.client
import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from providers.base.provider import Grant, Mailbox, ProviderSettings
from providers.base.rest import Http
from providers.caldav import paths
from providers.caldav.account import Courier
from providers.caldav.provider import CaldavProvider, CaldavSession
from schemas.accounts import ApiAccountInDto, ServiceType
from tests.conformance.backends import Place
from tests.servers.dav import DavServer, DavUser

_CALENDAR = """<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>
<displayname>{name}</displayname><C:supported-calendar-component-set><C:comp name="{kind}"/>
</C:supported-calendar-component-set></prop></set></C:mkcalendar>"""
_BOOK = """<mkcol xmlns="DAV:" xmlns:A="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/>
<A:addressbook/></resourcetype><displayname>Contacts</displayname></prop></set></mkcol>"""
_ETAGS = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
_HREF = re.compile(r"<(?:\w+:)?href>([^<]+)</")


class _Session(CaldavSession):
    http: Http

    async def close(self) -> None:
        await self.http.close()


class _Provider(CaldavProvider):
    """Its connections end with its sessions."""

    async def open(self, mailbox: Mailbox, courier: Courier | None = None) -> CaldavSession:
        session = _Session((await super().open(mailbox, courier))._account)
        session.http = self._http
        return session


class DavBackend:
    """A fresh principal for each account, with a calendar, a task list and an address book."""

    full_bodies_in_lists = True
    refused_address = ""

    def __init__(self, settings: ProviderSettings, server: DavServer) -> None:
        self._settings, self.server = settings, server
        self.provider = _Provider(settings)

    def place(self) -> Place:
        """With a provider of its own: each test has an event loop of its own, and connections belong to one."""
        self.provider = _Provider(self._settings)
        user = self.server.new_user()
        place = DavPlace(self.server, user, user.address, {})
        place.set_up()
        account = ApiAccountInDto(
            service_type=ServiceType.CALDAV, active=True, email=user.address, password=user.password,
            server_url=self.server.url,
        )  # fmt: skip
        linked = asyncio.run(self._link(account))
        return DavPlace(self.server, user, user.address, linked)  # type: ignore[return-value]

    async def _link(self, account: ApiAccountInDto) -> Grant:
        """On a loop of its own, so with a client of its own."""
        provider = CaldavProvider(self._settings)
        try:
            return (await provider.link(account, ensure_access=True)).grant
        finally:
            await provider.close()


@dataclass(frozen=True)
class DavPlace:
    server: DavServer
    user: DavUser
    address: str
    grant: Grant

    @property
    def home(self) -> str:
        return paths.canonical(f"/{self.address}/")

    def _folder(self, kind: str) -> str:
        return (
            self.home
            + {"radicale": f"{kind}/", "xandikos": f"{'contacts' if kind == 'addressbook' else 'calendars'}/{kind}/"}[
                self.server.name
            ]
        )

    def set_up(self) -> None:
        self.ask("PROPFIND", self.home, "", {"Depth": "0"})  # Xandikos makes a user's collections then
        if self.server.name == "radicale":
            self.ask("MKCALENDAR", self._folder("calendar"), _CALENDAR.format(name="Calendar", kind="VEVENT"))
            self.ask("MKCOL", self._folder("addressbook"), _BOOK)
        self.ask("MKCALENDAR", self._folder("tasks"), _CALENDAR.format(name="Tasks", kind="VTODO"))

    def put_text(self, kind: str, parent: str | None, uid: str, text: bytes) -> None:
        if self.server.name == "xandikos" and b"FREQ=SECONDLY" in text:
            pytest.skip("Xandikos expands what it stores, in its only thread: it would answer nobody any more")
        known = next((path for path, found in self._all(kind, parent) if f"UID:{uid}".encode() in found), None)
        ending = "vcf" if kind == "contacts" else "ics"
        path = known or f"{self._parent(kind, parent)}{abs(hash(uid))}.{ending}"
        status, answer = self.ask("PUT", path, text.decode(), {"Content-Type": _TYPES[kind]})
        assert status in (200, 201, 204), answer

    def texts(self, kind: str, parent: str | None) -> list[bytes]:
        return [text for _, text in self._all(kind, parent)]

    def remove_text(self, kind: str, parent: str | None, uid: str) -> None:
        [path] = [path for path, found in self._all(kind, parent) if f"UID:{uid}".encode() in found]
        status, _ = self.ask("DELETE", path)
        assert status in (200, 204)

    def read_only_calendar(self) -> str | None:
        """Radicale's test configuration lets nobody write to `fixed`; it is made as a file."""
        make = getattr(self.server, "make_read_only", None)
        return paths.item_id(paths.canonical(make(self.user))) if make else None

    def _parent(self, kind: str, parent: str | None) -> str:
        return paths.path_of(parent) if parent else self._folder("addressbook")

    def _all(self, kind: str, parent: str | None) -> list[tuple[str, bytes]]:
        folder = self._parent(kind, parent)
        _, answer = self.ask("PROPFIND", folder, _ETAGS, {"Depth": "1"})
        found = [paths.canonical(href) for href in _HREF.findall(answer.decode())]
        return [(path, self.ask("GET", path)[1]) for path in found if not path.endswith("/")]

    def ask(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body; iCalendar and vCard as the server stores them."""
        parts = urlsplit(self.server.url)
        login = b64encode(f"{self.user.address}:{self.user.password}".encode()).decode()
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=20)
        kind = {"Content-Type": "application/xml; charset=utf-8"} if body else {}
        connection.request(method, path, body.encode(), {"Authorization": f"Basic {login}", **kind, **(headers or {})})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data


_TYPES = {
    "events": "text/calendar; charset=utf-8",
    "tasks": "text/calendar; charset=utf-8",
    "contacts": "text/vcard; charset=utf-8",
}
