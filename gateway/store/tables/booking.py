"""Booking: profiles and who is attached to them, meetings, and the claims that keep meetings apart."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import (
    INT8RANGE,
    TSTZMULTIRANGE,
    ExcludeConstraint,
)
from sqlmodel import Field, SQLModel

from gateway.store import columns


class WorkHoursRow(SQLModel, table=True):
    """The work hours that an account was given here: a `WeekWorkSchedule` as it is on the wire."""

    __tablename__ = "work_hours"
    __table_args__ = (PrimaryKeyConstraint("account_id"),)

    account_id: int = columns.parent("account")
    schedule: dict[str, Any] = columns.json()
    updated_at: datetime = columns.now()


class BookingProfileRow(SQLModel, table=True):
    """What can be booked: an account's own profile, or without an account a group's. `settings` is the profile as it
    is on the wire, without its name."""

    __tablename__ = "booking_profile"
    __table_args__ = (
        UniqueConstraint("application_id", "name", name="uq_booking_profile_name"),
        Index("ix_booking_profile_account_id", "account_id", "id"),
        Index("ix_booking_profile_groups", "application_id", "id", postgresql_where=text("account_id is null")),
    )

    id: int = columns.key()
    application_id: int = columns.parent("application")
    account_id: int | None = columns.parent("account", nullable=True)
    name: str = columns.text()
    settings: dict[str, Any] = columns.json()
    created_at: datetime = columns.now()
    updated_at: datetime = columns.now()


class BookingGroupRow(SQLModel, table=True):
    """A group of accounts attached to a profile under the client's own id."""

    __tablename__ = "booking_group"
    __table_args__ = (
        UniqueConstraint("profile_id", "ext_id", name="uq_booking_group"),
        CheckConstraint("required in ('one', 'all')", name="ck_booking_group_required"),
    )

    id: int = columns.key()
    profile_id: int = columns.parent("booking_profile")
    ext_id: str = columns.text()
    required: str = columns.text(default="one")


class BookingMemberRow(SQLModel, table=True):
    """An account attached to a profile, within a group or by itself."""

    __tablename__ = "booking_member"
    __table_args__ = (
        UniqueConstraint(
            "profile_id", "group_id", "account_id", name="uq_booking_member", postgresql_nulls_not_distinct=True
        ),
        Index("ix_booking_member_account_id", "account_id"),
        Index("ix_booking_member_group_id", "group_id"),
    )

    id: int = columns.key()
    profile_id: int = columns.parent("booking_profile")
    group_id: int | None = columns.parent("booking_group", nullable=True)
    account_id: int = columns.parent("account")


class MeetingRow(SQLModel, table=True):
    """A slot that somebody holds or has booked; `account_id` is the host, in whose calendar the event stands.

    States: `held` until `expires_at`; `writing` while the event is being made, `unknown` when it may have been;
    `booked`; `moving` to the `new_` times; `cancelling`; and the ends `failed`, `lapsed`, `cancelled`, which have no
    claims. `next_try_at` is when something is to be done about it. The iCalendar `uid` is fixed before the first write.
    The sealed plan holds what was asked for: whom and what the event names. `profile_id` outlives its profile;
    `settled_at` is when the provider's calendar was known to show the event as it stands here."""

    __tablename__ = "meeting"
    __table_args__ = (
        CheckConstraint(
            "state in ('held', 'writing', 'unknown', 'booked', 'moving', 'cancelling', 'failed', 'lapsed',"
            " 'cancelled')",
            name="ck_meeting_state",
        ),
        Index("ix_meeting_application_id", "application_id"),
        Index("ix_meeting_account_id", "account_id"),
        Index("ix_meeting_profile", "profile_id", "account_id", "created_at"),
        Index("ix_meeting_due", "next_try_at", postgresql_where=text("next_try_at is not null")),
        Index(
            "uq_meeting_key",
            "profile_id",
            "request_key",
            unique=True,
            postgresql_where=text("state not in ('failed', 'lapsed', 'cancelled')"),
        ),
    )

    id: int = columns.key()
    application_id: int = columns.parent("application")
    profile_id: int = columns.number()
    account_id: int = columns.parent("account")
    state: str = columns.text()
    uid: str = columns.text(unique=True)
    starts_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    ends_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    new_starts_at: datetime | None = columns.instant()
    new_ends_at: datetime | None = columns.instant()
    buffer_minutes: int = columns.count(0)
    group_xid: str | None = columns.optional()
    calendar_id: str | None = columns.optional()
    event_id: str | None = columns.optional()
    sealed_plan: bytes = columns.sealed()
    request_key: str | None = columns.optional()
    public: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    revision: int = columns.count(0)
    attempts: int = columns.count(0)
    error: str | None = columns.optional()
    expires_at: datetime | None = columns.instant()
    next_try_at: datetime | None = columns.instant()
    settled_at: datetime | None = columns.instant()
    created_at: datetime = columns.now()
    updated_at: datetime = columns.now()


class MeetingClaimRow(SQLModel, table=True):
    """The time that a meeting takes of an account, with the pause after it; while it is moved, at both places. No two
    meetings of a mailbox can overlap, also where it is connected twice. (Without btree_gist a gist index has no
    equality of numbers: `account` is the account's `person` as a range of one.)"""

    __tablename__ = "meeting_claim"
    __table_args__ = (
        PrimaryKeyConstraint("meeting_id", "account_id"),
        ExcludeConstraint(("account", "&&"), ("during", "&&"), name="ex_meeting_claim", using="gist"),
        Index("ix_meeting_claim_account_id", "account_id"),
    )

    meeting_id: int = columns.parent("meeting")
    account_id: int = columns.parent("account")
    account: Any = Field(sa_column=Column(INT8RANGE, nullable=False))
    during: Any = Field(sa_column=Column(TSTZMULTIRANGE, nullable=False))
