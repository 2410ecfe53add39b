"""How often Python looks for cycles that nobody needs any more."""

import gc

_YOUNG = 50_000  # objects made, less those given back, until the young ones are looked through (Python's own: 700)
_OLDER, _OLDEST = 20, 20  # times the young ones, until those that outlived them are


def settle() -> None:
    """Leave what has been loaded until now out of it, and look less often: reading a page of messages makes tens of
    thousands of objects that live as long as the request, and looking through them again and again takes more than a
    third of its time (`make bench`, sync)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLDER, _OLDEST)
