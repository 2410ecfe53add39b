"""Applies the deltas of a port, as the gateway's change log does."""

from dataclasses import dataclass, field
from typing import Any

from providers.base.collection import Change, Collection, Delta


@dataclass
class Follower:
    """Follows one port under one parent and query; `last` are the deltas of the last round.

    What lies below a master (`Change.parent`) and is not named with it went (see `Events`)."""

    port: Collection[Any, Any, Any, Any]
    parent: str | None
    query: Any
    cursor: str | None = None
    known: dict[str, Change] = field(default_factory=dict)
    last: list[Delta] = field(default_factory=list)

    async def follow(self) -> tuple[set[str], set[str]]:
        """The ids that changed (came, or have another version) and those that went."""
        before = dict(self.known)
        self.last = []
        while not self.last or self.last[-1].more:
            self.last.append(await self.port.changes(self.parent, self.cursor, self.query))
            self._apply(self.last[-1])
        changed = {item for item, change in self.known.items() if before.get(item) != change}
        return changed, before.keys() - self.known.keys()

    def _apply(self, delta: Delta) -> None:
        self.cursor = delta.cursor
        named = {change.id for change in delta.changed}
        for item in {*named, *delta.removed}:
            for below in [one.id for one in self.known.values() if one.parent == item]:
                del self.known[below]
        for item in delta.removed:
            self.known.pop(item, None)
        assert not named & set(delta.removed)
        self.known |= {change.id: change for change in delta.changed}

    async def agrees(self) -> bool:
        """Whether a fresh listing tells the same, and everything that is known can be read under its id."""
        fresh = Follower(self.port, self.parent, self.query)
        await fresh.follow()
        records = await self.port.get_many(self.parent, sorted(self.known))
        return fresh.known == self.known and [record.id for record in records] == sorted(self.known)
