"""How many messages all open accounts of the process remember together, and who has to forget."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

LIMIT = 5_000_000  # messages; each takes 16 octets in the index and some 200 in the conversations


class Ledger:
    """Accounts in the order of their last use. Safe for several threads."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[int, Callable[[], None]]] = OrderedDict()
        self._total = 0

    def use(self, account: Hashable, messages: int, forget: Callable[[], None]) -> None:
        """Note that an account was used and what it remembers; the longest unused ones forget when it is too much."""
        with self._lock:
            self._set(account, (messages, forget))
            forgotten = []
            while self._total > self._limit and len(self._entries) > 1:
                _, (count, oldest) = self._entries.popitem(last=False)
                self._total -= count
                forgotten.append(oldest)
        for oldest in forgotten:
            oldest()

    def leave(self, account: Hashable) -> None:
        """An account was closed."""
        with self._lock:
            self._set(account, None)

    def _set(self, account: Hashable, entry: tuple[int, Callable[[], None]] | None) -> None:
        before = self._entries.pop(account, None)
        self._total += (entry[0] if entry else 0) - (before[0] if before else 0)
        if entry is not None:
            self._entries[account] = entry
