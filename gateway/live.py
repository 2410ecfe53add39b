"""What passes between the live feed and the HTTP layer that streams it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from schemas.feed import FeedEvent


@dataclass(frozen=True, slots=True)
class Told:
    """An event and the position behind it; None where the next position that is given covers it."""

    event: FeedEvent
    position: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that were read at once, and the position behind them; without events a sign of life."""

    told: Sequence[Told]
    position: str


@dataclass(frozen=True, slots=True)
class Batches:
    """A stream of events without end, in pieces as they are sent: each is made when the one before has gone."""

    pieces: AsyncIterator[bytes]
