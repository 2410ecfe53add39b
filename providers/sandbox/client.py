"""The SQLite file that holds every sandbox mailbox, shared by all processes of the gateway."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from providers.base.cache import Cache, Sized
from providers.sandbox.errors import translated

_KEPT = 16 * 1024 * 1024  # octets
_BUSY_TIMEOUT = 15.0  # seconds that a writer waits for another process

_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    id INTEGER PRIMARY KEY, key INTEGER NOT NULL, email TEXT NOT NULL COLLATE NOCASE,
    change INTEGER NOT NULL DEFAULT 0,  -- grows with every write that shows
    UNIQUE (key, email));
CREATE INDEX IF NOT EXISTS account_email ON account (email);

CREATE TABLE IF NOT EXISTS folder (
    account INTEGER NOT NULL REFERENCES account, id TEXT NOT NULL, parent TEXT NOT NULL, name TEXT NOT NULL, role TEXT,
    PRIMARY KEY (account, id), UNIQUE (account, parent, name)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS shelf (
    account INTEGER NOT NULL REFERENCES account, port TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
    color TEXT, description TEXT, standard INTEGER NOT NULL, writable INTEGER NOT NULL, change INTEGER NOT NULL,
    PRIMARY KEY (account, port, id)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES account, port TEXT NOT NULL,
    shelf TEXT NOT NULL, id TEXT NOT NULL, uid TEXT NOT NULL, place REAL NOT NULL, change INTEGER NOT NULL,
    text BLOB NOT NULL,  -- iCalendar or vCard
    UNIQUE (account, port, id));
CREATE INDEX IF NOT EXISTS entry_change ON entry (account, port, shelf, change);
CREATE INDEX IF NOT EXISTS entry_uid ON entry (account, port, shelf, uid);

CREATE TABLE IF NOT EXISTS removed_entry (
    account INTEGER NOT NULL REFERENCES account, port TEXT NOT NULL, shelf TEXT NOT NULL, change INTEGER NOT NULL,
    id TEXT NOT NULL, PRIMARY KEY (account, port, change)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS counter (
    account INTEGER NOT NULL REFERENCES account, port TEXT NOT NULL,
    change INTEGER NOT NULL,  -- grows with every write that shows, as account.change does for mail
    PRIMARY KEY (account, port)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES account, id TEXT NOT NULL,
    folder TEXT NOT NULL, received INTEGER NOT NULL,  -- milliseconds of the epoch
    message_id TEXT, thread TEXT NOT NULL, keywords TEXT NOT NULL, change INTEGER NOT NULL,
    seen INTEGER NOT NULL, flagged INTEGER NOT NULL, answered INTEGER NOT NULL, draft INTEGER NOT NULL,
    source BLOB NOT NULL,  -- RFC 5322; the last column, since its pages are read only when it is asked for
    UNIQUE (account, id));
CREATE INDEX IF NOT EXISTS message_received ON message (account, received, number);
CREATE INDEX IF NOT EXISTS message_thread ON message (account, thread);
CREATE INDEX IF NOT EXISTS message_message_id ON message (account, message_id);
CREATE INDEX IF NOT EXISTS message_change ON message (account, change);

CREATE TABLE IF NOT EXISTS tombstone (
    account INTEGER NOT NULL REFERENCES account, change INTEGER NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (account, change)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS thread (
    number INTEGER PRIMARY KEY, account INTEGER NOT NULL, id TEXT NOT NULL,
    merged_into TEXT, UNIQUE (account, id));
CREATE TABLE IF NOT EXISTS mention (
    account INTEGER NOT NULL, message_id TEXT NOT NULL, thread TEXT NOT NULL,
    PRIMARY KEY (account, message_id)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS letter (
    email TEXT NOT NULL COLLATE NOCASE, received INTEGER NOT NULL, source BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS letter_email ON letter (email, received);
"""


class Client:
    """Transactions on the file at `path`, which is made when it is first used. Connections are kept for the next."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self.kept: Cache[Sized] = Cache(_KEPT)  # what was worked out of accounts as they are
        self.written: set[Callable[[], None]] = set()  # called after each transaction that wrote, on its thread

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone among all processes; undone when the block raises."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection
        for tell in tuple(self.written):
            tell()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with translated():
            connection = self._borrow()
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.close()  # which undoes what was not committed
                raise
            self._idle.append(connection)

    def _borrow(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)  # mail is nobody else's business
        connection = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        return connection

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop().close()
