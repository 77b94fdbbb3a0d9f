"""Retention of alerts and closed cases, with deletes for the sealer; large orders among the patterns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_KINDS = (
    "WASH_TRADE",
    "SELF_CROSS",
    "LAYERING",
    "MARKING_THE_CLOSE",
    "RESTRICTED_TOUCH",
    "LIMIT_BREACHES",
)
# Five years: app/compliance/domain/retention.py says by which law.
_IS_OLD = {
    "restriction_alerts": "created_at < now() - interval '1827 days'",
    "surveillance_cases": "state = 'CLOSED' AND updated_at < now() - interval '1827 days'",
    "surveillance_notes": "written_at < now() - interval '1827 days'",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "record_retentions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("alert_days", sa.Integer(), nullable=False),
        sa.Column("case_days", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("alert_days >= 1827 AND case_days >= 1827", name=op.f("ck_record_retentions_days")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_record_retentions_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_record_retentions")),
    )
    for statement in policy("record_retentions").split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table, is_old in _IS_OLD.items():
        op.execute(f"CREATE POLICY sealer_reads ON {table} FOR SELECT TO oms_sealer USING (true)")
        op.execute(f"CREATE POLICY sealer_prunes ON {table} FOR DELETE TO oms_sealer USING ({is_old})")
        op.execute(f"GRANT SELECT, DELETE ON {table} TO oms_sealer")
    # What was pruned is written down by who prunes; it may append to the chain itself already.
    op.execute("GRANT INSERT ON audit_log TO oms_sealer")
    _allow_kinds(*_KINDS, "LARGE_ORDER")


def downgrade() -> None:
    # Cases of large orders stay: they are evidence.
    _allow_kinds(*_KINDS, is_for_old_rows=False)
    op.execute("REVOKE INSERT ON audit_log FROM oms_sealer")
    for table in _IS_OLD:
        op.execute(f"REVOKE ALL ON {table} FROM oms_sealer")
        op.execute(f"DROP POLICY sealer_prunes ON {table}")
        op.execute(f"DROP POLICY sealer_reads ON {table}")
    op.drop_table("record_retentions")


def _allow_kinds(*kinds: str, is_for_old_rows: bool = True) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_surveillance_cases_kind"), "surveillance_cases", type_="check")
    op.create_check_constraint(
        op.f("ck_surveillance_cases_kind"),
        "surveillance_cases",
        f"kind IN ({listed})",
        postgresql_not_valid=not is_for_old_rows,
    )
