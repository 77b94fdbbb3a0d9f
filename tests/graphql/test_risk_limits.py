"""Each type of limit, as a client meets it: an order that it blocks, and one that it lets pass."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import orjson
import pytest

from app.core.fix import RiskLimitType, Side
from app.core.ids import StrategyId
from app.core.messages import Tick
from app.marketdata import service as marketdata
from tests import factories
from tests.graphql.conftest import Answer, Broker, Firm

LIMIT = RiskLimitType
MODIFY = "mutation($i: ModifyOrderInput!) { modifyOrder(input: $i) { errors { code path } } }"
CANCEL = "mutation($i: CancelOrderInput!) { cancelOrder(input: $i) { errors { code path } } }"


async def limit(firm: Firm, limit_type: RiskLimitType, value: str | None = None, **more: Any) -> None:
    """A limit of the whole firm."""
    number = None if value is None else Decimal(value)
    await factories.make_limit(firm.desk.database, firm.key.tenant_id, limit_type, number, **more)


async def quote(firm: Firm, price: str = "187.40", *, symbol: str = "AAPL", age: timedelta = timedelta(0)) -> None:
    """Tells a quote."""
    at = firm.desk.clock.now() - age
    number = Decimal(price)
    tick = Tick(instrument_id=firm.instruments[symbol].id, symbol=symbol, bid=number, ask=number, last=number, time=at)
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])


async def told(firm: Firm, owner: asyncpg.Connection, *, age: timedelta = timedelta(0), **figures: str) -> None:
    """The broker tells the account's figures."""
    at = firm.desk.clock.now() - age
    sets = ", ".join(f"{name} = ${place + 4}::text::numeric" for place, name in enumerate(figures))
    await owner.execute(
        f"UPDATE account_balances SET updated_at = $3, pnl_at = $3, {sets} WHERE tenant_id = $1 AND account_id = $2",
        firm.key.tenant_id,
        firm.account_id,
        at,
        *figures.values(),
    )


async def hours(firm: Firm, owner: asyncpg.Connection, *, opens: datetime, closes: datetime) -> None:
    """The exchange tells one session for AAPL."""
    session = [[opens.date().isoformat(), opens.isoformat(), closes.isoformat()]]
    document = {
        "zone": "UTC",
        "regular": session,
        "extended": session,
        "closed": [],
        "from": (opens - timedelta(days=1)).isoformat(),
        "until": (closes + timedelta(days=1)).isoformat(),
    }
    await owner.execute(
        "UPDATE instruments SET trading_hours = $3::text::jsonb WHERE tenant_id = $1 AND id = $2",
        firm.key.tenant_id,
        firm.instruments["AAPL"].id,
        orjson.dumps(document).decode(),
    )


async def place(firm: Firm, **terms: Any) -> Answer:
    """What becomes of an order."""
    return await firm.api.place(**firm.order(**terms))


async def passes(firm: Firm, **terms: Any) -> str:
    """The id of an order that is taken."""
    answer = await place(firm, **terms)
    assert answer["errors"] == []
    return str(answer["order"]["id"])


async def blocks(firm: Firm, code: str, path: list[str], **terms: Any) -> str:
    """An order that the limit refuses, stored as rejected; the reason in words."""
    answer = await place(firm, **terms)
    assert [(one["code"], one["path"]) for one in answer["errors"]] == [(f"RISK_{code}", path)]
    assert answer["order"]["state"] == "REJECTED"
    return str(answer["errors"][0]["message"])


async def test_order_quantity(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "10")

    await passes(firm, quantity="10")
    await blocks(firm, "MAX_ORDER_QUANTITY", ["quantity"], quantity="11")


async def test_order_notional(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_ORDER_NOTIONAL, "1875", currency="USD")

    await passes(firm, quantity="10")
    await blocks(firm, "MAX_ORDER_NOTIONAL", ["quantity"], quantity="10", limitPrice="187.51")


