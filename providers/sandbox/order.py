"""The order of a task list: where its owner put things, and subtasks after their parents."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import EllipsisType

from providers.base.errors import Invalid
from providers.sandbox.cabinet import Cabinet, Entry

_STEP = 1024.0  # between two tasks that are added at the end
_CLOSEST = 1e-6  # then the list is laid out anew


@dataclass(frozen=True, slots=True)
class Order:
    """Entries by their places; `parents` has the entry that each lies below, by id."""

    entries: Sequence[Entry]
    parents: dict[str, str]

    @classmethod
    def of(cls, cabinet: Cabinet, shelf: str, parent_uid: Callable[[Entry], str | None]) -> "Order":
        """The order of a list as it is. Whoever lies below what is not there lies at the top."""
        entries = by_place(cabinet, shelf)
        ids = {entry.uid: entry.id for entry in entries}
        parents = {entry.id: ids.get(parent_uid(entry) or "") for entry in entries}
        return cls(entries, {item: parent for item, parent in parents.items() if parent})

    def walk(self) -> Iterator[Entry]:
        """Every entry once, also those that lie below each other in a ring."""
        seen: set[str] = set()
        for entry in self.entries:
            if entry.id not in self.parents:
                yield from self._below(entry, seen)
        for entry in self.entries:
            yield from self._below(entry, seen)

    def with_children(self, entry: Entry) -> list[Entry]:
        """An entry and everything below it."""
        return list(self._below(entry, set()))

    def _below(self, entry: Entry, seen: set[str]) -> Iterator[Entry]:
        if entry.id in seen:
            return
        seen.add(entry.id)
        yield entry
        for child in self.entries:
            if self.parents.get(child.id) == entry.id:
                yield from self._below(child, seen)


def by_place(cabinet: Cabinet, shelf: str) -> list[Entry]:
    """The entries of a list by their places alone."""
    return sorted(cabinet.entries(shelf), key=lambda entry: (entry.place, entry.number))


def placed(cabinet: Cabinet, shelf: str, previous: str | EllipsisType | None, own: Entry | None = None) -> float:
    """The place behind `previous`: an id, None for the beginning, `...` for the end. Raises `Invalid`."""
    entries = [entry for entry in by_place(cabinet, shelf) if own is None or entry.id != own.id]
    if previous is ...:
        return entries[-1].place + _STEP if entries else _STEP
    ids = [entry.id for entry in entries]
    if previous is not None and previous not in ids:
        raise Invalid("there is no such task in the list", path="previousId")
    number = ids.index(previous) + 1 if previous is not None else 0
    low = entries[number - 1].place if number else 0.0
    high = entries[number].place if number < len(entries) else low + 2 * _STEP
    if high - low > _CLOSEST:
        return (low + high) / 2
    for index, entry in enumerate(entries, 1):
        cabinet.put(entry, entry.text, index * _STEP)
    return (number + 0.5) * _STEP
