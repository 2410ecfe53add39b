"""One account's calendars, contacts and tasks within one transaction: texts (iCalendar, vCard) on shelves.

A shelf is a calendar, an address book or a task list. Each port has its own change counter; an entry's version is the
counter when it was last written.
"""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from providers.base.errors import Conflict, Denied, NotFound, TooLarge

_SHELF, _ENTRY = (
    ("id", "name", "color", "description", "standard", "writable", "change"),
    (
        "number",
        "id",
        "shelf",
        "uid",
        "place",
        "change",
        "text",
    ),
)
MAX_TEXT = 4 * 1024 * 1024  # octets of an event with its exceptions, of a contact with its picture, of a task


class Kind(StrEnum):
    """The ports that keep texts, by their names in `Session`."""

    EVENTS = "events"
    CONTACTS = "contacts"
    TASKS = "tasks"


NOUNS = {Kind.EVENTS: ("calendar", "event"), Kind.CONTACTS: ("address book", "contact"), Kind.TASKS: ("list", "task")}


@dataclass(frozen=True, slots=True)
class Shelf:
    """A calendar, address book or task list; the `standard` one is what new things go to."""

    id: str
    name: str
    color: str | None
    description: str | None
    standard: bool
    writable: bool
    change: int

    def check_writable(self) -> None:
        """Raises `Denied`."""
        if not self.writable:
            raise Denied(f"{self.name!r} is shared with this account for reading only")


@dataclass(frozen=True, slots=True)
class Entry:
    """A text on its shelf; `number` orders by creation, `place` is where the owner wants it."""

    number: int
    id: str
    shelf: str
    uid: str
    place: float
    change: int
    text: bytes

    @property
    def etag(self) -> str:
        """The version."""
        return str(self.change)

    def check(self, etag: str | None) -> None:
        """Raises `Conflict` when an etag is given and not the current one."""
        if etag is not None and etag != self.etag:
            raise Conflict(f"the version given is {etag[:40]!r}, the current one is {self.etag!r}")


