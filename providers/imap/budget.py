"""How many connections this process may have to one account: the host's known limit, or the one it was found to have.

The pool and the listener share it. A server that says "too many" is believed for a while, instead of being asked again
with every request.
"""

import threading
import time
from collections.abc import Callable

from providers.base.errors import RateLimited

REMEMBERED = 600.0  # seconds for which a limit that the server showed counts
_ROOM = 60.0  # seconds after which a listener may find room
_PATIENCE = 3.0  # seconds for a listener to go


class Budget:
    """The connections of one account. Safe for several threads. `most`: what the host allows one client."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._changed = threading.Condition()
        self._pooled = self._listening = 0
        self._learned, self._until = most, 0.0
        self._wanted_until = 0.0  # a listener was turned away: connections that are not needed make room
        self.listeners: set[Callable[[], None]] = set()  # each ends one

    @property
    def allowed(self) -> int:
        """How many connections there may be now."""
        return self._learned if time.monotonic() < self._until else self.most

    @property
    def is_cramped(self) -> bool:
        """Whether the pool should let go of connections that it does not use at the moment."""
        full = self._pooled + self._listening >= self.allowed
        return full and self._pooled > 1 and time.monotonic() < self._wanted_until

    def enter(self, *, listening: bool = False) -> None:
        """Take a place for a connection that is about to be opened. Raises `RateLimited` when there is none.

        A listener leaves at least one place to the pool.
        """
        with self._changed:
            if self._pooled + self._listening >= self.allowed or (listening and self.allowed - self._listening < 2):
                raise self._full(listening=listening)
            self._count(1, listening)

    def leave(self, *, listening: bool = False) -> None:
        """Give the place back; the connection is closed."""
        with self._changed:
            self._count(-1, listening)
            self._changed.notify_all()

    def learn(self) -> None:
        """The server refused one more connection than there are now."""
        with self._changed:
            self._learned = max(1, min(self.most, self._pooled + self._listening))
            self._until = time.monotonic() + REMEMBERED

    def make_way(self) -> bool:
        """End the listeners when the pool has no connection at all; whether there is room then."""
        with self._changed:
            if self._pooled or not self.listeners:
                return False
            for give_way in tuple(self.listeners):
                give_way()
            return self._changed.wait_for(lambda: not self._listening, _PATIENCE)

    def _full(self, *, listening: bool) -> RateLimited:
        wait = max(1.0, self._until - time.monotonic())
        if listening and self.allowed > 1:  # by and by the pool makes room
            self._wanted_until = time.monotonic() + REMEMBERED
            wait = min(wait, _ROOM)
        return RateLimited(f"the mail server allows this account {self.allowed} connections at once", retry_after=wait)

    def _count(self, step: int, listening: bool) -> None:
        if listening:
            self._listening += step
        else:
            self._pooled += step
