"""Every table. Names in SQL are singular; ids are bigint identities, instants are timestamptz.

A column with `info={"sealed": True}` holds bytes of the vault and is resealed when keys rotate.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


def _key() -> Any:
    return Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))


def _parent(table: str, *, nullable: bool = False, index: bool = False) -> Any:
    reference = ForeignKey(f"{table}.id", ondelete="CASCADE")
    return Field(default=None, sa_column=Column(BigInteger, reference, nullable=nullable, index=index))


def _text(*, unique: bool = False, default: str | None = None) -> Any:
    return Field(sa_column=Column(Text, nullable=False, unique=unique, server_default=default))


def _optional(kind: Any = Text) -> Any:
    return Field(default=None, sa_column=Column(kind, nullable=True))


def _count(start: int) -> Any:
    return Field(default=start, sa_column=Column(Integer, nullable=False, server_default=str(start)))


def _flag() -> Any:
    return Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))


def _texts() -> Any:
    return Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'")))


def _sealed(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(LargeBinary, nullable=nullable, info={"sealed": True}))


def _hash(*, unique: bool = False) -> Any:
    return Field(sa_column=Column(LargeBinary, nullable=False, unique=unique))


def _now() -> Any:
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


def _instant() -> Any:
    return _optional(DateTime(timezone=True))


class ApplicationRow(SQLModel, table=True):
    """A tenant; its trusted domains are origins, its return URLs where sign-ins may end."""

    __tablename__ = "application"

    id: int = _key()
    client_id: str = _text(unique=True)
    secret_hash: bytes = _hash()
    sealed_signing_secret: bytes = _sealed()
    name: str = _text(unique=True)
    trusted_domains: list[str] = _texts()
    return_urls: list[str] = _texts()
    created_at: datetime = _now()


class OAuthClientRow(SQLModel, table=True):
    """An application's registration at a provider; the sealed part is {"clientSecret": ...}."""

    __tablename__ = "oauth_client"
    __table_args__ = (UniqueConstraint("application_id", "service_type", "daemon", name="uq_oauth_client"),)

    id: int = _key()
    application_id: int = _parent("application")
    service_type: str = _text()
    daemon: bool = _flag()
    client_id: str = _text()
    sealed_secrets: bytes = _sealed()
    scopes: list[str] = _texts()
    topic_name: str | None = _optional()
    intermediate_callback_url: str | None = _optional()
    created_at: datetime = _now()


