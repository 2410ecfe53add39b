"""The live feed (ours): what happens in one account, or in all of an application, in order and without gaps."""

from typing import Annotated

from pydantic import Field

from gateway.http.parameters import Header
from gateway.http.route import Route, either
from gateway.identity import Caller, Standing
from gateway.live import Batches
from gateway.routes.scopes import READ_ANY
from gateway.services.live import MAX_WAIT, Live
from schemas.feed import FeedPage

Since = Annotated[str | None, Field(description="position to read on from; 0: everything there is; left out: now")]
LastEventId = Annotated[
    str | None, Header("Last-Event-ID"), Field(description="as since, which it outdoes; sent by browsers")
]
Resources = Annotated[
    tuple[str, ...], Field(description="resources as in subscriptions, such as /email/messages; left out: all")
]
Limit = Annotated[int, Field(ge=1, le=500, description="events of a page")]
Wait = Annotated[float, Field(ge=0, le=MAX_WAIT, description="seconds to wait for events, where there are none")]


async def page(
    caller: Caller,
    standing: Standing,
    live: Live,
    since: Since = None,
    last_event_id: LastEventId = None,
    resources: Resources = (),
    limit: Limit = 100,
    wait: Wait = 0,
) -> FeedPage:
    """Follow changes: as a page, or with `Accept: text/event-stream` as server-sent events that go on for ever.

    Of one account with its token, or with Basic credentials and the account header: what its scopes may read. Of all
    accounts of the application with Basic credentials alone. Positions stay good for ever.
    """
    return await live.page(caller, standing, last_event_id or since, resources, limit, wait)


async def stream(
    caller: Caller,
    standing: Standing,
    live: Live,
    since: Since = None,
    last_event_id: LastEventId = None,
    resources: Resources = (),
) -> Batches:
    """Follow changes as server-sent events."""
    return Batches(await live.stream(caller, standing, last_event_id or since, resources))


ROUTES = (Route("GET", "/v1/events", "events", either(READ_ANY), page, FeedPage, tag="Events", stream=stream),)
