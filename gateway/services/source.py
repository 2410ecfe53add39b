"""What a change log needs of a provider's port: its changes, and the records of some ids."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from providers.base.collection import Delta
from providers.base.errors import Retryable, Unauthorized


class Identified(Protocol):
    """A record with the provider's id."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Identified)
_GONE = "it was in the index and not at the provider"


@dataclass(frozen=True, slots=True)
class Source(Generic[T]):
    """A port, its parent and its query in one. `changes` raises `CursorExpired`; `read` takes and shows the ids of the
    log, and leaves out what is gone."""

    changes: Callable[[str | None], Awaitable[Delta]]
    read: Callable[[Sequence[str]], Awaitable[Sequence[T]]]


Open = Callable[[], AbstractAsyncContextManager[Source[T]]]


async def hydrate(source: Source[T], ids: Sequence[str]) -> tuple[list[T], dict[str, str]]:
    """The records that could be read, in order, and why the others could not.

    Raises `Retryable` and `Unauthorized`: those are the account's trouble, not that of a record."""
    try:
        found = {record.id: record for record in await source.read(ids)} if ids else {}
    except (Retryable, Unauthorized):
        raise
    except Exception as error:
        return await _apart(source, ids, error)
    return [found[item] for item in ids if item in found], {item: _GONE for item in ids if item not in found}


async def _apart(source: Source[T], ids: Sequence[str], error: Exception) -> tuple[list[T], dict[str, str]]:
    """One of several cannot be read: find out which."""
    if len(ids) == 1:
        return [], {ids[0]: f"{type(error).__name__}: {error}"}
    middle = len(ids) // 2
    first, second = await hydrate(source, ids[:middle]), await hydrate(source, ids[middle:])
    return first[0] + second[0], first[1] | second[1]
