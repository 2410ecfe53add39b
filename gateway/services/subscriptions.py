"""Subscriptions of an account: making them, looking at them, going back in them (behaviour.md, section 13)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from gateway.identity import Account
from gateway.services.changelog import ChangeLog
from gateway.services.delivery.receiver import Receiver, checked
from gateway.services.resources import READERS, Resource, resource
from gateway.services.signing import Signer, in_use
from gateway.services.sources import Sources
from gateway.store.database import Database
from gateway.store.deliveries import Deliveries
from gateway.store.feed import Feed
from gateway.store.meetings import PORT as BOOKINGS
from gateway.store.queries import applications, booking, subscriptions
from gateway.store.tables import DeliveryRow, SubscriptionRow
from providers.base.collection import Page, PageRequest
from providers.base.errors import Denied, Invalid, NotFound, Pending
from schemas.accounts import TokenStatus
from schemas.webhooks import (
    DataConsumerFilter,
    Delivery,
    ReplayRequest,
    ReplayResponse,
    SubscriptionRequest,
    SubscriptionResponse,
    SubscriptionsPage,
)

READY = 10.0  # seconds that subscribing waits for the first pull, behind a challenge of as many
MAX_PAGE = 1000


class Subscriptions:
    """Keeps them; `wake` is called with the id of one that has something to do. `ready`: seconds for the first pull."""

    def __init__(
        self,
        database: Database,
        log: ChangeLog,
        sources: Sources,
        receiver: Receiver,
        signer: Signer,
        *,
        ready: float = READY,
        wake: Callable[[int], None] = lambda subscription_id: None,
    ) -> None:
        self._database, self._log, self._sources = database, log, sources
        self._receiver, self._signer, self._ready, self._wake = receiver, signer, ready, wake
        self._deliveries, self._feed = Deliveries(database), Feed(database)

    async def create(self, account: Account, body: SubscriptionRequest) -> SubscriptionResponse:
        """Subscribe: the URL has passed its challenge, and what happens after the answer will be told.

        Raises `Invalid` with the path (resource, URL, challenge), `Denied` for a resource that the account's scopes do
        not cover, `Unsupported` for one that it does not offer, `Pending` while a large mailbox is read for the first
        time, and as `Sessions.use`."""
        found, url = resource(body.resource), checked(body.notification_url)
        _check_scopes(account, found)
        if found.port == BOOKINGS:  # the gateway's own doing: there is nothing to pull
            await self._check_profile(account, found)
            await self._challenge(account, url)
        else:
            found = replace(found, parent=await self._sources.parent(account, found.port, found.parent))
            await self._challenge(account, url)
            await self._follow(account, found)
        values = {
            "application_id": account.application_id,
            "account_id": account.id,
            "resource": found.name,
            "port": found.port,
            "parent": found.parent,
            "notification_url": url,
            "filters": body.filters,
            "detail_level": body.detail_level,
        }
        async with self._database.session() as session:
            return _response(await subscriptions.add(session, values), account)

    async def find(self, account: Account, *, limit: int, offset: int, inactive: bool) -> SubscriptionsPage:
        """One page of the account's subscriptions by id. With the account's credentials dead none is active."""
        limit = min(limit, MAX_PAGE)
        if account.token_status is TokenStatus.DEAD and not inactive:
            return SubscriptionsPage(offset=offset, total_size=0, done=True, records=[])
        async with self._database.read() as session:
            total, rows = await subscriptions.page(
                session, account.application_id, account.id, inactive=inactive, offset=offset, limit=limit
            )
        records = [_response(row, account) for row in rows]
        done = not rows or offset + len(rows) >= total
        return SubscriptionsPage(offset=offset, total_size=total, done=done, records=records)

    async def get(self, account: Account, subscription_id: int) -> SubscriptionResponse:
        """One subscription. Raises `NotFound`, also for another account's."""
        return _response(await self._row(account, subscription_id), account)

    async def delete(self, account: Account, subscription_id: int) -> None:
        """Unsubscribe. Raises `NotFound`."""
        async with self._database.session() as session:
            if not await subscriptions.remove(session, account.application_id, account.id, subscription_id):
                raise _missing(subscription_id)

    async def deliveries(self, account: Account, subscription_id: int, page: PageRequest) -> Page[Delivery]:
        """Attempts to deliver, newest first. Raises `NotFound`."""
        await self._row(account, subscription_id)
        before = int(page.cursor) if page.cursor else None
        rows = await self._deliveries.log(subscription_id, before, page.limit + 1)
        shown = rows[: page.limit]
        cursor = str(shown[-1].id) if len(rows) > len(shown) else None
        return Page([_delivery(row) for row in shown], cursor)

    async def replay(self, account: Account, subscription_id: int, body: ReplayRequest) -> ReplayResponse:
        """Go on from another place in the feed, at once and whatever failed before. Raises `NotFound`, `Invalid`."""
        if (body.sequence is None) == (body.time is None):
            raise Invalid("sequence: give either sequence or time", path="sequence")
        sequence = body.sequence
        if sequence is None:
            assert body.time is not None
            sequence = await self._feed.at_time(account.id, body.time)
        async with self._database.session() as session:
            moved = await subscriptions.seek(session, account.application_id, account.id, subscription_id, sequence)
        if moved is None:
            raise _missing(subscription_id)
        self._wake(subscription_id)
        return ReplayResponse(sequence=moved[0], head=moved[1])

    async def _challenge(self, account: Account, url: str) -> None:
        now = datetime.now(UTC)
        async with self._database.read() as session:
            row = await applications.by_id(session, account.application_id)
        if row is None:
            raise NotFound("the application is gone")
        sealed = in_use(row.sealed_signing_secret, row.sealed_next_signing_secret, row.next_signing_at, now)
        await self._receiver.challenge(url, self._signer.headers(sealed, int(now.timestamp()), b""))

    async def _follow(self, account: Account, found: Resource) -> None:
        """See that the stream which feeds the account's feed is there and complete: only then does everything new go
        into the feed."""
        stream = await self._log.find_or_create(account.id, found.port, found.parent, {})
        try:
            async with asyncio.timeout(self._ready):
                while not stream.ready:
                    stream = await self._log.start(stream, self._sources.open(account, stream))
        except TimeoutError:
            words = "The mailbox is being read for the first time: ask again, it goes on meanwhile"
            raise Pending(words, retry_after=2) from None

    async def _check_profile(self, account: Account, found: Resource) -> None:
        """Raises `NotFound` for a booking profile of which the account never hears."""
        number = found.parent or ""
        async with self._database.read() as session:
            if number.isascii() and number.isdigit() and len(number) < 19:
                row = await booking.by_id(session, account.application_id, int(number))
                if row is not None and account.id in await booking.everyone(session, row):
                    return
        raise NotFound(f"{found.name}: this account has no part in such a booking profile")

    async def _row(self, account: Account, subscription_id: int) -> SubscriptionRow:
        async with self._database.read() as session:
            row = await subscriptions.get(session, account.application_id, account.id, subscription_id)
        if row is None:
            raise _missing(subscription_id)
        return row


