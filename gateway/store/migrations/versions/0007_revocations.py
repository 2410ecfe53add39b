"""Credentials to be revoked, sign-in attempts, options of registrations, former client secrets"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column("application", sa.Column("former_secret_hash", sa.LargeBinary(), nullable=True))
    op.add_column("application", sa.Column("sealed_former_client_secret", sa.LargeBinary(), nullable=True))
    op.add_column("application", sa.Column("former_secret_until", sa.DateTime(timezone=True), nullable=True))
    options = sa.Column(
        "options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
    )
    op.add_column("oauth_client", options)
    op.create_table(
        "revocation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=False),
        sa.Column("auth_user_id", sa.Text(), nullable=True),
        sa.Column("sealed_grant", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_revocation_application_id", "revocation", ["application_id"])
    op.create_index("ix_revocation_next_try_at", "revocation", ["next_try_at"])
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_index("ix_attempt_since", "attempt", ["since"])


def downgrade() -> None:
    op.drop_table("attempt")
    op.drop_table("revocation")
    op.drop_column("oauth_client", "options")
    for column in ("former_secret_until", "sealed_former_client_secret", "former_secret_hash"):
        op.drop_column("application", column)
