"""Which responses tell that something changed (RFC 3501 section 7, 5465, 7162)."""

import re

from providers.imap.wire import Line

_EXISTS = re.compile(rb"(\d+) EXISTS\Z", re.IGNORECASE)
_GONE = re.compile(rb"\d+ EXPUNGE\Z|VANISHED ", re.IGNORECASE)
_CHANGED = re.compile(rb"\d+ FETCH ", re.IGNORECASE)
_LISTED = re.compile(rb"(?:LIST|STATUS) ", re.IGNORECASE)
_OVERFLOW = re.compile(rb"(?:OK|NO) \[NOTIFICATIONOVERFLOW\]", re.IGNORECASE)


class Hints:
    """Of one connection. RECENT, FLAGS, `OK Still here` and the like are none, nor is a count that is known."""

    __slots__ = ("_exists",)

    def __init__(self) -> None:
        self._exists = -1

    def is_news(self, line: Line) -> bool:
        """Whether an untagged response means a change."""
        text = line.text
        if match := _EXISTS.match(text):
            known, self._exists = self._exists, int(match[1])
            return known != self._exists
        if _GONE.match(text):
            self._exists = -1
            return True
        return bool(_CHANGED.match(text) or _LISTED.match(text) or _OVERFLOW.match(text))


def is_listed(line: Line) -> bool:
    """Whether it is a LIST or STATUS response."""
    return _LISTED.match(line.text) is not None


def is_overflow(line: Line) -> bool:
    """Whether the server gave up notifying: it has to be asked again."""
    return _OVERFLOW.match(line.text) is not None
