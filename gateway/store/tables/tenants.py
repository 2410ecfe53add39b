"""Applications, their accounts, and what requests leave behind."""

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from gateway.store import columns

#: Who a mailbox is of, as a positive number: accounts of an application that have it alike are one mailbox that was
#: connected twice (the provider's id of the user, else address and server host).
PERSON = (
    "hashtextextended(application_id || ' ' || service_type || ' ' || case when auth_user_id <> '' then "
    "coalesce(auth_org_id, '') || '/' || auth_user_id else lower(email) || '|' || "
    "regexp_replace(split_part(regexp_replace(lower(coalesce(server_url, '')), '^.*://', ''), '/', 1), ':[0-9]*$', '') "
    "end, 0) & 9223372036854775806"
)


class ApplicationRow(SQLModel, table=True):
    """A tenant; its trusted domains are origins, its return URLs where sign-ins may end. The next signing secret takes
    the place of the present one at `next_signing_at`. The client secret is compared by its hash; the sealed one checks
    signatures that are made with it. The former client secret is good until `former_secret_until`."""

    __tablename__ = "application"

    id: int = columns.key()
    client_id: str = columns.text(unique=True)
    secret_hash: bytes = columns.digest()
    sealed_client_secret: bytes | None = columns.sealed(nullable=True)
    former_secret_hash: bytes | None = columns.optional(LargeBinary)
    sealed_former_client_secret: bytes | None = columns.sealed(nullable=True)
    former_secret_until: datetime | None = columns.instant()
    sealed_signing_secret: bytes = columns.sealed()
    sealed_next_signing_secret: bytes | None = columns.sealed(nullable=True)
    next_signing_at: datetime | None = columns.instant()
    name: str = columns.text(unique=True)
    trusted_domains: list[str] = columns.texts()
    return_urls: list[str] = columns.texts()
    created_at: datetime = columns.now()


class OAuthClientRow(SQLModel, table=True):
    """An application's registration at a provider; the sealed part is {"clientSecret": ...}, `options` are the
    provider's own, such as quotas."""

    __tablename__ = "oauth_client"
    __table_args__ = (UniqueConstraint("application_id", "service_type", "daemon", name="uq_oauth_client"),)

    id: int = columns.key()
    application_id: int = columns.parent("application")
    service_type: str = columns.text()
    daemon: bool = columns.flag()
    client_id: str = columns.text()
    sealed_secrets: bytes = columns.sealed()
    scopes: list[str] = columns.texts()
    topic_name: str | None = columns.optional()
    intermediate_callback_url: str | None = columns.optional()
    options: dict[str, str] = columns.json()
    created_at: datetime = columns.now()


