"""The few verbs that every port speaks, and the values they take and give.

A provider overrides the verbs it has. What it leaves alone raises `Unsupported`, and `verbs()` reads its abilities off
the code, so that no second list of them exists.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from providers.base.errors import NotFound, Unsupported

T = TypeVar("T")  # a record as it is read
D = TypeVar("D")  # a draft of one, to create
P = TypeVar("P")  # a patch
Q = TypeVar("Q")  # a query
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Ref:
    """Names one item: the provider's opaque `id`, within `parent` where ids are not unique in the account."""

    id: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: `cursor` of the page before (None: the first), at most `limit` records."""

    cursor: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Records in the provider's order; `cursor` of the next page, None on the last."""

    records: Sequence[T]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """An item that is new or of a new version; `parent` and `identity` (Message-ID, iCalendar UID) where known, so that
    a tombstone can name them.

    `kin` is equal for an item that went and one that came only if they are the same thing under a new id; None where
    the provider's ids never change. `attributes` are what notifications say of it (behaviour.md, section 13)."""

    id: str
    version: str
    parent: str | None = None
    identity: str | None = None
    kin: str | None = None
    attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed since a cursor, ids that went, the new cursor; `more`: ask again at once. One that only `adds` says
    nothing of what is not in it (the gateway's own; see `Events`)."""

    changed: Sequence[Change]
    removed: Sequence[str]
    cursor: str
    more: bool = False
    adds: bool = False


def optional(verb: F) -> F:
    """Mark a verb's default body as "not offered": whoever overrides it claims the verb."""
    verb.__dict__["unclaimed"] = True
    return verb


class Collection(Generic[T, D, P, Q]):
    """A kind of thing in an account; `parent` is the id of the collection it lies in, None for the account itself."""

    @optional
    async def find(self, parent: str | None, query: Q, page: PageRequest) -> Page[T]:
        """One page of the items that match. Raises `NotFound` when the parent is gone, `Invalid` for a bad cursor."""
        raise unsupported(self, "find")

    @optional
    async def get(self, ref: Ref) -> T:
        """One item. Raises `NotFound`."""
        raise unsupported(self, "get")

    async def get_many(self, parent: str | None, ids: Sequence[str]) -> list[T]:
        """The items that still exist among `ids`, in that order; overridden where the provider reads in batches."""
        found = await asyncio.gather(*(self._get_or_none(Ref(item, parent)) for item in ids))
        return [item for item in found if item is not None]

    async def _get_or_none(self, ref: Ref) -> T | None:
        try:
            return await self.get(ref)
        except NotFound:
            return None

    @optional
    async def create(self, parent: str | None, draft: D) -> T:
        """Create an item and return it as stored."""
        raise unsupported(self, "create")

    @optional
    async def update(self, ref: Ref, patch: P, etag: str | None = None) -> T:
        """Change what the patch names. Raises `Conflict` when `etag` is given and not the current version."""
        raise unsupported(self, "update")

    @optional
    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        """Remove an item (messages go to the trash). Raises `NotFound`, `Conflict`."""
        raise unsupported(self, "delete")

    @optional
    async def changes(self, parent: str | None, cursor: str | None, query: Q) -> Delta:
        """What changed since `cursor` (None: everything there is). Raises `CursorExpired`."""
        raise unsupported(self, "changes")


def unsupported(port: object, verb: str) -> Unsupported:
    """The error of a verb that a provider does not offer."""
    return Unsupported(f"this account's provider does not offer {type(port).__name__}.{verb}")


def verbs(port: object | type) -> frozenset[str]:
    """The verbs a port claims: its public coroutines, less those whose default body was left alone."""
    kind = port if isinstance(port, type) else type(port)
    names = [
        name for name in dir(kind) if not name.startswith("_") and inspect.iscoroutinefunction(getattr(kind, name))
    ]
    claimed = {name for name in names if not getattr(getattr(kind, name), "unclaimed", False)}
    return frozenset(claimed if "get" in claimed else claimed - {"get_many"})
