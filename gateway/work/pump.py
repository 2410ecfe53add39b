"""What background work is made of: pumps, which do what is due for one key at a time (design section 7)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

Due = Callable[[int], Awaitable[Sequence[int]]]
Run = Callable[[int], Awaitable[None]]
Wanted = Callable[[int], Awaitable[Sequence[int]]]

_LEAVING: ContextVar[asyncio.Event | None] = ContextVar("leaving", default=None)


@dataclass(frozen=True, slots=True)
class Pump:
    """A kind of work. Rows are the truth: `due(limit)` reads from them the keys (row ids) that need attention now, and
    `run(key)` does all that is due for one. It is safe to run twice or late; of each key one run at a time is under
    way, over all processes. `every` so many seconds somebody looks for what is due and has been forgotten.

    `wanted(account_id)` are the keys to run at once when that account's feed has grown. At most `at_once` keys run at a
    time in a process."""

    name: str
    due: Due
    run: Run
    every: float = 10.0
    wanted: Wanted | None = None
    at_once: int = 500


def asked_to_stop() -> bool:
    """Whether the process is leaving: a run with much before it ends after the step it is at; others go on with it."""
    leaving = _LEAVING.get()
    return leaving is not None and leaving.is_set()


def mark_leaving(leaving: asyncio.Event) -> None:
    """Have `asked_to_stop` say in this task whether this event is set."""
    _LEAVING.set(leaving)
