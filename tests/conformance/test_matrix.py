"""What each provider can do: read off its code, kept in `matrix.json`, and true."""

import inspect
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from providers.base.collection import PageRequest, Ref, verbs
from providers.base.errors import Invalid, NotFound, ProviderError, Unsupported
from providers.base.ports import (
    CalendarQuery,
    Calendars,
    Contacts,
    Drafts,
    EventQuery,
    Events,
    EventWrite,
    Folders,
    MessageQuery,
    Messages,
    TaskLists,
    TaskQuery,
    Tasks,
)
from schemas.calendar import CalendarCreate, CalendarUpdate, Event
from schemas.contacts import Contact
from schemas.mail import UpdateMessageStatusData
from schemas.meetings import MeetingResponse, MeetingResponseType
from schemas.outgoing import EmailFolderCreate
from schemas.tasks import TaskCreate, TaskListCreate, TaskListUpdate, TaskUpdate
from tests.conformance.backends import Subject
from tests.conformance.outgoing import outgoing

pytestmark = pytest.mark.anyio

GOLDEN = Path(__file__).with_name("matrix.json")
PORTS: dict[str, type] = {
    "messages": Messages,
    "drafts": Drafts,
    "folders": Folders,
    "calendars": Calendars,
    "events": Events,
    "contacts": Contacts,
    "task_lists": TaskLists,
    "tasks": Tasks,
}
NOTHING = Ref("nothing")
INSIDE = Ref("nothing", "nowhere")
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "messages.find": (None, MessageQuery(), PageRequest()),
    "messages.get": (NOTHING,),
    "messages.get_many": (None, ["nothing"]),
    "messages.create": (None, outgoing("a@example.org").email),
    "messages.update": (NOTHING, UpdateMessageStatusData()),
    "messages.delete": (NOTHING,),
    "messages.changes": (None, None, MessageQuery()),
    "messages.source": (NOTHING,),
    "messages.attachment": (NOTHING, "1"),
    "messages.conversation": ("nothing", MessageQuery(), PageRequest()),
    "messages.send": (outgoing(),),
    "messages.sent": ("<nothing@suite.example>",),
    "drafts.find": (None, None, PageRequest()),
    "drafts.get": (NOTHING,),
    "drafts.get_many": (None, ["nothing"]),
    "drafts.create": (None, outgoing()),
    "drafts.update": (NOTHING, outgoing()),
    "drafts.delete": (NOTHING,),
    "drafts.changes": (None, None, None),
    "drafts.send": (NOTHING, "<nothing@suite.example>"),
    "drafts.locate": ("<nothing@suite.example>",),
    "folders.find": (None, None, PageRequest()),
    "folders.get": (NOTHING,),
    "folders.get_many": (None, ["nothing"]),
    "folders.create": (None, EmailFolderCreate(name="made")),
    "folders.update": (NOTHING, None),
    "folders.delete": (NOTHING,),
    "folders.changes": (None, None, None),
    "folders.well_known": (),
    "calendars.find": (None, CalendarQuery(), PageRequest()),
    "calendars.get": (NOTHING,),
    "calendars.get_many": (None, ["nothing"]),
    "calendars.create": (None, CalendarCreate(name="made")),
    "calendars.update": (NOTHING, CalendarUpdate(name="changed")),
    "calendars.delete": (NOTHING,),
    "calendars.changes": (None, None, CalendarQuery()),
    "calendars.primary": (),
    "calendars.busy": (["a@example.org"], NOW, NOW + timedelta(days=1)),
    "calendars.work_hours": (["a@example.org"],),
    "events.find": ("nowhere", EventQuery(), PageRequest()),
    "events.get": (INSIDE,),
    "events.get_many": ("nowhere", ["nothing"]),
    "events.create": ("nowhere", EventWrite(Event())),
    "events.update": (INSIDE, EventWrite(Event())),
    "events.delete": (INSIDE,),
    "events.changes": ("nowhere", None, EventQuery()),
    "events.respond": (INSIDE, MeetingResponse(response=MeetingResponseType.ACCEPTED)),
    "events.series": (INSIDE,),
    "events.occurrences": (INSIDE, PageRequest()),
    "events.occurrence": (INSIDE, NOW),
    "events.attachment": (INSIDE, "1"),
    "contacts.find": (None, None, PageRequest()),
    "contacts.get": (NOTHING,),
    "contacts.get_many": (None, ["nothing"]),
    "contacts.create": (None, Contact(nick_name="made")),
    "contacts.update": (NOTHING, Contact()),
    "contacts.delete": (NOTHING,),
    "contacts.changes": (None, None, None),
    "task_lists.find": (None, None, PageRequest()),
    "task_lists.get": (NOTHING,),
    "task_lists.get_many": (None, ["nothing"]),
    "task_lists.create": (None, TaskListCreate(title="made")),
    "task_lists.update": (NOTHING, TaskListUpdate(title="changed")),
    "task_lists.delete": (NOTHING,),
    "task_lists.changes": (None, None, None),
    "task_lists.primary": (),
    "tasks.find": ("nowhere", TaskQuery(), PageRequest()),
    "tasks.get": (INSIDE,),
    "tasks.get_many": ("nowhere", ["nothing"]),
    "tasks.create": ("nowhere", TaskCreate(title="made")),
    "tasks.update": (INSIDE, TaskUpdate()),
    "tasks.delete": (INSIDE,),
    "tasks.changes": ("nowhere", None, TaskQuery()),
}


def abilities(box: Subject) -> set[str]:
    ports = {name: getattr(box.session, name) for name in PORTS}
    return {f"{name}.{verb}" for name, port in ports.items() if port is not None for verb in verbs(port)}


async def test_no_ability_was_lost(box: Subject) -> None:
    golden = json.loads(GOLDEN.read_text())[box.backend.provider.name]
    found = abilities(box)
    assert sorted(found) == golden, "when a provider gains a verb, add it to matrix.json; it may not lose one"


async def test_claimed_verbs_work_and_others_are_unsupported(box: Subject) -> None:
    claimed = abilities(box)
    for ability, arguments in ARGUMENTS.items():
        port, _, verb = ability.partition(".")
        offered = getattr(box.session, port)
        if offered is None:
            continue
        call = getattr(offered, verb)(*arguments)
        if ability in claimed:
            try:
                await call
            except ProviderError as error:
                assert isinstance(error, NotFound) or (ability == "messages.send" and isinstance(error, Invalid))
        else:
            with pytest.raises(Unsupported):
                await call


def test_every_verb_of_every_port_is_tried() -> None:
    known = {
        f"{name}.{verb}"
        for name, port in PORTS.items()
        for verb, body in inspect.getmembers(port, inspect.iscoroutinefunction)
        if not verb.startswith("_")
    }
    assert known == set(ARGUMENTS)
