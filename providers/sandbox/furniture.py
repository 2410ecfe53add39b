"""What every sandbox account has beside mail: three calendars, an address book, two task lists, and things in them."""

import sqlite3
from datetime import UTC, datetime
from hashlib import sha256

from providers.base.provider import Mailbox
from providers.formats import contentlines
from providers.formats.ical import tasks
from providers.formats.vcard import write as cards
from providers.sandbox import agenda, people
from providers.sandbox.cabinet import Cabinet, Kind

CALENDAR, FAMILY, SHARED = "Calendar", "Family", "Company holidays"
TASKS, HOUSEHOLD = "Tasks", "Household"


def is_there(db: sqlite3.Connection, account: int) -> bool:
    """Whether the account has been furnished: those of before there were calendars have not."""
    return bool(Cabinet(db, account, Kind.EVENTS).shelves())


def put(db: sqlite3.Connection, account: int, mailbox: Mailbox, *, empty: bool) -> None:
    """Furnish an account; an `empty` one gets the shelves and nothing on them."""
    events, contacts, todos = (Cabinet(db, account, kind) for kind in Kind)
    calendars = {
        CALENDAR: events.add_shelf(CALENDAR, standard=True, color="#3367d6").id,
        FAMILY: events.add_shelf(FAMILY, color="#0b8043", description="Birthdays, school, weekends").id,
        SHARED: events.add_shelf(SHARED, writable=False, color="#8e24aa").id,
    }
    book = contacts.add_shelf("Contacts", standard=True).id
    lists = {TASKS: todos.add_shelf(TASKS, standard=True).id, HOUSEHOLD: todos.add_shelf(HOUSEHOLD).id}
    if not empty:
        linked_at = datetime.fromisoformat(mailbox.grant["linkedAt"])
        _fill_calendars(events, calendars, mailbox, linked_at)
        _fill_contacts(contacts, book, mailbox, linked_at)
        _fill_lists(todos, lists, mailbox, linked_at)


def _fill_calendars(cabinet: Cabinet, calendars: dict[str, str], mailbox: Mailbox, linked_at: datetime) -> None:
    for name, resource in agenda.events(mailbox, linked_at):
        cabinet.add(calendars[name], resource.uid, contentlines.write(resource.calendar))


def _fill_contacts(cabinet: Cabinet, book: str, mailbox: Mailbox, linked_at: datetime) -> None:
    for number, contact in enumerate(people.contacts()):
        uid = _uid(mailbox, "contact", number)
        cabinet.add(book, uid, contentlines.write(cards.create(contact, uid, linked_at)))


def _fill_lists(cabinet: Cabinet, lists: dict[str, str], mailbox: Mailbox, linked_at: datetime) -> None:
    uids: dict[str, str] = {}
    for number, (name, task) in enumerate(people.tasks(linked_at)):
        uids[task.title or ""] = uid = _uid(mailbox, "task", number)
        body = task.model_copy(update={"parent_id": uids.get(task.parent_id or "")})
        text = tasks.create(body, uid, linked_at.astimezone(UTC))
        cabinet.add(lists[name], uid, contentlines.write(text), 1024.0 * (number + 1))


def _uid(mailbox: Mailbox, kind: str, number: int) -> str:
    return f"{sha256(f'{mailbox.email}/{kind}/{number}'.encode()).hexdigest()[:24]}@sandbox.example"
