"""An order's way through the flows, with the broker played by the test."""

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from app.brokers import repository as brokers
from app.brokers.errors import LeaseLostError
from app.core.fix import OrderState, RejectOrigin, RequestOutcome, RiskLimitType, RiskOutcome
from app.core.ids import AccountId, OrderId
from app.core.messages import CommissionReport, FaultClass, FaultReport, LaneKind, OrderAddress, WorkingStatus
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.claim_orders import commands_after_sync
from app.flows.orders.release_orders import release_orders
from app.flows.orders.replace_order import replace_order
from app.infra.system import SystemIds
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange
from app.orders.repository import order_requests
from tests import factories
from tests.integration.flows.conftest import CLIENT_ID, Trader


async def test_order_is_routed_claimed_and_filled(trader: Trader) -> None:
    order = await trader.placed(quantity="100", limit_price="150.00")
    assert order.state is OrderState.ROUTED

    commands = await trader.claim()
    await trader.report(
        trader.acknowledged(order), trader.execution(order, "40", "149.90"), trader.execution(order, "60", "150.00")
    )

    assert [(command.kind, command.order_id, command.broker_order_id) for command in commands] == [
        (LaneKind.PLACE, order.id, 1)
    ]
    filled = await trader.stored(order)
    assert filled.state is OrderState.FILLED
    assert filled.filled_quantity == Decimal(100)
    assert filled.average_fill_price == Decimal("149.96")
    position = await trader.position()
    assert (position.quantity, position.average_price) == (Decimal(100), Decimal("149.96"))
    assert (position.open_buy_quantity, position.open_sell_quantity) == (Decimal(0), Decimal(0))
    events = await trader.events()
    assert [logged.sequence for logged in events] == [1, 2, 3, 4]
    assert [logged.event.type for logged in events] == [
        "OrderPlaced",
        "OrderAccepted",
        "ExecutionBooked",
        "ExecutionBooked",
    ]


async def test_repeated_reports_change_nothing(trader: Trader) -> None:
    order = await trader.placed()
    await trader.claim()
    execution = trader.execution(order, "100", "10")
    await trader.report(trader.acknowledged(order), execution)
    before = (await trader.stored(order), await trader.position(), len(await trader.events()))

    await trader.report(trader.acknowledged(order), execution, execution)

    assert (await trader.stored(order), await trader.position(), len(await trader.events())) == before