async def test_a_notional_in_another_currency_needs_a_fresh_rate(firm: Firm, owner: asyncpg.Connection) -> None:
    await limit(firm, LIMIT.MAX_ORDER_NOTIONAL, "1700", currency="EUR")
    rate = "INSERT INTO fx_rates VALUES ($1, 'EUR', 'USD', $2, $3, $3) ON CONFLICT (tenant_id, base_currency, "
    rate += "quote_currency) DO UPDATE SET rate = excluded.rate, quoted_at = excluded.quoted_at"
    now = firm.desk.clock.now()

    message = await blocks(firm, "MAX_ORDER_NOTIONAL", ["quantity"])
    assert message == "no fresh rate from USD to EUR to value the order by"
    await owner.execute(rate, firm.key.tenant_id, Decimal("1.25"), now - timedelta(minutes=6))
    await blocks(firm, "MAX_ORDER_NOTIONAL", ["quantity"])
    await owner.execute(rate, firm.key.tenant_id, Decimal("1.25"), now)
    # 1,875 dollars are 1,500 euros.
    await passes(firm)
    await blocks(firm, "MAX_ORDER_NOTIONAL", ["quantity"], quantity="12")


async def test_position_quantity(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_POSITION_QUANTITY, "15")

    await passes(firm, quantity="10")
    await blocks(firm, "MAX_POSITION_QUANTITY", ["quantity"], quantity="6")
    await passes(firm, quantity="5")


async def test_position_notional(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_POSITION_NOTIONAL, "2000", currency="USD")

    await passes(firm, quantity="10")
    await blocks(firm, "MAX_POSITION_NOTIONAL", ["quantity"], quantity="1")


async def test_open_orders_of_an_account_and_of_an_instrument(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_OPEN_ORDERS, "3")
    await limit(firm, LIMIT.MAX_OPEN_ORDERS, "1", instrument_id=firm.instruments["AAPL"].id)

    await passes(firm)
    await blocks(firm, "MAX_OPEN_ORDERS", ["accountId"])
    await passes(firm, symbol="MSFT", limitPrice="400")
    await passes(firm, symbol="MSFT", limitPrice="400")
    await blocks(firm, "MAX_OPEN_ORDERS", ["accountId"], symbol="MSFT", limitPrice="400")


async def test_daily_loss(firm: Firm, owner: asyncpg.Connection) -> None:
    await limit(firm, LIMIT.MAX_DAILY_LOSS, "500")

    await blocks(firm, "MAX_DAILY_LOSS", ["accountId"])
    await told(firm, owner, daily_pnl="-500")
    await passes(firm)
    await told(firm, owner, daily_pnl="-500.01")
    await blocks(firm, "MAX_DAILY_LOSS", ["accountId"])
    await told(firm, owner, daily_pnl="0", age=timedelta(minutes=6))
    await blocks(firm, "MAX_DAILY_LOSS", ["accountId"])


async def test_drawdown(firm: Firm, owner: asyncpg.Connection) -> None:
    await limit(firm, LIMIT.MAX_DRAWDOWN, "10")
    await owner.execute(
        "INSERT INTO pnl_snapshots (tenant_id, id, account_id, at, realized, unrealized, commission, net, equity, "
        "peak, drawdown, is_day_end) VALUES ($1, $2, $3, $4, 0, 0, 0, 0, 100000, 100000, 0, false)",
        firm.key.tenant_id,
        firm.desk.ids.new(),
        firm.account_id,
        firm.desk.clock.now() - timedelta(days=3),
    )

    await told(firm, owner, equity="90000")
    await passes(firm)
    await told(firm, owner, equity="89999")
    await blocks(firm, "MAX_DRAWDOWN", ["accountId"])


async def test_a_drawdown_of_some_days_looks_no_further_back(firm: Firm, owner: asyncpg.Connection) -> None:
    await limit(firm, LIMIT.MAX_DRAWDOWN, "1000", currency="USD", conditions={"windowDays": 2})
    for days, equity in ((3, 100_000), (1, 90_000)):
        await owner.execute(
            "INSERT INTO pnl_snapshots (tenant_id, id, account_id, at, realized, unrealized, commission, net, equity, "
            "peak, drawdown, is_day_end) VALUES ($1, $2, $3, $4, 0, 0, 0, 0, $5, 100000, 0, false)",
            firm.key.tenant_id,
            firm.desk.ids.new(),
            firm.account_id,
            firm.desk.clock.now() - timedelta(days=days),
            Decimal(equity),
        )

    await told(firm, owner, equity="89000")
    await passes(firm)
    await told(firm, owner, equity="88999")
    await blocks(firm, "MAX_DRAWDOWN", ["accountId"])


