"""Fixtures: the provider on each server, and a fresh account there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from providers.base.collection import Page, PageRequest, Ref
from providers.base.ports import EventWrite
from providers.base.provider import Mailbox, ProviderSettings
from providers.caldav import paths
from providers.caldav.provider import CaldavProvider, CaldavSession
from schemas.accounts import ApiAccountInDto, ServiceType
from schemas.calendar import CalendarCreate, Event
from schemas.mail import BodyType
from tests.servers.dav import DavServer, DavUser


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def body(user: DavUser, **more: Any) -> ApiAccountInDto:
    """What somebody fills in."""
    given = {"email": user.address, "password": user.password, **more}
    return ApiAccountInDto.model_validate({"serviceType": ServiceType.CALDAV, "active": True, **given})


@pytest.fixture
def dav_settings(tmp_path: Path) -> ProviderSettings:
    return ProviderSettings(var_dir=tmp_path, allow_private_networks=True, connect_timeout=5.0, read_timeout=20.0)


@pytest.fixture
async def dav_provider(dav_settings: ProviderSettings, anyio_backend: str) -> AsyncIterator[CaldavProvider]:
    provider = CaldavProvider(dav_settings)
    yield provider
    await provider.close()


@dataclass
class Desk:
    """An account, opened, with a calendar of its own."""

    provider: CaldavProvider
    server: DavServer
    user: DavUser
    mailbox: Mailbox
    session: CaldavSession
    calendar: str = ""
    sent: list[Any] = field(default_factory=list)

    @property
    def events(self) -> Any:
        return self.session.events

    def ref(self, item: str | None) -> Ref:
        assert item is not None
        return Ref(item, self.calendar)

    async def add(self, uid: str | None = None, notify: bool = True, **fields: Any) -> Event:
        """A new event of these fields."""
        made = await self.events.create(self.calendar, EventWrite(event(**fields), notify, BodyType.TEXT, uid))
        assert isinstance(made, Event)
        return made

    async def put(self, name: str, text: str, folder: str | None = None) -> str:
        """A resource as another program writes it; its id."""
        path = (folder or paths.path_of(self.calendar)) + name
        kind = "text/vcard" if name.endswith(".vcf") else "text/calendar"
        account = self.session._account
        files = account.contacts if name.endswith(".vcf") else account.calendars
        assert files is not None
        await account.dav.done(
            "PUT", files.url(path), text.replace("\n", "\r\n").encode(), kind=f"{kind}; charset=utf-8"
        )
        return paths.item_id(path)

    async def text(self, item: str | None) -> str:
        """A resource as the server has it, unfolded."""
        assert item is not None and self.session._account.calendars is not None
        path = paths.path_of(paths.split_id(item)[0])
        files = self.session._account.contacts if path.endswith(".vcf") else self.session._account.calendars
        assert files is not None
        return (await files.get(path)).data.decode().replace("\r\n", "\n").replace("\n ", "")


def event(**fields: Any) -> Event:
    """An event of the contract's names."""
    return Event.model_validate(fields)


def at(text: str, zone: str = "UTC") -> dict[str, str]:
    """A moment, as the wire has it."""
    from zoneinfo import ZoneInfo

    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return {"dateTime": moment.isoformat(), "timezone": zone}


def day(text: str) -> dict[str, str]:
    return {"dateOnly": text}


def rule(*lines: str) -> dict[str, Any]:
    return {"ical": {"rules": list(lines)}}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def everything(find: Any, limit: int = 3) -> list[Any]:
    """All pages of a list."""
    found: list[Any] = []
    page: Page[Any] = await find(PageRequest(None, limit))
    found += page.records
    while page.cursor is not None:
        page = await find(PageRequest(page.cursor, limit))
        found += page.records
    return found


async def opened(provider: CaldavProvider, server: DavServer, user: DavUser | None = None) -> Desk:
    """A fresh account with a fresh calendar."""
    user = user or server.new_user()
    linked = await provider.link(body(user, serverUrl=server.url), ensure_access=True)
    mailbox = Mailbox(abs(hash(user.address)), 1, linked.email, linked.grant, name="Sam Sender")
    desk = Desk(provider, server, user, mailbox, await provider.open(mailbox))
    assert desk.session.calendars is not None
    made = await desk.session.calendars.create(None, CalendarCreate(name="Test"))
    desk.calendar = made.id or ""
    return desk


@pytest.fixture
async def desk(dav_provider: CaldavProvider, dav_server: DavServer, anyio_backend: str) -> AsyncIterator[Desk]:
    """Each server in turn."""
    yield await opened(dav_provider, dav_server)
