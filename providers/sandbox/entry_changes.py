"""What changed on a shelf since a cursor: entries and tombstones in the order of the port's change counter.

A cursor is as that of mail (`changes.py`): the account's number, the counter up to which everything was told, and the
counter when the stream began.
"""

from collections.abc import Callable, Sequence

from providers.base.collection import Change, Delta
from providers.sandbox.cabinet import Cabinet
from providers.sandbox.changes import position

Told = Callable[[str, str, bytes], Sequence[Change]]  # id, version, text -> what is told of it; nothing: it is left out


def delta(cabinet: Cabinet, shelf: str | None, cursor: str | None, limit: int, told: Told) -> Delta:
    """At most `limit` entries. An entry that is left out is removed for whoever may have been told of it.

    Raises `CursorExpired`, `NotFound`."""
    if shelf is not None:
        cabinet.shelf(shelf)
    counter = cabinet.counter
    place = position(cabinet.account, cursor, counter)
    rows = cabinet.changed(shelf, place.told, limit + 1)
    changed: list[Change] = []
    removed: list[str] = []
    for row in rows[:limit]:
        found = told(row["id"], str(row["change"]), row["text"]) if row["text"] is not None else ()
        changed += found
        if not found and row["change"] > place.began:
            removed.append(row["id"])
    more = len(rows) > limit
    reached = rows[limit - 1]["change"] if more else counter
    return Delta(changed, removed, f"c{cabinet.account}.{reached}.{place.began}", more=more)