async def test_leverage_counts_what_is_open(firm: Firm, owner: asyncpg.Connection) -> None:
    await limit(firm, LIMIT.MAX_LEVERAGE, "2")

    await blocks(firm, "MAX_LEVERAGE", ["quantity"])
    await told(firm, owner, equity="10000", gross_position_value="16250")
    await passes(firm)
    await passes(firm)
    await blocks(firm, "MAX_LEVERAGE", ["quantity"], quantity="1")
    await blocks(firm, "MAX_LEVERAGE", ["quantity"], symbol="MSFT", limitPrice="400", quantity="1")
    await told(firm, owner, equity="10000", gross_position_value="16000", age=timedelta(minutes=6))
    await blocks(firm, "MAX_LEVERAGE", ["quantity"], quantity="1")


async def test_an_open_short_counts_at_the_last_good_price_and_not_at_its_low_limit(
    firm: Firm, owner: asyncpg.Connection
) -> None:
    await told(firm, owner, equity="10000", gross_position_value="0")
    await quote(firm, "400", symbol="MSFT")
    await passes(firm, symbol="MSFT", side="SELL", quantity="10", limitPrice="1")
    await limit(firm, LIMIT.MAX_LEVERAGE, "1")
    small, large = {"quantity": "60", "limitPrice": "100"}, {"quantity": "61", "limitPrice": "100"}

    await blocks(firm, "MAX_LEVERAGE", ["quantity"], **large)
    await quote(firm, "400", symbol="MSFT", age=timedelta(minutes=10))
    await blocks(firm, "MAX_LEVERAGE", ["quantity"], **large)
    await passes(firm, **small)


async def test_an_open_short_without_any_price_keeps_everything_out_that_adds(
    firm: Firm, owner: asyncpg.Connection
) -> None:
    await told(firm, owner, equity="10000", gross_position_value="0", excess_liquidity="10000")
    await passes(firm, symbol="MSFT", side="SELL", quantity="10", limitPrice="1")
    await limit(firm, LIMIT.MAX_LEVERAGE, "1")

    message = await blocks(firm, "MAX_LEVERAGE", ["quantity"], quantity="1", limitPrice="100")

    assert "cannot be valued" in message


async def test_leverage_counts_what_was_dealt_before_the_broker_does(
    firm: Firm, owner: asyncpg.Connection, broker: Broker
) -> None:
    await told(firm, owner, equity="10000", gross_position_value="0")
    order_id = await passes(firm, quantity="100", limitPrice="190")
    await broker.claim()
    await broker.fill(order_id, "100", "190")
    await limit(firm, LIMIT.MAX_LEVERAGE, "2")

    await blocks(firm, "MAX_LEVERAGE", ["quantity"], quantity="10", limitPrice="190")
    await passes(firm, quantity="5", limitPrice="190")


async def test_margin_excess(firm: Firm, owner: asyncpg.Connection) -> None:
    await limit(firm, LIMIT.MIN_MARGIN_EXCESS, "1000", conditions={"marginPercent": 50})

    await told(firm, owner, excess_liquidity="1937.5")
    await passes(firm)
    await blocks(firm, "MIN_MARGIN_EXCESS", ["quantity"], quantity="1")


async def test_concentration(firm: Firm, owner: asyncpg.Connection) -> None:
    await limit(firm, LIMIT.MAX_CONCENTRATION, "20")

    await told(firm, owner, equity="18750")
    await passes(firm, quantity="20")
    await blocks(firm, "MAX_CONCENTRATION", ["quantity"], quantity="1")
    await passes(firm, symbol="MSFT", limitPrice="400", quantity="1")


async def test_white_list(firm: Firm) -> None:
    await limit(firm, LIMIT.SYMBOL_WHITELIST, conditions={"symbols": ["AAPL"]})

    await passes(firm)
    await blocks(firm, "SYMBOL_WHITELIST", ["symbol"], symbol="MSFT", limitPrice="400")


