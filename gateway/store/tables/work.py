"""What keeps the gateway busy: who watches an account, who is told of changes, and how telling them went."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from gateway.store import columns


class SubscriptionRow(SQLModel, table=True):
    """Somebody who is told of an account's changes. `position` is the feed's sequence up to which that was done.

    A failing one tries the same notification again: `retry_upto` is where it ends, `retry_stamp` the Unix time it was
    signed at. An inactive one is parked: it loses nothing and is tried ever more rarely. `lifecycle` is still to be
    told: "error" or "active", which it became at `lifecycle_at`. `revision` grows whenever a delivery ends or the
    position is set: whoever knows an older one has been overtaken."""

    __tablename__ = "subscription"
    __table_args__ = (
        CheckConstraint("lifecycle in ('error', 'active')", name="ck_subscription_lifecycle"),
        CheckConstraint("detail_level in ('signal', 'status')", name="ck_subscription_detail_level"),
        Index("ix_subscription_account_id", "account_id"),
        Index("ix_subscription_application_id", "application_id", "id"),
    )

    id: int = columns.key()
    application_id: int = columns.parent("application")
    account_id: int = columns.parent("account")
    resource: str = columns.text()
    port: str = columns.text()
    parent: str | None = columns.optional()
    notification_url: str = columns.text()
    filters: list[Any] | None = columns.json(nullable=True)
    detail_level: str | None = columns.optional()
    position: int = columns.number()
    active: bool = Field(default=True, sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    fail_since: datetime | None = columns.instant()
    fail_description: str | None = columns.optional()
    attempts: int = columns.count(0)
    next_try_at: datetime | None = columns.instant()
    retry_upto: int | None = columns.optional(BigInteger)
    retry_stamp: int | None = columns.optional(BigInteger)
    lifecycle: str | None = columns.optional()
    lifecycle_error: str | None = columns.optional()
    lifecycle_at: datetime | None = columns.instant()
    revision: int = columns.number()
    created_at: datetime = columns.now()


class DeliveryRow(SQLModel, table=True):
    """One attempt to deliver: which part of the feed, and what the receiver said (at most 1 KiB of it)."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_subscription_id", "subscription_id", "id"),
        Index("ix_delivery_at", "at"),
    )

    id: int = columns.key()
    subscription_id: int = columns.parent("subscription")
    first_sequence: int = columns.number()
    last_sequence: int = columns.number()
    events: int = columns.count(0)
    lifecycle: str | None = columns.optional()
    attempt: int = columns.count(1)
    status: int | None = columns.optional(Integer)
    error: str | None = columns.optional()
    response: bytes | None = columns.optional(LargeBinary)
    milliseconds: int = columns.count(0)
    at: datetime = columns.now()


class WatchRow(SQLModel, table=True):
    """An account that is, or may be, watched. Its lease belongs to `owner` for as long as that process has a row; every
    change of owner raises `epoch`. `wanted_until` is set by readers who are there for a while; subscriptions count
    besides. `failures` in a row, the last with `error`."""

    __tablename__ = "watch"
    __table_args__ = (
        PrimaryKeyConstraint("account_id"),
        Index("ix_watch_owner", "owner"),
    )

    account_id: int = columns.parent("account")
    owner: str | None = columns.optional()
    epoch: int = columns.number()
    wanted_until: datetime | None = columns.instant()
    failures: int = columns.count(0)
    error: str | None = columns.optional()


class ProcessRow(SQLModel, table=True):
    """A process that watches. One that has not said so for a while is taken for dead: whoever notices deletes its row,
    and with it every lease it had; so one update renews them all."""

    __tablename__ = "process"
    __table_args__ = (PrimaryKeyConstraint("name"),)

    name: str = columns.text()
    seen_at: datetime = columns.now()


class ChannelRow(SQLModel, table=True):
    """A channel by which a provider calls when something changed, of one stream that feeds the account's feed. Without
    `expires_at` it is being made, or could not be made so far: `failures` in a row, the last with `error`. While one is
    renewed there are two. `name` and `resource` are what calls name; `next_at` is when something is to be done."""

    __tablename__ = "channel"
    __table_args__ = (
        Index("ix_channel_account_id", "account_id", "port", "parent"),
        Index("ix_channel_name", "name"),
        Index("ix_channel_resource", text("lower(resource)")),
        Index("ix_channel_next_at", "next_at"),
    )

    id: int = columns.key()
    account_id: int = columns.parent("account")
    port: str = columns.text()
    parent: str | None = columns.optional()
    name: str = columns.text()
    resource: str | None = columns.optional()
    secret_hash: bytes = columns.digest()
    expires_at: datetime | None = columns.instant()
    next_at: datetime = columns.now()
    failures: int = columns.count(0)
    error: str | None = columns.optional()
    created_at: datetime = columns.now()
