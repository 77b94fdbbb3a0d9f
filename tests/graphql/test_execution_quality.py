"""Execution quality over HTTP, on orders that were placed, quoted and dealt."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core.messages import Tick
from app.marketdata import service as marketdata
from tests.graphql.conftest import Broker, Firm

QUALITY = """
query Quality($after: DateTime!, $before: DateTime!, $account: ID, $by: [ExecutionQualityGroup!]) {
  executionQuality(after: $after, before: $before, accountId: $account, groupBy: $by) {
    accountId symbol orderType route currency orders filled measured fillRate arrivalSlippageBps midSlippageBps
    effectiveSpreadBps cost medianSecondsToFirstFill
  }
}
"""
ORDER = "query O($id: ID!) { order(id: $id) { arrival { bid ask mid last quotedAt } createdAt } }"


def today(firm: Firm, **more: Any) -> dict[str, Any]:
    """A day about now."""
    now, hour = firm.desk.clock.now(), timedelta(hours=1)
    return {"after": (now - hour).isoformat(), "before": (now + hour).isoformat(), **more}


async def test_an_order_is_measured_by_its_arrival(firm: Firm, broker: Broker, stranger: Firm) -> None:
    tick = Tick(
        instrument_id=firm.instruments["AAPL"].id,
        symbol="AAPL",
        bid=Decimal("99.90"),
        ask=Decimal("100.10"),
        time=firm.desk.clock.now(),
    )
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])
    placed = await firm.api.place(**firm.order(limitPrice="101"))
    await firm.api.place(**firm.order(symbol="MSFT", limitPrice="101"))
    await broker.claim()
    await broker.fill(placed["order"]["id"], "10", "100.15")

    shown = (await firm.api.data(ORDER, id=placed["order"]["id"]))["order"]["arrival"]
    given = today(firm, by=["INSTRUMENT", "ORDER_TYPE", "ROUTE", "ACCOUNT"], account=str(firm.account_id))
    found = (await firm.api.data(QUALITY, **given))["executionQuality"]
    theirs = (await stranger.api.data(QUALITY, **today(firm)))["executionQuality"]

    assert (shown["bid"], shown["ask"], shown["mid"], shown["last"]) == ("99.9", "100.1", "100", None)
    [aapl] = [one for one in found if one["symbol"] == "AAPL"]
    assert {name: aapl[name] for name in ("orders", "filled", "measured", "fillRate")} == {
        "orders": 1,
        "filled": 1,
        "measured": 1,
        "fillRate": "1",
    }
    assert (aapl["midSlippageBps"], aapl["effectiveSpreadBps"], aapl["cost"]) == ("15", "30", "0.5")
    assert (aapl["orderType"], aapl["route"], aapl["currency"]) == ("LIMIT", "NASDAQ", "USD")
    assert [(one["measured"], one["fillRate"]) for one in found if one["symbol"] == "MSFT"] == [(0, "0")]
    assert theirs == []


@pytest.mark.parametrize(
    ("after", "before", "path"),
    [
        ("2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", ["before"]),
        ("2026-03-02T00:00:00Z", "2025-03-02T00:00:00Z", ["before"]),
        ("2020-03-02T00:00:00Z", "2026-03-02T00:00:00Z", ["before"]),
        ("0001-01-01T00:00:00Z", "0001-02-01T00:00:00Z", ["after"]),
        ("9999-12-30T00:00:00Z", "9999-12-31T00:00:00Z", ["before"]),
    ],
)
async def test_a_time_that_cannot_be_is_refused(firm: Firm, after: str, before: str, path: list[str]) -> None:
    assert await firm.api.refusal(QUALITY, after=after, before=before) == ("BAD_USER_INPUT", path)


async def test_another_firms_account_is_unknown(firm: Firm, stranger: Firm) -> None:
    given = today(firm, account=str(stranger.account_id))

    assert (await firm.api.refusal(QUALITY, **given))[0] == "ACCOUNT_NOT_FOUND"
