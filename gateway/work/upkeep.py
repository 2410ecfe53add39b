"""Throwing away what has had its time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.pauses import jittered
from providers.base.errors import Unavailable

log = logging.getLogger("postroom.upkeep")
INTERVAL = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to throw away: what it is called, and what does it and says how many there were."""

    what: str
    run: Callable[[], Awaitable[int]]


async def upkeep(chores: Sequence[Chore]) -> None:
    """Do all of them every hour or so, until cancelled."""
    while True:
        for chore in chores:
            try:
                log.debug("%d %s thrown away", await chore.run(), chore.what)
            except Unavailable as error:  # the next round will do
                log.warning("%s were kept for now: %s", chore.what, error.message)
        await asyncio.sleep(INTERVAL * jittered(0.8, 1.2))
