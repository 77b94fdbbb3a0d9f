"""A connector tells how hard it uses its gateway, and counts what it sends over the day, beyond its own end."""

import asyncio

import pytest

from app.brokers.vitals import Vitals
from app.core.fix import OrderState
from app.flows.brokers.connection_vitals import read_vitals
from app.infra.settings import Settings
from tests.integration.connector.test_connector import Trading, connector, settings, trading

__all__ = ["settings", "trading"]


async def told(trading: Trading) -> Vitals | None:
    """What the connector told last."""
    found = await read_vitals(trading.desk.redis, trading.house.tenant_id, [trading.house.account.id])
    return found.get(trading.house.account.id)


async def until_told(trading: Trading, sent: int, executed: int) -> Vitals:
    """Wait until so many messages about orders, and dealt orders, are told."""
    async with asyncio.timeout(15):
        while True:
            vitals = await told(trading)
            if vitals is not None:
                activity = vitals.activity
                total = activity.submissions + activity.revisions + activity.cancellations
                if (total, activity.executed_orders) == (sent, executed):
                    return vitals
            await asyncio.sleep(0.02)


async def test_what_is_sent_and_dealt_counts_for_the_day_beyond_a_restart(
    trading: Trading, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.connector.store.HEARTBEAT_TOLD_S", 0.1)

    async with connector(settings):
        await trading.until_connected()
        await trading.place("dealt")
        rests = await trading.place("rests", limit="150")
        await trading.until_states({"dealt": OrderState.FILLED, "rests": OrderState.ACCEPTED})
        await trading.cancel(rests)
        await trading.until_states({"rests": OrderState.CANCELED})
        first = await until_told(trading, 3, 1)
    async with connector(settings):
        await trading.place("later")
        await trading.until_states({"later": OrderState.FILLED})
        second = await until_told(trading, 4, 2)

    assert (first.activity.submissions, first.activity.cancellations) == (2, 1)
    assert str(first.activity.ratio) == "1.50"
    assert str(second.activity.ratio) == "1.33"
    assert first.use.pace.limit == settings.ib_messages_per_second
    assert first.use.lines_max == settings.ib_market_data_lines
    assert 0 < first.use.lines_used <= first.use.lines_max
