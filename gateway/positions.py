"""Where a consumer of a change log stands: the value that delta and page tokens carry."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
