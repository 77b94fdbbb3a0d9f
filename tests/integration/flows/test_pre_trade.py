"""The facts of the chain: exact over processes that know nothing of each other, and beyond the walls of a person."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from app.core.fix import OrderType, PositionAim, RiskLimitType, Side
from app.core.messages import Aim, OcoLeg, Tick
from app.flows.desk import Desk, open_desk
from app.flows.orders.close_position import aim_at_position
from app.flows.orders.placement import Placement
from app.flows.orders.release_staged import release_staged
from app.flows.orders.replace_order import replace_order
from app.identity.domain.access import AccountGrants
from app.infra.settings import Settings
from app.marketdata import service as marketdata
from app.orders.domain.changing import OrderChange
from app.orders.repository.resting import RESTING_MAX
from tests import factories
from tests.integration.flows.conftest import Trader

LIMIT = RiskLimitType


@pytest.fixture(scope="module")
async def other_desk(database_url: str, redis_url: str, redis_prefix: str) -> AsyncIterator[Desk]:
    """Another web process, which remembers nothing of this one."""
    settings = Settings(environment="test", database_url=database_url, redis_url=redis_url, redis_prefix=redis_prefix)
    async with open_desk(settings) as desk:
        yield desk


async def limit(trader: Trader, kind: LIMIT, value: str | None = None, **more: object) -> None:
    number = None if value is None else Decimal(value)
    await factories.make_limit(trader.desk.database, trader.key.tenant_id, kind, number, **more)  # type: ignore[arg-type]


def codes(placement: Placement) -> list[str]:
    return [problem.code for problem in placement.problems]


async def test_two_processes_count_the_orders_of_a_minute_together(trader: Trader, other_desk: Desk) -> None:
    await limit(trader, LIMIT.MAX_ORDERS_PER_MINUTE, "9")
    desks = [trader.desk, other_desk]

    placed = [
        await asyncio.gather(*(desks[turn % 2].intake.submit(trader.principal, trader.order()) for _ in range(3)))
        for turn in range(5)
    ]

    found = [codes(one) for turn in placed for one in turn]
    assert found == [[]] * 9 + [["RISK_MAX_ORDERS_PER_MINUTE"]] * 6


async def test_a_window_that_grew_is_counted_from_the_log(trader: Trader) -> None:
    await limit(trader, LIMIT.DUPLICATE_ORDER, "1")
    order = trader.order()
    assert codes(await trader.desk.intake.submit(trader.principal, order)) == []
    await limit(trader, LIMIT.DUPLICATE_ORDER, "600")

    again = replace(order, client_order_id="again")

    assert codes(await trader.desk.intake.submit(trader.principal, again)) == ["RISK_DUPLICATE_ORDER"]


async def test_orders_beyond_the_window_do_not_count(trader: Trader, owner: asyncpg.Connection) -> None:
    await trader.placed()
    await owner.execute(
        "UPDATE order_events SET recorded_at = recorded_at - $2::interval WHERE tenant_id = $1",
        trader.key.tenant_id,
        timedelta(seconds=61),
    )
    await limit(trader, LIMIT.MAX_ORDERS_PER_MINUTE, "1")

    assert codes(await trader.place()) == []
    assert codes(await trader.place()) == ["RISK_MAX_ORDERS_PER_MINUTE"]


async def test_the_next_order_sees_a_limit_that_was_changed(trader: Trader, owner: asyncpg.Connection) -> None:
    await limit(trader, LIMIT.MAX_LEVERAGE, "1000")
    await owner.execute(
        "UPDATE account_balances SET equity = 100000, gross_position_value = 0, updated_at = now() "
        "WHERE tenant_id = $1",
        trader.key.tenant_id,
    )
    assert codes(await trader.place(limit_price="10")) == []

    await owner.execute("UPDATE risk_limits SET value = 0, version = 2 WHERE tenant_id = $1", trader.key.tenant_id)

    placement = await trader.place(limit_price="10")
    assert codes(placement) == ["RISK_MAX_LEVERAGE"]
    assert placement.order is not None
    assert placement.order.risk_checks[0].limit_version == 2


async def test_a_restricted_person_does_not_modify_into_an_order_of_an_account_beyond_the_walls(
    trader: Trader,
) -> None:
    other = await factories.make_account(trader.desk.database, trader.key.tenant_id)
    await limit(trader, LIMIT.WASH_TRADE)
    selling = replace(trader.order(side=Side.SELL, limit_price="190"), account_id=other.account_id)
    assert codes(await trader.desk.intake.submit(trader.principal, selling)) == []
    order = await trader.placed(limit_price="100")
    await trader.claim()
    await trader.report(trader.acknowledged(order))
    mine = frozenset({trader.account_id})
    walled = replace(trader.principal, accounts=AccountGrants(view=mine, trade=mine))

    crossing = await replace_order(trader.desk, walled, OrderChange(order_id=order.id, limit_price=Decimal(190)))
    below = await replace_order(trader.desk, walled, OrderChange(order_id=order.id, limit_price=Decimal("189.99")))

    assert codes(crossing) == ["RISK_WASH_TRADE"]
    assert str(other.account_id) not in crossing.problems[0].message
    assert codes(below) == []


async def test_the_pending_terms_of_a_modify_count_for_others(trader: Trader) -> None:
    await limit(trader, LIMIT.WASH_TRADE)
    order = await trader.placed(limit_price="100")
    await trader.claim()
    await trader.report(trader.acknowledged(order))
    taken = await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, limit_price=Decimal(150)))
    assert codes(taken) == []

    assert codes(await trader.place(side=Side.SELL, limit_price="150")) == ["RISK_WASH_TRADE"]
    assert codes(await trader.place(side=Side.SELL, limit_price="150.01")) == []


async def test_a_staged_order_is_held_against_the_prices_of_its_release(trader: Trader) -> None:
    placement = await trader.desk.intake.submit(
        trader.principal, replace(trader.order(limit_price="100"), is_staged=True)
    )
    assert placement.order is not None
    await limit(trader, LIMIT.PRICE_COLLAR, "5")
    await quote(trader, "90")

    [refused] = await release_staged(trader.desk, trader.principal, [placement.order.id])
    await quote(trader, "96")
    [released] = await release_staged(trader.desk, trader.principal, [placement.order.id])

    assert codes(refused) == ["RISK_PRICE_COLLAR"]
    assert codes(released) == []


async def quote(trader: Trader, price: str, *, ahead: timedelta = timedelta(0)) -> None:
    number = Decimal(price)
    tick = Tick(
        instrument_id=trader.instruments["AAPL"].id,
        symbol="AAPL",
        bid=number,
        ask=number,
        last=number,
        time=trader.desk.clock.now() + ahead,
    )
    await marketdata.publish_ticks(trader.desk.redis, trader.key.tenant_id, [tick])


async def test_stops_that_wait_hide_no_order_that_would_deal(trader: Trader) -> None:
    await limit(trader, LIMIT.WASH_TRADE)
    stop = replace(trader.order(side=Side.SELL, quantity="1"), order_type=OrderType.STOP)
    waiting = replace(stop, terms=replace(stop.terms, limit_price=None, stop_price=Decimal(50)))
    stops = [replace(waiting, client_order_id=f"stop-{place}") for place in range(RESTING_MAX)]
    assert [codes(one) for one in await trader.desk.intake.submit_all(trader.principal, stops)] == [[]] * RESTING_MAX
    await trader.placed(side=Side.SELL, limit_price="190")

    placement = await trader.place(limit_price="190")

    assert codes(placement) == ["RISK_WASH_TRADE"]


async def test_figures_over_a_connection_whose_connector_died_grow_stale(
    trader: Trader, owner: asyncpg.Connection
) -> None:
    await limit(trader, LIMIT.MAX_LEVERAGE, "1000")
    await owner.execute(
        "UPDATE account_balances SET equity = 100000, gross_position_value = 0, "
        "updated_at = now() - interval '1 hour' WHERE tenant_id = $1",
        trader.key.tenant_id,
    )
    await owner.execute(
        "UPDATE broker_connections SET connected_since = now() - interval '2 hours', is_gate_open = true, "
        "lease_until = now() + interval '1 hour' WHERE tenant_id = $1",
        trader.key.tenant_id,
    )
    assert codes(await trader.place(limit_price="10")) == []

    # Nobody was there to say that the gate is shut.
    await owner.execute(
        "UPDATE broker_connections SET lease_until = now() - interval '50 minutes' WHERE tenant_id = $1",
        trader.key.tenant_id,
    )

    assert codes(await trader.place(limit_price="10")) == ["RISK_MAX_LEVERAGE"]


async def test_the_peak_of_some_days_is_remembered_and_a_new_one_is_seen(
    trader: Trader, owner: asyncpg.Connection
) -> None:
    async def snapshot(days_ago: float, equity: int) -> None:
        await owner.execute(
            "INSERT INTO pnl_snapshots (tenant_id, id, account_id, at, realized, unrealized, commission, net, equity, "
            "peak, drawdown, is_day_end) VALUES ($1, $2, $3, now() - $4::interval, 0, 0, 0, 0, $5, $5, 0, false)",
            trader.key.tenant_id,
            trader.desk.ids.new(),
            trader.account_id,
            timedelta(days=days_ago),
            Decimal(equity),
        )

    await owner.execute(
        "UPDATE account_balances SET equity = 90, updated_at = now() WHERE tenant_id = $1", trader.key.tenant_id
    )
    await limit(trader, LIMIT.MAX_DRAWDOWN, "20", conditions={"windowDays": 30})
    await snapshot(31, 1_000)
    await snapshot(29, 100)
    of_the_window = [codes(await trader.place()) for _ in range(3)]
    recent = trader.desk.intake.market.recent.peaks
    [span] = recent.prepare([trader.key], [30], trader.desk.clock.now()).spans
    await snapshot(0, 200)

    of_today = [codes(await trader.place()) for _ in range(2)]

    assert of_the_window == [[]] * 3
    assert trader.desk.clock.now() - span.since < timedelta(minutes=6)
    assert of_today == [["RISK_MAX_DRAWDOWN"]] * 2


async def test_a_quote_of_a_clock_that_runs_ahead_is_none(trader: Trader) -> None:
    await limit(trader, LIMIT.PRICE_COLLAR, "5")
    await quote(trader, "100", ahead=timedelta(hours=1))

    assert codes(await trader.place(limit_price="100")) == ["RISK_PRICE_COLLAR"]


async def test_a_close_does_not_wash(trader: Trader) -> None:
    order = await trader.placed(limit_price="100")
    await trader.claim()
    await trader.report(trader.acknowledged(order), trader.execution(order, "100", "100"))
    await limit(trader, LIMIT.WASH_TRADE)
    await limit(trader, LIMIT.MAX_ORDER_QUANTITY, "0", conditions={"sides": ["SELL"]})
    await trader.placed(limit_price="90")
    position = await trader.position()

    close = await aim_at_position(trader.desk, trader.principal, position.id, "close", Aim(kind=PositionAim.CLOSE))

    assert codes(close) == ["RISK_WASH_TRADE"]
    assert close.order is not None
    assert [check.outcome for check in close.order.risk_checks] == ["FAILED", "SKIPPED"]


async def test_the_second_leg_of_a_pair_does_not_wash_either(trader: Trader) -> None:
    await limit(trader, LIMIT.WASH_TRADE)
    await trader.placed(side=Side.SELL, limit_price="190")
    new = trader.order(side=Side.SELL, limit_price="250")
    leg = OcoLeg(side=Side.BUY, order_type=OrderType.LIMIT, terms=replace(new.terms, limit_price=Decimal(190)))

    pair = await trader.desk.intake.submit(trader.principal, replace(new, oco=leg))

    assert codes(pair) == ["RISK_WASH_TRADE"]


async def test_leverage_counts_market_orders_that_are_open_elsewhere(trader: Trader, owner: asyncpg.Connection) -> None:
    await owner.execute(
        "UPDATE account_balances SET equity = 10000, gross_position_value = 0, updated_at = now() WHERE tenant_id = $1",
        trader.key.tenant_id,
    )
    await quote(trader, "150")
    order = replace(trader.order(quantity="100"), order_type=OrderType.MARKET)
    market = replace(order, terms=replace(order.terms, limit_price=None))
    assert codes(await trader.desk.intake.submit(trader.principal, market)) == []
    await limit(trader, LIMIT.MAX_LEVERAGE, "2")

    # 15,000 of 20,000 are taken by the market order, though its price is not its own.
    assert codes(await trader.place("MSFT", quantity="13", limit_price="400")) == ["RISK_MAX_LEVERAGE"]
    assert codes(await trader.place("MSFT", quantity="12", limit_price="400")) == []


async def test_a_tenant_without_such_limits_reads_nothing_more(trader: Trader) -> None:
    await limit(trader, LIMIT.MAX_ORDER_QUANTITY, "1000")
    await trader.placed()

    chains = trader.desk.intake.market.recent.expected([trader.key.tenant_id])

    assert chains[trader.key.tenant_id].needs == frozenset()
