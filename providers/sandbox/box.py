"""One account's mail within one transaction: folders and messages as they are stored."""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from providers.base.errors import Exists, NotFound
from providers.formats.headers import Headers
from providers.sandbox import threads

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Role(StrEnum):
    """What a folder is for; the names are those of `providers.base.search.LABELS`."""

    INBOX = "inbox"
    SENT = "sent"
    DRAFT = "draft"
    ARCHIVE = "archive"
    TRASH = "trash"
    JUNK = "junk"


ROLE_NAMES = {
    "Inbox": Role.INBOX,
    "Sent": Role.SENT,
    "Drafts": Role.DRAFT,
    "Archive": Role.ARCHIVE,
    "Trash": Role.TRASH,
    "Junk": Role.JUNK,
}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder; `path` from the root with `/` between the names."""

    id: str
    name: str
    path: str
    parent: str | None
    role: Role | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to put into a folder."""

    source: bytes
    received: datetime
    seen: bool = False
    flagged: bool = False
    answered: bool = False
    draft: bool = False
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored(Letter):
    """A message in its folder. `number` orders what was received in the same millisecond."""

    number: int = 0
    id: str = ""
    folder: str = ""
    thread: str = ""

    @property
    def position(self) -> tuple[int, int]:
        """Where the message stands in every list: (milliseconds of the epoch, number)."""
        return milliseconds(self.received), self.number


