"""The state of change logs, for those who operate or debug one (ours, no part of the contract)."""

from typing import Annotated

from pydantic import Field

from schemas.base import Instant, Model


class StreamAudit(Model):
    """What the last comparison with the provider found: items there, items in the log, differences repaired."""

    at: Instant
    seen: int
    indexed: int
    repaired: int


class QuarantinedItem(Model):
    """A record that could not be read; it is told as soon as it can be."""

    id: str
    error: str
    attempts: int
    next_try_at: Instant


class StreamStatus(Model):
    """One change log of the account."""

    resource: str
    days_within: Annotated[int | None, Field(description="age limit of the first scan")] = None
    time_min: Annotated[Instant | None, Field(description="window of a calendar, as it was asked for")] = None
    time_max: Instant | None = None
    skip_completed_before_date: Annotated[Instant | None, Field(description="of a task list")] = None
    ready: Annotated[bool, Field(description="whether the first scan is complete")]
    sequence: Annotated[int, Field(description="position of the newest change")]
    items: Annotated[int, Field(description="records that exist")]
    pulled_at: Annotated[Instant | None, Field(description="when the provider was last asked with success")] = None
    error: Annotated[str | None, Field(description="why the provider could not be asked the last time")] = None
    quarantined: Annotated[list[QuarantinedItem], Field(description="at most 100, the next to be tried first")]
    audit: StreamAudit | None = None


class StreamsStatus(Model):
    """Every change log of the account."""

    records: list[StreamStatus]
