"""Booking into calendars on real CalDAV servers."""

from pathlib import Path

import pytest

from gateway.store.database import Database
from providers.base.errors import Taken
from providers.base.provider import ProviderSettings
from providers.caldav.provider import CaldavProvider
from schemas.accounts import ServiceType
from schemas.calendar import CalendarCreate
from tests.gateway.booking.conftest import open_practice, tomorrow, wanted
from tests.servers.dav import DavServer

pytestmark = pytest.mark.anyio


async def test_a_calendar_on_a_dav_server_is_booked_moved_and_freed(
    database: Database, tmp_path: Path, dav_server: DavServer
) -> None:
    user, provider = dav_server.new_user(), CaldavProvider(ProviderSettings(tmp_path, allow_private_networks=True))
    async with open_practice(database, tmp_path, provider) as practice:
        given = {"service_type": ServiceType.CALDAV, "password": user.password, "server_url": dav_server.url}
        ann = await practice.person(user.address, server_info=None, **given)
        async with practice.sessions.native(ann) as session:
            assert session.calendars is not None
            await session.calendars.create(None, CalendarCreate(name="Work"))
        profile = await practice.profile(ann)
        made = await practice.book(profile, tomorrow(9))
        [event] = await practice.events(ann)
        meeting = await practice.booking.by_token(made.reschedule_token or "")
        assert event.id == made.id and event.i_cal_uid == meeting.uid
        with pytest.raises(Taken):
            await practice.book(profile, tomorrow(9))
        await practice.booking.move(profile, meeting, wanted(tomorrow(9, 30)))
        [event] = await practice.events(ann)
        assert event.start is not None and event.start.instant() == tomorrow(9, 30)
        starts = [slot.start for slot in await practice.offered(profile)]
        assert tomorrow(9) in starts and tomorrow(9, 30) not in starts
        await practice.booking.cancel(await practice.booking.by_token(made.reschedule_token or ""))
        assert not await practice.events(ann)
        assert tomorrow(9, 30) in [slot.start for slot in await practice.offered(profile)]
    await provider.close()
