"""The connections of one account: kept warm between jobs, few, and replaced when they died in the meantime."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from providers.base.errors import ProviderError, RateLimited
from providers.imap.connection import Connection
from providers.imap.errors import translated
from providers.imap.wire import Lost, Refused

T = TypeVar("T")

IDLE_SECONDS = 300.0  # a warm connection not used for so long is closed; servers do so after 10 to 30 minutes


class Pool:
    """At most `limit` connections, lent one job at a time. `cramped` says that the account's connections are all taken,
    and somebody else waits for one.

    When no more may be opened, as the server or the account's budget has it, a job waits for one that is there. A job
    that fails other than by a refusal takes its connection with it: nobody knows what is still on the way.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        limit: int,
        patience: float,
        cramped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._connect, self._cramped = connect, cramped
        self._limit = limit
        self._patience = patience  # seconds to wait for a free connection
        self._places = threading.BoundedSemaphore(limit)
        self._lock = threading.Condition()  # notified when a connection comes back, or is gone
        self._idle: list[Connection] = []  # the longest unused first
        self._lent = 0  # places that are taken
        self._out = 0  # connections that a job has or is opening
        self._closed = False

    @contextmanager
    def borrow(self, folder: str | None = None, *, fresh: bool = False) -> Iterator[Connection]:
        """A connection, rather one that has `folder` selected (None: no folder); `fresh`: opened for this job.

        Errors of the library and of the server leave as those of the provider contract. Raises `RateLimited` when all
        connections stay busy, and what `Connection.open` raises.
        """
        if not self._places.acquire(timeout=self._patience):
            raise RateLimited(f"all {self._limit} connections of this account are busy", retry_after=1.0)
        with self._lock:
            self._lent += 1
        try:
            with translated():
                yield from self._lend(self._opened(folder) if fresh else self._take(folder) or self._opened(folder))
        finally:
            with self._lock:
                self._lent -= 1
            self._places.release()

    def read(self, job: Callable[[Connection], T], folder: str | None = None) -> T:
        """The result of a job that changes nothing: done once more, on a new connection, when a warm one was dead."""
        warm = False
        try:
            with self.borrow(folder) as connection:
                warm = not connection.fresh
                return job(connection)
        except ProviderError as error:
            if not (warm and _is_dead(error)):
                raise
        with self.borrow(folder, fresh=True) as connection:
            return job(connection)

    def close(self) -> None:
        """Close what is idle now, and the rest when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def forget(self, folder: str) -> None:
        """Close idle connections that have `folder` selected, since it is about to go or to be renamed."""
        with self._lock:
            stale = [one for one in self._idle if one.selected is not None and one.selected.name == folder]
            self._idle = [one for one in self._idle if one not in stale]
        for connection in stale:
            connection.close()

    def _opened(self, folder: str | None) -> Connection:
        """A new connection; where there may be none, one that another job gives back. Raises `RateLimited`."""
        deadline = time.monotonic() + self._patience
        while True:
            others = self._out
            try:
                return self._connected()
            except RateLimited:
                if not self._comes_back(others, deadline):
                    raise
            if (found := self._take(folder, grow=False)) is not None:
                return found

    def _connected(self) -> Connection:
        with self._lock:
            self._out += 1
        try:
            return self._connect()
        except BaseException:
            self._one_less()
            raise

    def _one_less(self) -> None:
        with self._lock:
            self._out -= 1
            self._lock.notify_all()

    def _comes_back(self, others: int, deadline: float) -> bool:
        """Wait until one is idle, or less than `others` are out; False when there are none, or none came in time."""
        with self._lock:
            if not self._idle and not others:
                return False
            return self._lock.wait_for(lambda: bool(self._idle) or self._out < others, deadline - time.monotonic())

    def _lend(self, connection: Connection) -> Iterator[Connection]:
        try:
            yield from self._guarded(connection)
        finally:
            self._one_less()

    def _guarded(self, connection: Connection) -> Iterator[Connection]:
        try:
            yield connection
        except (ProviderError, Refused):
            self._give_back(connection)
            raise
        except BaseException:
            connection.drop()
            raise
        else:
            self._give_back(connection)

    def _give_back(self, connection: Connection) -> None:
        connection.fresh = False
        with self._lock:
            keep = not self._closed and not self._cramped()
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()

    def _take(self, folder: str | None, *, grow: bool = True) -> Connection | None:
        """The best warm connection that is still alive; `grow`: none when it is better to open another one."""
        while True:
            with self._lock:
                old = self._outdated()
                chosen = min(self._idle, key=lambda one: _distance(one, folder), default=None)
                if chosen is not None and folder is None and chosen.selected and grow and self._may_grow():
                    chosen = None
                if chosen is not None:
                    self._idle.remove(chosen)
                    self._out += 1
            for connection in old:
                connection.close()
            if chosen is None or chosen.is_alive():
                return chosen
            chosen.drop()
            self._one_less()

    def _may_grow(self) -> bool:
        """Whether to open a second connection: one asks about all folders, and the other keeps its folder open."""
        return len(self._idle) + self._lent < min(self._limit, 2) + 1

    def _outdated(self) -> list[Connection]:
        limit = time.monotonic() - IDLE_SECONDS
        old = [one for one in self._idle if one.used_at < limit]
        if old:
            self._idle = [one for one in self._idle if one.used_at >= limit]
        return old


def _distance(connection: Connection, folder: str | None) -> int:
    """How much it takes to make a connection fit: what has no folder open is kept for those who want it so."""
    if connection.selected is None:
        return 0 if folder is None else 2
    return 0 if connection.selected.name == folder else 1


def _is_dead(error: ProviderError) -> bool:
    """Whether it tells of the connection, not of an answer; a timeout does not (a slow server is not asked twice)."""
    cause = error.__cause__
    return isinstance(cause, (Lost, OSError)) and not isinstance(cause, TimeoutError)
