"""The second factor of people, the challenges of their logins, and when a session stepped up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_TABLES = ("second_factors", "recovery_codes", "proof_failures", "two_factor_challenges")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("auth_sessions", sa.Column("stepped_up_at", _TIME, nullable=True))
    op.add_column("auth_sessions", sa.Column("stepped_up_with", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_auth_sessions_stepped_up_with"),
        "auth_sessions",
        "stepped_up_with IN ('PASSWORD', 'TOTP', 'RECOVERY_CODE')",
    )
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("master_version", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.CheckConstraint("length(code_hash) = 32", name=op.f("ck_recovery_codes_code_hash")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "proof_failures",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", _TIME, nullable=False),
        sa.CheckConstraint("failures > 0", name=op.f("ck_proof_failures_failures")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_proof_failures_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_proof_failures")),
    )
    op.create_table(
        "two_factor_challenges",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.CheckConstraint("length(token_hash) = 32", name=op.f("ck_two_factor_challenges_token_hash")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["memberships.tenant_id", "memberships.user_id"],
            name=op.f("fk_two_factor_challenges_tenant_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_two_factor_challenges")),
        sa.UniqueConstraint("tenant_id", "token_hash", name=op.f("uq_two_factor_challenges_tenant_id_token_hash")),
    )
    op.create_index("ix_two_factor_challenges_expires", "two_factor_challenges", ["tenant_id", "expires_at"])
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.drop_column("auth_sessions", "stepped_up_with")
    op.drop_column("auth_sessions", "stepped_up_at")
