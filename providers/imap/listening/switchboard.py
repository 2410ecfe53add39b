"""One thread that watches the sockets of all accounts of the process, and their deadlines."""

import heapq
import itertools
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from providers.base.lane import own_thread

_log = logging.getLogger(__name__)


class Watched(Protocol):
    """A connection as the switchboard sees it. Everything is called on the switchboard's thread."""

    due: float  # on `time.monotonic`
    scheduled: float  # the switchboard's note of when it looks at `due` again; infinity at first
    over: bool  # nothing is watched any more
    was_blocked: bool  # the switchboard's note of the `blocked` that it knows

    @property
    def blocked(self) -> bool:
        """Whether octets wait until the socket takes them."""

    def fileno(self) -> int:
        """The socket's."""

    def ready(self) -> None:
        """The socket has something, or takes something."""

    def expire(self) -> None:
        """The moment `due` has come."""

    def fail(self, error: Exception) -> None:
        """`ready` or `expire` raised this: let go of the socket."""

    def close(self) -> None:
        """Let go of the socket."""


class Switchboard:
    """Started by its first job. Jobs may be posted from any thread; all else happens on its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: deque[Callable[[], None]] = deque()
        self._bell: socket.socket | None = None  # written to when a job was posted
        self._closed = False
        self._lines: dict[int, Watched] = {}
        self._deadlines: list[tuple[float, int, Watched]] = []
        self._numbers = itertools.count()

    def post(self, job: Callable[[], None]) -> bool:
        """Have a job done soon, in order; False when the switchboard was closed."""
        with self._lock:
            if self._closed:
                return False
            self._jobs.append(job)
            if self._bell is None:
                self._start()
            else:
                self._ring(self._bell)
        return True

    def close(self) -> None:
        """Let go of every connection, and end the thread."""
        with self._lock:
            closed, self._closed = self._closed, True
            if self._bell is not None and not closed:
                self._jobs.append(self._hang_up)
                self._ring(self._bell)

    def add(self, one: Watched) -> None:
        """Watch a connection from now on."""
        self._lines[one.fileno()] = one
        self._selector.register(one.fileno(), selectors.EVENT_READ)
        self.settle(one)

    def remove(self, one: Watched) -> None:
        """Watch it no more; to be called before its socket is closed."""
        if self._lines.pop(one.fileno(), None) is not None:
            self._selector.unregister(one.fileno())

    def settle(self, one: Watched) -> None:
        """Take note of what the connection waits for now."""
        if one.over:
            return
        if one.blocked != one.was_blocked:
            one.was_blocked = one.blocked
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if one.blocked else 0)
            self._selector.modify(one.fileno(), events)
        if one.due < one.scheduled:
            one.scheduled = one.due
            heapq.heappush(self._deadlines, (one.due, next(self._numbers), one))

    def _start(self) -> None:
        self._bell, ear = socket.socketpair()
        self._bell.setblocking(False)
        ear.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(ear, selectors.EVENT_READ)
        own_thread("switchboard", lambda: self._run(ear))

    def _ring(self, bell: socket.socket) -> None:
        try:
            bell.send(b"\0")
        except BlockingIOError:  # it rings already
            pass

    def _run(self, ear: socket.socket) -> None:
        while not self._closed or self._jobs:
            self._work()
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is ear:
                    ear.recv(4096)
                elif (one := self._lines.get(key.fd)) is not None:
                    self._guarded(one, one.ready)
            self._expire()
        self._selector.close()
        for end in (ear, self._bell):
            if end is not None:
                end.close()

    def _work(self) -> None:
        while self._jobs:
            try:
                self._jobs.popleft()()
            except Exception:  # the thread is everybody's
                _log.exception("a job of the switchboard failed")

    def _patience(self) -> float | None:
        if self._jobs or self._closed:
            return 0.0
        return max(0.0, self._deadlines[0][0] - time.monotonic()) if self._deadlines else None

    def _expire(self) -> None:
        now = time.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            due, _, one = heapq.heappop(self._deadlines)
            if one.over or due != one.scheduled:
                continue
            one.scheduled = float("inf")
            if one.due <= now:
                self._guarded(one, one.expire)
            else:  # it was put off, as nearly always: answers come in time
                self.settle(one)

    def _guarded(self, one: Watched, step: Callable[[], None]) -> None:
        """One connection's failure is not the others'."""
        try:
            step()
        except Exception as error:
            one.fail(error)
        self.settle(one)

    def _hang_up(self) -> None:
        for one in list(self._lines.values()):
            one.close()
