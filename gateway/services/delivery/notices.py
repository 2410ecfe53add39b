"""A backlog -> the notifications that come next, and their bodies."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.store.backlogs import Backlog, Lifecycle, Told
from gateway.store.meetings import PORT as BOOKINGS
from schemas.booking import BookingPayload
from schemas.webhooks import ChangePayload, WebhookNotification

PAYLOADS = 100  # in one notification
_SIGNAL = "signal"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification: a lifecycle event, or the events up to a place in the feed; with neither there is nothing to
    send, and the subscription moves on. `stamp` is the Unix time at which an earlier attempt was signed."""

    upto: int
    events: Sequence[Told] = ()
    lifecycle: Lifecycle | None = None
    stamp: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing of this part of the feed concerns the subscriber."""
        return not self.events and self.lifecycle is None


def notices(backlog: Backlog) -> list[Notice]:
    """What is to be sent now, in order. A notification that failed comes again just as it was."""
    state = backlog.state
    if state.next_try_at is not None and state.next_try_at > backlog.now:
        return []
    if state.lifecycle is not None:
        stamp = None if state.lifecycle_at is None else int(state.lifecycle_at.timestamp())
        return [Notice(state.position, (), state.lifecycle, stamp)]
    if state.retry_upto is not None:
        return [Notice(state.retry_upto, backlog.events, None, state.retry_stamp)]
    return _fresh(backlog) if backlog.upto > state.position else []


def _fresh(backlog: Backlog) -> list[Notice]:
    size = len(backlog.events) if backlog.detail_level == _SIGNAL else PAYLOADS
    batches = [backlog.events[at : at + size] for at in range(0, len(backlog.events), size or 1)]
    ends = [batch[-1].sequence for batch in batches[:-1]] + [backlog.upto]
    return [Notice(end, batch) for end, batch in zip(ends, batches or [()], strict=True)]


def body(backlog: Backlog, notice: Notice) -> bytes:
    """The notification as it is signed and sent: the same octets for the same notice, every time."""
    shown = () if backlog.detail_level == _SIGNAL else notice.events
    return WebhookNotification(
        subscription=backlog.state.id,
        resource=backlog.resource,
        account_id=backlog.account_id,
        error=backlog.state.lifecycle_error if notice.lifecycle else None,
        lifecycle_event=notice.lifecycle,
        payloads=[(_booking if backlog.port == BOOKINGS else _payload)(event) for event in shown],
    ).to_json()


def _booking(event: Told) -> BookingPayload:
    """What is told of a meeting: its attributes say which profile, calendar and event it is."""
    shown = {"id": event.item_id, "changeType": event.change, "sequence": event.sequence}
    return BookingPayload.model_validate({**(event.attributes or {}), **shown})


def _payload(event: Told) -> ChangePayload:
    attributes = dict(event.attributes) if event.attributes else None
    return ChangePayload(id=event.item_id, change_type=event.change, attributes=attributes, sequence=event.sequence)
