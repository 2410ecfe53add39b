"""Users, sessions, sign-ins under way and their codes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column("application", sa.Column("sealed_client_secret", sa.LargeBinary(), nullable=True))
    op.create_table(
        "end_user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("work_hours", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("last_activity", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_id"),
        sa.UniqueConstraint("application_id", "service_type", "identity", name="uq_end_user_identity"),
        sa.UniqueConstraint("application_id", "external_id", name="uq_end_user_external_id"),
    )
    op.create_table(
        "user_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["end_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"])
    op.create_index("ix_user_session_last_used_at", "user_session", ["last_used_at"])
    op.create_table(
        "sign_in",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_flow", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("state_hash"),
    )
    op.create_index("ix_sign_in_application_id", "sign_in", ["application_id"])
    op.create_index("ix_sign_in_created_at", "sign_in", ["created_at"])
    op.create_table(
        "auth_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_id", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["end_user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["token_id"], ["access_token.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["session_id"], ["user_session.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
    )
    for column in ("application_id", "account_id", "user_id", "token_id", "session_id", "created_at"):
        op.create_index(f"ix_auth_code_{column}", "auth_code", [column])
    op.add_column("account", sa.Column("user_id", sa.BigInteger(), nullable=True))
    op.add_column("account", sa.Column("user_role", sa.Text(), nullable=True))
    op.create_foreign_key("account_user_id_fkey", "account", "end_user", ["user_id"], ["id"], ondelete="CASCADE")
    op.create_check_constraint("ck_account_user_role", "account", "user_role in ('primary', 'secondary')")
    op.create_index("ix_account_user_id", "account", ["user_id"])
    primary = sa.text("user_role = 'primary'")
    op.create_index("uq_account_primary", "account", ["user_id"], unique=True, postgresql_where=primary)


def downgrade() -> None:
    op.drop_column("account", "user_role")
    op.drop_column("account", "user_id")
    for table in ("auth_code", "sign_in", "user_session", "end_user"):
        op.drop_table(table)
    op.drop_column("application", "sealed_client_secret")