class AccountRow(SQLModel, table=True):
    """A connected mailbox. `version` grows with its grant and its marks; `refusals` counts in a row since
    `refused_since`; no grant means that it was given back."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("kind in ('personal', 'daemon', 'managed')", name="ck_account_kind"),
        CheckConstraint("token_status in ('active', 'invalid', 'dead')", name="ck_account_token_status"),
        Index("ix_account_application_id", "application_id", "id"),
        Index("ix_account_email", "application_id", text("lower(email)")),
        Index("ix_account_client_org_id", "application_id", "client_org_id"),
    )

    id: int = _key()
    application_id: int = _parent("application")
    parent_id: int | None = _parent("account", nullable=True, index=True)
    kind: str = _text(default="personal")
    version: int = _count(1)
    service_type: str = _text()
    service_provider: str | None = _optional()
    token_status: str = _text(default="active")
    token_error: str | None = _optional()
    refusals: int = _count(0)
    refused_since: datetime | None = _instant()
    login_string: str | None = _optional()
    email: str = _text()
    mailbox_address: str | None = _optional()
    name: str | None = _optional()
    name2: str | None = _optional()
    server_url: str | None = _optional()
    server_url2: str | None = _optional()
    client_org_id: str | None = _optional()
    auth_user_id: str | None = _optional()
    auth_org_id: str | None = _optional()
    timezone: str | None = _optional()
    auth_scopes: list[str] = _texts()
    auth_native_scopes: list[str] | None = _optional(ARRAY(Text))
    auth_obtained_at: datetime | None = _instant()
    auth_expires_at: datetime | None = _instant()
    email2: str | None = _optional()
    copy_to_sent: bool | None = _optional(Boolean)
    trust_server: bool | None = _optional(Boolean)
    sealed_grant: bytes | None = _sealed(nullable=True)
    marks: dict[str, str] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'"))
    )
    created_at: datetime = _now()
    updated_at: datetime = _now()


class AccessTokenRow(SQLModel, table=True):
    """A bearer token of an account, known by its SHA-256 only."""

    __tablename__ = "access_token"

    id: int = _key()
    account_id: int = _parent("account", index=True)
    token_hash: bytes = _hash(unique=True)
    created_at: datetime = _now()
    last_used_at: datetime | None = _instant()


_NOT_FAILED = text("state <> 'failed'")


class SendRow(SQLModel, table=True):
    """One send (design section 8): what happened to a Message-ID; nothing of the message itself. Of a draft, and under
    an idempotency key, there is at most one that has not failed."""

    __tablename__ = "send"
    __table_args__ = (
        CheckConstraint("state in ('queued', 'sending', 'sent', 'failed', 'unknown')", name="ck_send_state"),
        Index("ix_send_account_message", "account_id", "message_id"),
        Index("uq_send_draft", "account_id", "draft_id", unique=True, postgresql_where=_NOT_FAILED),
        Index("uq_send_key", "account_id", "idempotency_key", unique=True, postgresql_where=_NOT_FAILED),
    )

    id: int = _key()
    account_id: int = _parent("account")
    message_id: str = _text()
    state: str = _text()
    draft_id: str | None = _optional()
    idempotency_key: str | None = _optional()
    error: str | None = _optional()
    provider_id: str | None = _optional()
    thread_id: str | None = _optional()
    created_at: datetime = _now()
    updated_at: datetime = _now()


class IdempotencyKeyRow(SQLModel, table=True):
    """A request that must not happen twice. A claim that is taken over gets a new id, which fences off the earlier
    claimer; `created_at` is the time of the last claim."""

    __tablename__ = "idempotency_key"
    __table_args__ = (
        CheckConstraint("state in ('running', 'done')", name="ck_idempotency_key_state"),
        UniqueConstraint(
            "application_id",
            "account_id",
            "route",
            "key",
            name="uq_idempotency_key",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_idempotency_key_created_at", "created_at"),
    )

    id: int = _key()
    application_id: int = _parent("application")
    account_id: int | None = _parent("account", nullable=True, index=True)
    route: str = _text()
    key: str = _text()
    request_hash: bytes = _hash()
    state: str = _text(default="running")
    status: int | None = _optional(Integer)
    sealed_answer: bytes | None = _sealed(nullable=True)
    created_at: datetime = _now()


class StreamRow(SQLModel, table=True):
    """One change log: what one port of an account tells under one filter. `cursor` is the provider's, `sequence` the
    last that was given; `pulled_at` is when the last complete pull began. `filter_hash` finds it again: the filter may
    hold more than what a caller named, such as the instant that "seven days" meant."""

    __tablename__ = "stream"
    __table_args__ = (
        UniqueConstraint(
            "account_id", "port", "parent", "filter_hash", name="uq_stream", postgresql_nulls_not_distinct=True
        ),
    )

    id: int = _key()
    account_id: int = _parent("account")
    port: str = _text()
    parent: str | None = _optional()
    filter: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    filter_hash: bytes = _hash()
    cursor: str | None = _optional()
    sequence: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    ready: bool = _flag()
    pulled_at: datetime | None = _instant()
    error: str | None = _optional()
    created_at: datetime = _now()


class StreamItemRow(SQLModel, table=True):
    """The last state of an item in a stream; a removed one stays as a tombstone, so that tokens never expire."""

    __tablename__ = "stream_item"
    __table_args__ = (
        PrimaryKeyConstraint("stream_id", "item_id"),
        Index("ix_stream_item_sequence", "stream_id", "sequence"),
    )

    stream_id: int = _parent("stream")
    item_id: str = _text()
    version: str = _text()
    parent: str | None = _optional()
    identity: str | None = _optional()
    sequence: int = Field(sa_column=Column(BigInteger, nullable=False))
    removed: bool = _flag()
    changed_at: datetime = _now()


class QuarantineRow(SQLModel, table=True):
    """An item that is in the index and could not be read; it is tried again when due."""

    __tablename__ = "quarantine"
    __table_args__ = (PrimaryKeyConstraint("stream_id", "item_id"),)

    stream_id: int = _parent("stream")
    item_id: str = _text()
    error: str = _text()
    attempts: int = _count(1)
    next_try_at: datetime = _now()
