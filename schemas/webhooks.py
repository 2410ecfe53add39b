"""Subscriptions and what their receivers get (contract: tag Webhooks)."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import Instant, Model, Text
from schemas.booking import BookingPayload

_SEQUENCE = "place in the feed of the account, which has one order over everything in it"


class DataConsumerFilter(StrEnum):
    """Notification filter."""

    WITHOUT_DRAFTS = "withoutDrafts"


class SubscriptionRequest(Model):
    """Resource to watch and where to report."""

    resource: Annotated[Text, Field(description="such as /email/messages")]
    notification_url: Annotated[Text, Field(max_length=2048, description="answers the validation call, see the guide")]
    filters: Annotated[list[DataConsumerFilter] | None, Field(max_length=100)] = None
    detail_level: Annotated[
        Literal["signal", "status"] | None,
        Field(description="signal = wake-up without payloads; status = ids with change types"),
    ] = None


class SubscriptionResponse(Model):
    """Stored subscription."""

    id: int
    resource: str
    notification_url: str
    active: bool
    fail_since: Instant | None = None
    fail_description: str | None = None
    disabled_by_billing: bool = False
    filters: list[DataConsumerFilter] | None = None
    detail_level: Literal["signal", "status"] | None = None
    sequence: Annotated[int | None, Field(description="up to where the account's feed has been delivered")] = None


class SubscriptionsPage(Model):
    """Offset page of subscriptions."""

    offset: int
    total_size: int
    done: Annotated[bool, Field(description="true on the last page")]
    records: list[SubscriptionResponse]


class ChangePayload(Model):
    """One changed record."""

    id: str
    change_type: Literal["created", "updated", "deleted"]
    attributes: dict[str, Any] | None = None
    sequence: Annotated[int | None, Field(description=_SEQUENCE)] = None


class WebhookNotification(Model):
    """Body of a notification."""

    subscription: int
    resource: str
    account_id: int
    error: str | None = None
    lifecycle_event: Literal["error", "active"] | None = None
    payloads: list[ChangePayload | BookingPayload]


class Delivery(Model):
    """One attempt to deliver a notification."""

    id: int
    at: Instant
    first_sequence: Annotated[int, Field(description=_SEQUENCE)]
    last_sequence: int
    events: Annotated[int, Field(description="changes in the notification")]
    lifecycle_event: Literal["error", "active"] | None = None
    attempt: Annotated[int, Field(description="1 for the first, then counted until one succeeds")]
    status: Annotated[int | None, Field(description="what the receiver answered")] = None
    error: Annotated[str | None, Field(description="why it counts as failed")] = None
    response: Annotated[str | None, Field(description="beginning of the receiver's answer, at most 1 KiB")] = None
    milliseconds: int


class DeliveriesPage(Model):
    """Attempts, newest first."""

    next_page_token: str | None = None
    length: int
    records: list[Delivery]


class ReplayRequest(Model):
    """Where to go on from: behind a sequence, or from a time on; one of both."""

    sequence: Annotated[int | None, Field(ge=0, le=2**63 - 1, description="the last one that counts as delivered")] = (
        None
    )
    time: Annotated[Instant | None, Field(description="what happened after it is delivered again")] = None


class ReplayResponse(Model):
    """Where the subscription stands now."""

    sequence: Annotated[int, Field(description="the next notification begins behind it")]
    head: Annotated[int, Field(description="the last sequence of the account's feed")]
