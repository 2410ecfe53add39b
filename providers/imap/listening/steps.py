"""What a listener does, step by step: a routine is a generator that yields the next step and gets its outcome.

The routine of an account is suspended nearly all the time; it takes a few hundred octets, which is why it is one.
"""

import random
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum

from providers.imap.wire import Answer

OVERFLOW = "NOTIFICATIONOVERFLOW"  # the server stops notifying until it is asked again (RFC 5465 section 5.8)


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a command, wait for its answer within `patience` seconds. `lists`: LIST and STATUS responses are part of the
    answer, not news. `until_ready`: the answer is the server's `+`, and the command stays open (IDLE)."""

    command: bytes
    patience: float
    lists: bool = False
    until_ready: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """End the open command by DONE and wait for its answer."""

    patience: float


@dataclass(frozen=True, slots=True)
class Rest:
    """Wait for so many seconds. The outcome is None, or earlier: the answer of the command that was open, when the
    server ended it, or one with the code `OVERFLOW` while it stays open."""

    seconds: float


class Signal(Enum):
    """Done at once."""

    LISTENING = 1  # from here on nothing is missed
    HINT = 2  # something changed


Step = Ask | Finish | Rest | Signal
Routine = Generator[Step, Answer | None, None]


def jittered(seconds: float) -> float:
    """A tenth more or less, so that a thousand accounts do not speak at the same moment."""
    return seconds * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
