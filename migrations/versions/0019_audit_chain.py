"""The audit log as a chain: a sealer with a role of its own, heads, keys of persons, retention."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLES = (
    "audit_chain",
    "audit_heads",
    "audit_leases",
    "audit_person_keys",
    "audit_retentions",
    "audit_signed_heads",
)
_TIME = postgresql.TIMESTAMP(timezone=True)
_CAN_LEAVE_UNCHECKED = 180_000
_ROLE = """
DO $$
BEGIN
  CREATE ROLE oms_sealer NOINHERIT NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL;
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(_ROLE)
    op.execute("GRANT oms_sealer TO oms_login")
    _make_log_a_waiting_room()
    _create_chain()
    _create_heads()
    _create_the_rest()
    op.execute("CREATE POLICY sealer ON audit_log TO oms_sealer USING (true)")
    op.execute("GRANT SELECT, DELETE ON audit_log TO oms_sealer")
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)
    version = op.get_bind().execute(sa.text("SHOW server_version_num")).scalar_one()
    if int(version) >= _CAN_LEAVE_UNCHECKED:
        # What is sealed was an entry of the tenant before, and the head of the chain refers to the tenant.
        op.execute("ALTER TABLE audit_chain ALTER CONSTRAINT fk_audit_chain_tenant_id NOT ENFORCED")


def downgrade() -> None:
    op.execute(
        """
        INSERT INTO audit_log (tenant_id, id, actor, action, resource_type, resource_id, old_values, new_values,
                               request_id, created_at)
        SELECT tenant_id, id, actor, action, resource_type, resource_id, old_values::jsonb, new_values::jsonb,
               request_id, created_at
        FROM audit_chain
        """
    )
    op.execute("REVOKE ALL ON audit_log FROM oms_sealer")
    op.execute("DROP POLICY sealer ON audit_log")
    for table in _TABLES:
        op.drop_table(table)
    op.drop_constraint(op.f("pk_audit_log"), "audit_log", type_="primary")
    op.drop_column("audit_log", "written_in")
    op.create_primary_key(op.f("pk_audit_log"), "audit_log", ["tenant_id", "id"])
    op.create_index(
        "ix_audit_log_resource", "audit_log", ["tenant_id", "resource_type", "resource_id", "created_at"], unique=False
    )
    op.create_index("ix_audit_log_time", "audit_log", ["tenant_id", "created_at"], unique=False)


def _make_log_a_waiting_room() -> None:
    # Entries from before count as written first. A constant is added without a rewrite of the table.
    op.add_column("audit_log", sa.Column("written_in", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.alter_column("audit_log", "written_in", server_default=sa.text("(pg_current_xact_id()::text)::bigint"))
    op.drop_constraint(op.f("pk_audit_log"), "audit_log", type_="primary")
    op.create_primary_key(op.f("pk_audit_log"), "audit_log", ["tenant_id", "written_in", "id"])
    # What is searched is in the chain: whoever writes an entry pays for its key alone.
    op.drop_index("ix_audit_log_resource", table_name="audit_log")
    op.drop_index("ix_audit_log_time", table_name="audit_log")
    # Rows stay for a second: what is dead is swept by count, not by the share of a table that is nearly empty.
    op.execute(
        "ALTER TABLE audit_log SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, "
        "autovacuum_vacuum_insert_threshold = -1)"
    )


def _create_chain() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=True),
        sa.Column("old_values", sa.Text(), nullable=True),
        sa.Column("new_values", sa.Text(), nullable=True),
        sa.Column("address_key", sa.Uuid(), nullable=True),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=True),
        sa.Column("values_key", sa.Uuid(), nullable=True),
        sa.Column("sealed_values", sa.LargeBinary(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_audit_chain_sequence")),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_audit_chain_hash")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_audit_chain_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "sequence", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_audit_chain_tenant_id_id")),
    )
    for name, columns in (
        ("actor", ["actor", "sequence"]),
        ("action", ["action", "sequence"]),
        ("resource", ["resource_type", "resource_id", "sequence"]),
        ("request", ["request_id", "sequence"]),
        ("time", ["created_at"]),
    ):
        op.create_index(f"ix_audit_chain_{name}", "audit_chain", ["tenant_id", *columns], unique=False)


def _create_heads() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("pruned_sequence", sa.BigInteger(), nullable=False),
        sa.Column("pruned_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "sequence >= pruned_sequence AND pruned_sequence >= 0", name=op.f("ck_audit_heads_sequence")
        ),
        sa.CheckConstraint("length(hash) = 32 AND length(pruned_hash) = 32", name=op.f("ck_audit_heads_hash")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_audit_heads_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_signed_heads",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("pruned_sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", _TIME, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("delivered_at", _TIME, nullable=True),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_audit_signed_heads_hash")),
        sa.CheckConstraint("length(signature) = 64", name=op.f("ck_audit_signed_heads_signature")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_audit_signed_heads_tenant_id")),
        sa.PrimaryKeyConstraint(
            "tenant_id", "sequence", "key_id", "pruned_sequence", name=op.f("pk_audit_signed_heads")
        ),
    )
    op.create_index(
        "ix_audit_signed_heads_waiting",
        "audit_signed_heads",
        ["tenant_id", "sequence"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )


def _create_the_rest() -> None:
    op.create_table(
        "audit_person_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("master_version", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_audit_person_keys_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_person_keys")),
        sa.UniqueConstraint("tenant_id", "subject", name=op.f("uq_audit_person_keys_tenant_id_subject")),
    )
    op.create_table(
        "audit_retentions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", _TIME, nullable=False),
        # Five years: app/audit/domain/retention.py says by which law.
        sa.CheckConstraint("keep_days >= 1827", name=op.f("ck_audit_retentions_keep_days")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_audit_retentions_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_retentions")),
    )
    op.create_table(
        "audit_leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", _TIME, nullable=False),
        sa.CheckConstraint("name = 'sealer'", name=op.f("ck_audit_leases_name")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_leases")),
    )