async def test_fill_before_acknowledgement_first_accepts(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    await trader.claim()

    await trader.report(trader.execution(order, "4", "5.00"))

    assert (await trader.stored(order)).state is OrderState.PARTIALLY_FILLED
    assert [logged.event.type for logged in await trader.events()][1:] == ["OrderAccepted", "ExecutionBooked"]
    assert (await trader.position()).open_buy_quantity == 6


async def test_correction_and_bust_restate_order_and_position(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    await trader.claim()
    await trader.report(trader.execution(order, "10", "5.00", root="x"))

    await trader.report(trader.execution(order, "10", "4.00", root="x", revision=2))
    corrected, corrected_position = await trader.stored(order), await trader.position()
    await trader.report(trader.execution(order, "0", "4.00", root="x", revision=3))

    assert corrected.average_fill_price == Decimal(4)
    assert corrected_position.average_price == Decimal(4)
    busted = await trader.stored(order)
    assert (busted.state, busted.filled_quantity) == (OrderState.CANCELED, Decimal(0))
    assert (await trader.position()).quantity == 0


async def test_commission_before_its_execution_is_joined(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    await trader.claim()
    execution = trader.execution(order, "10", "5.00")
    commission = CommissionReport(
        execution_id=execution.execution_id,
        root=execution.root,
        commission=Decimal("1.25"),
        currency="USD",
        realized_pnl=None,
    )

    await trader.report(commission)
    await trader.report(execution)
    await trader.report(commission)

    assert (await trader.stored(order)).commission == Decimal("1.25")
    assert (await trader.position()).commission == Decimal("1.25")


async def test_same_key_answers_the_first_result(trader: Trader) -> None:
    new = trader.order(client_order_id="once", limit_price="10.00")

    placements = await asyncio.gather(*(trader.desk.intake.submit(trader.principal, new) for _ in range(100)))

    assert len({placement.order.id for placement in placements if placement.order}) == 1
    assert len(await trader.claim()) == 1
    assert len(await trader.events()) == 1


async def test_same_key_with_other_terms_conflicts(trader: Trader) -> None:
    await trader.placed(client_order_id="once", limit_price="10.00")

    second = await trader.place(client_order_id="once", limit_price="11.00")

    assert second.order is None
    assert [(problem.code, problem.path) for problem in second.problems] == [
        ("IDEMPOTENCY_CONFLICT", ("clientOrderId",))
    ]
    assert len(await trader.events()) == 1


async def test_limit_holds_under_parallel_orders(trader: Trader) -> None:
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_POSITION_QUANTITY, Decimal(500)
    )

    placements = await asyncio.gather(*(trader.place(quantity="1", limit_price="10.00") for _ in range(800)))

    states = Counter(placement.order.state for placement in placements if placement.order)
    assert states == {OrderState.ROUTED: 500, OrderState.REJECTED: 300}
    assert (await trader.position()).open_buy_quantity == 500


async def test_refused_order_is_stored_with_its_reasons(trader: Trader) -> None:
    limit = await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(50)
    )

    placement = await trader.place(quantity="51", limit_price="10.00")

    assert [(problem.code, problem.path) for problem in placement.problems] == [
        ("RISK_MAX_ORDER_QUANTITY", ("quantity",))
    ]
    assert placement.order is not None
    stored = await trader.stored(placement.order)
    assert (stored.state, stored.reject_origin) == (OrderState.REJECTED, RejectOrigin.OMS)
    assert [(check.limit_id, check.outcome, check.observed) for check in stored.risk_checks] == [
        (limit.id, RiskOutcome.FAILED, Decimal(51))
    ]
    assert await trader.claim() == []


async def test_market_order_without_a_fresh_price_fails_closed(trader: Trader) -> None:
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_NOTIONAL, Decimal(10**9)
    )

    placement = await trader.place(quantity="1")

    assert [problem.code for problem in placement.problems] == ["RISK_MAX_ORDER_NOTIONAL"]


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({"quantity": "0"}, "QUANTITY_INVALID", "quantity"),
        ({"quantity": "-1"}, "QUANTITY_INVALID", "quantity"),
        ({"quantity": "1.5"}, "QUANTITY_OFF_LOT", "quantity"),
        ({"limit_price": "10.001"}, "PRICE_OFF_TICK", "limitPrice"),
        ({"limit_price": "0"}, "PRICE_INVALID", "limitPrice"),
        ({"symbol": "NOPE"}, "INSTRUMENT_NOT_FOUND", "symbol"),
        ({"client_order_id": ""}, "CLIENT_ORDER_ID_INVALID", "clientOrderId"),
        ({"client_order_id": "x" * 65}, "CLIENT_ORDER_ID_INVALID", "clientOrderId"),
        ({"metadata": {"text": "\x00"}}, "METADATA_INVALID", "metadata"),
    ],
)
async def test_bad_order_stores_nothing(trader: Trader, terms: dict[str, str], code: str, path: str) -> None:
    placement = await trader.place(**terms)

    assert placement.order is None
    assert (code, (path,)) in [(problem.code, problem.path) for problem in placement.problems]
    assert await trader.events() == []


async def test_unknown_account_and_another_tenants_account_are_alike(trader: Trader) -> None:
    other = await factories.make_tenant(trader.desk.database)
    foreign = await factories.make_account(trader.desk.database, other)
    unknown = AccountId(SystemIds().new())

    answers = [
        await trader.desk.intake.submit(trader.principal, replace(trader.order(), account_id=account_id))
        for account_id in (foreign.account_id, unknown)
    ]

    assert [[problem.code for problem in answer.problems] for answer in answers] == [["ACCOUNT_NOT_FOUND"]] * 2
    assert answers[0].order is None


async def test_order_waits_behind_a_closed_gate(trader: Trader) -> None:
    await _gate(trader, is_open=False)
    order = await trader.placed(limit_price="10.00")
    assert order.state is OrderState.HELD
    assert await trader.claim() == []

    await _gate(trader, is_open=True)
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await release_orders(session, trader.key, now=trader.desk.clock.now(), ids=trader.desk.ids)

    assert [command.order_id for command in await trader.claim()] == [order.id]
    assert (await trader.stored(order)).state is OrderState.ROUTED


async def test_unsent_order_is_canceled_here_and_never_sent(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="10.00")

    placement = await cancel_order(trader.desk, trader.principal, order.id)

    assert placement.order is not None
    assert placement.order.state is OrderState.CANCELED
    assert await trader.claim() == []
    assert (await trader.position()).open_buy_quantity == 0


