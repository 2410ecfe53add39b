"""Users, their sessions, and sign-ins that are under way."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import SQLModel

from gateway.store import columns


class EndUserRow(SQLModel, table=True):
    """A person of an application, known by whose mailbox the primary account is: the service type and the identity
    there. It outlives that account, so that whoever signs in again finds the secondary ones."""

    __tablename__ = "end_user"
    __table_args__ = (
        UniqueConstraint("application_id", "service_type", "identity", name="uq_end_user_identity"),
        UniqueConstraint("application_id", "external_id", name="uq_end_user_external_id"),
    )

    id: int = columns.key()
    application_id: int = columns.parent("application")
    public_id: str = columns.text(unique=True)
    service_type: str = columns.text()
    identity: str = columns.text()
    external_id: str | None = columns.optional()  # of an Exchange identity token
    work_hours: dict[str, Any] | None = columns.json(nullable=True)
    created_at: datetime = columns.now()
    last_activity: datetime | None = columns.instant()


class UserSessionRow(SQLModel, table=True):
    """A session of a user; the value that the browser holds is known by its SHA-256 only."""

    __tablename__ = "user_session"
    __table_args__ = (Index("ix_user_session_last_used_at", "last_used_at"),)

    id: int = columns.key()
    user_id: int = columns.parent("end_user", index=True)
    secret_hash: bytes = columns.digest(unique=True)
    created_at: datetime = columns.now()
    last_used_at: datetime = columns.now()


class SignInRow(SQLModel, table=True):
    """A sign-in under way, known by the SHA-256 of its state; whoever finishes it takes the row away. The sealed part
    is what the application asked for, and the PKCE verifier."""

    __tablename__ = "sign_in"
    __table_args__ = (Index("ix_sign_in_created_at", "created_at"),)

    id: int = columns.key()
    application_id: int = columns.parent("application", index=True)
    state_hash: bytes = columns.digest(unique=True)
    browser_hash: bytes = columns.digest()
    sealed_flow: bytes = columns.sealed()
    attempts: int = columns.count(0)
    created_at: datetime = columns.now()


class AuthCodeRow(SQLModel, table=True):
    """A code of a finished sign-in; kept for a while after its use with what it was exchanged for, since a second use
    takes that away (RFC 6749 4.1.2)."""

    __tablename__ = "auth_code"
    __table_args__ = (Index("ix_auth_code_created_at", "created_at"),)

    id: int = columns.key()
    application_id: int = columns.parent("application", index=True)
    account_id: int = columns.parent("account", index=True)
    user_id: int | None = columns.parent("end_user", nullable=True, index=True)
    code_hash: bytes = columns.digest(unique=True)
    used_at: datetime | None = columns.instant()
    token_id: int | None = columns.parent("access_token", nullable=True, index=True)
    session_id: int | None = columns.parent("user_session", nullable=True, index=True)
    created_at: datetime = columns.now()


class AttemptRow(SQLModel, table=True):
    """How often something was tried since a moment; known by a digest of what was tried, and by whom."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_since", "since"),)

    id: int = columns.key()
    key_hash: bytes = columns.digest(unique=True)
    count: int = columns.count(0)
    since: datetime = columns.now()