def _check_scopes(account: Account, found: Resource) -> None:
    needed = READERS.get(found.port, ())
    if needed and not account.scopes.intersection(needed):
        raise Denied(f"{found.name} needs one of the scopes {', '.join(needed)}, and the account has none of them")


def _missing(subscription_id: int) -> NotFound:
    return NotFound(f"there is no subscription {subscription_id} of this account")


def _response(row: SubscriptionRow, account: Account) -> SubscriptionResponse:
    dead = account.token_status is TokenStatus.DEAD
    return SubscriptionResponse(
        id=row.id,
        resource=row.resource,
        notification_url=row.notification_url,
        active=row.active and not dead,
        fail_since=row.fail_since or (row.lifecycle_at if dead else None),
        fail_description=row.fail_description or ("the account's credentials are dead" if dead else None),
        filters=None if row.filters is None else [DataConsumerFilter(name) for name in row.filters],
        detail_level=row.detail_level,
        sequence=row.position,
    )


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        at=row.at,
        first_sequence=row.first_sequence,
        last_sequence=row.last_sequence,
        events=row.events,
        lifecycle_event=row.lifecycle,
        attempt=row.attempt,
        status=row.status,
        error=row.error,
        response=None if row.response is None else row.response.decode(errors="replace"),
        milliseconds=row.milliseconds,
    )
