"""What changed in a box since a cursor: messages and tombstones in the order of the account's change counter.

A cursor holds the account's number, the counter up to which everything was told, and the counter when the stream
began: what was removed before that, nobody has heard of.
"""

import re
import sqlite3
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from providers.base.collection import Change, Delta
from providers.base.errors import CursorExpired
from providers.sandbox.box import Box, Role, milliseconds

_CURSOR = re.compile(r"c(\d{1,17})\.(\d{1,17})\.(\d{1,17})\Z", re.ASCII)
_ROWS = """
SELECT change, id, folder, message_id, received, thread, draft FROM message WHERE account = :account AND change > :told
UNION ALL
SELECT change, id, NULL, NULL, NULL, NULL, NULL FROM tombstone WHERE account = :account AND change > max(:told, :began)
ORDER BY change LIMIT :limit
"""


class Position(NamedTuple):
    """Counters: up to where everything was told, and where the stream began."""

    told: int
    began: int


def delta(box: Box, parent: str | None, cursor: str | None, since: datetime | None, limit: int) -> Delta:
    """At most `limit` changes. Raises `CursorExpired` for a cursor that this account never gave, `NotFound`."""
    folder = box.folder(parent).id if parent is not None else None
    counter = box.db.execute("SELECT change FROM account WHERE id = ?", (box.account,)).fetchone()["change"]
    place = position(box.account, cursor, counter)
    values = {"account": box.account, "limit": limit + 1, **place._asdict()}
    rows = box.db.execute(_ROWS, values).fetchall()
    told = rows[:limit]
    oldest = milliseconds(since) if since is not None else None
    drafts = {found.id for found in box.folders().values() if found.role is Role.DRAFT}
    return Delta(
        [
            _change(row, drafts)
            for row in told
            if _is_there(row, folder) and (oldest is None or row["received"] >= oldest)
        ],
        [row["id"] for row in told if row["change"] > place.began and not _is_there(row, folder)],
        f"c{box.account}.{told[-1]['change'] if len(rows) > limit else counter}.{place.began}",
        more=len(rows) > limit,
    )


def _is_there(row: sqlite3.Row, folder: str | None) -> bool:
    """Whether the message lies where the stream looks; one that was moved elsewhere is gone from a folder's stream."""
    return row["folder"] is not None and folder in (None, row["folder"])


def _change(row: sqlite3.Row, drafts: Collection[str]) -> Change:
    told: dict[str, object] = {"threadId": row["thread"]}
    if row["draft"] or row["folder"] in drafts:
        told["draft"] = True
    return Change(row["id"], str(row["change"]), row["folder"], row["message_id"], attributes=told)


def position(account: int, cursor: str | None, counter: int) -> Position:
    """What a cursor says; None begins a stream. Raises `CursorExpired` for one that this account never gave."""
    if cursor is None:
        return Position(0, counter)
    match = _CURSOR.match(cursor)
    told, began = (int(match[2]), int(match[3])) if match else (0, 0)
    if match is None or int(match[1]) != account or told > counter or began > counter:
        raise CursorExpired("the position is none of this mailbox")
    return Position(told, began)
