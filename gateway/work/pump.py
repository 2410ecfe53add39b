"""What background work is made of: pumps, which do what is due for one key at a time (design section 7)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Due = Callable[[int], Awaitable[Sequence[int]]]
Run = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pump:
    """A kind of work. Rows are the truth: `due(limit)` reads from them the keys (row ids) that need attention now, and
    `run(key)` does all that is due for one. It is safe to run twice or late; of each key one run at a time is under
    way, over all processes. `every` so many seconds somebody looks for what is due and has been forgotten."""

    name: str
    due: Due
    run: Run
    every: float = 10.0
