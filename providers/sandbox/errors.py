"""What SQLite raises -> what the provider contract says: the one table."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from providers.base.errors import Denied, ProviderError, Retryable, Unavailable

# The first class that fits counts; `sqlite_errorcode` holds the primary code in its low byte.
_BY_CODE: dict[int, tuple[type[ProviderError], str]] = {
    sqlite3.SQLITE_BUSY: (Retryable, "the sandbox is busy: try again"),
    sqlite3.SQLITE_LOCKED: (Retryable, "the sandbox is busy: try again"),
    sqlite3.SQLITE_FULL: (Denied, "the sandbox's disk is full"),
    sqlite3.SQLITE_READONLY: (Denied, "the sandbox's file cannot be written"),
    sqlite3.SQLITE_TOOBIG: (Denied, "the sandbox cannot store anything of this size"),
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise SQLite's errors as those of the contract."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        kind, message = _BY_CODE.get(code, (Unavailable, "the sandbox's file cannot be used"))
        raise kind(message, original=str(error)) from error