async def test_live_order_is_canceled_by_the_broker(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="10.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order))

    placement = await cancel_order(trader.desk, trader.principal, order.id)
    again = await cancel_order(trader.desk, trader.principal, order.id)
    commands = await trader.claim()
    await trader.report(trader.acknowledged(order, WorkingStatus.CANCELED))

    assert placement.order is not None
    assert placement.order.state is OrderState.PENDING_CANCEL
    assert again.problems == ()
    assert [(command.kind, command.broker_order_id) for command in commands] == [(LaneKind.CANCEL, 1)]
    assert (await trader.stored(order)).state is OrderState.CANCELED
    assert (await trader.position()).open_buy_quantity == 0
    late = await cancel_order(trader.desk, trader.principal, order.id)
    assert [problem.code for problem in late.problems] == ["ORDER_NOT_OPEN"]


async def test_completion_beats_an_open_cancel(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="10.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order))
    await cancel_order(trader.desk, trader.principal, order.id)
    (command,) = await trader.claim()

    await trader.report(trader.execution(order, "10", "10.00"))

    assert (await trader.stored(order)).state is OrderState.FILLED
    assert command.request_id is not None
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        requests = await order_requests.requests_by_id(session, trader.key.tenant_id, [command.request_id])
    assert requests[command.request_id].outcome is RequestOutcome.TOO_LATE


async def test_cancel_that_is_refused_and_done_in_one_batch_is_accepted(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    [command] = await trader.claim()
    await trader.report(trader.acknowledged(order))
    await cancel_order(trader.desk, trader.principal, order.id)
    await trader.claim()
    refusal = FaultReport(
        address=OrderAddress(client_id=CLIENT_ID, broker_order_id=command.broker_order_id),
        fault=FaultClass.CANCEL_REJECTED,
        broker_code=10148,
        message="cannot be cancelled, state: PendingCancel.",
        occurred_at=trader.desk.clock.now(),
    )

    await trader.report(refusal, trader.acknowledged(order, WorkingStatus.CANCELED))

    assert (await trader.stored(order)).state is OrderState.CANCELED
    assert await _outcomes(trader, order.id) == [RequestOutcome.ACCEPTED]


async def test_modify_reserves_first_and_holds_once_the_broker_confirms(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="10.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order))

    placement = await replace_order(
        trader.desk, trader.principal, OrderChange(order_id=order.id, quantity=Decimal(20), expected_version=1)
    )
    reserved = (await trader.position()).open_buy_quantity
    (command,) = await trader.claim()
    await trader.report(replace(trader.acknowledged(order), terms=command.terms))

    assert placement.order is not None
    assert (placement.order.state, placement.order.terms.quantity) == (OrderState.PENDING_REPLACE, Decimal(10))
    assert reserved == 20
    assert (command.kind, command.terms.quantity, command.broker_order_id) == (LaneKind.REPLACE, Decimal(20), 1)
    stored = await trader.stored(order)
    assert (stored.state, stored.version, stored.terms.quantity) == (OrderState.ACCEPTED, 2, Decimal(20))


async def test_modify_beyond_a_limit_leaves_the_order_alone(trader: Trader) -> None:
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(15)
    )
    order = await trader.placed(quantity="10", limit_price="10.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order))

    placement = await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, quantity=Decimal(20)))

    assert [problem.code for problem in placement.problems] == ["RISK_MAX_ORDER_QUANTITY"]
    assert (await trader.stored(order)).state is OrderState.ACCEPTED
    assert await trader.claim() == []


async def test_order_of_another_tenant_is_unknown(trader: Trader) -> None:
    other = await factories.make_principal(trader.desk.database, await factories.make_tenant(trader.desk.database))
    order = await trader.placed(limit_price="10.00")

    answers = [await cancel_order(trader.desk, other, order_id) for order_id in (order.id, OrderId(SystemIds().new()))]

    assert [[problem.code for problem in answer.problems] for answer in answers] == [["ORDER_NOT_FOUND"]] * 2
    assert answers[0].order is None


async def test_fenced_connector_claims_nothing(trader: Trader) -> None:
    await trader.placed(limit_price="10.00")
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await brokers.give_lease(session, trader.lease)
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        newer = await brokers.take_lease(session, trader.key.tenant_id, trader.account_id, "newer", 60)
    await _gate(trader, is_open=True)

    with pytest.raises(LeaseLostError):
        await trader.claim()

    assert newer is not None
    assert len(await trader.claim(newer)) == 1


async def test_claimed_order_that_the_broker_lost_is_sent_again_under_its_id(trader: Trader) -> None:
    order = await trader.placed(limit_price="10.00")
    (command,) = await trader.claim()

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        again = await commands_after_sync(session, trader.lease)

    assert [(one.order_id, one.broker_order_id) for one in again] == [(order.id, command.broker_order_id)]


async def _gate(trader: Trader, *, is_open: bool) -> None:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await session.execute(
            "UPDATE broker_connections SET is_gate_open = $2 WHERE tenant_id = $1", trader.key.tenant_id, is_open
        )


async def test_a_modify_that_never_left_is_superseded_by_a_cancel(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order))
    await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, quantity=Decimal(30)))
    assert (await trader.position()).open_buy_quantity == 30

    await cancel_order(trader.desk, trader.principal, order.id)

    assert (await trader.position()).open_buy_quantity == 10
    assert [command.kind for command in await trader.claim()] == [LaneKind.CANCEL]
    assert await _outcomes(trader, order.id) == [RequestOutcome.SUPERSEDED, RequestOutcome.PENDING]