async def test_black_list(firm: Firm) -> None:
    await limit(firm, LIMIT.SYMBOL_BLACKLIST, conditions={"symbols": ["MSFT"]})

    await passes(firm)
    await blocks(firm, "SYMBOL_BLACKLIST", ["symbol"], symbol="MSFT", limitPrice="400")


async def test_trading_hours(firm: Firm, owner: asyncpg.Connection) -> None:
    await limit(firm, LIMIT.TRADING_HOURS)
    now, hour = firm.desk.clock.now(), timedelta(hours=1)

    assert "has not told" in await blocks(firm, "TRADING_HOURS", ["instrumentId"], symbol="MSFT", limitPrice="400")
    await hours(firm, owner, opens=now - hour, closes=now + hour)
    await passes(firm)


async def test_trading_hours_outside_of_the_session(firm: Firm, owner: asyncpg.Connection) -> None:
    await limit(firm, LIMIT.TRADING_HOURS)
    now, hour = firm.desk.clock.now(), timedelta(hours=1)
    await hours(firm, owner, opens=now + hour, closes=now + 2 * hour)

    assert "no regular session" in await blocks(firm, "TRADING_HOURS", ["instrumentId"])


async def test_orders_per_minute(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_ORDERS_PER_MINUTE, "3")

    for _ in range(3):
        await passes(firm)
    await blocks(firm, "MAX_ORDERS_PER_MINUTE", ["accountId"])
    await blocks(firm, "MAX_ORDERS_PER_MINUTE", ["accountId"])


async def test_orders_per_minute_over_parallel_calls(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_ORDERS_PER_MINUTE, "7")

    answers = await asyncio.gather(*(place(firm) for _ in range(20)))

    assert sum(not answer["errors"] for answer in answers) == 7


async def test_price_collar(firm: Firm) -> None:
    await limit(firm, LIMIT.PRICE_COLLAR, "5")

    await blocks(firm, "PRICE_COLLAR", ["limitPrice"])
    await quote(firm, "100.00", age=timedelta(seconds=61))
    await blocks(firm, "PRICE_COLLAR", ["limitPrice"], limitPrice="105")
    await quote(firm, "100.00")
    await passes(firm, limitPrice="105")
    await blocks(firm, "PRICE_COLLAR", ["limitPrice"], limitPrice="105.01")
    await passes(firm, limitPrice="50")
    await passes(firm, side="SELL", limitPrice="200")
    await blocks(firm, "PRICE_COLLAR", ["limitPrice"], side="SELL", limitPrice="94.99")


async def test_a_modify_goes_through_the_same_chain(firm: Firm, broker: Broker) -> None:
    await quote(firm, "100.00")
    order_id = await passes(firm, limitPrice="100")
    await broker.claim()
    await broker.acknowledge(order_id)
    await limit(firm, LIMIT.PRICE_COLLAR, "5")

    refused = await firm.api.data(MODIFY, i={"orderId": order_id, "limitPrice": "106"})
    taken = await firm.api.data(MODIFY, i={"orderId": order_id, "limitPrice": "104"})

    assert refused["modifyOrder"]["errors"] == [{"code": "RISK_PRICE_COLLAR", "path": ["limitPrice"]}]
    assert taken["modifyOrder"]["errors"] == []


async def test_duplicate_order(firm: Firm) -> None:
    await limit(firm, LIMIT.DUPLICATE_ORDER, "60")

    await passes(firm)
    await blocks(firm, "DUPLICATE_ORDER", ["clientOrderId"])
    await passes(firm, quantity="11")
    await passes(firm, side="SELL")


async def test_duplicates_within_one_batch(firm: Firm) -> None:
    await limit(firm, LIMIT.DUPLICATE_ORDER, "60", conditions={"allowance": 1})

    answers = await asyncio.gather(*(place(firm) for _ in range(10)))

    assert sum(not answer["errors"] for answer in answers) == 2