class Box:
    """Account number `account` as transaction `db` sees it; `marks` are the owner's own choices of folders."""

    def __init__(self, db: sqlite3.Connection, account: int, marks: Mapping[str, str | None]) -> None:
        self.db, self.account, self.marks = db, account, marks

    def folders(self) -> dict[str, Folder]:
        """Every folder by its id, parents before their children."""
        rows = self.db.execute("SELECT * FROM folder WHERE account = ? ORDER BY name, id", (self.account,)).fetchall()
        found: dict[str, Folder] = {}
        self._descend(rows, None, found)
        return found

    def _descend(self, rows: Sequence[sqlite3.Row], parent: Folder | None, found: dict[str, Folder]) -> None:
        for row in rows:
            if row["parent"] == (parent.id if parent else ""):
                path = f"{parent.path}/{row['name']}" if parent else row["name"]
                folder = Folder(row["id"], row["name"], path, row["parent"] or None, self._role(row))
                found[folder.id] = folder
                self._descend(rows, folder, found)

    def _role(self, row: sqlite3.Row) -> Role | None:
        marked = (Role(name) for name, folder_id in self.marks.items() if folder_id == row["id"])
        return Role(row["role"]) if row["role"] else next(marked, None)

    def visible(self) -> list[str]:
        """The ids of the folders that are neither trash nor junk nor below them."""
        found: set[str | None] = {None}
        for folder in self.folders().values():
            if folder.parent in found and folder.role not in (Role.TRASH, Role.JUNK):
                found.add(folder.id)
        return [folder_id for folder_id in found if folder_id]

    def folder(self, folder_id: str) -> Folder:
        """Raises `NotFound`."""
        try:
            return self.folders()[folder_id]
        except KeyError:
            raise NotFound(f"there is no folder {folder_id[:80]!r}") from None

    def folder_for(self, role: Role) -> str:
        """The id of the folder used as such: the owner's mark where it still exists, else the one made for it."""
        folders, mark = self.folders(), self.marks.get(role)
        return mark if mark in folders else next(folder.id for folder in folders.values() if folder.role is role)

    def add_folder(self, name: str, parent: str | None, role: Role | None = None) -> str:
        """The id of the new folder. Raises `Exists`."""
        folder_id = f"f{secrets.token_hex(6)}"
        added = self.db.execute(
            "INSERT OR IGNORE INTO folder VALUES (?, ?, ?, ?, ?)", (self.account, folder_id, parent or "", name, role)
        )
        if not added.rowcount:
            raise Exists(f"there is a folder {name!r} already")
        return folder_id

    def add(self, folder_id: str, letter: Letter) -> Stored:
        """Put a message into a folder; it joins the conversation that its header names."""
        headers = Headers.parse(letter.source)
        mentioned = [headers.message_id, *headers.references, *headers.in_reply_to]
        thread = threads.join(self.db, self.account, list(dict.fromkeys(filter(None, mentioned))))
        message_id = f"m{secrets.token_hex(8)}"
        self.db.execute(
            "INSERT INTO message (account, id, folder, received, message_id, thread, keywords, change, seen, flagged,"
            " answered, draft, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(self.account, message_id, folder_id, milliseconds(letter.received), headers.message_id, thread),
                *(json.dumps(letter.keywords), self._next_change(), letter.seen, letter.flagged),
                *(letter.answered, letter.draft, letter.source),
            ),
        )
        return self.message(message_id)

    def message(self, message_id: str) -> Stored:
        """Raises `NotFound`."""
        for stored in self._select("id = ?", (message_id,)):
            return stored
        raise NotFound(f"there is no message {message_id[:80]!r}")

    def messages(self, ids: Sequence[str]) -> dict[str, Stored]:
        """Those that exist, by id."""
        found = self._select(f"id IN ({','.join('?' * len(ids))})", ids)
        return {stored.id: stored for stored in found}

    def newest(self, folders: Sequence[str], before: tuple[int, int] | None) -> Iterator[Stored]:
        """The messages of these folders behind a position, newest first; read as they are asked for."""
        where, values = f"folder IN ({','.join('?' * len(folders))})", [*folders]
        return self._select(f"{where} AND (received, number) < (?, ?)", (*values, *(before or (1 << 62, 0))), "DESC")

    def conversation(self, thread: str, after: tuple[int, int] | None) -> Iterator[Stored]:
        """The messages of a thread behind a position, oldest first."""
        thread = threads.resolve(self.db, self.account, thread)
        return self._select("thread = ? AND (received, number) > (?, ?)", (thread, *(after or (-(1 << 62), 0))))

    def by_message_id(self, message_id: str, folder_id: str) -> Stored | None:
        """The newest message in a folder that bears this Message-ID."""
        return next(self._select("message_id = ? AND folder = ?", (message_id, folder_id), "DESC"), None)

    def change(self, message_id: str, **columns: Any) -> Stored:
        """Write some columns of a message; what is so already is no change. Raises `NotFound`."""
        differs = " OR ".join(f"{name} IS NOT ?" for name in columns)
        if next(self._select(f"id = ? AND ({differs})", (message_id, *columns.values())), None) is None:
            return self.message(message_id)
        columns["change"] = self._next_change()
        names = ", ".join(f"{name} = ?" for name in columns)
        self.db.execute(
            f"UPDATE message SET {names} WHERE account = ? AND id = ?",  # noqa: S608 - names from our own code
            (*columns.values(), self.account, message_id),
        )
        return self.message(message_id)

    def mark_answered(self, message_id: str) -> None:
        """Note that a message was replied to, if it is still there; no field shows it, so it is no change."""
        self.db.execute("UPDATE message SET answered = 1 WHERE account = ? AND id = ?", (self.account, message_id))

    def remove(self, message_id: str) -> None:
        """Take a message out for good; a tombstone stays."""
        gone = self.db.execute("DELETE FROM message WHERE account = ? AND id = ?", (self.account, message_id))
        if gone.rowcount:
            tombstone = (self.account, self._next_change(), message_id)
            self.db.execute("INSERT INTO tombstone VALUES (?, ?, ?)", tombstone)

    def _select(self, where: str, values: Sequence[Any], order: str = "ASC") -> Iterator[Stored]:
        statement = (
            f"SELECT * FROM message WHERE account = ? AND {where}"  # noqa: S608 - conditions from our own code
            f" ORDER BY received {order}, number {order}"
        )
        return map(_stored, self.db.execute(statement, (self.account, *values)))

    def _next_change(self) -> int:
        return int(
            self.db.execute(
                "UPDATE account SET change = change + 1 WHERE id = ? RETURNING change", (self.account,)
            ).fetchone()[0]
        )


def milliseconds(moment: datetime) -> int:
    """Milliseconds of the epoch, exactly."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(of_epoch: int) -> datetime:
    """The instant of so many milliseconds of the epoch."""
    return _EPOCH + of_epoch * _MILLISECOND


def _stored(row: sqlite3.Row) -> Stored:
    return Stored(
        source=row["source"],
        received=moment(row["received"]),
        seen=bool(row["seen"]),
        flagged=bool(row["flagged"]),
        answered=bool(row["answered"]),
        draft=bool(row["draft"]),
        keywords=tuple(json.loads(row["keywords"])),
        number=row["number"],
        id=row["id"],
        folder=row["folder"],
        thread=row["thread"],
    )
