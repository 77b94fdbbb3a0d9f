"""How long a tenant keeps alerts and closed cases: set by its administrator, and kept by night."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.compliance.domain.retention import KEEP_DAYS_DEFAULT, KEEP_DAYS_MAX, KEEP_DAYS_MIN
from app.core.ids import uuid7
from app.flows.compliance.prune_records import prune_records
from app.identity.domain import Role
from app.infra.db import Database
from tests.graphql.conftest import Firm
from tests.graphql.test_restricted_lists import make

RULE = "{ recordRetention { alertDays caseDays setBy } }"
SET = """
mutation S($input: SetRecordRetentionInput!) {
  setRecordRetention(input: $input) { retention { alertDays caseDays setBy } errors { code path } }
}
"""
UNSET = {"alertDays": KEEP_DAYS_DEFAULT, "caseDays": KEEP_DAYS_DEFAULT, "setBy": None}
SIX_YEARS, EIGHT_YEARS = 6 * 366, 8 * 366


async def put(firm: Firm, alerts: int, cases: int) -> Any:
    """The payload of setting the rule."""
    return (await firm.api.data(SET, input={"alertDays": alerts, "caseDays": cases}))["setRecordRetention"]


async def touch(firm: Firm, owner: asyncpg.Connection, *ages: int) -> None:
    """A touch of a restricted name, so many days ago each."""
    await make(firm, "MSFT", kind="NOTIFY")
    for age in ages:
        placed = await firm.api.place(**firm.order(symbol="MSFT", limitPrice="100"))
        at = datetime.now(UTC) - timedelta(days=age)
        await owner.execute(
            "UPDATE restriction_alerts SET id = $3, created_at = $4 WHERE tenant_id = $1 AND order_id = $2::text::uuid",
            firm.key.tenant_id,
            str(placed["order"]["id"]),
            uuid7(at, firm.desk.ids.new().int),
            at,
        )


async def case(
    firm: Firm, owner: asyncpg.Connection, age: int, *, state: str = "CLOSED", noted: int | None = None
) -> None:
    """A case that was last changed so many days ago, with a note of another day."""
    at = datetime.now(UTC) - timedelta(days=age)
    case_id = uuid7(at, firm.desk.ids.new().int)
    await owner.execute(
        """
        INSERT INTO surveillance_cases (tenant_id, id, kind, case_key, state, summary, account_id, evidence, closed_by,
          version, occurred_at, opened_at, updated_at)
        VALUES ($1, $2, 'LAYERING', $2::uuid::text, $3, 'old', $4, '{"orders": [], "executions": []}',
          CASE $3 WHEN 'CLOSED' THEN 'user:x' END, 1, $5, $5, $5)
        """,
        firm.key.tenant_id,
        case_id,
        state,
        firm.account_id,
        at,
    )
    await owner.execute(
        """
        INSERT INTO surveillance_notes (tenant_id, id, case_id, account_id, note, written_by, written_at)
        VALUES ($1, $2, $3, $4, 'seen', 'user:x', $5)
        """,
        firm.key.tenant_id,
        firm.desk.ids.new(),
        case_id,
        firm.account_id,
        at if noted is None else datetime.now(UTC) - timedelta(days=noted),
    )


async def left(firm: Firm, owner: asyncpg.Connection) -> dict[str, int]:
    """How many rows of the firm there are."""
    tables = ("restriction_alerts", "surveillance_cases", "surveillance_notes", "orders")
    counts = {
        table: await owner.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", firm.key.tenant_id)
        for table in tables
    }
    return {table: int(count) for table, count in counts.items()}


async def pruned(firm: Firm, sealer_database: Database, system_database: Database) -> int:
    """How much the chore of the night took away."""
    return await prune_records(sealer_database, system_database, firm.desk.clock, firm.desk.ids)


async def test_records_are_kept_seven_years_unless_somebody_says_otherwise(firm: Firm) -> None:
    before = (await firm.api.data(RULE))["recordRetention"]

    payload = await put(firm, KEEP_DAYS_MIN, 4000)

    assert before == UNSET
    assert payload["errors"] == []
    assert payload["retention"]["setBy"] == firm.principal.actor
    after = (await firm.api.data(RULE))["recordRetention"]
    assert (after["alertDays"], after["caseDays"]) == (KEEP_DAYS_MIN, 4000)


@pytest.mark.parametrize("days", [KEEP_DAYS_MIN - 1, 0, -1, KEEP_DAYS_MAX + 1])
async def test_no_rule_goes_below_five_years(firm: Firm, days: int) -> None:
    alerts = await put(firm, days, 4000)
    cases = await put(firm, 4000, days)

    assert alerts == {"retention": None, "errors": [{"code": "BAD_USER_INPUT", "path": ["alertDays"]}]}
    assert cases == {"retention": None, "errors": [{"code": "BAD_USER_INPUT", "path": ["caseDays"]}]}
    assert (await firm.api.data(RULE))["recordRetention"] == UNSET


@pytest.mark.parametrize("days", [None, "4000", 4000.5, 2**40, True])
async def test_what_is_no_number_of_days_is_refused_at_the_border(firm: Firm, days: Any) -> None:
    code, _ = await firm.api.refusal(SET, input={"alertDays": days, "caseDays": 4000})

    assert code == "BAD_USER_INPUT"
    assert (await firm.api.data(RULE))["recordRetention"] == UNSET


async def test_only_administrators_set_it_and_another_firm_is_not_touched(firm: Firm, stranger: Firm) -> None:
    officer = await firm.member(Role.COMPLIANCE)
    trader = await firm.member(Role.TRADER)

    assert (await officer.data(RULE))["recordRetention"] == UNSET
    for one, document, given in (
        (officer, SET, {"input": {"alertDays": 4000, "caseDays": 4000}}),
        (trader, RULE, {}),
    ):
        assert (await one.refusal(document, **given))[0] == "FORBIDDEN"
    await put(firm, 4000, 4000)
    assert (await stranger.api.data(RULE))["recordRetention"] == UNSET


async def test_what_is_older_goes_by_night_once_and_is_written_down(
    firm: Firm, owner: asyncpg.Connection, sealer_database: Database, system_database: Database
) -> None:
    await touch(firm, owner, 0, SIX_YEARS, EIGHT_YEARS)
    await case(firm, owner, EIGHT_YEARS)
    await case(firm, owner, SIX_YEARS)
    await case(firm, owner, EIGHT_YEARS, state="UNDER_REVIEW")
    await case(firm, owner, EIGHT_YEARS, noted=30)

    gone = [await pruned(firm, sealer_database, system_database) for _ in range(2)]

    assert gone == [2, 0]
    assert await left(firm, owner) == {
        "restriction_alerts": 2,
        "surveillance_cases": 3,
        "surveillance_notes": 3,
        "orders": 3,
    }
    told = await owner.fetch(
        "SELECT actor, new_values FROM audit_log WHERE tenant_id = $1 AND action = 'records.pruned'", firm.key.tenant_id
    )
    assert [one["actor"] for one in told] == ["system:retention"]
    assert '"alerts": 1' in told[0]["new_values"]


async def test_a_shorter_rule_lets_more_go_of_what_it_is_about(
    firm: Firm, owner: asyncpg.Connection, sealer_database: Database, system_database: Database
) -> None:
    await touch(firm, owner, SIX_YEARS)
    await case(firm, owner, SIX_YEARS)
    await put(firm, KEEP_DAYS_MIN, 4000)

    gone = await pruned(firm, sealer_database, system_database)

    assert gone == 1
    found = await left(firm, owner)
    assert (found["restriction_alerts"], found["surveillance_cases"]) == (0, 1)


async def test_the_database_keeps_what_is_young_whatever_it_is_told(
    firm: Firm, owner: asyncpg.Connection, sealer_database: Database
) -> None:
    await touch(firm, owner, 0, KEEP_DAYS_MIN - 1)
    await case(firm, owner, KEEP_DAYS_MIN - 1)
    before = await left(firm, owner)

    async with sealer_database.acquire() as connection:
        for table in ("restriction_alerts", "surveillance_notes", "surveillance_cases"):
            await connection.execute(f"DELETE FROM {table} WHERE tenant_id = $1", firm.key.tenant_id)
        for table in ("orders", "executions", "order_events"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"DELETE FROM {table} WHERE tenant_id = $1", firm.key.tenant_id)

    assert await left(firm, owner) == before
