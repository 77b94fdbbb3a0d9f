"""What the database itself says about its walls: read from the catalogue, so that no new table is forgotten."""

from typing import Any

import asyncpg
import pytest

from app.audit.domain import KEEP_DAYS_MIN
from migrations.policies import policies

ROLES = ("oms_app", "oms_intake", "oms_system", "oms_sealer")
# Becomes oms_app within walls: all of its policies hold, and those between accounts besides.
GRANTED = "oms_granted"
OF_PERSONS = {
    "password_history",
    "person_tokens",
    "platform_administrators",
    "platform_sessions",
    "registrations",
    "second_factors",
    "recovery_codes",
    "proof_failures",
}
TENANTLESS = {"audit_leases", "errands", "relay_leases", "tenants", "users"} | OF_PERSONS
GLOBAL_UNIQUE = {
    ("errands", ("id",)),
    ("password_history", ("user_id", "id")),
    ("person_tokens", ("user_id", "id")),
    ("registrations", ("id",)),
    # A gateway knows no tenants: that a client id is in use there it tells everybody itself (error 326).
    ("gateway_seats", ("host", "port", "client_id")),
    ("platform_administrators", ("user_id",)),
    ("platform_sessions", ("user_id", "id")),
    ("platform_sessions", ("user_id", "token_hash")),
    ("audit_leases", ("name",)),
    ("relay_leases", ("name",)),
    ("tenants", ("id",)),
    ("tenants", ("slug",)),
    ("users", ("id",)),
    ("second_factors", ("user_id",)),
    ("recovery_codes", ("user_id", "code_hash")),
    ("proof_failures", ("user_id",)),
    ("users", ("email",)),
}

_TABLES = """
  SELECT c.oid, c.relname::text AS name, c.relrowsecurity, c.relforcerowsecurity, c.relkind::text AS kind
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname <> 'alembic_version'
  ORDER BY c.relname
"""


async def _rows(connection: asyncpg.Connection, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await connection.fetch(sql, *parameters)]


async def test_every_table_is_closed_by_row_level_security_even_to_its_owner(owner: asyncpg.Connection) -> None:
    tables = await owner.fetch(_TABLES)

    assert len(tables) >= 22
    assert [row["name"] for row in tables if not (row["relrowsecurity"] and row["relforcerowsecurity"])] == []
    # A view would read with its owner's eyes unless it is told otherwise.
    assert {row["kind"] for row in tables} == {"r"}


async def test_every_table_has_its_policies_and_its_file(owner: asyncpg.Connection) -> None:
    names = [row["name"] for row in await owner.fetch(_TABLES)]
    with_policy = await _rows(owner, "SELECT DISTINCT tablename::text FROM pg_policies WHERE schemaname = 'public'")

    assert sorted(name for (name,) in with_policy) == names
    assert policies() == names


async def test_every_policy_asks_for_the_tenant_of_the_transaction(owner: asyncpg.Connection) -> None:
    found = await owner.fetch("SELECT * FROM pg_policies WHERE schemaname = 'public'")

    for policy in found:
        name = f"{policy['tablename']}.{policy['policyname']}"
        if policy["policyname"] == "granted":
            continue
        if policy["policyname"] == "whole_tenant":
            # Closed to who is restricted to some accounts, whatever the code asks.
            assert (policy["permissive"], policy["roles"], policy["qual"]) == ("RESTRICTIVE", [GRANTED], "false"), name
            continue
        assert policy["permissive"] == "PERMISSIVE", name
        assert set(policy["roles"]) <= set(ROLES), name
        if policy["roles"] in (["oms_system"], ["oms_sealer"]):
            continue
        if policy["policyname"] == "leave":
            # What nobody but the worker reads may be left by whoever is somebody.
            assert (policy["tablename"], policy["cmd"]) == ("errands", "INSERT")
            assert "current_setting('app.tenant_id'" in policy["with_check"]
            continue
        setting = {
            "tenant": "app.tenant_id",
            "batch": "app.tenant_ids",
            "own": "app.user_id",
            "self": "app.user_id",
            "by_email": "app.email",
            "member": "app.tenant_id",
            "asking": "app.platform_user_id",
            "platform": "app.platform_user_id",
        }[policy["policyname"]]
        assert f"current_setting('{setting}'" in policy["qual"], name
        if policy["cmd"] != "SELECT":
            assert policy["with_check"] == policy["qual"], name