async def test_wash_trade_over_the_accounts_of_the_firm(firm: Firm) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id)
    await limit(firm, LIMIT.WASH_TRADE)

    await passes(firm, side="SELL", limitPrice="190")
    await passes(firm, accountId=str(other.account_id), limitPrice="189.99")
    message = await blocks(firm, "WASH_TRADE", ["side"], accountId=str(other.account_id), limitPrice="190")
    assert str(firm.account_id) not in message
    market = {"orderType": "MARKET", "limitPrice": None}
    await blocks(firm, "WASH_TRADE", ["side"], accountId=str(other.account_id), **market)
    await passes(firm, accountId=str(other.account_id), side="SELL", limitPrice="191")


async def test_crossing_orders_of_two_accounts_at_one_instant(firm: Firm) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id)
    await limit(firm, LIMIT.WASH_TRADE)

    for number in range(5):
        price = str(100 + number)
        symbol = {"symbol": "MSFT", "limitPrice": price} if number % 2 else {"limitPrice": price}
        answers = await asyncio.gather(
            place(firm, side="BUY", **symbol), place(firm, side="SELL", accountId=str(other.account_id), **symbol)
        )

        assert sum(not answer["errors"] for answer in answers) == 1
        (order_id,) = (answer["order"]["id"] for answer in answers if not answer["errors"])
        assert (await firm.api.data(CANCEL, i={"orderId": order_id}))["cancelOrder"]["errors"] == []


@pytest.mark.parametrize("cause", ["FILL", "LOSS", "REJECT"])
async def test_cooldown(firm: Firm, broker: Broker, owner: asyncpg.Connection, cause: str) -> None:
    await limit(firm, LIMIT.COOLDOWN, "600", conditions={"after": [cause]})

    order_id = await passes(firm)
    other_id = await passes(firm, side="SELL", limitPrice="180")
    await broker.claim()
    if cause == "REJECT":
        await broker.reject(order_id)
    else:
        await broker.fill(order_id, "10", "187.5")
        if cause == "LOSS":
            await passes(firm)
            await broker.fill(other_id, "10", "180", side=Side.SELL)
    assert f"since the last {cause.lower()}" in await blocks(firm, "COOLDOWN", ["accountId"])


async def test_cancel_rate(firm: Firm) -> None:
    await limit(firm, LIMIT.CANCEL_RATE, "50", conditions={"windowSeconds": 60, "allowance": 2})

    ids = [await passes(firm) for _ in range(4)]
    for order_id in ids[:2]:
        await firm.api.data(CANCEL, i={"orderId": order_id})
    await passes(firm)
    await firm.api.data(CANCEL, i={"orderId": ids[2]})
    await blocks(firm, "CANCEL_RATE", ["accountId"])


async def test_order_to_trade_ratio(firm: Firm, broker: Broker) -> None:
    await limit(firm, LIMIT.ORDER_TO_TRADE_RATIO, "2", conditions={"windowSeconds": 60, "allowance": 2})

    order_id = await passes(firm)
    await passes(firm)
    await blocks(firm, "ORDER_TO_TRADE_RATIO", ["accountId"])
    await broker.claim()
    await broker.fill(order_id, "5", "187.5")
    await broker.fill(order_id, "5", "187.5")
    await passes(firm)


async def test_a_limit_of_a_strategy_leaves_other_orders_alone(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "0", strategy_id=StrategyId(firm.desk.ids.new()))

    await passes(firm)


async def test_a_shadow_and_a_limit_of_another_time_refuse_nothing(firm: Firm) -> None:
    now, hour = firm.desk.clock.now(), timedelta(hours=1)
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "0", is_shadow=True)
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "0", effective_from=now + hour)
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "0", effective_until=now - hour)

    await passes(firm)


async def test_conditions_narrow_a_limit(firm: Firm, broker: Broker) -> None:
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "5", conditions={"modes": ["LIVE"]})
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "6", conditions={"symbols": ["MSFT"]})
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "7", conditions={"sides": ["SELL"], "reducing": "PASS"})

    order_id = await passes(firm)
    await blocks(firm, "MAX_ORDER_QUANTITY", ["quantity"], symbol="MSFT", limitPrice="400")
    await blocks(firm, "MAX_ORDER_QUANTITY", ["quantity"], side="SELL")
    await broker.claim()
    await broker.fill(order_id, "10", "187.5")
    await passes(firm, side="SELL")
    await blocks(firm, "MAX_ORDER_QUANTITY", ["quantity"], side="SELL")


