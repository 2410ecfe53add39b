"""The live feed (ours): what happened to the items of an account, in one order over all of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import Instant, Model


class FeedEvent(Model):
    """Something that happened to an item; `sequence` grows by one with every event of the account."""

    sequence: int
    account_id: int
    resource: Annotated[str, Field(description="as in subscriptions, such as /email/messages")]
    id: str
    change_type: Literal["created", "updated", "deleted"]
    attributes: Annotated[dict[str, Any] | None, Field(description="further ids; threadId for mail")] = None
    at: Annotated[Instant, Field(description="when it was noticed")]


class FeedPage(Model):
    """Events behind a position; `next` is the position behind them."""

    records: list[FeedEvent]
    length: int
    next: Annotated[str, Field(description="give it as `since` to read on")]
