"""Idempotency keys as values: what passes between the HTTP layer, which answers by them, and the store."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """What is known of a key."""

    NEW = "new"
    RUNNING = "running"
    DONE = "done"
    OTHER_BODY = "otherBody"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A key's state; `id` is the claim to finish or give up, `status` and `body` the answer that was given."""

    state: State
    id: int = 0
    status: int = 0
    body: bytes = b""
