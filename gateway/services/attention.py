"""Readers have their accounts watched, and told of in their feeds."""

import asyncio
import logging
from datetime import timedelta

from gateway.identity import Application
from gateway.services.cache import Cache
from gateway.services.changelog import ChangeLog
from gateway.services.identity import Identity
from gateway.services.sources import MESSAGES, Sources
from gateway.store.feed_places import Whose
from gateway.store.wants import Wants
from providers.base.errors import ProviderError

log = logging.getLogger("postroom.live")
_RENEWED = 60.0  # seconds for which a want needs no renewal
_STARTS = 4  # first pulls that are begun at a time


class Attention:
    """Notes who is wanted, and begins the logs that feed the feeds of those."""

    def __init__(self, wants: Wants, identity: Identity, changelog: ChangeLog, sources: Sources) -> None:
        self._wants, self._identity, self._log, self._sources = wants, identity, changelog, sources
        self._renewed: Cache[bool] = Cache(_RENEWED, 10_000)
        self._beginning: dict[Whose, asyncio.Task[None]] = {}

    async def want(self, application: Application, account_id: int | None, span: timedelta) -> None:
        """Have an account, or all that are not dead, watched for this time; called again it costs nothing for a
        minute. Raises `Unavailable`."""
        whose = Whose(application.id, account_id)
        if self._renewed.get((whose, span)):
            return
        await self._wants.want(whose, span)
        self._renewed.put((whose, span), True, (), self._renewed.age)
        if whose not in self._beginning:
            self._beginning[whose] = task = asyncio.create_task(self._begin(application, whose))
            task.add_done_callback(lambda _: self._beginning.pop(whose))

    async def close(self) -> None:
        """Begin nothing more."""
        tasks = list(self._beginning.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, application: Application, whose: Whose) -> None:
        try:
            unfed, gate = await self._wants.unfed(whose, MESSAGES), asyncio.Semaphore(_STARTS)
            await asyncio.gather(*(self._start(application, account, gate) for account in unfed))
        except ProviderError as error:  # the next renewal tries again
            log.warning("logs of application %d were not begun: %s", application.id, error.message)

    async def _start(self, application: Application, account_id: int, gate: asyncio.Semaphore) -> None:
        async with gate:
            account = await self._identity.account(application, account_id)
            if account is None:
                return
            try:
                stream = await self._log.find_or_create(account_id, MESSAGES, None, {})
                await self._log.start(stream, self._sources.open(account, stream))
            except ProviderError as error:
                log.info("the log of account %d was not begun: %s", account_id, error.message)
