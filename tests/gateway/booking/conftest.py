"""The services of booking on a real database and the sandbox's calendars, which can be made to fail."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from gateway.identity import Account, Application
from gateway.services.accounts import Accounts
from gateway.services.applications import Applications
from gateway.services.booking.booking import Booking, Order
from gateway.services.booking.links import Links
from gateway.services.booking.merged import MergedAvailability
from gateway.services.booking.profile import Profile
from gateway.services.booking.profiles import Profiles
from gateway.services.booking.public import PublicBooking
from gateway.services.booking.times import Question, Times
from gateway.services.booking.visitors import Visitors
from gateway.services.booking.writing import Writing
from gateway.services.identity import Identity
from gateway.services.schedules import Schedules
from gateway.services.sessions import Sessions
from gateway.services.work_hours import WorkHours
from gateway.store.database import Database
from gateway.store.meeting_values import Meeting
from gateway.store.meetings import Meetings
from gateway.store.vault import Vault
from providers.base.collection import PageRequest, Ref
from providers.base.errors import Unavailable
from providers.base.ports import EventQuery, EventWrite
from providers.base.provider import Mailbox, Provider, ProviderSettings, Session
from providers.sandbox.provider import SandboxProvider
from schemas.accounts import ApiAccountInDto, ServiceType
from schemas.booking import BookingMeetingInterval, BookingProfile, CreateMeetingDto, CreateMeetingResponse
from schemas.calendar import Event
from schemas.schedules import DayWorkSchedule, WeekWorkSchedule, WorkingInterval
from schemas.when import DayOfWeek, EventDateTime

KEY = urlsafe_b64encode(b"the same key in all processes..."[:32]).decode()
ALWAYS_OPEN = WeekWorkSchedule(
    timezone="UTC",
    day_schedules=[
        DayWorkSchedule(day_of_week=day, working_intervals=[WorkingInterval(start="00:00:00", end="24:00:00")])
        for day in DayOfWeek
    ],
)
Fault = Callable[[], Exception | None]


@dataclass
class Faults:
    """What happens when an event is written: an error before it is (`refuse`), or after (`lose`), once each."""

    refuse: list[Exception] = field(default_factory=list)
    lose: list[Exception] = field(default_factory=list)
    creates: int = 0
    away: bool = False  # nothing can be read


class FailingProvider(SandboxProvider):
    """The sandbox, with the failures of real calendars."""

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.faults = Faults()

    async def open(self, mailbox: Mailbox) -> Session:
        session = await super().open(mailbox)
        assert session.events is not None
        session.events.get = self._reachable(session.events.get)  # type: ignore[method-assign]
        for verb in ("create", "update", "delete"):
            setattr(session.events, verb, self._failing(getattr(session.events, verb), verb))
        return session

    def _reachable(self, verb: Any) -> Any:
        async def run(*arguments: Any, **more: Any) -> Any:
            if self.faults.away:
                raise Unavailable("the calendar is away")
            return await verb(*arguments, **more)

        return run

    def _failing(self, verb: Any, name: str) -> Any:
        async def run(*arguments: Any, **more: Any) -> Any:
            self.faults.creates += name == "create"
            if self.faults.refuse:
                raise self.faults.refuse.pop(0)
            done = await verb(*arguments, **more)
            if self.faults.lose:
                raise self.faults.lose.pop(0)
            return done

        return run


@dataclass
class Practice:
    """One process of the gateway with an application that books."""

    database: Database
    provider: FailingProvider
    identity: Identity
    sessions: Sessions
    accounts: Accounts
    application: Application
    profiles: Profiles
    meetings: Meetings
    times: Times
    writing: Writing
    booking: Booking
    links: Links
    public: PublicBooking
    merged: MergedAvailability
    work_hours: WorkHours
    told: list[int]

    @property
    def faults(self) -> Faults:
        return self.provider.faults

    async def person(self, email: str | None = None, **more: Any) -> Account:
        """An account with an empty calendar."""
        email = email or f"{uuid4().hex[:8]}@sandbox.test"
        given = {"service_type": ServiceType.SANDBOX, "active": True, "email": email, "server_info": "empty", **more}
        saved = await self.accounts.upsert(self.application, ApiAccountInDto(**given))
        account = await self.identity.account(self.application, saved.account_id)
        assert account is not None
        return account

    async def profile(self, owner: Account | None, **says: Any) -> Profile:
        """A profile that is open at all times; without an owner a group's."""
        given = {"name": f"p-{uuid4().hex[:8]}", "work_hours": ALWAYS_OPEN, "start_after_minutes": 0, **says}
        row = await self.profiles.create(self.application, owner, BookingProfile(**given))
        return await self.profiles.load(self.application, owner, row.id)

    async def again(self, profile: Profile) -> Profile:
        """The profile as it is now."""
        return await self.profiles.load_any(profile.application_id, profile.id)

    async def offered(self, profile: Profile, **asked: Any) -> list[BookingMeetingInterval]:
        return (await self.times.times(profile, Question(**asked))).items

    async def book(
        self, profile: Profile, start: datetime, minutes: int = 30, *, order: Order = Order(), **more: Any
    ) -> CreateMeetingResponse:
        return await self.booking.book(profile, wanted(start, minutes, **more), order)

    async def events(self, account: Account) -> list[Event]:
        """Everything in the primary calendar."""
        async with self.sessions.native(account) as session:
            assert session.calendars is not None and session.events is not None
            calendar = await session.calendars.primary()
            return list((await session.events.find(calendar, EventQuery(), PageRequest(limit=100))).records)

    async def put(self, account: Account, start: datetime, minutes: int = 30, subject: str = "private") -> Event:
        """An event that the account's owner made."""
        end = EventDateTime(date_time=start + timedelta(minutes=minutes), timezone="UTC")
        event = Event(subject=subject, start=EventDateTime(date_time=start, timezone="UTC"), end=end)
        async with self.sessions.native(account) as session:
            assert session.calendars is not None and session.events is not None
            return await session.events.create(await session.calendars.primary(), EventWrite(event))

    async def remove(self, account: Account, event: str) -> None:
        """The owner deletes an event."""
        async with self.sessions.native(account) as session:
            assert session.calendars is not None and session.events is not None
            await session.events.delete(Ref(event, await session.calendars.primary()))

    async def shift(self, account: Account, event: str, start: datetime) -> None:
        """The owner moves an event."""
        patch = Event(start=EventDateTime(date_time=start, timezone="UTC"))
        async with self.sessions.native(account) as session:
            assert session.calendars is not None and session.events is not None
            await session.events.update(Ref(event, await session.calendars.primary()), EventWrite(patch))

    async def meeting(self, number: int | None) -> Meeting:
        found = await self.meetings.get(number or 0)
        assert found is not None
        return found

    async def last(self) -> Meeting:
        """The youngest meeting of the application."""
        mine = sa.text("select max(id) from meeting where application_id = :id")
        async with self.database.read() as session:
            return await self.meeting(await session.scalar(mine, {"id": self.application.id}))

    async def leap(self, by: timedelta) -> None:
        """Let time pass for everything that is waited for."""
        names = ("expires_at", "next_try_at", "settled_at")
        columns = ", ".join(f"{name} = {name} - cast(:by as interval)" for name in names)
        statement = sa.text(f"update meeting set {columns} where application_id = :id")
        async with self.database.session() as session:
            await session.execute(statement, {"by": by, "id": self.application.id})


