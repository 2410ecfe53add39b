"""What follows from a receiver's answer (behaviour.md, section 13): pure, and written by compare-and-set afterwards.

A failure is tried again after 1, 2, 4, 8 ... seconds, at most 10 minutes apart. After a day the subscription is parked:
its owner is told of an error, and it is tried every hour until it works again. Nothing is left out."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.services.delivery.notices import Notice
from gateway.store.backlogs import State

LONGEST = 600.0  # seconds between attempts
PATIENCE = timedelta(hours=24)  # of failing until a subscription is parked
PROBE = 3600.0  # seconds between attempts of a parked one
_JITTER = 0.1  # the part of a delay by which attempts are spread
_DOUBLINGS = 20  # beyond any delay

_WORKING: dict[str, Any] = {
    "active": True,
    "fail_since": None,
    "fail_description": None,
    "attempts": 0,
    "next_try_at": None,
}


def skipped(state: State, notice: Notice) -> State:
    """There was nothing to send."""
    return replace(state, position=notice.upto, retry_upto=None, retry_stamp=None)


def succeeded(state: State, notice: Notice, now: datetime, *, account_is_dead: bool) -> State:
    """The receiver answered 200. A lifecycle event that arrived says nothing of the events that still fail."""
    told: dict[str, Any] = {"position": notice.upto, "retry_upto": None, "retry_stamp": None}
    if notice.lifecycle is not None:
        told = {"lifecycle": None, "lifecycle_error": None}
        if state.retry_upto is not None:
            return replace(state, **told, next_try_at=None)
    if not state.active and not account_is_dead:
        told |= {"lifecycle": "active", "lifecycle_error": None, "lifecycle_at": now}
    return replace(state, **told, **_WORKING)


def failed(state: State, notice: Notice, stamp: int, error: str, now: datetime, chance: float) -> State:
    """It did not: the same notice comes again. `chance` (0 to 1) spreads the attempts of many subscriptions."""
    since = state.fail_since or now
    if notice.lifecycle is None:
        state = replace(state, retry_upto=notice.upto, retry_stamp=stamp)
    if state.active and now - since >= PATIENCE:
        return _parked(replace(state, fail_description=error), now)
    delay = min(2.0 ** min(state.attempts, _DOUBLINGS), LONGEST) if state.active else PROBE
    delay *= 1 - _JITTER * chance
    return replace(
        state,
        attempts=state.attempts + 1,
        fail_since=since,
        fail_description=error,
        next_try_at=now + timedelta(seconds=delay),
    )


def _parked(state: State, now: datetime) -> State:
    """The owner is to be told of it at once: it may be one notification that the receiver cannot take."""
    return replace(
        state,
        active=False,
        attempts=state.attempts + 1,
        next_try_at=None,
        lifecycle="error",
        lifecycle_error=state.fail_description,
        lifecycle_at=now,
    )
