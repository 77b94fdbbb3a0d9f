"""Two firms with a row in every table, and what of the one must never reach the other."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import orjson

from app.infra.db import Database
from tests.integration.isolation.rows import Firm, add_sealed_log, make_firm

MARK: Final = "canary"
# Free text that a firm writes; columns of these names get a mark of their own, wherever they stand.
FREE_TEXT: Final = (
    "client_order_id",
    "description",
    "details",
    "difference",
    "email",
    "first_name",
    "label",
    "last_name",
    "name",
    "note",
    "reason",
    "slug",
    "subject",
    "user_agent",
)
# By the name of an argument, the table whose ids it takes; "" for any, None for what has no rows yet.
TABLES: Final[dict[str, str | None]] = {
    "id": "",
    "haltId": "trading_halts",
    "targetId": "broker_accounts",
    "breachId": "risk_breaches",
    "breakerId": "circuit_breakers",
    "accountId": "broker_accounts",
    "accountIds": "broker_accounts",
    "adviserId": "broker_accounts",
    "apiKeyId": "api_keys",
    "breakId": "reconciliation_breaks",
    "caseId": "surveillance_cases",
    "customRoleId": "custom_roles",
    "entryId": "platform_entries",
    "instrumentId": "instruments",
    "instrumentIds": "instruments",
    "invitationId": "invitations",
    "limitId": "risk_limits",
    "limitIds": "risk_limits",
    "listId": "restricted_lists",
    "memberId": "memberships",
    "orderId": "orders",
    "orderIds": "orders",
    "positionId": "positions",
    "proposalId": "risk_limit_proposals",
    "resourceId": "orders",
    "removeIds": "restricted_entries",
    "roleId": "custom_roles",
    "sessionId": "auth_sessions",
    "strategyId": None,
    "subscriptionId": "market_data_subscriptions",
    "tenantId": "tenants",
    "userId": "users",
}
# Where the name alone does not tell.
TABLES_OF: Final[dict[tuple[str, str], str]] = {
    ("deleteApprovalPolicy", "id"): "approval_policies",
    ("deleteCircuitBreaker", "id"): "circuit_breakers",
    ("deleteRiskLimit", "id"): "risk_limits",
    ("setCircuitBreaker", "id"): "circuit_breakers",
    ("setApprovalPolicy", "id"): "approval_policies",
    ("setRiskLimit", "id"): "risk_limits",
    ("setRestrictedList", "id"): "restricted_lists",
    ("killSwitch", "id"): "kill_switches",
    ("orderRecordExport", "id"): "order_record_exports",
    ("killSwitchProgress", "id"): "kill_switches",
}
_HEX = re.compile(r"(\\x)?[0-9a-f]{24,}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A firm, its rows, its ids by table, and every text and id that it alone has."""

    firm: Firm
    rows: dict[str, list[str]]
    ids: dict[str, str]
    secrets: frozenset[str]

    def id_of(self, operation: str, argument: str) -> str:
        """An id of the firm that fits the argument. Raises KeyError for a name that TABLES does not know."""
        table = TABLES_OF.get((operation, argument), TABLES[argument])
        if table is None:
            return str(uuid4())
        return self.ids[table or "orders"]


async def make_side(database: Database, owner: asyncpg.Connection) -> Side:
    """A new firm with marks in its texts."""
    firm = await make_firm(database)
    await add_sealed_log(owner, firm)
    columns = await owner.fetch(
        "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public' "
        "AND data_type = 'text' AND column_name = ANY($1) AND table_name = ANY($2)",
        FREE_TEXT,
        await _tables(owner),
    )
    marks = "\n".join(_marking(table, column, firm) for table, column in columns)
    await owner.execute(f"DO $marks$ BEGIN {marks} END $marks$")
    return await side_of(firm, owner)


async def side_of(firm: Firm, owner: asyncpg.Connection) -> Side:
    """The firm with what it has now."""
    stored = await rows_of(firm, owner)
    rows = {table: [orjson.loads(row) for row in found] for table, found in stored.items()}
    ids = {table: str(found[0]["id"]) for table, found in rows.items() if found and _is_id(found[0].get("id"))}
    secrets = frozenset(_secrets([one for found in rows.values() for one in found]))
    return Side(firm=firm, rows=stored, ids=ids, secrets=secrets)


async def rows_of(firm: Firm, owner: asyncpg.Connection) -> dict[str, list[str]]:
    """Every row of the firm as JSON, by table."""
    every = " UNION ALL ".join(
        f"SELECT '{table}' AS name, ARRAY(SELECT to_jsonb(t)::text FROM {table} AS t "
        f"WHERE {_whose(table)} = '{_who(table, firm)}') AS found"
        for table in await _tables(owner)
    )
    return {row["name"]: row["found"] for row in await owner.fetch(every)}


def unlike(one: Side, other: Side) -> frozenset[str]:
    """What the one has and the other has not: what the other must never see."""
    return one.secrets - other.secrets


async def _tables(owner: asyncpg.Connection) -> list[str]:
    rows = await owner.fetch(
        "SELECT DISTINCT table_name::text AS name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND (column_name = 'tenant_id' OR table_name IN ('tenants', 'users'))"
    )
    return [row["name"] for row in rows]


def _marking(table: str, column: str, firm: Firm) -> str:
    mark = f"{MARK}-{firm.tenant_id.hex[-12:]}-{table.replace('_', '-')}"[:62]
    if column == "email":
        mark += "@example.com"
    return (
        f"BEGIN UPDATE {table} SET {column} = '{mark}' WHERE {_whose(table)} = '{_who(table, firm)}'; "
        "EXCEPTION WHEN check_violation OR unique_violation OR foreign_key_violation THEN NULL; END;"
    )


def _whose(table: str) -> str:
    return "id" if table in ("tenants", "users") else "tenant_id"


def _who(table: str, firm: Firm) -> UUID:
    if table != "users":
        return firm.tenant_id
    assert firm.principal.user_id is not None
    return firm.principal.user_id


def _secrets(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, dict):
            yield from _secrets(value.values())
        elif isinstance(value, list):
            yield from _secrets(value)
        elif isinstance(value, str) and (_is_id(value) or value.startswith(f"{MARK}-") or _HEX.fullmatch(value)):
            yield value


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None
