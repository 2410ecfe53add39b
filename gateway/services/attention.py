"""Readers have their accounts watched, and told of in their feeds."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from gateway.identity import Account, Application
from gateway.services.cache import Cache
from gateway.services.changelog import ChangeLog
from gateway.services.identity import Identity
from gateway.services.parents import DEFAULT, PRIMARY
from gateway.services.resources import Resource, name, readable
from gateway.services.sources import CONTACTS, EVENTS, MESSAGES, TASKS, Sources
from gateway.store.feed_places import Whose
from gateway.store.wants import Wants
from providers.base.errors import ProviderError

log = logging.getLogger("postroom.live")
_RENEWED = 60.0  # seconds for which a want needs no renewal
_STARTS = 4  # first pulls that are begun at a time
#: What readers of a feed are told of, beside what is followed anyway: ports, and the parents that everybody has.
_TOLD = ((MESSAGES, None), (EVENTS, "primary"), (CONTACTS, None), (TASKS, "default"))


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

    async def named(self, account: Account, resource: Resource) -> str:
        """A resource as the account's feed names it. Raises as `Sources.parent`."""
        if resource.parent not in (PRIMARY, DEFAULT):
            return resource.name
        return name(resource.port, await self._sources.parent(account, resource.port, resource.parent))

    async def close(self) -> None:
        """Begin nothing more."""
        tasks = list(self._beginning.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, application: Application, whose: Whose) -> None:
        try:
            gate = asyncio.Semaphore(_STARTS)
            for port, parent in _TOLD:
                unfed = await self._unfed(whose, port, parent)
                await asyncio.gather(*(self._start(application, one, port, parent, gate) for one in unfed))
        except ProviderError as error:  # the next renewal tries again
            log.warning("logs of application %d were not begun: %s", application.id, error.message)

    async def _unfed(self, whose: Whose, port: str, parent: str | None) -> Sequence[int]:
        """Accounts whose feed is not told yet. Of one account, another calendar than the primary one may be followed;
        of a whole application that is not looked into."""
        if parent is not None and whose.account_id is not None:
            return [whose.account_id]
        return await self._wants.unfed(whose, port)

    async def _start(
        self, application: Application, account_id: int, port: str, parent: str | None, gate: asyncio.Semaphore
    ) -> None:
        async with gate:
            account = await self._identity.account(application, account_id)
            if account is None or not readable(account.scopes, port):
                return
            try:
                place = await self._sources.parent(account, port, parent)
                stream = await self._log.find_or_create(account_id, port, place, {})
                await self._log.start(stream, self._sources.open(account, stream))
            except ProviderError as error:
                log.info("the log of %s of account %d was not begun: %s", port, account_id, error.message)