async def test_a_limit_that_is_malformed_refuses(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "1000", conditions={"symbol": ["MSFT"]})

    assert "knows no condition 'symbol'" in await blocks(firm, "MAX_ORDER_QUANTITY", ["quantity"])


EXPLAIN = """
query($id: ID!) {
  explainOrder(id: $id) {
    order { id state } decidedAt durationMicros limitVersions counterfactual
    checks { check outcome limit observed message limitId limitVersion inputs durationNanos }
  }
}
"""


async def explained(firm: Firm, **terms: Any) -> Answer:
    """The explanation of an order placed now."""
    order_id = (await place(firm, **terms))["order"]["id"]
    answer: Answer = (await firm.api.data(EXPLAIN, id=order_id))["explainOrder"]
    assert answer["order"]["id"] == order_id
    return answer


async def test_a_refusal_is_explained_with_what_would_have_passed(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_ORDER_NOTIONAL, "78750", currency="USD")
    await limit(firm, LIMIT.MAX_OPEN_ORDERS, "10")

    told = await explained(firm, quantity="500")

    notional, opened = told["checks"]
    assert (notional["outcome"], notional["limit"], notional["observed"]) == ("FAILED", "78750", "93750")
    assert notional["inputs"]["price"] == "187.5"
    assert opened["outcome"] == "PASSED"
    assert opened["inputs"] == {"open": "0", "adds": "1"}
    assert told["limitVersions"] == {notional["limitId"]: 1, opened["limitId"]: 1}
    assert told["counterfactual"] == "passes at a quantity of 420, or at a limit of 157.5 or lower"
    assert told["durationMicros"] > 0
    assert notional["durationNanos"] > 0
    assert (await place(firm, quantity="420"))["errors"] == []
    assert (await place(firm, quantity="421"))["errors"] != []
    assert (await place(firm, quantity="500", limitPrice="157.51"))["errors"] != []
    assert (await place(firm, quantity="500", limitPrice="157.5"))["errors"] == []


async def test_a_collar_is_explained_by_the_price_that_passes(firm: Firm) -> None:
    await limit(firm, LIMIT.PRICE_COLLAR, "1")
    await quote(firm, "100.00")

    buying = await explained(firm, limitPrice="150")
    selling = await explained(firm, side="SELL", limitPrice="50")

    assert buying["counterfactual"] == "passes at a limit of 101 or lower"
    assert selling["counterfactual"] == "passes at a limit of 99 or higher"


async def test_a_limit_beyond_an_exit_is_not_said_to_pass(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_ORDER_NOTIONAL, "1000", currency="USD")

    told = await explained(firm, quantity="100", limitPrice="50", stopLoss="20", takeProfit="90")

    assert told["counterfactual"] == "passes at a quantity of 20"


@pytest.mark.parametrize("mode", ["HALTED", "REDUCE_ONLY"])
async def test_no_figure_helps_against_a_halt(firm: Firm, mode: str) -> None:
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "10")
    await firm.api.data(
        f'mutation {{ haltTrading(input: {{scope: TENANT, mode: {mode}, reason: "x"}}) {{ halt {{ id }} }} }}'
    )

    assert (await explained(firm, quantity="50"))["counterfactual"] is None


async def test_an_order_that_passes_is_explained_too(firm: Firm) -> None:
    await limit(firm, LIMIT.MAX_ORDER_QUANTITY, "10")

    told = await explained(firm)

    assert [check["outcome"] for check in told["checks"]] == ["PASSED"]
    assert told["counterfactual"] is None


async def test_no_figure_helps_against_a_list(firm: Firm) -> None:
    await limit(firm, LIMIT.SYMBOL_BLACKLIST, conditions={"symbols": ["AAPL"]})

    assert (await explained(firm))["counterfactual"] is None


async def test_another_firms_order_is_not_explained(firm: Firm, stranger: Firm) -> None:
    order_id = await passes(stranger)

    answer = await firm.api.answer(EXPLAIN, id=order_id)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["ORDER_NOT_FOUND"]
