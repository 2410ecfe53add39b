"""The state of an account's change logs, in words that its owner can use."""

from gateway.identity import Account
from gateway.services.resources import name
from gateway.store.quarantine import Quarantine
from gateway.store.streams import Stream, Streams
from schemas.streams import QuarantinedItem, StreamAudit, StreamsStatus, StreamStatus

_SHOWN = 100  # items of a stream's quarantine


class StreamStates:
    """Reads them."""

    def __init__(self, streams: Streams, quarantine: Quarantine) -> None:
        self._streams, self._quarantine = streams, quarantine

    async def of(self, account: Account) -> StreamsStatus:
        """All change logs of an account, the oldest first."""
        return StreamsStatus(records=[await self._state(stream) for stream in await self._streams.all_of(account.id)])

    async def _state(self, stream: Stream) -> StreamStatus:
        held = await self._quarantine.held(stream.id, _SHOWN)
        return StreamStatus(
            resource=name(stream.port, stream.parent),
            days_within=stream.filter.get("daysWithin"),
            time_min=stream.filter.get("timeMin"),
            time_max=stream.filter.get("timeMax"),
            skip_completed_before_date=stream.filter.get("completedSince"),
            ready=stream.ready,
            sequence=stream.sequence,
            items=await self._streams.live(stream.id),
            pulled_at=stream.pulled_at,
            error=stream.error,
            quarantined=[QuarantinedItem(id=i, error=e, attempts=a, next_try_at=at) for i, e, a, at in held],
            audit=StreamAudit(at=stream.audited_at, **stream.audit) if stream.audit and stream.audited_at else None,
        )
