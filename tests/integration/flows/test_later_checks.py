"""What the limits said of a modify, an approval and a release is kept, and a refused modify harms nothing."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from app.core.fix import OrderState, RejectOrigin, RequestOutcome, RiskLimitType, RiskOutcome
from app.core.messages import FaultClass, FaultReport, LookStep, OrderAddress
from app.core.trading_modes import HaltScope, HaltTarget, TradingMode
from app.flows.approvals.decide_approval import Verdict, decide_approval
from app.flows.halts.halt_trading import halt_trading
from app.flows.journal.verify_journal import differences
from app.flows.orders.later_looks import LOOKS_KEPT_MAX
from app.flows.orders.placement import Placement
from app.flows.orders.release_staged import release_staged
from app.flows.orders.replace_order import replace_order
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange
from app.orders.domain.order import Order, OrderRequest
from app.orders.repository import order_requests
from tests import factories
from tests.integration.flows.conftest import Trader

LIMIT = RiskLimitType
TENANT = HaltTarget(scope=HaltScope.TENANT)


async def limit(trader: Trader, kind: LIMIT, value: str, **more: object) -> None:
    await factories.make_limit(trader.desk.database, trader.key.tenant_id, kind, Decimal(value), **more)  # type: ignore[arg-type]


async def working(trader: Trader, quantity: str = "100") -> Order:
    order = await trader.placed(limit_price="100", quantity=quantity)
    await trader.claim()
    await trader.report(trader.acknowledged(order))
    return order


async def change(trader: Trader, order: Order, quantity: str) -> Placement:
    asked = OrderChange(order_id=order.id, quantity=Decimal(quantity))
    return await replace_order(trader.desk, trader.principal, asked)


async def requests(trader: Trader, order: Order) -> list[OrderRequest]:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        found = await order_requests.requests_of(session, trader.key.tenant_id, [order.id], with_checks=True)
    return sorted(found, key=lambda one: one.requested_at)


async def broken(trader: Trader) -> list[object]:
    return list(await differences(trader.desk.database, trader.key.tenant_id, trader.account_id))


async def test_the_checks_of_a_modify_are_kept_whether_it_was_taken_or_refused(trader: Trader) -> None:
    await limit(trader, LIMIT.MAX_ORDER_QUANTITY, "420")
    await limit(trader, LIMIT.MAX_OPEN_ORDERS, "10")
    order = await working(trader)
    position = await trader.position()

    refused = await change(trader, order, "500")

    stored, held = await trader.stored(order), await trader.position()
    taken = await change(trader, order, "300")
    first, second = await requests(trader, order)
    assert [one.code for one in refused.problems] == ["RISK_MAX_ORDER_QUANTITY"]
    assert (stored.state, stored.terms.quantity, stored.version) == (OrderState.ACCEPTED, Decimal(100), 1)
    assert held.open_buy_quantity == position.open_buy_quantity == 100
    assert (first.outcome, first.reject_origin, first.requested_by) == (
        RequestOutcome.REJECTED,
        RejectOrigin.OMS,
        trader.principal.actor,
    )
    assert first.terms is not None
    assert (first.terms.quantity, first.resolved_at) == (Decimal(500), first.requested_at)
    assert first.reason == "RISK_MAX_ORDER_QUANTITY: order quantity 500 is above 420"
    assert [(one.check, one.outcome) for one in first.risk_checks] == [
        (LIMIT.MAX_ORDER_QUANTITY, RiskOutcome.FAILED),
        (LIMIT.MAX_OPEN_ORDERS, RiskOutcome.PASSED),
    ]
    breach = first.risk_checks[0]
    assert (breach.limit, breach.observed, breach.limit_version) == (Decimal(420), Decimal(500), 1)
    assert breach.inputs["passesAt"] == {"quantity": "420"}
    assert all(one.nanoseconds > 0 for one in first.risk_checks)
    assert taken.problems == ()
    assert (second.outcome, second.reject_origin) == (RequestOutcome.PENDING, None)
    assert [one.outcome for one in second.risk_checks] == [RiskOutcome.PASSED, RiskOutcome.PASSED]
    assert [(one.kind.value, one.request_id) for one in await trader.claim()] == [("REPLACE", second.id)]


async def test_the_journal_tells_of_a_refused_modify_and_replays_it(trader: Trader) -> None:
    await limit(trader, LIMIT.MAX_ORDER_QUANTITY, "420")
    order = await working(trader)

    await change(trader, order, "500")

    told = (await trader.events())[-1].event
    [request] = await requests(trader, order)
    assert (told.type, told.from_state, told.to_state) == ("ReplaceRefused", OrderState.ACCEPTED, OrderState.ACCEPTED)
    assert (told.actor, told.reason) == (trader.principal.actor, "order quantity 500 is above 420")
    assert told.details["requestId"] == str(request.id)
    assert (told.details["code"], told.details["quantity"]) == ("RISK_MAX_ORDER_QUANTITY", "500")
    assert await broken(trader) == []


async def test_a_modify_that_cannot_be_leaves_nothing(trader: Trader) -> None:
    order = await working(trader)
    events = len(await trader.events())

    off_grid = await replace_order(
        trader.desk, trader.principal, OrderChange(order_id=order.id, limit_price=Decimal("100.001"))
    )
    stale = await replace_order(
        trader.desk, trader.principal, OrderChange(order_id=order.id, expected_version=9, quantity=Decimal(5))
    )

    assert [one.code for one in (*off_grid.problems, *stale.problems)] == ["PRICE_OFF_TICK", "VERSION_CONFLICT"]
    assert await requests(trader, order) == []
    assert len(await trader.events()) == events


async def test_a_refusal_of_ours_is_not_taken_for_one_of_the_broker(trader: Trader) -> None:
    await limit(trader, LIMIT.MAX_ORDER_QUANTITY, "420")
    order = await working(trader)
    await change(trader, order, "500")

    # An error about an order that outlived a refused modify is doubted; about one that did not, it is its end.
    await trader.report(
        FaultReport(
            address=OrderAddress(order_id=order.id),
            fault=FaultClass.ORDER_REJECTED,
            broker_code=201,
            message="Order rejected - reason: margin.",
            occurred_at=trader.desk.clock.now(),
        )
    )

    assert (await trader.stored(order)).state is OrderState.REJECTED
    assert await broken(trader) == []


async def test_parallel_modifies_are_each_recorded_and_one_is_taken(trader: Trader) -> None:
    await limit(trader, LIMIT.MAX_ORDER_QUANTITY, "420")
    order = await working(trader)

    answers = await asyncio.gather(*(change(trader, order, str(quantity)) for quantity in (150, 500, 600, 700)))

    outcomes = [one.outcome for one in await requests(trader, order)]
    codes = [[problem.code for problem in answer.problems] for answer in answers]
    assert codes[0] == []
    # Who comes behind the taken one meets an open request, and was not held against the limits.
    assert outcomes.count(RequestOutcome.REJECTED) == codes.count(["RISK_MAX_ORDER_QUANTITY"])
    assert outcomes.count(RequestOutcome.PENDING) == 1
    assert await broken(trader) == []


async def test_a_change_that_a_halt_or_a_missing_approval_refuses_is_recorded_with_its_checks(trader: Trader) -> None:
    await limit(trader, LIMIT.MAX_ORDER_QUANTITY, "1000")
    order, other = await working(trader), await working(trader)
    await factories.make_approval_policy(
        trader.desk.database, trader.key.tenant_id, notional=Decimal(20_000), currency="USD"
    )

    unapproved = await change(trader, order, "300")
    await halt_trading(trader.desk, trader.principal, TENANT, TradingMode.HALTED, "test")
    halted = await change(trader, other, "110")

    assert [one.code for one in unapproved.problems] == ["APPROVAL_REQUIRED"]
    assert [one.code for one in halted.problems] == ["TRADING_HALTED"]
    for each, code in ((order, "APPROVAL_REQUIRED"), (other, "TRADING_HALTED")):
        [request] = await requests(trader, each)
        assert (request.reason or "").startswith(f"{code}: ")
        assert [one.outcome for one in request.risk_checks] == [RiskOutcome.PASSED]


async def test_each_look_at_a_staged_order_is_kept_up_to_a_bound(trader: Trader) -> None:
    placement = await trader.desk.intake.submit(
        trader.principal, replace(trader.order(limit_price="100", quantity="100"), is_staged=True)
    )
    assert placement.order is not None
    await limit(trader, LIMIT.MAX_ORDER_QUANTITY, "50")

    for _ in range(LOOKS_KEPT_MAX + 2):
        await release_staged(trader.desk, trader.principal, [placement.order.id])

    checks = (await trader.stored(placement.order)).risk_checks
    looks = [one.look for one in checks]
    assert len(checks) == LOOKS_KEPT_MAX
    assert all(one.outcome is RiskOutcome.FAILED for one in checks)
    assert {(look.step, look.by) for look in looks if look} == {(LookStep.RELEASE, trader.principal.actor)}
    assert sorted(look.at for look in looks if look) == [look.at for look in looks if look]
    assert checks[-1].inputs["passesAt"] == {"quantity": "50"}


async def test_a_release_and_a_refused_one_stand_beside_the_first_checks(trader: Trader) -> None:
    await limit(trader, LIMIT.MAX_OPEN_ORDERS, "10")
    placement = await trader.desk.intake.submit(
        trader.principal, replace(trader.order(limit_price="100", quantity="100"), is_staged=True)
    )
    assert placement.order is not None

    [released] = await release_staged(trader.desk, trader.principal, [placement.order.id])

    assert released.problems == ()
    checks = (await trader.stored(placement.order)).risk_checks
    assert [(one.outcome, one.look and one.look.step) for one in checks] == [
        (RiskOutcome.PASSED, None),
        (RiskOutcome.PASSED, LookStep.RELEASE),
    ]
    assert await broken(trader) == []


async def test_the_look_of_an_approver_bears_the_approver(trader: Trader) -> None:
    await factories.make_approval_policy(trader.desk.database, trader.key.tenant_id)
    order = await trader.placed(limit_price="100", quantity="100")
    await limit(trader, LIMIT.MAX_ORDER_QUANTITY, "50")
    second = await factories.make_principal(trader.desk.database, trader.key.tenant_id)

    refused = await decide_approval(trader.desk, second, Verdict(order_id=order.id, is_approved=True))

    [check] = (await trader.stored(order)).risk_checks
    assert [one.code for one in refused.problems] == ["RISK_MAX_ORDER_QUANTITY"]
    assert check.look is not None
    assert (check.look.step, check.look.by) == (LookStep.APPROVAL, second.actor)
    assert check.inputs["passesAt"] == {"quantity": "50"}
    assert await broken(trader) == []