async def test_every_table_of_broker_accounts_has_a_wall_between_them(owner: asyncpg.Connection) -> None:
    by_column = await _rows(
        owner,
        """
        SELECT table_name::text FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name = 'account_id'
        """,
    )
    # What hangs on such a row without naming the account itself: its key holds an order, an execution and so on.
    by_parent = await _rows(
        owner,
        """
        SELECT DISTINCT f.conrelid::regclass::text FROM pg_constraint AS f
        JOIN pg_attribute AS a ON a.attrelid = f.confrelid AND a.attname = 'account_id'
        WHERE f.contype = 'f' AND f.confrelid::regclass::text NOT IN ('member_accounts', 'api_key_accounts')
        """,
    )
    walls = await owner.fetch("SELECT * FROM pg_policies WHERE schemaname = 'public' AND policyname = 'granted'")

    walled = {wall["tablename"] for wall in walls}
    assert walled == {name for (name,) in by_column} | {name for (name,) in by_parent} | {"broker_accounts"}
    for wall in walls:
        assert (wall["permissive"], wall["cmd"], wall["roles"]) == ("RESTRICTIVE", "ALL", [GRANTED]), wall["tablename"]
        if wall["tablename"] not in ("order_approvals", "order_requests"):
            assert "current_setting('app.account_ids'" in wall["qual"], wall["tablename"]
        if not wall["qual"].startswith("((account_id IS NULL)"):
            assert wall["with_check"] == wall["qual"], wall["tablename"]


async def test_what_is_open_to_the_system_role_is_a_short_list(owner: asyncpg.Connection) -> None:
    granted = await _rows(
        owner,
        """
        SELECT table_name::text, privilege_type::text FROM information_schema.role_table_grants
        WHERE grantee = 'oms_system' ORDER BY 1, 2
        """,
    )

    assert granted == [
        ("broker_accounts", "SELECT"),
        ("broker_connections", "SELECT"),
        ("errands", "DELETE"),
        ("errands", "SELECT"),
        ("errands", "UPDATE"),
        ("outbox", "DELETE"),
        ("outbox", "SELECT"),
        ("platform_administrators", "DELETE"),
        ("platform_administrators", "INSERT"),
        ("platform_administrators", "SELECT"),
        ("registrations", "DELETE"),
        ("relay_leases", "INSERT"),
        ("relay_leases", "SELECT"),
        ("relay_leases", "UPDATE"),
        ("tenants", "SELECT"),
    ]


async def test_what_is_open_to_the_sealer_is_the_audit_log_and_what_retention_lets_go(
    owner: asyncpg.Connection,
) -> None:
    granted = await owner.fetch(
        """
        SELECT table_name::text, string_agg(privilege_type::text, ' ' ORDER BY privilege_type) AS may
        FROM information_schema.role_table_grants WHERE grantee = 'oms_sealer' GROUP BY 1 ORDER BY 1
        """,
    )
    pruning = await owner.fetch("SELECT tablename::text, qual FROM pg_policies WHERE policyname = 'sealer_prunes'")

    assert {row["table_name"]: row["may"] for row in granted} == {
        "audit_chain": "DELETE INSERT SELECT",
        "audit_heads": "INSERT SELECT UPDATE",
        "audit_leases": "INSERT SELECT UPDATE",
        "audit_log": "DELETE INSERT SELECT",
        "audit_person_keys": "INSERT SELECT",
        "audit_retentions": "SELECT",
        "audit_signed_heads": "INSERT SELECT UPDATE",
        "record_retentions": "SELECT",
        "restriction_alerts": "DELETE SELECT",
        "surveillance_cases": "DELETE SELECT",
        "surveillance_notes": "DELETE SELECT",
    }
    # Nobody changes a sealed entry, and what is younger than the law asks nobody but the owner deletes.
    assert {row["tablename"] for row in pruning} == {
        "audit_chain",
        "restriction_alerts",
        "surveillance_cases",
        "surveillance_notes",
    }
    assert all(f"{KEEP_DAYS_MIN} days" in row["qual"] for row in pruning)