class AccountRow(SQLModel, table=True):
    """A connected mailbox. `version` grows with its grant and its marks; `refusals` counts in a row since
    `refused_since`; no grant means that it was given back. `renamed` once one of its items got an alias. A managed one
    lives by the grant of its parent."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("kind in ('personal', 'daemon', 'managed')", name="ck_account_kind"),
        CheckConstraint("token_status in ('active', 'invalid', 'dead')", name="ck_account_token_status"),
        CheckConstraint("user_role in ('primary', 'secondary')", name="ck_account_user_role"),
        Index("uq_account_primary", "user_id", unique=True, postgresql_where=text("user_role = 'primary'")),
        Index("ix_account_application_id", "application_id", "id"),
        Index("ix_account_email", "application_id", text("lower(email)")),
        Index("ix_account_client_org_id", "application_id", "client_org_id"),
    )

    id: int = columns.key()
    application_id: int = columns.parent("application")
    parent_id: int | None = columns.parent("account", nullable=True, index=True)
    user_id: int | None = columns.parent("end_user", nullable=True, index=True)
    user_role: str | None = columns.optional()
    kind: str = columns.text(default="personal")
    version: int = columns.count(1)
    service_type: str = columns.text()
    service_provider: str | None = columns.optional()
    token_status: str = columns.text(default="active")
    token_error: str | None = columns.optional()
    refusals: int = columns.count(0)
    refused_since: datetime | None = columns.instant()
    login_string: str | None = columns.optional()
    email: str = columns.text()
    mailbox_address: str | None = columns.optional()
    name: str | None = columns.optional()
    name2: str | None = columns.optional()
    server_url: str | None = columns.optional()
    server_url2: str | None = columns.optional()
    client_org_id: str | None = columns.optional()
    auth_user_id: str | None = columns.optional()
    auth_org_id: str | None = columns.optional()
    timezone: str | None = columns.optional()
    auth_scopes: list[str] = columns.texts()
    auth_native_scopes: list[str] | None = columns.optional(ARRAY(Text))
    auth_obtained_at: datetime | None = columns.instant()
    auth_expires_at: datetime | None = columns.instant()
    email2: str | None = columns.optional()
    copy_to_sent: bool | None = columns.optional(Boolean)
    trust_server: bool | None = columns.optional(Boolean)
    sealed_grant: bytes | None = columns.sealed(nullable=True)
    marks: dict[str, str] = columns.json()
    renamed: bool = columns.flag()
    person: int = Field(default=None, sa_column=Column(BigInteger, Computed(PERSON, persisted=True), nullable=False))
    created_at: datetime = columns.now()
    updated_at: datetime = columns.now()


class RevocationRow(SQLModel, table=True):
    """A grant whose account is gone, to be taken back at its provider; tried at `next_try_at`."""

    __tablename__ = "revocation"
    __table_args__ = (Index("ix_revocation_next_try_at", "next_try_at"),)

    id: int = columns.key()
    application_id: int = columns.parent("application", index=True)
    service_type: str = columns.text()
    auth_user_id: str | None = columns.optional()
    sealed_grant: bytes = columns.sealed()
    attempts: int = columns.count(0)
    next_try_at: datetime = columns.now()
    created_at: datetime = columns.now()


class AccessTokenRow(SQLModel, table=True):
    """A bearer token of an account, known by its SHA-256 only."""

    __tablename__ = "access_token"

    id: int = columns.key()
    account_id: int = columns.parent("account", index=True)
    token_hash: bytes = columns.digest(unique=True)
    created_at: datetime = columns.now()
    last_used_at: datetime | None = columns.instant()


_NOT_FAILED = text("state <> 'failed'")


class SendRow(SQLModel, table=True):
    """One send (design section 8): what happened to a Message-ID; nothing of the message itself. Of a draft, and under
    an idempotency key, there is at most one that has not failed. One with `send_at` was scheduled; `next_try_at` is
    when something is to be done about it next."""

    __tablename__ = "send"
    __table_args__ = (
        CheckConstraint("state in ('queued', 'sending', 'sent', 'failed', 'unknown')", name="ck_send_state"),
        Index("ix_send_account_message", "account_id", "message_id"),
        Index("uq_send_draft", "account_id", "draft_id", unique=True, postgresql_where=_NOT_FAILED),
        Index("uq_send_key", "account_id", "idempotency_key", unique=True, postgresql_where=_NOT_FAILED),
        Index("ix_send_due", "next_try_at", postgresql_where=text("next_try_at is not null")),
    )

    id: int = columns.key()
    account_id: int = columns.parent("account")
    message_id: str = columns.text()
    state: str = columns.text()
    draft_id: str | None = columns.optional()
    idempotency_key: str | None = columns.optional()
    error: str | None = columns.optional()
    send_at: datetime | None = columns.instant()
    attempts: int = columns.count(0)
    next_try_at: datetime | None = columns.instant()
    provider_id: str | None = columns.optional()
    thread_id: str | None = columns.optional()
    created_at: datetime = columns.now()
    updated_at: datetime = columns.now()


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

    id: int = columns.key()
    application_id: int = columns.parent("application")
    account_id: int | None = columns.parent("account", nullable=True, index=True)
    route: str = columns.text()
    key: str = columns.text()
    request_hash: bytes = columns.digest()
    state: str = columns.text(default="running")
    status: int | None = columns.optional(Integer)
    sealed_answer: bytes | None = columns.sealed(nullable=True)
    created_at: datetime = columns.now()
