"""Subscriptions and their deliveries (contract: tag Webhooks; deliveries and replay are ours)."""

from gateway.http.parameters import Id
from gateway.http.route import Route
from gateway.identity import Account
from gateway.routes.accounts import Limit, Offset
from gateway.routes.scopes import ANY
from gateway.services.subscriptions import Subscriptions
from providers.base.collection import Page, PageRequest
from schemas.webhooks import (
    DeliveriesPage,
    Delivery,
    ReplayRequest,
    ReplayResponse,
    SubscriptionRequest,
    SubscriptionResponse,
    SubscriptionsPage,
)


async def create(body: SubscriptionRequest, account: Account, subscriptions: Subscriptions) -> SubscriptionResponse:
    """Subscribe to changes of a resource.

    The notification URL must pass the validation call before the answer is sent; otherwise the call fails with 400.
    """
    return await subscriptions.create(account, body)


async def find(
    account: Account,
    subscriptions: Subscriptions,
    limit: Limit = 50,
    offset: Offset = 0,
    include_inactive: bool = False,
) -> SubscriptionsPage:
    """List subscriptions of the account."""
    return await subscriptions.find(account, limit=limit, offset=offset, inactive=include_inactive)


async def get(id: Id, account: Account, subscriptions: Subscriptions) -> SubscriptionResponse:
    """Read a subscription."""
    return await subscriptions.get(account, id)


async def delete(id: Id, account: Account, subscriptions: Subscriptions) -> None:
    """Remove a subscription."""
    await subscriptions.delete(account, id)


async def deliveries(id: Id, account: Account, subscriptions: Subscriptions, page: PageRequest) -> Page[Delivery]:
    """List attempts to deliver, newest first: those of the last 7 days, at most 1,000."""
    return await subscriptions.deliveries(account, id, page)


async def replay(id: Id, body: ReplayRequest, account: Account, subscriptions: Subscriptions) -> ReplayResponse:
    """Deliver again from a sequence or a time on, at once; what failed before is forgotten."""
    return await subscriptions.replay(account, id, body)


_LIST, _ONE, _TAG = "/v1/subscriptions", "/v1/subscriptions/{id}", "Webhooks"
ROUTES = (
    Route("POST", _LIST, "subscribe", ANY, create, SubscriptionResponse, tag=_TAG, once=True, slow=True),
    Route("GET", _LIST, "getSubscriptions", ANY, find, SubscriptionsPage, tag=_TAG),
    Route("GET", _ONE, "getSubscription", ANY, get, SubscriptionResponse, tag=_TAG),
    Route("DELETE", _ONE, "unsubscribe", ANY, delete, tag=_TAG),
    Route("GET", f"{_ONE}/deliveries", "getDeliveries", ANY, deliveries, DeliveriesPage, tag=_TAG),
    Route("POST", f"{_ONE}/replay", "replay", ANY, replay, ReplayResponse, tag=_TAG),
)
