"""Completeness audits: once a day every stream that somebody follows is compared with all that the provider has."""

import logging
from collections.abc import Sequence

from gateway.services.changelog import ChangeLog
from gateway.services.identity import Identity
from gateway.services.sources import Sources
from gateway.store.streams import Streams
from providers.base.errors import ProviderError

log = logging.getLogger("postroom.audit")


class Audits:
    """What a pump needs of them; keys are streams."""

    def __init__(self, streams: Streams, changelog: ChangeLog, identity: Identity, sources: Sources) -> None:
        self._streams, self._changelog = streams, changelog
        self._identity, self._sources = identity, sources

    async def due(self, limit: int) -> Sequence[int]:
        """Streams whose comparison is due."""
        return await self._streams.unaudited(limit)

    async def run(self, stream_id: int) -> None:
        """Compare one stream and repair it; a provider that cannot be asked now is asked later."""
        stream = await self._streams.get(stream_id)
        account = await self._identity.anybody(stream.account_id) if stream else None
        if stream is None or account is None:
            return
        try:
            audit = await self._changelog.audit(stream, self._sources.open(account, stream))
        except ProviderError as error:
            log.warning("stream %d could not be audited: %s", stream_id, error.message)
            return
        level = logging.WARNING if audit.repaired else logging.INFO
        log.log(level, "stream %d: %d of %d items, %d repaired", stream_id, audit.indexed, audit.seen, audit.repaired)
