"""Whatever happens in a calendar, an address book or a task list, and whatever happens to the gateway meanwhile: who
follows ends with exactly what is there; in a window that grows, too."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from gateway.positions import Branch
from gateway.services.applications import Applications
from gateway.services.growing import Window
from gateway.store.database import Database
from gateway.store.streams import Filter
from gateway.store.vault import Vault
from providers.base.collection import PageRequest, Ref
from providers.base.ports import EventQuery, EventWrite, TaskQuery
from schemas.calendar import Event
from schemas.contacts import Contact
from schemas.recurrence import OccurrenceType, Recurrence, RecurrenceIcal
from schemas.tasks import TaskCreate, TaskStatus, TaskUpdate
from schemas.when import EventDateTime
from tests.gateway.services.followers import change_log, new_account
from tests.gateway.services.plans import Consumer, Plan, opened

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=20), START)
DAYS = st.integers(-10, 60)
CHOICE = st.integers(0, 30)
WHO = st.integers(0, 1)
RULES = ("RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=WEEKLY;COUNT=8", "RRULE:FREQ=WEEKLY;INTERVAL=3")


class Planning(RuleBasedStateMachine):
    """Consumers of one sandbox mailbox."""

    database_url: str

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.number, self.folder = START, 0, TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.database = Database(self.database_url)
        application, _, _ = await Applications(self.database, Vault([Fernet.generate_key().decode()])).create(
            f"planning {uuid4()}"
        )
        self.provider, session = await opened(Path(self.folder.name))
        assert session.calendars and session.events and session.contacts and session.task_lists and session.tasks
        self.events, self.contacts, self.tasks = session.events, session.contacts, session.tasks
        for port in (self.events, self.contacts, self.tasks):
            vars(port)["changes_at_once"] = 2
        self.calendar, self.list = await session.calendars.primary(), await session.task_lists.primary()
        self.log, account = change_log(self.database), await new_account(self.database, application.id)
        self.consumers = []
        for port, plan, asked in self._plans():
            stream = await self.log.find_or_create(account, port, plan.parent, asked)
            self.consumers.append(Consumer(await self.log.start(stream, plan.open), plan))

    def _plans(self) -> Sequence[tuple[str, Plan, Filter]]:
        """Port, what is followed, and what tells streams of one port apart."""
        raise NotImplementedError

    def _name(self) -> str:
        self.number += 1
        return f"n{self.number}"

    @rule(who=WHO)
    def lose_the_cursor(self, who: int) -> None:
        self.consumers[who].plan.forget = True

    @rule(who=WHO, branch=st.sampled_from(Branch))
    def read_a_page(self, who: int, branch: Branch) -> None:
        self.runner.run(self.consumers[who].read(self.log, branch))

    @rule(who=WHO, branch=st.sampled_from(Branch))
    def crash_in_a_round(self, who: int, branch: Branch) -> None:
        self.consumers[who].again(branch)

    @precondition(lambda self: self.number)
    @rule(who=WHO)
    def catch_up(self, who: int) -> None:
        consumer = self.consumers[who]
        self.runner.run(consumer.catch_up(self.log))
        assert consumer.known == self.runner.run(consumer.plan.there())

    def teardown(self) -> None:
        try:
            for who in range(len(self.consumers)):
                self.catch_up(who)
        finally:
            self.runner.run(self._close())
            self.runner.close()
            self.folder.cleanup()

    async def _close(self) -> None:
        await self.log.close()
        await self.provider.close()
        await self.database.close()


class Calendars(Planning):
    """A calendar, and a window of it that grows."""

    def _plans(self) -> Sequence[tuple[str, Plan, Filter]]:
        whole = Plan(self.events, self.calendar, EventQuery())
        window = Plan(self.events, self.calendar, EventQuery(), WINDOW, lambda: self.clock)
        return ("events", whole, {}), ("events", window, {"a": 1})

    def _event(self, day: int, rule: str | None = None) -> EventWrite:
        start = START + timedelta(days=day)
        event = Event(
            subject=self._name(),
            start=EventDateTime(date_time=start, timezone="Europe/Berlin"),
            end=EventDateTime(date_time=start + timedelta(hours=1), timezone="Europe/Berlin"),
            recurrence=Recurrence(ical=RecurrenceIcal(rules=[rule])) if rule else None,
        )
        return EventWrite(event, notify=False)

    @rule(day=DAYS)
    def add_an_event(self, day: int) -> None:
        self.runner.run(self.events.create(self.calendar, self._event(day)))

    @rule(day=DAYS, which=st.sampled_from(RULES))
    def add_a_series(self, day: int, which: str) -> None:
        self.runner.run(self.events.create(self.calendar, self._event(day, which)))

    def _some_event(self, choice: int) -> Ref | None:
        """A master, a single event or an occurrence."""
        span = EventQuery(time_min=START - timedelta(days=20), time_max=START + timedelta(days=70))
        query = span if choice % 2 else EventQuery()
        found = self.runner.run(self.events.find(self.calendar, query, PageRequest(limit=100))).records
        return Ref(found[choice % len(found)].id or "", self.calendar) if found else None

    @rule(choice=CHOICE, day=DAYS)
    def move_an_event(self, choice: int, day: int) -> None:
        if ref := self._some_event(choice):
            start = EventDateTime(date_time=START + timedelta(days=day), timezone="Europe/Berlin")
            self.runner.run(self.events.update(ref, EventWrite(Event(start=start), notify=False)))

    @rule(choice=CHOICE)
    def rename_an_event(self, choice: int) -> None:
        if ref := self._some_event(choice):
            self.runner.run(self.events.update(ref, EventWrite(Event(subject=self._name()), notify=False)))

    def _exception(self, choice: int) -> Event | None:
        span = EventQuery(time_min=START - timedelta(days=20), time_max=START + timedelta(days=70))
        found = self.runner.run(self.events.find(self.calendar, span, PageRequest(limit=100))).records
        changed = [one for one in found if one.occurrence_info and one.occurrence_info.type is OccurrenceType.MODIFIED]
        return changed[choice % len(changed)] if changed else None

    @rule(choice=CHOICE, whole=st.booleans())
    def delete_an_exception(self, choice: int, whole: bool) -> None:
        """`whole`: with its series."""
        found = self._exception(choice)
        if found is not None and found.occurrence_info is not None:
            item = found.occurrence_info.master_id if whole else found.id
            self.runner.run(self.events.delete(Ref(item or "", self.calendar), notify=False))

    @rule(choice=CHOICE)
    def delete_an_event(self, choice: int) -> None:
        if ref := self._some_event(choice):
            self.runner.run(self.events.delete(ref, notify=False))

    @rule(days=st.integers(1, 12))
    def time_passes(self, days: int) -> None:
        self.clock += timedelta(days=days)


class Others(Planning):
    """Contacts, and tasks."""

    def _plans(self) -> Sequence[tuple[str, Plan, Filter]]:
        tasks = Plan(self.tasks, self.list, TaskQuery(START))
        return ("contacts", Plan(self.contacts, None, None), {}), ("tasks", tasks, {})

    @rule(choice=CHOICE)
    def touch_a_contact(self, choice: int) -> None:
        found = self.runner.run(self.contacts.find(None, None, PageRequest(limit=100))).records
        if choice % 3 == 0 or not found:
            self.runner.run(self.contacts.create(None, Contact(nick_name=self._name())))
            return
        ref = Ref(found[choice % len(found)].id or "")
        if choice % 3 == 1:
            self.runner.run(self.contacts.update(ref, Contact(nick_name=self._name())))
        else:
            self.runner.run(self.contacts.delete(ref))

    @rule(choice=CHOICE)
    def touch_a_task(self, choice: int) -> None:
        found = self.runner.run(self.tasks.find(self.list, TaskQuery(), PageRequest(limit=100))).records
        if choice % 3 == 0 or not found:
            parent = found[choice % len(found)].id if found else None
            self.runner.run(self.tasks.create(self.list, TaskCreate(title=self._name(), parent_id=parent)))
            return
        ref = Ref(found[choice % len(found)].id or "", self.list)
        if choice % 3 == 1:
            self.runner.run(self.tasks.update(ref, TaskUpdate(status=TaskStatus.COMPLETED)))
        else:
            self.runner.run(self.tasks.delete(ref))


@pytest.mark.parametrize("kind", [Calendars, Others])
def test_consumers_end_with_what_is_there(database_url: str, kind: type[Planning]) -> None:
    machine: Any = type("PlanningHere", (kind,), {"database_url": database_url})
    chosen = settings(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.reuse, Phase.generate),  # every step runs on PostgreSQL: shrinking would take minutes
    )
    run_state_machine_as_test(machine, settings=chosen)