async def test_a_modify_that_left_goes_on_beside_a_cancel(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order))
    await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, quantity=Decimal(30)))
    await trader.claim()

    await cancel_order(trader.desk, trader.principal, order.id)

    assert (await trader.position()).open_buy_quantity == 30
    assert await _outcomes(trader, order.id) == [RequestOutcome.PENDING, RequestOutcome.PENDING]


async def test_a_refused_modify_that_is_told_again_later_rejects_nothing(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    [command] = await trader.claim()
    await trader.report(trader.acknowledged(order))
    await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, quantity=Decimal(30)))
    await trader.claim()
    refusal = FaultReport(
        address=OrderAddress(client_id=CLIENT_ID, broker_order_id=command.broker_order_id),
        fault=FaultClass.ORDER_REJECTED,
        broker_code=201,
        message="no margin",
        occurred_at=trader.desk.clock.now(),
    )
    await trader.report(refusal)

    await trader.report(refusal)

    stored = await trader.stored(order)
    assert stored.state is OrderState.ACCEPTED
    assert not stored.in_doubt
    assert (await trader.position()).open_buy_quantity == 10


async def test_a_filled_order_that_is_lowered_is_open_again_until_the_query_answers(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    await trader.claim()
    first = trader.execution(order, "10", "5", root="lowered")
    await trader.report(trader.acknowledged(order), first)

    await trader.report(trader.execution(order, "7", "5", root="lowered", revision=2))

    stored = await trader.stored(order)
    assert (stored.state, stored.in_doubt) == (OrderState.PARTIALLY_FILLED, True)
    assert (await trader.position()).open_buy_quantity == 3
    assert await _open_orders(trader) == 1

    await trader.report(trader.acknowledged(order, WorkingStatus.CANCELED))

    assert (await trader.stored(order)).state is OrderState.CANCELED
    assert (await trader.position()).open_buy_quantity == 0
    assert await _open_orders(trader) == 0


async def test_what_fits_no_order_is_quarantined_once(trader: Trader) -> None:
    order = await trader.placed()
    strange = replace(
        trader.execution(order, "5", "10"), address=OrderAddress(permanent_id=987654), contract_id=999_999
    )
    another = replace(strange, execution_id="other.01", root="other")

    for _ in range(3):
        await trader.report(strange, another)

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        rows = await session.fetch("SELECT report->>'execution_id' AS name FROM quarantined_reports ORDER BY name")
    assert sorted(row["name"] for row in rows) == sorted([strange.execution_id, "other.01"])
    assert len(await trader.events()) == 1


async def _outcomes(trader: Trader, order_id: OrderId) -> list[RequestOutcome]:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        rows = await session.fetch(
            "SELECT outcome FROM order_requests WHERE order_id = $1 ORDER BY requested_at, id", order_id
        )
    return [RequestOutcome(row["outcome"]) for row in rows]


async def _open_orders(trader: Trader) -> int:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        rows = await session.fetch("SELECT open_orders FROM account_books WHERE account_id = $1", trader.account_id)
    return int(rows[0]["open_orders"])