@pytest.mark.parametrize("table", ["audit_chain", "audit_heads", "audit_signed_heads"])
async def test_the_application_only_reads_what_is_sealed(owner: asyncpg.Connection, table: str) -> None:
    granted = await _rows(
        owner,
        """
        SELECT grantee::text, privilege_type::text FROM information_schema.role_table_grants
        WHERE table_name = $1 AND grantee = ANY ($2::text[]) AND grantee <> 'oms_sealer'
        """,
        table,
        list(ROLES),
    )

    assert granted == [("oms_app", "SELECT")]


async def test_nothing_is_granted_to_everybody_and_nobody_may_truncate(owner: asyncpg.Connection) -> None:
    grants = await _rows(
        owner,
        """
        SELECT c.relname::text, coalesce(r.rolname::text, 'PUBLIC'), a.privilege_type
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault(
          CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner))) AS a
        LEFT JOIN pg_roles AS r ON r.oid = a.grantee
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND a.grantee <> c.relowner
        """,
    )

    assert {grantee for _, grantee, _ in grants} == set(ROLES)
    assert {privilege for _, _, privilege in grants} <= {"SELECT", "INSERT", "UPDATE", "DELETE", "USAGE"}


@pytest.mark.parametrize(
    "table",
    [
        "audit_log",
        "order_events",
        "position_adjustments",
        "position_history",
        "pnl_snapshots",
        "quarantined_reports",
        "restricted_list_versions",
        "restriction_alerts",
        "surveillance_notes",
        "value_at_risk_days",
    ],
)
async def test_logs_can_only_be_appended_to(owner: asyncpg.Connection, table: str) -> None:
    granted = await _rows(
        owner,
        """
        SELECT DISTINCT privilege_type::text FROM information_schema.role_table_grants
        WHERE table_name = $1 AND grantee = ANY ($2::text[]) AND grantee <> 'oms_sealer'
        """,
        table,
        list(ROLES),
    )

    assert {privilege for (privilege,) in granted} == {"INSERT", "SELECT"}


@pytest.mark.parametrize("role", [*ROLES, GRANTED, "oms_login"])
async def test_the_roles_have_no_power_beyond_their_grants(owner: asyncpg.Connection, role: str) -> None:
    facts = await owner.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", role)
    owned = await owner.fetchval("SELECT count(*) FROM pg_class WHERE relowner = $1::regrole", role)
    may_create = await owner.fetchval("SELECT has_schema_privilege($1, 'public', 'CREATE')", role)
    above = await _rows(
        owner,
        """
        SELECT r.rolname::text FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.roleid
        WHERE m.member = $1::regrole
        """,
        role,
    )

    powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication", "rolinherit")
    assert {power: facts[power] for power in powers} == dict.fromkeys(powers, False) | {"rolinherit": role == GRANTED}
    assert facts["rolcanlogin"] is (role == "oms_login")
    assert owned == 0
    assert not may_create
    assert {name for (name,) in above} == {"oms_login": {*ROLES, GRANTED}, GRANTED: {"oms_app"}}.get(role, set())


async def test_every_table_of_tenants_carries_its_tenant_first(owner: asyncpg.Connection) -> None:
    tables = {row["name"] for row in await owner.fetch(_TABLES)}
    keyed = await _rows(
        owner,
        """
        SELECT i.indrelid::regclass::text, array_agg(a.attname::text ORDER BY k.place)
        FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE n.nspname = 'public' AND c.relname <> 'alembic_version' AND i.indisunique
        GROUP BY i.indexrelid, i.indrelid
        """,
    )

    assert {table for table, _ in keyed} == tables
    others = {(table, tuple(columns)) for table, columns in keyed if columns[0] != "tenant_id"}
    assert others == GLOBAL_UNIQUE


async def test_every_foreign_key_between_tenants_tables_carries_the_tenant(owner: asyncpg.Connection) -> None:
    keys = await _rows(
        owner,
        """
        SELECT f.conrelid::regclass::text, f.confrelid::regclass::text, f.confdeltype::text,
          (SELECT array_agg(a.attname::text ORDER BY k.place)
           FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, place)
           JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = k.attnum),
          (SELECT array_agg(a.attname::text ORDER BY k.place)
           FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, place)
           JOIN pg_attribute AS a ON a.attrelid = f.confrelid AND a.attnum = k.attnum)
        FROM pg_constraint AS f WHERE f.contype = 'f'
        """,
    )

    assert len(keys) >= 20
    for table, target, on_delete, columns, targets in keys:
        name = f"{table} -> {target}"
        assert on_delete == "a", name
        match target:
            case "tenants":
                assert (columns, targets) == (["tenant_id"], ["id"]), name
            case "users":
                assert table == "memberships" or table in OF_PERSONS, name
                assert (columns, targets) == (["user_id"], ["id"]), name
            case _:
                assert (columns[0], targets[0]) == ("tenant_id", "tenant_id"), name
                assert len(columns) >= 2, name


