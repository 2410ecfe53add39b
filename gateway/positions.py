"""Where a consumer of a change log stands: the value that delta and page tokens carry."""

from dataclasses import dataclass
from enum import StrEnum


class Branch(StrEnum):
    """The two chains of a stream: what is new or changed, and what went."""

    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to sequence `after` was read. `upto` is the end of the round on pages within one; without it a new
    round begins."""

    stream: int
    branch: Branch
    after: int
    upto: int | None = None
