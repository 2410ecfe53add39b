"""The pump of deliveries: does all that is due for one subscription, one notification after the other."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.metrics import ATTEMPTS, DELIVERY
from gateway.services.delivery import outcomes
from gateway.services.delivery.notices import Notice, body, notices
from gateway.services.delivery.receiver import GONE, Receiver, Reply
from gateway.services.signing import Signer, in_use
from gateway.store.backlogs import Backlog, Backlogs, State
from gateway.store.database import Database
from gateway.store.deliveries import Attempt, Deliveries, Result
from gateway.tracing import span
from gateway.work.pump import asked_to_stop

log = logging.getLogger("postroom.delivery")


class Delivery:
    """Delivers. Of each subscription one run at a time is under way; should a frozen one come back all the same, what
    it wants to write is refused, and the worst is that the receiver gets something twice."""

    def __init__(
        self,
        database: Database,
        receiver: Receiver,
        signer: Signer,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._backlogs, self._deliveries = Backlogs(database), Deliveries(database)
        self._receiver, self._signer, self._chance = receiver, signer, chance

    async def due(self, limit: int) -> Sequence[int]:
        """Subscriptions that have something to deliver and may try now."""
        return await self._backlogs.due(limit)

    async def wanted(self, account_id: int) -> Sequence[int]:
        """Those of an account: ask when its feed has grown."""
        return await self._backlogs.wanted(account_id)

    async def run(self, subscription_id: int) -> None:
        """Deliver until there is no more, or until the receiver fails. Raises `Unavailable` (the database)."""
        more = True
        while more and not asked_to_stop():
            backlog = await self._backlogs.load(subscription_id)
            more = backlog is not None and await self._deliver(backlog)

    async def _deliver(self, backlog: Backlog) -> bool:
        """Send what was read; whether to look for more."""
        turn, more = _Turn(backlog, backlog.state, time.monotonic()), False
        for notice in notices(backlog):
            result = await self._result(turn, notice)
            standing = await self._deliveries.settle(result) if result else None
            if result is None or standing is None or result.state.next_try_at is not None:
                return False
            turn.state = replace(result.state, revision=turn.state.revision + 1)
            more = standing.lifecycle or standing.behind
            if standing.lifecycle or turn.state.retry_upto is not None:
                break
        return more

    async def _result(self, turn: "_Turn", notice: Notice) -> Result | None:
        """Send one notice; None when the subscription was given up."""
        if notice.is_empty:
            return Result(outcomes.skipped(turn.state, notice))
        backlog, state = turn.backlog, turn.state
        stamp = int(turn.now.timestamp()) if notice.stamp is None else notice.stamp
        octets = body(backlog, notice)
        trace = notice.events[0].trace if notice.events else None
        with span("deliver", trace, subscription=state.id, attempt=state.attempts + 1):
            reply = await self._receiver.notify(backlog.notification_url, self._headers(backlog, stamp, octets), octets)
        _measure(turn, notice, reply)
        if reply.status == GONE:
            log.info("subscription %d was removed: its receiver answered %d", state.id, GONE)
            await self._deliveries.drop(state.id)
            return None
        if reply.error is None:
            after = outcomes.succeeded(state, notice, turn.now, account_is_dead=backlog.account_is_dead)
        else:
            after = outcomes.failed(state, notice, stamp, reply.error, turn.now, self._chance())
        changed = (after.lifecycle, after.lifecycle_at) != (state.lifecycle, state.lifecycle_at)
        return Result(after, _attempt(state, notice, reply), state.lifecycle_at, changed)

    def _headers(self, backlog: Backlog, stamp: int, octets: bytes) -> dict[str, str]:
        sealed = in_use(
            backlog.sealed_signing_secret, backlog.sealed_next_signing_secret, backlog.next_signing_at, backlog.now
        )
        return dict(self._signer.headers(sealed, stamp, octets))


@dataclass(slots=True)
class _Turn:
    """A backlog being delivered: where the subscription stands meanwhile, and the time by the database's clock."""

    backlog: Backlog
    state: State
    begun: float

    @property
    def now(self) -> datetime:
        return self.backlog.now + timedelta(seconds=time.monotonic() - self.begun)


def _measure(turn: _Turn, notice: Notice, reply: Reply) -> None:
    ATTEMPTS.labels("delivered" if reply.error is None else "failed").inc()
    if reply.error is None and notice.events:
        DELIVERY.observe(turn.now.timestamp() - notice.events[-1].at)


def _attempt(state: State, notice: Notice, reply: Reply) -> Attempt:
    return Attempt(
        first_sequence=notice.events[0].sequence if notice.events else notice.upto,
        last_sequence=notice.events[-1].sequence if notice.events else notice.upto,
        events=len(notice.events),
        lifecycle=notice.lifecycle,
        attempt=state.attempts + 1,
        status=reply.status,
        error=reply.error,
        response=reply.body,
        milliseconds=reply.milliseconds,
    )
