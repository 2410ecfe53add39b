"""The order of siblings in a task list: numbers that Apple's programs and others keep in X-APPLE-SORT-ORDER.

A task without a number stands where it was made: at the seconds since 2001 of its CREATED, which is how those programs
read it. A task that is put between two whose numbers leave no room moves those behind it on.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from providers.base.errors import Invalid
from providers.formats import values
from providers.formats.contentlines import Component, Line

NAME = "X-APPLE-SORT-ORDER"
_BEGINNING = datetime(2001, 1, 1, tzinfo=UTC)
_MOST = 200  # tasks that are moved on to make room for one


def place_of(todo: Component) -> int:
    """Its number, else the moment at which it was made."""
    text = (todo.value(NAME) or "").strip()
    if text and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 15:
        return int(text)
    made = values.moment(todo.value("CREATED") or "")
    if not isinstance(made, datetime):
        return 0
    return int(((made if made.tzinfo else made.replace(tzinfo=UTC)) - _BEGINNING).total_seconds())


def put_place(todo: Component, place: int) -> None:
    """Give it a number."""
    todo.put(NAME, [Line(NAME, str(place))])


def room(siblings: Sequence[int], at: int) -> tuple[int, list[int]]:
    """The number of a task that comes to stand before `siblings[at]`, and the new numbers of those from there on that
    have to move; `siblings` are numbers in order. Raises `Invalid` when too many would have to."""
    before = siblings[at - 1] if at else None
    after = siblings[at] if at < len(siblings) else None
    if before is None or after is None:
        return (0 if after is None else after - 1) if before is None else before + 1, []
    if after - before > 1:
        return (before + after) // 2, []
    moved, last = [], before + 1
    for number in siblings[at:]:
        if number > last:
            break
        last += 1
        moved.append(last)
    if len(moved) > _MOST:
        raise Invalid("there is no room behind that task, and too many would have to be moved", path="previousId")
    return before + 1, moved