async def test_every_table_of_a_tenant_refers_to_the_tenant_in_the_end(owner: asyncpg.Connection) -> None:
    tables = {row["name"] for row in await owner.fetch(_TABLES)} - TENANTLESS
    nullable = await _rows(
        owner,
        """
        SELECT table_name::text FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name = 'tenant_id' AND is_nullable = 'YES'
        """,
    )
    referring = await _rows(owner, "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f'")

    assert nullable == []
    assert {table for (table,) in referring} - OF_PERSONS == tables


async def test_no_function_runs_with_its_owners_power(owner: asyncpg.Connection) -> None:
    definers = await _rows(
        owner,
        """
        SELECT p.proname::text FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND p.prosecdef
        """,
    )

    assert definers == []


async def test_numbers_are_exact_and_times_have_a_zone(owner: asyncpg.Connection) -> None:
    odd = await _rows(
        owner,
        """
        SELECT table_name::text, column_name::text FROM information_schema.columns
        WHERE table_schema = 'public'
          AND data_type IN ('real', 'double precision', 'money', 'timestamp without time zone', 'USER-DEFINED')
        """,
    )

    # The one float is a measured latency.
    assert odd == [("broker_connections", "round_trip_ms")]


ERASED_BY_ERASE_PERSON = {
    ("api_keys", "ip_allowlist"),
    ("api_keys", "name"),
    ("auth_sessions", "ip_address"),
    ("auth_sessions", "user_agent"),
    ("invitations", "email"),
    ("person_tokens", "email"),
    ("platform_sessions", "ip_address"),
    ("platform_sessions", "user_agent"),
    ("registrations", "email"),
    ("registrations", "first_name"),
    ("registrations", "last_name"),
    ("registrations", "tenant_name"),
    ("users", "email"),
    ("users", "first_name"),
    ("users", "last_name"),
    ("users", "phone_number"),
    ("users", "preferences"),
}
SEALED_UNDER_A_PERSONS_KEY = {
    # It waits for a second, and the sealer seals it under the person's key.
    ("audit_log", "ip_address"),
    ("audit_chain", "address_key"),
    ("audit_chain", "sealed_address"),
}
GONE_WITHIN_DAYS = {
    # Where a mail went: the worker deletes it a week after it was sent or given up.
    ("errands", "recipient"),
}
NAMED_FOR_ITS_ACTS = {
    # Who of the platform was in the tenant: no member, and what was done is told with a name as long as it is told.
    ("platform_entries", "administrator"),
}
TELLS_OF_NO_PERSON = {
    ("audit_leases", "name"),
    ("broker_credentials", "name"),
    ("calendar_days", "name"),
    ("custom_roles", "name"),
    ("instruments", "name"),
    ("relay_leases", "name"),
    ("restricted_list_versions", "name"),
    ("restricted_lists", "name"),
    ("tenants", "name"),
    ("users", "email_verified"),
}


async def test_a_column_that_may_tell_of_a_person_is_erased_or_excused(owner: asyncpg.Connection) -> None:
    found = await _rows(
        owner,
        """
        SELECT table_name::text, column_name::text FROM information_schema.columns
        WHERE table_schema = 'public' AND (
          column_name ~ '(^|_)(name|email|phone|address|agent|preferences|allowlist|recipient|administrator)(_|$)')
        """,
    )

    known = (
        ERASED_BY_ERASE_PERSON | SEALED_UNDER_A_PERSONS_KEY | GONE_WITHIN_DAYS | NAMED_FOR_ITS_ACTS | TELLS_OF_NO_PERSON
    )
    # A new one goes into app/identity/erasure.py, or into the list that says why not.
    assert set(found) - known == set()
    assert known - set(found) == set()
