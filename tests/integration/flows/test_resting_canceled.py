"""An order that meets resting ones of its account: they are canceled, and it goes when they have ended, not before."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from app.core.fix import OrderState, OrderType, PositionAim, RiskLimitType, RiskOutcome, Side, TimeInForce
from app.core.messages import Aim, FaultClass, FaultReport, LaneKind, OcoLeg, OrderAddress, OrderTerms, WorkingStatus
from app.flows.desk import open_desk
from app.flows.journal.verify_journal import differences
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.close_position import aim_at_position
from app.flows.orders.locked_order import read_files
from app.flows.orders.placement import Placement
from app.flows.orders.release_orders import release_orders
from app.flows.orders.release_staged import release_staged
from app.flows.orders.replace_order import replace_order
from app.identity.domain.access import AccountGrants
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange, is_unsent
from app.orders.domain.order import Order
from app.orders.domain.waiting import Way, way_past
from app.orders.repository import waiting as stored_waiting
from app.orders.repository.resting import open_in
from tests import factories
from tests.examples import examples
from tests.fakes import SetClock
from tests.integration.flows.conftest import Trader
from tests.integration.flows.lives import Lives
from tests.integration.flows.test_brackets import bracket, working
from tests.integration.flows.test_restrictions import restrict

BREACH = "RISK_WASH_TRADE"


@pytest.fixture
async def guarded(trader: Trader) -> Trader:
    """A trader of a firm whose newer orders take resting ones along."""
    await guard(trader)
    return trader


async def guard(trader: Trader, **conditions: Any) -> None:
    await factories.make_limit(
        trader.desk.database,
        trader.key.tenant_id,
        RiskLimitType.WASH_TRADE,
        None,
        conditions={"policy": "CANCEL_RESTING", **conditions},
    )


async def sale(trader: Trader, price: str = "100", **terms: Any) -> Order:
    """A sale that rests at the broker."""
    order = await trader.placed(side=Side.SELL, limit_price=price, **terms)
    await working(trader, order)
    return order


def codes(placement: Placement) -> list[str]:
    return [one.code for one in placement.problems]


async def state(trader: Trader, order: Order) -> OrderState:
    return (await trader.stored(order)).state


async def ended(trader: Trader, *orders: Order) -> None:
    """The broker confirms the cancel of these orders."""
    await trader.report(*(trader.acknowledged(order, WorkingStatus.CANCELED) for order in orders))


async def leaving(trader: Trader) -> list[tuple[LaneKind, object]]:
    return [(one.kind, one.order_id) for one in await trader.claim()]


def refused_cancel(trader: Trader, order: Order) -> FaultReport:
    return FaultReport(
        address=OrderAddress(order_id=order.id),
        fault=FaultClass.CANCEL_REJECTED,
        broker_code=161,
        message="Cancel attempted when order is not in a cancellable state.",
        occurred_at=trader.desk.clock.now(),
    )


async def assert_told_in_full(trader: Trader) -> None:
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


async def test_an_order_waits_for_what_rests_and_goes_when_it_has_ended(guarded: Trader) -> None:
    resting = await sale(guarded)

    order = await guarded.placed(limit_price="100")
    first = await leaving(guarded)
    await ended(guarded, resting)
    then = await leaving(guarded)

    assert (order.state, order.waits_for) == (OrderState.HELD, (resting.id,))
    assert (first, then) == ([(LaneKind.CANCEL, resting.id)], [(LaneKind.PLACE, order.id)])
    assert await state(guarded, order) is OrderState.ROUTED
    [check] = (await guarded.stored(order)).risk_checks
    assert (check.outcome, check.observed) == (RiskOutcome.PASSED, Decimal(1))
    assert check.inputs["canceled"] == [str(resting.id)]
    position = await guarded.position()
    assert (position.open_buy_quantity, position.open_sell_quantity) == (Decimal(100), Decimal(0))
    assert await guarded.open_orders() == 1
    await assert_told_in_full(guarded)


async def test_what_it_may_deal_is_reserved_while_it_waits(guarded: Trader) -> None:
    await factories.make_limit(
        guarded.desk.database, guarded.key.tenant_id, RiskLimitType.MAX_POSITION_QUANTITY, Decimal(150)
    )
    resting = await sale(guarded)
    await guarded.placed(limit_price="100")

    more = await guarded.place(limit_price="90")

    assert codes(more) == ["RISK_MAX_POSITION_QUANTITY"]
    position = await guarded.position()
    assert (position.open_buy_quantity, position.open_sell_quantity) == (Decimal(100), Decimal(100))
    assert await guarded.open_orders() == 2
    await ended(guarded, resting)
    await assert_told_in_full(guarded)


async def test_what_has_not_left_ends_at_once_and_nothing_waits(guarded: Trader) -> None:
    resting = await guarded.placed(side=Side.SELL, limit_price="100")

    order = await guarded.placed(limit_price="100")

    assert (await state(guarded, resting), order.state) == (OrderState.CANCELED, OrderState.ROUTED)
    assert await leaving(guarded) == [(LaneKind.PLACE, order.id)]
    assert order.waits_for == ()
    await assert_told_in_full(guarded)


async def test_it_waits_for_all_of_them_and_leaves_alone_what_it_would_not_meet(guarded: Trader) -> None:
    near, far = await sale(guarded, "99"), await sale(guarded, "100")
    beyond = await sale(guarded, "101")

    order = await guarded.placed(limit_price="100")
    canceled = await leaving(guarded)
    await ended(guarded, far)
    between = await leaving(guarded)
    await ended(guarded, near)

    assert {one for _, one in canceled} == {near.id, far.id}
    assert between == []
    assert await leaving(guarded) == [(LaneKind.PLACE, order.id)]
    assert await state(guarded, beyond) is OrderState.ACCEPTED


async def test_what_fills_in_the_meantime_rests_no_more_either(guarded: Trader) -> None:
    resting = await sale(guarded)
    order = await guarded.placed(limit_price="100")
    await guarded.claim()

    await guarded.report(guarded.execution(resting, "40", "100"))
    between = await leaving(guarded)
    await guarded.report(guarded.execution(resting, "60", "100"))

    assert (between, await leaving(guarded)) == ([], [(LaneKind.PLACE, order.id)])
    assert (await guarded.position()).quantity == -100
    await assert_told_in_full(guarded)


async def test_an_order_whose_way_stays_barred_is_refused(guarded: Trader) -> None:
    near, far = await sale(guarded, "99"), await sale(guarded, "100")
    order = await guarded.placed(limit_price="100")
    await guarded.claim()
    await ended(guarded, near)

    await guarded.report(refused_cancel(guarded, far))

    stored = await guarded.stored(order)
    assert (stored.state, stored.reject_code) == (OrderState.REJECTED, BREACH)
    assert await leaving(guarded) == []
    assert (await guarded.position()).open_buy_quantity == 0
    assert await guarded.open_orders() == 1
    again = await guarded.desk.intake.submit(
        guarded.principal, guarded.order(limit_price="100", client_order_id=order.client_order_id)
    )
    assert (again.order and again.order.id, codes(again)) == (order.id, [BREACH])
    await assert_told_in_full(guarded)


async def test_its_owner_may_cancel_it_while_it_waits(guarded: Trader) -> None:
    resting = await sale(guarded)
    order = await guarded.placed(limit_price="100")
    await guarded.claim()

    await cancel_order(guarded.desk, guarded.principal, order.id)
    await ended(guarded, resting)

    assert await state(guarded, order) is OrderState.CANCELED
    assert await leaving(guarded) == []
    assert await guarded.open_orders() == 0
    assert (await guarded.position()).open_buy_quantity == 0
    await assert_told_in_full(guarded)


async def test_it_does_not_change_while_it_waits(guarded: Trader) -> None:
    await sale(guarded)
    order = await guarded.placed(limit_price="100")

    change = OrderChange(order_id=order.id, limit_price=Decimal(90))
    placement = await replace_order(guarded.desk, guarded.principal, change)

    assert codes(placement) == ["ORDER_NOT_WORKING"]


async def test_an_order_that_another_limit_refuses_takes_nothing_along(guarded: Trader) -> None:
    await factories.make_limit(
        guarded.desk.database, guarded.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(100)
    )
    resting = await sale(guarded)

    refused = await guarded.place(limit_price="100", quantity="101")

    assert codes(refused) == ["RISK_MAX_ORDER_QUANTITY"]
    assert refused.order is not None
    assert refused.order.state is OrderState.REJECTED
    assert await state(guarded, resting) is OrderState.ACCEPTED
    assert await leaving(guarded) == []


async def test_a_stricter_policy_beside_it_holds(guarded: Trader) -> None:
    await factories.make_limit(guarded.desk.database, guarded.key.tenant_id, RiskLimitType.WASH_TRADE, None)
    resting = await sale(guarded)

    assert codes(await guarded.place(limit_price="100")) == [BREACH]
    assert await state(guarded, resting) is OrderState.ACCEPTED


async def test_a_shadow_cancels_nothing(trader: Trader) -> None:
    await factories.make_limit(
        trader.desk.database,
        trader.key.tenant_id,
        RiskLimitType.WASH_TRADE,
        None,
        conditions={"policy": "CANCEL_RESTING"},
        is_shadow=True,
    )
    resting = await sale(trader)

    order = await trader.placed(limit_price="100")

    assert order.state is OrderState.ROUTED
    assert await state(trader, resting) is OrderState.ACCEPTED


async def test_what_rests_in_another_account_is_never_canceled_and_nothing_of_it_is_told(guarded: Trader) -> None:
    other = await factories.make_account(guarded.desk.database, guarded.key.tenant_id)
    theirs = replace(guarded.order(side=Side.SELL, limit_price="100"), account_id=other.account_id)
    placed = await guarded.desk.intake.submit(guarded.principal, theirs)
    assert placed.order is not None
    mine = await sale(guarded)
    seen = frozenset({guarded.account_id})
    walled = replace(guarded.principal, accounts=AccountGrants(view=seen, trade=seen))

    for principal in (guarded.principal, walled):
        refused = await guarded.desk.intake.submit(principal, guarded.order(limit_price="100"))
        assert codes(refused) == [BREACH]
        for secret in (other.account_id, placed.order.id):
            assert str(secret) not in repr(refused.problems)
            assert refused.order is not None
            assert str(secret) not in repr(refused.order.risk_checks)
    assert await state(guarded, mine) is OrderState.ACCEPTED
    assert await state(guarded, placed.order) is placed.order.state


async def test_who_is_restricted_to_the_account_takes_its_orders_along(guarded: Trader) -> None:
    mine = frozenset({guarded.account_id})
    walled = replace(guarded.principal, accounts=AccountGrants(view=mine, trade=mine))
    resting = await sale(guarded)

    placement = await guarded.desk.intake.submit(walled, guarded.order(limit_price="100"))
    await guarded.claim()
    await ended(guarded, resting)

    assert placement.order is not None
    assert (codes(placement), placement.order.state) == ([], OrderState.HELD)
    assert await leaving(guarded) == [(LaneKind.PLACE, placement.order.id)]


async def test_what_has_not_left_ends_at_once_for_who_is_restricted_to_the_account(guarded: Trader) -> None:
    mine = frozenset({guarded.account_id})
    walled = replace(guarded.principal, accounts=AccountGrants(view=mine, trade=mine))
    resting = await guarded.placed(side=Side.SELL, limit_price="100")

    placement = await guarded.desk.intake.submit(walled, guarded.order(limit_price="100"))

    assert placement.order is not None
    assert (codes(placement), placement.order.state) == ([], OrderState.ROUTED)
    assert await state(guarded, resting) is OrderState.CANCELED


async def test_the_newest_takes_along_what_waits_itself(guarded: Trader) -> None:
    resting = await sale(guarded)
    waiting = await guarded.placed(limit_price="100")

    newest = await guarded.placed(side=Side.SELL, limit_price="100")
    await guarded.claim()
    await ended(guarded, resting)

    assert (await state(guarded, waiting), newest.state) == (OrderState.CANCELED, OrderState.ROUTED)
    assert await leaving(guarded) == []
    assert await guarded.open_orders() == 1
    await assert_told_in_full(guarded)


async def test_two_orders_wait_for_one_and_it_is_canceled_once(guarded: Trader) -> None:
    resting = await sale(guarded)

    both = [await guarded.placed(limit_price="100", quantity=one) for one in ("10", "20")]
    canceled = await leaving(guarded)
    await ended(guarded, resting)

    assert [one.waits_for for one in both] == [(resting.id,)] * 2
    assert canceled == [(LaneKind.CANCEL, resting.id)]
    assert await leaving(guarded) == [(LaneKind.PLACE, one.id) for one in both]
    await assert_told_in_full(guarded)


async def test_what_its_owner_is_canceling_already_is_waited_for(guarded: Trader) -> None:
    resting = await sale(guarded)
    await cancel_order(guarded.desk, guarded.principal, resting.id)

    order = await guarded.placed(limit_price="100")
    canceled = await leaving(guarded)
    await ended(guarded, resting)

    assert canceled == [(LaneKind.CANCEL, resting.id)]
    assert await leaving(guarded) == [(LaneKind.PLACE, order.id)]


async def test_what_protects_or_closes_a_position_is_not_canceled(guarded: Trader) -> None:
    entry, profit, loss = await bracket(guarded)
    await working(guarded, entry)
    await guarded.report(guarded.execution(entry, "100", "100"))
    await working(guarded, profit, loss)

    refused = await guarded.place(limit_price="1000")

    assert codes(refused) == [BREACH]
    assert "protects or closes a position" in refused.problems[0].message
    assert await state(guarded, profit) is OrderState.ACCEPTED


async def test_a_bracket_waits_with_its_exits(guarded: Trader) -> None:
    resting = await sale(guarded)

    placement = await guarded.place(limit_price="100", take_profit=Decimal(110), stop_loss=Decimal(90))
    assert placement.order is not None
    exits = placement.linked
    await guarded.claim()
    await ended(guarded, resting)

    assert await leaving(guarded) == [(LaneKind.PLACE, placement.order.id)]
    assert [await state(guarded, one) for one in exits] == [OrderState.HELD] * 2
    await assert_told_in_full(guarded)


async def test_a_bracket_whose_way_stays_barred_ends_with_its_exits(guarded: Trader) -> None:
    resting = await sale(guarded)
    placement = await guarded.place(limit_price="100", take_profit=Decimal(110), stop_loss=Decimal(90))
    assert placement.order is not None
    await guarded.claim()

    await guarded.report(refused_cancel(guarded, resting))

    assert await state(guarded, placement.order) is OrderState.REJECTED
    assert [await state(guarded, one) for one in placement.linked] == [OrderState.CANCELED] * 2
    assert await guarded.open_orders() == 1
    await assert_told_in_full(guarded)


@pytest.mark.parametrize("kind", ["staged", "pair", "close", "change", "release"])
async def test_what_cannot_wait_is_refused_as_before(trader: Trader, kind: str) -> None:
    position = None
    staged = await trader.desk.intake.submit(trader.principal, replace(trader.order(limit_price="100"), is_staged=True))
    assert staged.order is not None
    if kind == "close":
        short = await sale(trader)
        await trader.report(trader.execution(short, "100", "100"))
        position = await trader.position()
    works = await trader.placed(limit_price="50")
    await working(trader, works)
    if kind != "release":
        await cancel_order(trader.desk, trader.principal, staged.order.id)
    resting = await sale(trader)
    await guard(trader)

    match kind:
        case "staged":
            asked = replace(trader.order(limit_price="100"), is_staged=True)
            placement = await trader.desk.intake.submit(trader.principal, asked)
        case "pair":
            leg = OcoLeg(
                side=Side.BUY,
                order_type=OrderType.STOP,
                terms=OrderTerms(quantity=Decimal(100), stop_price=Decimal(120)),
            )
            placement = await trader.place(limit_price="100", oco=leg)
        case "close":
            assert position is not None
            aim = Aim(kind=PositionAim.CLOSE)
            placement = await aim_at_position(trader.desk, trader.principal, position.id, "close", aim)
        case "change":
            change = OrderChange(order_id=works.id, limit_price=Decimal(100))
            placement = await replace_order(trader.desk, trader.principal, change)
        case _:
            [placement] = await release_staged(trader.desk, trader.principal, [staged.order.id])

    assert codes(placement) == [BREACH]
    assert await state(trader, resting) is OrderState.ACCEPTED
    assert await leaving(trader) == []


async def test_it_waits_for_the_connection_once_its_way_is_free(guarded: Trader) -> None:
    resting = await sale(guarded)
    order = await guarded.placed(limit_price="100")
    await guarded.claim()
    await guarded.gate(is_open=False)

    await ended(guarded, resting)
    shut = await state(guarded, order)
    await guarded.gate(is_open=True)
    async with begin_batch(guarded.desk.database, guarded.key.tenant_id) as session:
        released = await release_orders(session, guarded.key, now=guarded.desk.clock.now(), ids=guarded.desk.ids)

    assert (shut, released) == (OrderState.HELD, 1)
    assert await leaving(guarded) == [(LaneKind.PLACE, order.id)]
    await assert_told_in_full(guarded)


async def test_the_gates_opening_does_not_let_it_pass_what_rests(guarded: Trader) -> None:
    resting = await sale(guarded)
    order = await guarded.placed(limit_price="100")

    async with begin_batch(guarded.desk.database, guarded.key.tenant_id) as session:
        released = await release_orders(session, guarded.key, now=guarded.desk.clock.now(), ids=guarded.desk.ids)

    assert released == 0
    assert await state(guarded, order) is OrderState.HELD
    assert await leaving(guarded) == [(LaneKind.CANCEL, resting.id)]


async def test_a_name_that_was_restricted_meanwhile_keeps_it_back(guarded: Trader) -> None:
    resting = await sale(guarded)
    order = await guarded.placed(limit_price="100")
    await guarded.claim()
    await restrict(guarded)

    await ended(guarded, resting)

    stored = await guarded.stored(order)
    assert stored.state is OrderState.REJECTED
    assert await leaving(guarded) == []
    await assert_told_in_full(guarded)


async def test_one_whose_last_instant_passes_while_it_waits_does_not_leave(guarded: Trader) -> None:
    resting = await sale(guarded)
    now = guarded.desk.clock.now()
    new = guarded.order(limit_price="100", time_in_force=TimeInForce.GTD)
    new = replace(new, terms=replace(new.terms, expires_at=now + timedelta(minutes=5)))
    order = (await guarded.desk.intake.submit(guarded.principal, new)).order
    assert order is not None
    await guarded.claim()
    later = replace(guarded, desk=replace(guarded.desk, clock=SetClock(now + timedelta(minutes=6))))

    await later.report(later.acknowledged(resting, WorkingStatus.CANCELED))

    assert await state(guarded, order) is OrderState.EXPIRED
    assert await leaving(guarded) == []
    assert (await guarded.position()).open_buy_quantity == 0
    await assert_told_in_full(guarded)


async def test_an_order_that_needs_another_person_takes_nothing_along(guarded: Trader) -> None:
    await factories.make_approval_policy(guarded.desk.database, guarded.key.tenant_id)
    await guarded.claim()
    resting = await guarded.place(side=Side.SELL, limit_price="100")
    assert resting.order is not None

    refused = await guarded.place(limit_price="100")

    assert codes(refused) == ["APPROVAL_REQUIRED"]
    assert refused.order is None
    assert await state(guarded, resting.order) is OrderState.PENDING_APPROVAL


async def test_one_key_takes_along_once_whoever_asks_how_often(guarded: Trader) -> None:
    resting = await sale(guarded)
    new = guarded.order(limit_price="100")

    placements = await asyncio.gather(*(guarded.desk.intake.submit(guarded.principal, new) for _ in range(10)))
    again = await guarded.desk.intake.submit_all(guarded.principal, [new, new])

    assert len({one.order.id for one in (*placements, *again) if one.order is not None}) == 1
    assert [codes(one) for one in (*placements, *again)] == [[]] * 12
    assert await leaving(guarded) == [(LaneKind.CANCEL, resting.id)]
    assert await guarded.open_orders() == 2


async def test_orders_of_one_call_meet_in_their_order(guarded: Trader) -> None:
    news = [
        guarded.order(side=side, limit_price="100", client_order_id=f"one-{place}")
        for place, side in enumerate((Side.SELL, Side.BUY, Side.SELL))
    ]

    placements = await guarded.desk.intake.submit_all(guarded.principal, news)

    assert [codes(one) for one in placements] == [[]] * 3
    found = [await state(guarded, one.order) for one in placements if one.order is not None]
    assert found == [OrderState.CANCELED, OrderState.CANCELED, OrderState.ROUTED]
    await assert_told_in_full(guarded)


async def test_crossing_orders_of_two_processes_neither_meet_nor_wait_for_each_other(
    guarded: Trader, settings_of_flows: Settings
) -> None:
    resting = await sale(guarded, "110", quantity="1")
    async with AsyncExitStack() as stack:
        desks = [guarded.desk, await stack.enter_async_context(open_desk(settings_of_flows))]
        async with asyncio.timeout(60):
            for number in range(20):
                await asyncio.gather(
                    *(
                        desk.intake.submit(
                            guarded.principal,
                            guarded.order(
                                side=side, limit_price="105", quantity="1", client_order_id=f"{number}-{side}-{copy}"
                            ),
                        )
                        for copy in range(2)
                        for desk, side in zip(desks, (Side.BUY, Side.SELL), strict=True)
                    )
                )
                async with begin_batch(guarded.desk.database, guarded.key.tenant_id) as session:
                    rows = await session.fetch(
                        "SELECT side FROM orders WHERE tenant_id = $1 AND limit_price = 105 "
                        "AND state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')",
                        guarded.key.tenant_id,
                    )
                assert len({row["side"] for row in rows}) == 1

    assert await state(guarded, resting) is OrderState.ACCEPTED
    await assert_told_in_full(guarded)


@pytest.mark.parametrize("seed", range(examples(2, campaign=6)))
async def test_whatever_happens_none_waits_for_what_is_over_and_the_journal_tells_it(
    guarded: Trader, seed: int
) -> None:
    lives = Lives(trader=guarded, random=Random(seed))
    places = [(guarded.key.tenant_id, one.id, side) for one in guarded.instruments.values() for side in Side]
    waited = 0

    for _ in range(120):
        await lives.step()
        async with begin_batch(guarded.desk.database, guarded.key.tenant_id) as session:
            waiting = await stored_waiting.waiting_orders(session, guarded.key)
            awaited = {one for order in waiting for one in order.waits_for}
            files = await read_files(session, guarded.key.tenant_id, awaited)
            (found,) = await session.read(open_in(places))
            known = await read_files(session, guarded.key.tenant_id, [one.id for one in found])
        assert {one.id: one.gives_way for one in found} == {one: known[one].order.gives_way for one in known}
        waited += len(waiting)
        assert {way_past(files[one] for one in order.waits_for) for order in waiting} <= {Way.TAKEN}
        assert not any(is_unsent(file.order) for file in files.values() if not file.order.state.is_terminal)

    assert waited > 0
    await assert_told_in_full(guarded)


async def test_a_process_that_dies_on_the_way_leaves_all_or_nothing(guarded: Trader) -> None:
    resting = await sale(guarded)
    new = guarded.order(limit_price="100")
    outcomes = set()

    for turns in range(0, 400, 8):
        placing = asyncio.create_task(guarded.desk.intake.submit(guarded.principal, new))
        for _ in range(turns):
            await asyncio.sleep(0)
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)
        async with begin_batch(guarded.desk.database, guarded.key.tenant_id) as session:
            waiting = await stored_waiting.waiting_orders(session, guarded.key)
        is_canceling = await state(guarded, resting) is OrderState.PENDING_CANCEL
        assert is_canceling is bool(waiting)
        assert await guarded.open_orders() == 1 + len(waiting)
        outcomes.add(is_canceling)
        if is_canceling:
            break

    order = (await guarded.desk.intake.submit(guarded.principal, new)).order
    assert order is not None
    assert await leaving(guarded) == [(LaneKind.CANCEL, resting.id)]
    await ended(guarded, resting)
    assert await leaving(guarded) == [(LaneKind.PLACE, order.id)]
    assert False in outcomes
    await assert_told_in_full(guarded)


async def test_two_who_place_and_a_broker_that_answers_at_once_lose_nothing(guarded: Trader) -> None:
    for number in range(10):
        resting = await sale(guarded, quantity="10")
        order, _ = await asyncio.gather(
            guarded.placed(limit_price="100", quantity="10"), guarded.report(guarded.execution(resting, "10", "100"))
        )
        await guarded.claim()
        if not (await guarded.stored(resting)).state.is_terminal:
            await ended(guarded, resting)
            await guarded.claim()

        stored = await guarded.stored(order)
        assert (number, stored.state, stored.was_claimed) == (number, OrderState.ROUTED, True)
        await guarded.report(guarded.execution(order, "10", "100"))

    assert (await guarded.position()).quantity == 0
    assert await guarded.open_orders() == 0
    await assert_told_in_full(guarded)
