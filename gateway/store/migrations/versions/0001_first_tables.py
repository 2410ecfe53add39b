"""Applications, accounts, tokens, sends, idempotency keys"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "application",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_signing_secret", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("trusted_domains", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("return_urls", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("client_id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="personal", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("service_type", sa.Text(), nullable=False),
        sa.Column("service_provider", sa.Text(), nullable=True),
        sa.Column("token_status", sa.Text(), server_default="active", nullable=False),
        sa.Column("token_error", sa.Text(), nullable=True),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("login_string", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("mailbox_address", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name2", sa.Text(), nullable=True),
        sa.Column("server_url", sa.Text(), nullable=True),
        sa.Column("server_url2", sa.Text(), nullable=True),
        sa.Column("client_org_id", sa.Text(), nullable=True),
        sa.Column("auth_user_id", sa.Text(), nullable=True),
        sa.Column("auth_org_id", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("auth_scopes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("auth_native_scopes", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("auth_obtained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("auth_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("email2", sa.Text(), nullable=True),
        sa.Column("copy_to_sent", sa.Boolean(), nullable=True),
        sa.Column("trust_server", sa.Boolean(), nullable=True),
        sa.Column("sealed_grant", sa.LargeBinary(), nullable=True),
        sa.Column("marks", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('personal', 'daemon', 'managed')", name="ck_account_kind"),
        sa.CheckConstraint("token_status in ('active', 'invalid', 'dead')", name="ck_account_token_status"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_account_application_id", "account", ["application_id", "id"], unique=False)
    op.create_index("ix_account_client_org_id", "account", ["application_id", "client_org_id"], unique=False)
    op.create_index("ix_account_email", "account", ["application_id", sa.literal_column("lower(email)")], unique=False)
    op.create_index(op.f("ix_account_parent_id"), "account", ["parent_id"], unique=False)
    op.create_table(
        "oauth_client",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=False),
        sa.Column("daemon", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("topic_name", sa.Text(), nullable=True),
        sa.Column("intermediate_callback_url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("application_id", "service_type", "daemon", name="uq_oauth_client"),
    )
    op.create_table(
        "access_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_access_token_account_id"), "access_token", ["account_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('running', 'done')", name="ck_idempotency_key_state"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "application_id",
            "account_id",
            "route",
            "key",
            name="uq_idempotency_key",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_idempotency_key_account_id"), "idempotency_key", ["account_id"], unique=False)
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "send",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("draft_id", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("thread_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('queued', 'sending', 'sent', 'failed', 'unknown')", name="ck_send_state"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_send_account_message", "send", ["account_id", "message_id"], unique=False)
    op.create_index(
        "uq_send_draft", "send", ["account_id", "draft_id"], unique=True, postgresql_where=sa.text("state <> 'failed'")
    )
    op.create_index(
        "uq_send_key",
        "send",
        ["account_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("state <> 'failed'"),
    )


def downgrade() -> None:
    op.drop_index("uq_send_key", table_name="send", postgresql_where=sa.text("state <> 'failed'"))
    op.drop_index("uq_send_draft", table_name="send", postgresql_where=sa.text("state <> 'failed'"))
    op.drop_index("ix_send_account_message", table_name="send")
    op.drop_table("send")
    op.drop_index("ix_idempotency_key_created_at", table_name="idempotency_key")
    op.drop_index(op.f("ix_idempotency_key_account_id"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index(op.f("ix_access_token_account_id"), table_name="access_token")
    op.drop_table("access_token")
    op.drop_table("oauth_client")
    op.drop_index(op.f("ix_account_parent_id"), table_name="account")
    op.drop_index("ix_account_email", table_name="account")
    op.drop_index("ix_account_client_org_id", table_name="account")
    op.drop_index("ix_account_application_id", table_name="account")
    op.drop_table("account")
    op.drop_table("application")
