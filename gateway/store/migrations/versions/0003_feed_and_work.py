"""The feed, subscriptions and their deliveries, watching, aliases, scheduled sends"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "process",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "feed",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("compacted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "feed_event",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("port", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("trace", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("change in ('created', 'updated', 'deleted')", name="ck_feed_event_change"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "sequence"),
    )
    op.create_index("ix_feed_event_at", "feed_event", ["account_id", "at", "sequence"], unique=False)
    op.create_table(
        "item_alias",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("port", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("native", sa.Text(), nullable=False),
        sa.Column("canonical", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "port", "id"),
    )
    op.create_index("ix_item_alias_native", "item_alias", ["account_id", "port", "native"], unique=False)
    op.create_table(
        "subscription",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("port", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("notification_url", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("detail_level", sa.Text(), nullable=True),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("fail_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fail_description", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_upto", sa.BigInteger(), nullable=True),
        sa.Column("retry_stamp", sa.BigInteger(), nullable=True),
        sa.Column("lifecycle", sa.Text(), nullable=True),
        sa.Column("lifecycle_error", sa.Text(), nullable=True),
        sa.Column("lifecycle_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("detail_level in ('signal', 'status')", name="ck_subscription_detail_level"),
        sa.CheckConstraint("lifecycle in ('error', 'active')", name="ck_subscription_lifecycle"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_subscription_account_id", "subscription", ["account_id"], unique=False)
    op.create_index("ix_subscription_application_id", "subscription", ["application_id", "id"], unique=False)
    op.create_table(
        "watch",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("wanted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_index("ix_watch_owner", "watch", ["owner"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("events", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lifecycle", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_delivery_at", "delivery", ["at"], unique=False)
    op.create_index("ix_delivery_subscription_id", "delivery", ["subscription_id", "id"], unique=False)
    op.add_column("account", sa.Column("renamed", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("application", sa.Column("sealed_next_signing_secret", sa.LargeBinary(), nullable=True))
    op.add_column("application", sa.Column("next_signing_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("send", sa.Column("send_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("send", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False))
    op.add_column("send", sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_send_due", "send", ["next_try_at"], unique=False, postgresql_where=sa.text("next_try_at is not null")
    )
    op.execute("update send set state = 'unknown', next_try_at = now() where state in ('sending', 'unknown')")
    op.add_column("stream", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("stream", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("stream", sa.Column("audited_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "stream", sa.Column("audit", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("stream_item", sa.Column("native", sa.Text(), nullable=True))
    op.add_column("stream_item", sa.Column("kin", sa.Text(), nullable=True))
    op.add_column(
        "stream_item",
        sa.Column("attributes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    )
    op.add_column("stream_item", sa.Column("missing", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.alter_column("stream_item", "sequence", existing_type=sa.BIGINT(), server_default="0", existing_nullable=False)
    op.create_index(
        "ix_stream_item_missing", "stream_item", ["stream_id", "kin"], unique=False, postgresql_where=sa.text("missing")
    )
    op.create_index(
        "ix_stream_item_native",
        "stream_item",
        ["stream_id", "native"],
        unique=False,
        postgresql_where=sa.text("native is not null"),
    )


def downgrade() -> None:
    op.drop_index("ix_stream_item_native", table_name="stream_item", postgresql_where=sa.text("native is not null"))
    op.drop_index("ix_stream_item_missing", table_name="stream_item", postgresql_where=sa.text("missing"))
    op.alter_column("stream_item", "sequence", existing_type=sa.BIGINT(), server_default=None, existing_nullable=False)
    op.drop_column("stream_item", "missing")
    op.drop_column("stream_item", "attributes")
    op.drop_column("stream_item", "kin")
    op.drop_column("stream_item", "native")
    op.drop_column("stream", "audit")
    op.drop_column("stream", "audited_at")
    op.drop_column("stream", "used_at")
    op.drop_column("stream", "changed_at")
    op.drop_index("ix_send_due", table_name="send", postgresql_where=sa.text("next_try_at is not null"))
    op.drop_column("send", "next_try_at")
    op.drop_column("send", "attempts")
    op.drop_column("send", "send_at")
    op.drop_column("application", "next_signing_at")
    op.drop_column("application", "sealed_next_signing_secret")
    op.drop_column("account", "renamed")
    op.drop_index("ix_delivery_subscription_id", table_name="delivery")
    op.drop_index("ix_delivery_at", table_name="delivery")
    op.drop_table("delivery")
    op.drop_index("ix_watch_owner", table_name="watch")
    op.drop_table("watch")
    op.drop_index("ix_subscription_application_id", table_name="subscription")
    op.drop_index("ix_subscription_account_id", table_name="subscription")
    op.drop_table("subscription")
    op.drop_index("ix_item_alias_native", table_name="item_alias")
    op.drop_table("item_alias")
    op.drop_index("ix_feed_event_at", table_name="feed_event")
    op.drop_table("feed_event")
    op.drop_table("feed")
    op.drop_table("process")
