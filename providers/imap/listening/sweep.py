"""A look at the folders that IDLE says nothing of, and only the folders: what they hold is not read.

With LIST-STATUS (RFC 5819) one command tells all, and one number is kept; without it STATUS goes round.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from providers.imap.connection import Connection
from providers.imap.listening.steps import Ask, Routine, Signal, jittered
from providers.imap.listing import has_list_status, list_commands, status_items
from providers.imap.tokens import parse
from providers.imap.wire import Line, Literal, astring

SHORTEST, LONGEST = 15.0, 240.0  # seconds between two looks: the shortest after a change, longer while there is none
_GROWTH = 1.5
_FOLDERS_AT_ONCE = 20  # STATUS commands in one look
_PATIENCE = 60.0  # seconds; a mailbox of many thousand folders takes long
_CLOSED = {b"\\NOSELECT", b"\\NONEXISTENT"}
_FICKLE = {b"\\MARKED", b"\\UNMARKED"}  # attributes that come and go with mail, INBOX's too


class Sweep:
    """The looks of one account."""

    __slots__ = ("_items", "_lists", "_marks", "_next", "_pause", "_sends_literals", "_single")

    def __init__(self, connection: Connection) -> None:
        self._items = _items(connection)
        commands = list_commands(connection, self._items)
        self._lists = [b"".join(part for part in command if isinstance(part, bytes)) for command in commands]
        self._single = not has_list_status(connection)  # STATUS has to be asked for each folder by itself
        self._sends_literals = bool(connection.wire.free_literals)
        self._marks: dict[int, int] = {}  # hash of a folder's name (0: the whole list) -> hash of what was said of it
        self._next = 0
        self._pause = random.uniform(SHORTEST, LONGEST)  # noqa: S311 - spreads the accounts that are opened together

    def pause(self) -> float:
        """Seconds until the next look."""
        return jittered(self._pause)

    def run(self) -> Routine:
        """One look; what differs from the one before is a hint."""
        lines: list[Line] = []
        for command in self._lists:
            answer = yield Ask(command, _PATIENCE, lists=True)
            if answer is None or answer.status != "OK":
                return  # nothing can be said
            lines += answer.lines
        news = self._notes(0, sum(map(_mark, lines)))
        for name in self._due(lines) if self._single else ():
            answer = yield Ask(b"STATUS %b (%b)" % (name, self._items), _PATIENCE, lists=True)
            news |= self._notes(hash(name), sum(map(_mark, answer.lines if answer is not None else ())))
        self._pause = SHORTEST if news else min(LONGEST, self._pause * _GROWTH)
        if news:
            yield Signal.HINT

    def _notes(self, key: int, mark: int) -> bool:
        """Whether this is another mark than the one before; a first one is none."""
        known = self._marks.get(key, mark)
        self._marks[key] = mark
        return known != mark

    def _due(self, lines: Iterable[Line]) -> Sequence[bytes]:
        """The names of the folders whose turn it is, as arguments."""
        names = sorted({name for line in lines if (name := self._argument(line)) is not None})
        if len(names) <= _FOLDERS_AT_ONCE:
            return names
        start = self._next % len(names)
        self._next = start + _FOLDERS_AT_ONCE
        return (names + names)[start : start + _FOLDERS_AT_ONCE]

    def _argument(self, line: Line) -> bytes | None:
        """The name of a folder that can be asked about; INBOX cannot, since it is open (RFC 3501 section 6.3.10)."""
        match parse(line):
            case [_, list(attributes), _, bytes(name)] if name.upper() != b"INBOX":
                if _CLOSED.isdisjoint(_upper(attributes)):
                    return self._quoted(name)
        return None

    def _quoted(self, name: bytes) -> bytes | None:
        argument = astring(name)
        if not isinstance(argument, Literal):
            return argument
        return b"{%d+}\r\n%b" % (len(name), name) if self._sends_literals else None


def _items(connection: Connection) -> bytes:
    """What to ask STATUS for: where no modification counter tells of flags, the unread messages are counted."""
    items = status_items(connection)
    return items if b"MODSEQ" in items else items + b" UNSEEN"


def _mark(line: Line) -> int:
    """A number that differs when the response differs; of INBOX, which IDLE tells about, only that it is there."""
    match parse(line):
        case [_, list(attributes), separator, bytes(name)]:
            return hash((frozenset(_upper(attributes)) - _FICKLE, separator, name))
        case [_, bytes(name), list(values)] if name.upper() != b"INBOX":
            return hash((name, tuple(value for value in values if isinstance(value, bytes))))
    return 0


def _upper(words: Iterable[Any]) -> set[bytes]:
    return {word.upper() for word in words if isinstance(word, bytes)}
