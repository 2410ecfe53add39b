"""Booking: profiles, groups, work hours, meetings and their claims"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "booking_profile",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("application_id", "name", name="uq_booking_profile_name"),
    )
    op.create_index("ix_booking_profile_account_id", "booking_profile", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_booking_profile_groups",
        "booking_profile",
        ["application_id", "id"],
        unique=False,
        postgresql_where=sa.text("account_id is null"),
    )
    op.create_table(
        "meeting",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("profile_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("new_starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("new_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("buffer_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("group_xid", sa.Text(), nullable=True),
        sa.Column("calendar_id", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("sealed_plan", sa.LargeBinary(), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("public", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('held', 'writing', 'unknown', 'booked', 'moving', 'cancelling', 'failed', 'lapsed',"
            " 'cancelled')",
            name="ck_meeting_state",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uid"),
    )
    op.create_index("ix_meeting_account_id", "meeting", ["account_id"], unique=False)
    op.create_index("ix_meeting_application_id", "meeting", ["application_id"], unique=False)
    op.create_index(
        "ix_meeting_due", "meeting", ["next_try_at"], unique=False, postgresql_where=sa.text("next_try_at is not null")
    )
    op.create_index("ix_meeting_profile", "meeting", ["profile_id", "account_id", "created_at"], unique=False)
    op.create_index(
        "uq_meeting_key",
        "meeting",
        ["profile_id", "request_key"],
        unique=True,
        postgresql_where=sa.text("state not in ('failed', 'lapsed', 'cancelled')"),
    )
    op.create_table(
        "work_hours",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("schedule", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "booking_group",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("profile_id", sa.BigInteger(), nullable=False),
        sa.Column("ext_id", sa.Text(), nullable=False),
        sa.Column("required", sa.Text(), server_default="one", nullable=False),
        sa.CheckConstraint("required in ('one', 'all')", name="ck_booking_group_required"),
        sa.ForeignKeyConstraint(["profile_id"], ["booking_profile.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("profile_id", "ext_id", name="uq_booking_group"),
    )
    op.create_table(
        "meeting_claim",
        sa.Column("meeting_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("account", postgresql.INT8RANGE(), nullable=False),
        sa.Column("during", postgresql.TSTZMULTIRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("account"), "&&"), (sa.column("during"), "&&"), using="gist", name="ex_meeting_claim"
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("meeting_id", "account_id"),
    )
    op.create_index("ix_meeting_claim_account_id", "meeting_claim", ["account_id"], unique=False)
    op.create_table(
        "booking_member",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("profile_id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["group_id"], ["booking_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["profile_id"], ["booking_profile.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "profile_id", "group_id", "account_id", name="uq_booking_member", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("ix_booking_member_account_id", "booking_member", ["account_id"], unique=False)
    op.create_index("ix_booking_member_group_id", "booking_member", ["group_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_booking_member_group_id", table_name="booking_member")
    op.drop_index("ix_booking_member_account_id", table_name="booking_member")
    op.drop_table("booking_member")
    op.drop_index("ix_meeting_claim_account_id", table_name="meeting_claim")
    op.drop_table("meeting_claim")
    op.drop_table("booking_group")
    op.drop_table("work_hours")
    op.drop_index(
        "uq_meeting_key",
        table_name="meeting",
        postgresql_where=sa.text("state not in ('failed', 'lapsed', 'cancelled')"),
    )
    op.drop_index("ix_meeting_profile", table_name="meeting")
    op.drop_index("ix_meeting_due", table_name="meeting", postgresql_where=sa.text("next_try_at is not null"))
    op.drop_index("ix_meeting_application_id", table_name="meeting")
    op.drop_index("ix_meeting_account_id", table_name="meeting")
    op.drop_table("meeting")
    op.drop_index(
        "ix_booking_profile_groups", table_name="booking_profile", postgresql_where=sa.text("account_id is null")
    )
    op.drop_index("ix_booking_profile_account_id", table_name="booking_profile")
    op.drop_table("booking_profile")
