"""The change log: streams and their items, names of items that moved, and the feed of an account."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from gateway.store import columns


class StreamRow(SQLModel, table=True):
    """One change log: what one port of an account tells under one filter; the one without a filter feeds the account's
    feed. `cursor` is the provider's, `sequence` the last that was given, at `changed_at`; `pulled_at` is when the last
    complete pull began, `used_at` when a consumer last asked, `audit` has the counts of the last comparison with the
    provider. `filter_hash` finds it again: the filter may hold more than what a caller named, such as the instant that
    "seven days" meant."""

    __tablename__ = "stream"
    __table_args__ = (
        UniqueConstraint(
            "account_id", "port", "parent", "filter_hash", name="uq_stream", postgresql_nulls_not_distinct=True
        ),
    )

    id: int = columns.key()
    account_id: int = columns.parent("account")
    port: str = columns.text()
    parent: str | None = columns.optional()
    filter: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    filter_hash: bytes = columns.digest()
    cursor: str | None = columns.optional()
    sequence: int = columns.number()
    changed_at: datetime | None = columns.instant()
    ready: bool = columns.flag()
    pulled_at: datetime | None = columns.instant()
    used_at: datetime | None = columns.instant()
    audited_at: datetime | None = columns.instant()
    audit: dict[str, int] | None = columns.json(nullable=True)
    error: str | None = columns.optional()
    created_at: datetime = columns.now()


class StreamItemRow(SQLModel, table=True):
    """The last state of an item in a stream; a removed one stays as a tombstone, so that tokens never expire.

    `native` is what the provider calls it now, where that is no longer its id; `kin` tells it from others when the
    provider renames it. A `missing` one was gone at the provider earlier in a pull that is not complete yet."""

    __tablename__ = "stream_item"
    __table_args__ = (
        PrimaryKeyConstraint("stream_id", "item_id"),
        Index("ix_stream_item_sequence", "stream_id", "sequence"),
        Index("ix_stream_item_native", "stream_id", "native", postgresql_where=text("native is not null")),
        Index("ix_stream_item_missing", "stream_id", "kin", postgresql_where=text("missing")),
    )

    stream_id: int = columns.parent("stream")
    item_id: str = columns.text()
    version: str = columns.text()
    parent: str | None = columns.optional()
    identity: str | None = columns.optional()
    native: str | None = columns.optional()
    kin: str | None = columns.optional()
    attributes: dict[str, Any] | None = columns.json(nullable=True)
    sequence: int = columns.number()
    removed: bool = columns.flag()
    missing: bool = columns.flag()
    changed_at: datetime = columns.now()


class QuarantineRow(SQLModel, table=True):
    """An item that is in the index and could not be read; it is tried again when due."""

    __tablename__ = "quarantine"
    __table_args__ = (PrimaryKeyConstraint("stream_id", "item_id"),)

    stream_id: int = columns.parent("stream")
    item_id: str = columns.text()
    error: str = columns.text()
    attempts: int = columns.count(1)
    next_try_at: datetime = columns.now()


class ItemAliasRow(SQLModel, table=True):
    """An id that was given out and what the provider calls the item now. Of the ids of one item the `canonical` one is
    what records show; all of them are understood."""

    __tablename__ = "item_alias"
    __table_args__ = (
        PrimaryKeyConstraint("account_id", "port", "id"),
        Index("ix_item_alias_native", "account_id", "port", "native"),
    )

    account_id: int = columns.parent("account")
    port: str = columns.text()
    id: str = columns.text()
    native: str = columns.text()
    canonical: bool = columns.flag()


class FeedRow(SQLModel, table=True):
    """The head of an account's feed: the last sequence that was given; compaction has been done up to `compacted`."""

    __tablename__ = "feed"
    __table_args__ = (PrimaryKeyConstraint("account_id"),)

    account_id: int = columns.parent("account")
    sequence: int = columns.number()
    compacted: int = columns.number()
    changed_at: datetime = columns.now()


class FeedEventRow(SQLModel, table=True):
    """One change in an account's feed, which has one order over all its ports. `trace` is a W3C traceparent."""

    __tablename__ = "feed_event"
    __table_args__ = (
        PrimaryKeyConstraint("account_id", "sequence"),
        CheckConstraint("change in ('created', 'updated', 'deleted')", name="ck_feed_event_change"),
        Index("ix_feed_event_at", "account_id", "at", "sequence"),
    )

    account_id: int = columns.parent("account")
    sequence: int = columns.number()
    port: str = columns.text()
    parent: str | None = columns.optional()
    item_id: str = columns.text()
    change: str = columns.text()
    attributes: dict[str, Any] | None = columns.json(nullable=True)
    trace: str | None = columns.optional()
    at: datetime = columns.now()