class Cabinet:
    """What one port of account number `account` keeps, as transaction `db` sees it."""

    def __init__(self, db: sqlite3.Connection, account: int, kind: Kind) -> None:
        self.db, self.account, self.kind = db, account, kind

    @property
    def counter(self) -> int:
        """The change counter."""
        row = self.db.execute("SELECT change FROM counter WHERE account = ? AND port = ?", self._mine).fetchone()
        return int(row["change"]) if row else 0

    @property
    def _mine(self) -> tuple[int, str]:
        return self.account, self.kind.value

    def shelves(self) -> list[Shelf]:
        """The standard one first, then by name."""
        found = self.db.execute(
            f"SELECT {', '.join(_SHELF)} FROM shelf WHERE account = ? AND port = ?"  # noqa: S608
            " ORDER BY standard DESC, writable DESC, name, id",
            self._mine,
        )
        return [Shelf(**{**row, "standard": bool(row["standard"]), "writable": bool(row["writable"])}) for row in found]

    def shelf(self, shelf_id: str | None) -> Shelf:
        """Raises `NotFound`."""
        for found in self.shelves():
            if found.id == shelf_id:
                return found
        raise self._missing(0, shelf_id)

    def standard(self) -> Shelf:
        """The shelf for new things. Raises `NotFound`."""
        for found in self.shelves():
            if found.standard:
                return found
        raise NotFound(f"this account has no {NOUNS[self.kind][0]}")

    def add_shelf(self, name: str, *, standard: bool = False, writable: bool = True, **more: str | None) -> Shelf:
        """A new shelf; `more` are colour and description."""
        shelf_id = f"s{secrets.token_hex(6)}"
        self.db.execute(
            "INSERT INTO shelf VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(*self._mine, shelf_id, name, more.get("color"), more.get("description")),
                *(standard, writable, self._next_change()),
            ),
        )
        return self.shelf(shelf_id)

    def change_shelf(self, shelf_id: str, **columns: Any) -> Shelf:
        """Write some columns. Raises `NotFound`."""
        columns["change"] = self._next_change()
        names = ", ".join(f"{name} = ?" for name in columns)
        self.db.execute(
            f"UPDATE shelf SET {names} WHERE account = ? AND port = ? AND id = ?",  # noqa: S608 - names of our own code
            (*columns.values(), *self._mine, shelf_id),
        )
        return self.shelf(shelf_id)

    def remove_shelf(self, shelf_id: str) -> None:
        """Take a shelf away with everything on it."""
        for entry in self.entries(shelf_id):
            self.remove(entry)
        self.db.execute("DELETE FROM shelf WHERE account = ? AND port = ? AND id = ?", (*self._mine, shelf_id))
        self._next_change()

    def state(self) -> tuple[int, int]:
        """Two numbers that change with every write; the second one tells an account from an earlier one of its id."""
        statement = (
            "SELECT coalesce((SELECT change FROM counter WHERE account = ? AND port = ?), 0),"
            " coalesce((SELECT max(number) FROM entry WHERE account = ? AND port = ?), 0)"
        )
        change, last = self.db.execute(statement, (*self._mine, *self._mine)).fetchone()
        return int(change), int(last)

    def entries(self, shelf_id: str | None = None, after: int = 0) -> Iterator[Entry]:
        """What stands on a shelf (None: on any), in the order of creation."""
        where = "number > ?" if shelf_id is None else "number > ? AND shelf = ?"
        return self._select(where, (after,) if shelf_id is None else (after, shelf_id))

    def entry(self, entry_id: str, shelf_id: str | None = None) -> Entry:
        """One of a shelf (None: of any). Raises `NotFound`."""
        if shelf_id is not None:
            self.shelf(shelf_id)
        for found in self._select("id = ?", (entry_id,)):
            if shelf_id in (None, found.shelf):
                return found
        raise self._missing(1, entry_id)

    def by_ids(self, ids: Sequence[str], shelf_id: str | None = None) -> dict[str, Entry]:
        """Those that exist."""
        found = self._select(f"id IN ({','.join('?' * len(ids))})", tuple(ids))
        return {entry.id: entry for entry in found if shelf_id in (None, entry.shelf)}

    def by_uid(self, shelf_id: str, uid: str) -> Entry | None:
        """The entry of a shelf with this UID."""
        return next(self._select("shelf = ? AND uid = ?", (shelf_id, uid)), None)

    def add(self, shelf_id: str, uid: str, text: bytes, place: float = 0.0) -> Entry:
        """Put a text on a shelf. Raises `TooLarge`."""
        _check_size(text)
        entry_id = f"{self.kind[0]}{secrets.token_hex(8)}"
        self.db.execute(
            "INSERT INTO entry (account, port, shelf, id, uid, place, change, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*self._mine, shelf_id, entry_id, uid, place, self._next_change(), text),
        )
        return self.entry(entry_id)

    def put(self, entry: Entry, text: bytes, place: float | None = None) -> Entry:
        """Replace a text. Raises `TooLarge`."""
        _check_size(text)
        self.db.execute(
            "UPDATE entry SET text = ?, place = ?, change = ? WHERE number = ?",
            (text, entry.place if place is None else place, self._next_change(), entry.number),
        )
        return self.entry(entry.id)

    def remove(self, entry: Entry) -> None:
        """Take a text out for good; a tombstone stays."""
        self.db.execute("DELETE FROM entry WHERE number = ?", (entry.number,))
        tombstone = (*self._mine, entry.shelf, self._next_change(), entry.id)
        self.db.execute("INSERT INTO removed_entry VALUES (?, ?, ?, ?, ?)", tombstone)

    def changed(self, shelf_id: str | None, after: int, limit: int) -> list[sqlite3.Row]:
        """The first entries and tombstones behind a counter: change, id, text (None for a tombstone)."""
        return self.db.execute(
            "SELECT change, id, text FROM entry WHERE account = :account AND port = :port AND change > :after"
            " AND shelf = coalesce(:shelf, shelf) UNION ALL"
            " SELECT change, id, NULL FROM removed_entry WHERE account = :account AND port = :port AND change > :after"
            " AND shelf = coalesce(:shelf, shelf) ORDER BY change LIMIT :limit",
            {"account": self.account, "port": self.kind.value, "after": after, "shelf": shelf_id, "limit": limit},
        ).fetchall()

    def _select(self, where: str, values: Sequence[Any]) -> Iterator[Entry]:
        statement = (
            f"SELECT {', '.join(_ENTRY)} FROM entry"  # noqa: S608 - conditions from our own code
            f" WHERE account = ? AND port = ? AND {where} ORDER BY number"
        )
        return (Entry(**row) for row in self.db.execute(statement, (*self._mine, *values)).fetchall())

    def _next_change(self) -> int:
        statement = (
            "INSERT INTO counter VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET change = change + 1 RETURNING change"
        )
        return int(self.db.execute(statement, self._mine).fetchone()[0])

    def _missing(self, noun: int, item: str | None) -> NotFound:
        return NotFound(f"there is no {NOUNS[self.kind][noun]} {(item or '')[:80]!r}")


def _check_size(text: bytes) -> None:
    if len(text) > MAX_TEXT:
        raise TooLarge(f"the sandbox stores nothing of more than {MAX_TEXT} octets; this would take {len(text)}")
