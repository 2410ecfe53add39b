"""Series and windows in the change log: exceptions come and go with their series, windows grow by what they reach."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from gateway.services.applications import Applications
from gateway.services.changelog import ChangeLog
from gateway.services.growing import Window
from gateway.store.database import Database
from gateway.store.vault import Vault
from providers.base.collection import Ref
from providers.base.ports import EventQuery, Events, EventWrite
from schemas.calendar import Event
from schemas.recurrence import Recurrence, RecurrenceIcal
from schemas.when import EventDateTime
from tests.gateway.services.followers import change_log, new_account
from tests.gateway.services.plans import Consumer, Plan, opened

pytestmark = pytest.mark.anyio
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Desk:
    """A sandbox calendar, its clock, and a change log on it."""

    log: ChangeLog
    account: int
    events: Events
    calendar: str
    clock: list[datetime] = field(default_factory=lambda: [START])

    async def consumer(self, days: int | None = None) -> Consumer:
        """Of the whole calendar, or of so many days from the start on, which grow."""
        window = Window(START, START + timedelta(days=days), START) if days else None
        plan = Plan(self.events, self.calendar, EventQuery(), window, lambda: self.clock[0])
        stream = await self.log.find_or_create(self.account, "events", self.calendar, {"days": days} if days else {})
        found = Consumer(await self.log.start(stream, plan.open), plan)
        await found.catch_up(self.log)
        return found

    async def add(self, day: float, rule: str | None = None, subject: str = "Event") -> str:
        start = EventDateTime(date_time=START + timedelta(days=day))
        recurrence = Recurrence(ical=RecurrenceIcal(rules=[rule])) if rule else None
        body = Event(subject=subject, start=start, end=start, recurrence=recurrence)
        made = await self.events.create(self.calendar, EventWrite(body, notify=False))
        return made.id or ""

    async def change(self, item: str, **fields: object) -> None:
        await self.events.update(Ref(item, self.calendar), EventWrite(Event.model_validate(fields), notify=False))

    async def delete(self, item: str) -> None:
        await self.events.delete(Ref(item, self.calendar), notify=False)

    async def occurrence(self, master: str, day: int) -> str:
        found = await self.events.occurrence(Ref(master, self.calendar), START + timedelta(days=day))
        return found.id or ""

    async def told(self, consumer: Consumer, days: int = 0) -> set[str]:
        """What the consumer is told after so many days."""
        self.clock[0] += timedelta(days=days)
        consumer.told.clear()
        await consumer.catch_up(self.log)
        assert consumer.known == await consumer.plan.there()
        assert len(consumer.told) == len(set(consumer.told)), "nothing is told twice"
        return set(consumer.told)


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    vault = Vault([Fernet.generate_key().decode()])
    application, _, _ = await Applications(database, vault).create(f"desk {uuid4()}")
    provider, session = await opened(tmp_path)
    assert session.calendars and session.events
    account = await new_account(database, application.id)
    log = change_log(database)
    yield Desk(log, account, session.events, await session.calendars.primary())
    await log.close()
    await provider.close()


async def test_exceptions_come_and_go_with_their_series(desk: Desk) -> None:
    series, single = await desk.add(0, "RRULE:FREQ=WEEKLY;COUNT=6"), await desk.add(1)
    consumer = await desk.consumer()
    first, second = [await desk.occurrence(series, day) for day in (7, 14)]
    await desk.change(first, subject="Special")
    assert await desk.told(consumer) == {series, first}
    await desk.change(second, subject="Special, too")
    await desk.told(consumer)
    assert consumer.known.keys() == {series, single, first, second}
    await desk.delete(first)
    await desk.told(consumer)
    assert consumer.known.keys() == {series, single, second}
    await desk.delete(series)
    assert await desk.told(consumer) == set()
    assert consumer.known.keys() == {single}


async def test_what_a_window_reaches_is_told_and_nothing_else(desk: Desk) -> None:
    near, far, never = [await desk.add(day) for day in (1, 12, 400)]
    series = await desk.add(2, "RRULE:FREQ=WEEKLY;COUNT=8")
    late = await desk.occurrence(series, 2 + 14)
    await desk.change(late, subject="Later")
    consumer = await desk.consumer(10)
    assert consumer.known.keys() == {near, series}
    assert await desk.told(consumer) == set()
    assert await desk.told(consumer, 1) == set(), "the window has grown by an empty day"
    assert await desk.told(consumer, 2) == {far}
    assert await desk.told(consumer, 3) == set()
    assert await desk.told(consumer, 2) == {late}
    await desk.change(near, subject="Changed meanwhile")
    assert await desk.told(consumer, 30) == {near}
    assert never not in consumer.known and consumer.known.keys() == {near, far, series, late}
    assert await desk.told(consumer, 360) == {never}


async def test_exceptions_stay_when_a_window_reaches_more_of_their_series(desk: Desk) -> None:
    series = await desk.add(0, "RRULE:FREQ=DAILY")
    early = await desk.occurrence(series, 1)
    await desk.change(early, subject="Early")
    consumer = await desk.consumer(5)
    assert consumer.known.keys() == {series, early}
    assert await desk.told(consumer, 5) == set()
    assert consumer.known.keys() == {series, early}


async def test_what_leaves_a_window_is_told_as_deleted(desk: Desk) -> None:
    item = await desk.add(1)
    consumer = await desk.consumer(10)
    await desk.change(item, start=EventDateTime(date_time=START + timedelta(days=20)))
    assert await desk.told(consumer) == set()
    assert consumer.known == {}
    assert await desk.told(consumer, 12) == {item}


async def test_a_window_never_shrinks(desk: Desk) -> None:
    """Clocks that are set back, or differ between processes, take nothing away."""
    item = await desk.add(12)
    consumer = await desk.consumer(10)
    assert await desk.told(consumer, 5) == {item}
    desk.clock[0] -= timedelta(days=5)
    await desk.change(item, subject="Changed")
    consumer.told.clear()
    await consumer.catch_up(desk.log)
    assert consumer.told == [item] and consumer.known.keys() == {item}
