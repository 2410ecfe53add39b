"""A host that cannot be connected to is left alone for a while; whoever asks meanwhile is told at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from providers.base.errors import Unavailable
from providers.imap.net import Misconfigured

FIRST, LONGEST = 0.5, 10.0  # seconds of rest after the first failure, doubled with each further one


class Circuit:
    """Of one host. Only failures to connect count, and only a success ends them. Safe for several threads."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._failures = 0
        self._failed_at = self._until = float("-inf")
        self._last: Unavailable | None = None

    @contextmanager
    def trying(self, patience: float) -> Iterator[None]:
        """Connect within the block, which takes up to `patience` seconds; while the host rests: `Unavailable`.

        After a rest one attempt is made, and only when it succeeded the others follow.
        """
        began = self._admit(patience)
        try:
            yield
        except Misconfigured:  # the name or the certificate, which one account may have got wrong
            self._undecided()
            raise
        except Unavailable as error:
            self._failed(began, error)
            raise
        except BaseException:
            self._undecided()
            raise
        self._succeeded()

    def _admit(self, patience: float) -> float:
        with self._lock:
            now = time.monotonic()
            if self._failures:
                if now < self._until:
                    raise self._resting(self._until - now)
                self._until = now + patience
            return now

    def _resting(self, wait: float) -> Unavailable:
        why = self._last.message if self._last is not None else ""
        return Unavailable(f"{self._name} could not be reached a moment ago: {why}", retry_after=max(0.1, wait))

    def _failed(self, began: float, error: Unavailable) -> None:
        with self._lock:
            if began < self._failed_at:  # it began before the failure that is known
                return
            rest = min(LONGEST, FIRST * 2**self._failures)
            self._failures, self._last = min(self._failures + 1, 20), error
            self._failed_at = time.monotonic()
            self._until = self._failed_at + rest
            error.retry_after = error.retry_after or rest

    def _undecided(self) -> None:
        """The attempt tells nothing of the host: the next one may be made."""
        with self._lock:
            self._until = float("-inf")

    def _succeeded(self) -> None:
        with self._lock:
            self._failures = 0
