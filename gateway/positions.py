"""Where a consumer of a change log stands: the value that delta and page tokens carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """The other way. Raises `OverflowError`."""
    return EPOCH + microseconds * _MICROSECOND


class Branch(StrEnum):
    """The two chains of a stream: what is new or changed, and what went."""

    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to sequence `after` was read. `upto` is the end of the round on pages within one; without it a new
    round begins.

    `seen` is when the last sequence of the round was given. Whatever stands at or below `after` and is later than that
    belongs to another history: the database was restored from a backup meanwhile, and numbers were given again."""

    stream: int
    branch: Branch
    after: int
    upto: int | None = None
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader stands in the feeds of one account, or of all accounts of an application.

    In the accounts of `moved` everything up to an event (its sequence and its time) was read, in others everything up
    to the time `base`. Times come first: they tell a sequence from the same number in a history that was lost when the
    database was restored from a backup."""

    base: datetime
    moved: Mapping[int, tuple[int, datetime]]
