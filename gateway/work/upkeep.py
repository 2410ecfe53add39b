"""Throwing away what has had its time."""

import asyncio
import logging

from gateway.store.idempotency import IdempotencyKeys
from providers.base.errors import Unavailable

log = logging.getLogger("postroom.upkeep")
INTERVAL = 3600.0  # seconds


async def upkeep(keys: IdempotencyKeys) -> None:
    """Delete idempotency keys of more than 24 hours ago, every hour, until cancelled."""
    while True:
        try:
            gone = await keys.expire()
            log.debug("idempotency keys expired: %d", gone)
        except Unavailable as error:  # the next round will do
            log.warning("upkeep was put off: %s", error.message)
        await asyncio.sleep(INTERVAL)