def wanted(start: datetime, minutes: int = 30, **more: Any) -> CreateMeetingDto:
    """A request for a slot."""
    time = {"start": start, "end": start + timedelta(minutes=minutes)}
    return CreateMeetingDto.model_validate({"time": time, "name": "Vi Sitor", "email": "vi@example.com", **more})


def tomorrow(hour: int = 9, minute: int = 0, days: int = 1) -> datetime:
    """A moment on one of the next days."""
    return (datetime.now(UTC) + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)


@asynccontextmanager
async def open_practice(database: Database, folder: Path, *others: Provider) -> AsyncIterator[Practice]:
    """The parts, wired as the gateway wires them; with the sandbox and `others`."""
    vault, provider = Vault([KEY]), FailingProvider(ProviderSettings(folder))
    providers: dict[str, Provider] = {name: each for each in (provider, *others) for name in each.services}
    identity = Identity(database)
    sessions = Sessions(providers, vault, database, identity)
    accounts = Accounts(database, vault, providers, sessions, identity)
    made, _, _ = await Applications(database, vault).create(f"booking {uuid4()}")
    told: list[int] = []
    meetings, profiles, hours = Meetings(database), Profiles(database), WorkHours(database)
    times, writing = (
        Times(Schedules(sessions), hours, meetings),
        Writing(meetings, sessions, identity, vault, told.append),
    )
    links = Links([KEY], "http://gateway.test")
    booking = Booking(times, profiles, meetings, writing, links)
    public = PublicBooking(identity, profiles, booking, Visitors())
    yield Practice(
        database,
        provider,
        identity,
        sessions,
        accounts,
        made,
        profiles,
        meetings,
        times,
        writing,
        booking,
        links,
        public,
        MergedAvailability(profiles, times),
        hours,
        told,
    )
    await writing.close()
    await sessions.close()
    await provider.close()
    await identity.close()


@pytest.fixture
async def practice(database: Database, tmp_path: Path) -> AsyncIterator[Practice]:
    async with open_practice(database, tmp_path) as it:
        yield it
