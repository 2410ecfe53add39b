"""What the change log sees of a calendar, for those meetings whose events stand there: they are looked at (by the pump
of meetings) when their event was removed or changed, since its owner may have cancelled or moved it."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.store.feed import Event

PORT = "events"
#: Our own write is told of as well: what changed right after it is that.
_LOOK = text("""
update meeting set next_try_at = now() where account_id = :account and state = 'booked' and next_try_at is null
    and ends_at > now() and (event_id = any(cast(:gone as text[]))
        or (event_id = any(cast(:changed as text[])) and settled_at < now() - interval '30 seconds'))
""")


async def look_at_meetings(session: AsyncSession, account_id: int, events: Sequence[Event]) -> None:
    """Have the meetings looked at whose events are among these."""
    gone = [event.item_id for event in events if event.change == "deleted"]
    changed = [event.item_id for event in events if event.change != "deleted"]
    await session.execute(_LOOK, {"account": account_id, "gone": gone, "changed": changed})
