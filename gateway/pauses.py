"""How long to wait before trying again, and what keeps processes from doing so all at once."""

import random


def jittered(shortest: float, longest: float) -> float:
    """Some number of seconds between these."""
    return random.uniform(shortest, longest)  # noqa: S311 - nothing secret


def pause(failures: int, shortest: float, longest: float, at_least: float | None = None) -> float:
    """Seconds to wait after so many failures in a row: twice as long each time, from `shortest` up to `longest`, less
    up to half of it by chance; never less than what the other side asked for (`at_least`)."""
    limit = min(longest, shortest * 2.0 ** min(max(failures - 1, 0), 30))
    return max(jittered(limit / 2, limit), at_least or 0.0)
