"""Versions of limits, changes that wait for a second person, drills, and limits that were deleted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy
from migrations.policies.accounts import wall

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TABLES = ("risk_limit_drills", "risk_limit_proposals", "risk_limit_versions")
_TIME = postgresql.TIMESTAMP(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())
_JSON_OR_NULL = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
# What stands already is its own first version that is known.
_FIRST_VERSIONS = """
INSERT INTO risk_limit_versions (tenant_id, limit_id, version, account_id, action, after, changed_by, recorded_at)
SELECT tenant_id, id, version, account_id, 'CREATED', jsonb_build_object(
  'limitType', limit_type, 'value', trim_scale(value)::text, 'currency', currency, 'conditions', conditions,
  'accountId', account_id, 'strategyId', strategy_id, 'instrumentId', instrument_id, 'isActive', is_active,
  'isShadow', is_shadow, 'warnAt', trim_scale(warn_at)::text, 'effectiveFrom', effective_from,
  'effectiveUntil', effective_until), created_by, updated_at
FROM risk_limits
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("risk_limits", sa.Column("deleted_at", _TIME, nullable=True))
    op.create_check_constraint(op.f("ck_risk_limits_deleted"), "risk_limits", "deleted_at IS NULL OR NOT is_active")
    _create_versions()
    _create_proposals()
    _create_drills()
    op.execute(_FIRST_VERSIONS)
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)
        op.execute(wall(table, is_nullable=True))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    op.drop_constraint(op.f("ck_risk_limits_deleted"), "risk_limits", type_="check")
    op.drop_column("risk_limits", "deleted_at")


def _references(table: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return (
        sa.ForeignKeyConstraint(
            ["tenant_id", "limit_id"],
            ["risk_limits.tenant_id", "risk_limits.id"],
            name=op.f(f"fk_{table}_tenant_id_limit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f(f"fk_{table}_tenant_id_account_id"),
        ),
    )


def _create_versions() -> None:
    op.create_table(
        "risk_limit_versions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("limit_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before", _JSON_OR_NULL, nullable=True),
        sa.Column("after", _JSON_OR_NULL, nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("proposal_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", _TIME, nullable=False),
        sa.CheckConstraint("action IN ('CREATED', 'CHANGED', 'DELETED')", name=op.f("ck_risk_limit_versions_action")),
        sa.CheckConstraint("(action = 'DELETED') = (after IS NULL)", name=op.f("ck_risk_limit_versions_after")),
        *_references("risk_limit_versions"),
        sa.PrimaryKeyConstraint("tenant_id", "limit_id", "version", name=op.f("pk_risk_limit_versions")),
    )


def _create_proposals() -> None:
    op.create_table(
        "risk_limit_proposals",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("limit_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("wanted", _JSON_OR_NULL, nullable=True),
        sa.Column("why", _JSON, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", _TIME, nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('PENDING', 'APPROVED', 'REJECTED', 'WITHDRAWN', 'EXPIRED', 'OVERTAKEN')",
            name=op.f("ck_risk_limit_proposals_state"),
        ),
        sa.CheckConstraint("(state = 'PENDING') = (decided_at IS NULL)", name=op.f("ck_risk_limit_proposals_decided")),
        *_references("risk_limit_proposals"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_risk_limit_proposals")),
    )
    op.create_index(
        "ix_risk_limit_proposals_open",
        "risk_limit_proposals",
        ["tenant_id", "limit_id"],
        unique=False,
        postgresql_where=sa.text("state = 'PENDING'"),
    )


def _create_drills() -> None:
    op.create_table(
        "risk_limit_drills",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("limit_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("limit_version", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("drilled_by", sa.Text(), nullable=False),
        sa.Column("drilled_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('FIRED', 'ALREADY_BREACHED', 'FAILS_CLOSED', 'SILENT', 'NOT_DRILLED')",
            name=op.f("ck_risk_limit_drills_outcome"),
        ),
        *_references("risk_limit_drills"),
        sa.PrimaryKeyConstraint("tenant_id", "limit_id", name=op.f("pk_risk_limit_drills")),
    )
