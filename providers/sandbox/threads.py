"""Conversations by Message-ID, References and In-Reply-To (RFC 5256, REFERENCES, without its guessing by subject).

Every message id that is mentioned belongs to one thread, whether its message is there or not; so a parent that arrives
late finds the thread of its children. When a message joins several threads, the one that existed first keeps its id,
and the ids of the others lead to it.
"""

import secrets
import sqlite3
from collections.abc import Sequence


def join(db: sqlite3.Connection, account: int, message_ids: Sequence[str]) -> str:
    """The id of the thread of a message that has and mentions these ids."""
    marks = ",".join("?" * len(message_ids))
    threads = [
        row["id"]
        for row in db.execute(
            "SELECT id FROM thread WHERE account = ? AND id IN"  # noqa: S608 - question marks only
            f" (SELECT thread FROM mention WHERE account = ? AND message_id IN ({marks})) ORDER BY number",
            (account, account, *message_ids),
        )
    ]
    thread = threads[0] if threads else _new(db, account)
    for other in threads[1:]:
        _merge(db, account, other, thread)
    db.executemany(
        "INSERT OR IGNORE INTO mention VALUES (?, ?, ?)", [(account, message_id, thread) for message_id in message_ids]
    )
    return thread


def resolve(db: sqlite3.Connection, account: int, thread: str) -> str:
    """The id under which the thread goes now."""
    row = db.execute("SELECT merged_into FROM thread WHERE account = ? AND id = ?", (account, thread)).fetchone()
    return row["merged_into"] if row and row["merged_into"] else thread


def _new(db: sqlite3.Connection, account: int) -> str:
    thread = f"t{secrets.token_hex(8)}"
    db.execute("INSERT INTO thread (account, id) VALUES (?, ?)", (account, thread))
    return thread


def _merge(db: sqlite3.Connection, account: int, old: str, kept: str) -> None:
    for statement in (
        "UPDATE message SET thread = ? WHERE account = ? AND thread = ?",
        "UPDATE mention SET thread = ? WHERE account = ? AND thread = ?",
        "UPDATE thread SET merged_into = ? WHERE account = ? AND ? IN (id, merged_into)",
    ):
        db.execute(statement, (kept, account, old))
