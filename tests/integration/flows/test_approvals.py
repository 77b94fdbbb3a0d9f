"""Orders that wait for a second person: asked for, decided, canceled, run out."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.approvals import batch as approvals
from app.approvals.domain import ApprovalDecision, OrderApproval
from app.core.fix import OrderState, RejectOrigin, RiskLimitType, Side
from app.core.ids import ApiKeyId
from app.core.messages import LaneKind, Tick
from app.flows.approvals.decide_approval import Verdict, decide_approval
from app.flows.approvals.expire_approvals import expire_approvals
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.placement import Placement
from app.flows.orders.replace_order import replace_order
from app.identity.domain import Principal
from app.identity.models import ApiKeyRow
from app.infra.db import Database
from app.infra.uow import Scope, begin, begin_batch
from app.marketdata import service as marketdata
from app.orders.domain.changing import OrderChange
from app.orders.domain.order import Order
from app.orders.domain.replay import OrderHistory, replay_order
from tests import factories
from tests.integration.flows.conftest import Trader

ZERO = Decimal(0)


@dataclass(kw_only=True)
class Pair:
    """A trader whose every order needs a second person, and that person."""

    trader: Trader
    checker: Principal

    async def decide(self, order: Order, approve: bool = True, by: Principal | None = None) -> Placement:
        verdict = Verdict(order_id=order.id, is_approved=approve, reason="because")
        return await decide_approval(self.trader.desk, by or self.checker, verdict)

    async def asked(self, order: Order) -> list[OrderApproval]:
        async with begin_batch(self.trader.desk.database, order.tenant_id) as session:
            return await approvals.approvals_of(session, order.tenant_id, order.id)

    async def open_orders(self) -> int:
        async with begin_batch(self.trader.desk.database, self.trader.key.tenant_id) as session:
            rows = await session.fetch(
                "SELECT open_orders FROM account_books WHERE account_id = $1", self.trader.account_id
            )
            return int(rows[0]["open_orders"])


@pytest.fixture
async def pair(trader: Trader) -> Pair:
    """A firm that approves everything."""
    await factories.make_approval_policy(trader.desk.database, trader.key.tenant_id)
    checker = await factories.make_principal(trader.desk.database, trader.key.tenant_id)
    return Pair(trader=trader, checker=checker)


async def quote(trader: Trader, price: str) -> None:
    aapl = trader.instruments["AAPL"]
    value = Decimal(price)
    tick = Tick(instrument_id=aapl.id, symbol="AAPL", bid=value, ask=value, last=value, time=trader.desk.clock.now())
    await marketdata.publish_ticks(trader.desk.redis, trader.key.tenant_id, [tick])


async def key_of(trader: Trader, owner: Principal) -> Principal:
    key_id = ApiKeyId(trader.desk.ids.new())
    assert owner.user_id is not None
    async with begin(trader.desk.database, Scope(tenant_id=owner.tenant_id)) as session:
        session.add(
            ApiKeyRow(
                tenant_id=owner.tenant_id,
                id=key_id,
                user_id=owner.user_id,
                name="key",
                prefix=key_id.hex,
                secret_hash=key_id.bytes * 2,
                scopes=["APPROVE_ORDERS"],
                ip_allowlist=[],
                created_at=trader.desk.clock.now(),
            )
        )
    return replace(owner, user_id=None, session_id=None, api_key_id=key_id, actor=f"key:{key_id}")


async def test_an_order_waits_out_of_the_lane_with_its_reservation(pair: Pair) -> None:
    order = await pair.trader.placed(quantity="100", limit_price="10.00")

    assert order.state is OrderState.PENDING_APPROVAL
    assert await pair.trader.claim() == []
    assert (await pair.trader.position()).open_buy_quantity == 100
    assert await pair.open_orders() == 1
    (logged,) = await pair.trader.events()
    assert (logged.event.type, logged.event.to_state) == ("OrderApprovalRequested", OrderState.PENDING_APPROVAL)
    (asked,) = await pair.asked(order)
    assert logged.event.details["approval"][0]["reasons"] == list(asked.reasons)
    assert (asked.decision, asked.expires_at - asked.requested_at) == (None, timedelta(hours=1))


async def test_an_approved_order_goes_to_the_broker_and_the_same_word_again_changes_nothing(pair: Pair) -> None:
    order = await pair.trader.placed()

    first = await pair.decide(order)
    again = await pair.decide(order)

    assert first.problems == again.problems == ()
    assert first.order is not None
    assert first.order.state is OrderState.ROUTED
    assert [command.kind for command in await pair.trader.claim()] == [LaneKind.PLACE]
    assert [logged.event.type for logged in await pair.trader.events()][1:] == ["OrderApproved"]
    (asked,) = await pair.asked(order)
    assert (asked.decision, asked.decider) == (ApprovalDecision.APPROVED, pair.checker.user_id)
    assert await pair.open_orders() == 1


async def test_an_approved_order_is_held_by_a_closed_gate(pair: Pair) -> None:
    order = await pair.trader.placed()
    async with begin_batch(pair.trader.desk.database, order.tenant_id) as session:
        await session.execute(
            "UPDATE broker_connections SET is_gate_open = false WHERE tenant_id = $1", order.tenant_id
        )

    placement = await pair.decide(order)

    assert placement.order is not None
    assert placement.order.state is OrderState.HELD
    assert await pair.trader.claim() == []


async def test_a_refused_order_ends_and_gives_back_what_it_held(pair: Pair) -> None:
    order = await pair.trader.placed()

    placement = await pair.decide(order, approve=False)

    assert placement.problems == ()
    stored = await pair.trader.stored(order)
    assert (stored.state, stored.reject_origin, stored.reject_code, stored.reject_reason) == (
        OrderState.REJECTED,
        RejectOrigin.OMS,
        "APPROVAL_REFUSED",
        "because",
    )
    assert (await pair.trader.position()).open_buy_quantity == ZERO
    assert await pair.open_orders() == 0


async def test_nobody_approves_their_own_order_by_whatever_credential(pair: Pair) -> None:
    maker = pair.trader.principal
    by_hand = await pair.trader.placed()
    maker_key = await key_of(pair.trader, maker)
    by_key = await pair.trader.desk.intake.submit(maker_key, pair.trader.order())
    assert by_key.order is not None

    for order in (by_hand, by_key.order):
        for principal in (maker, maker_key):
            placement = await pair.decide(order, by=principal)

            assert [one.code for one in placement.problems] == ["APPROVER_IS_MAKER"]
        assert (await pair.trader.stored(order)).state is OrderState.PENDING_APPROVAL
    checker_key = await key_of(pair.trader, pair.checker)
    assert (await pair.decide(by_key.order, by=checker_key)).problems == ()


async def test_risk_looks_again_without_counting_the_order_twice(pair: Pair) -> None:
    first, second = await pair.trader.placed(quantity="60"), await pair.trader.placed(quantity="40")
    await factories.make_limit(
        pair.trader.desk.database, first.tenant_id, RiskLimitType.MAX_POSITION_QUANTITY, Decimal(100)
    )
    assert (await pair.decide(first)).problems == ()
    await factories.make_limit(
        pair.trader.desk.database, first.tenant_id, RiskLimitType.MAX_POSITION_QUANTITY, Decimal(99)
    )

    placement = await pair.decide(second)

    assert [one.code for one in placement.problems] == ["RISK_MAX_POSITION_QUANTITY"]
    assert (await pair.trader.stored(second)).state is OrderState.REJECTED
    assert (await pair.trader.position()).open_buy_quantity == 60


async def test_an_approval_without_a_fresh_price_fails_closed(pair: Pair) -> None:
    order = await pair.trader.placed()
    await factories.make_limit(
        pair.trader.desk.database, order.tenant_id, RiskLimitType.MAX_ORDER_NOTIONAL, Decimal(10**9), currency="USD"
    )

    placement = await pair.decide(order)

    assert [one.code for one in placement.problems] == ["RISK_MAX_ORDER_NOTIONAL"]


async def test_an_order_that_fails_risk_never_waits(pair: Pair) -> None:
    await factories.make_limit(
        pair.trader.desk.database, pair.trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(1)
    )

    placement = await pair.trader.place(quantity="2")

    assert placement.order is not None
    assert placement.order.state is OrderState.REJECTED
    assert await pair.asked(placement.order) == []


async def test_what_nobody_approves_in_time_ends_once_with_two_workers(pair: Pair, system_database: Database) -> None:
    order = await pair.trader.placed()
    later = pair.trader.desk.clock.now() + timedelta(hours=2)

    ended = await asyncio.gather(
        *(
            expire_approvals(pair.trader.desk.database, system_database, now=later, ids=pair.trader.desk.ids)
            for _ in range(2)
        )
    )

    assert sum(ended) >= 1
    assert (await pair.trader.stored(order)).state is OrderState.EXPIRED
    assert [logged.event.type for logged in await pair.trader.events()][1:] == ["OrderExpired"]
    assert (await pair.trader.position()).open_buy_quantity == ZERO
    assert await pair.open_orders() == 0
    assert [one.code for one in (await pair.decide(order)).problems] == ["ORDER_NOT_PENDING_APPROVAL"]


async def test_an_approval_after_its_time_is_refused_before_any_sweep(pair: Pair) -> None:
    order = await pair.trader.placed()
    async with begin_batch(pair.trader.desk.database, order.tenant_id) as session:
        await session.execute(
            "UPDATE order_approvals SET expires_at = now() WHERE tenant_id = $1 AND order_id = $2",
            order.tenant_id,
            order.id,
        )

    placement = await pair.decide(order)

    assert [one.code for one in placement.problems] == ["APPROVAL_EXPIRED"]
    assert (await pair.trader.stored(order)).state is OrderState.PENDING_APPROVAL


async def test_a_cancel_does_not_wait_and_a_modify_is_refused(pair: Pair) -> None:
    order = await pair.trader.placed()

    change = OrderChange(order_id=order.id, quantity=Decimal(5))
    modified = await replace_order(pair.trader.desk, pair.trader.principal, change)
    canceled = await cancel_order(pair.trader.desk, pair.trader.principal, order.id)

    assert [one.code for one in modified.problems] == ["ORDER_NOT_WORKING"]
    assert canceled.order is not None
    assert canceled.order.state is OrderState.CANCELED
    (asked,) = await pair.asked(order)
    assert asked.decision is ApprovalDecision.CANCELED
    assert [one.code for one in (await pair.decide(order)).problems] == ["ORDER_NOT_PENDING_APPROVAL"]


async def test_a_close_does_not_wait_and_a_flip_does(trader: Trader) -> None:
    bought = await trader.placed(quantity="100")
    await trader.claim()
    await trader.report(trader.acknowledged(bought), trader.execution(bought, "100", "10"))
    await factories.make_approval_policy(trader.desk.database, trader.key.tenant_id)

    close = await trader.placed(side=Side.SELL, quantity="60")
    flip = await trader.placed(side=Side.SELL, quantity="41")

    assert [close.state, flip.state] == [OrderState.ROUTED, OrderState.PENDING_APPROVAL]


@pytest.mark.parametrize(("price", "expected"), [("10", OrderState.ROUTED), ("10.01", OrderState.PENDING_APPROVAL)])
async def test_a_market_order_is_valued_by_the_quote(trader: Trader, price: str, expected: OrderState) -> None:
    await factories.make_approval_policy(
        trader.desk.database, trader.key.tenant_id, notional=Decimal(1000), currency="USD"
    )
    await quote(trader, price)

    assert (await trader.placed(quantity="100")).state is expected


async def test_without_a_price_an_order_under_a_notional_policy_waits(trader: Trader) -> None:
    await factories.make_approval_policy(
        trader.desk.database, trader.key.tenant_id, notional=Decimal(1000), currency="USD"
    )

    assert (await trader.placed(quantity="1")).state is OrderState.PENDING_APPROVAL


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"quantity": Decimal(101)}, "APPROVAL_REQUIRED"),
        ({"limit_price": Decimal("10.01")}, "APPROVAL_REQUIRED"),
        ({"quantity": Decimal(99)}, None),
        ({"limit_price": Decimal("9.99")}, None),
    ],
)
async def test_a_modify_is_no_way_around_approval(trader: Trader, terms: dict[str, Any], code: str | None) -> None:
    await factories.make_approval_policy(
        trader.desk.database, trader.key.tenant_id, notional=Decimal(1000), currency="USD"
    )
    order = await trader.placed(quantity="100", limit_price="10.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order))

    placement = await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, **terms))

    assert [one.code for one in placement.problems] == ([] if code is None else [code])
    expected = OrderState.PENDING_REPLACE if code is None else OrderState.ACCEPTED
    assert (await trader.stored(order)).state is expected


async def test_of_a_hundred_approvals_refusals_and_cancels_one_wins(pair: Pair) -> None:
    order = await pair.trader.placed(quantity="7")
    others = [await factories.make_principal(pair.trader.desk.database, order.tenant_id) for _ in range(4)]

    async def act(number: int) -> Placement:
        if number % 3 == 2:
            return await cancel_order(pair.trader.desk, pair.trader.principal, order.id)
        return await pair.decide(order, approve=number % 3 == 0, by=others[number % 4])

    placements = await asyncio.gather(*(act(number) for number in range(100)))

    stored = await pair.trader.stored(order)
    codes = Counter(one.problems[0].code if one.problems else "" for one in placements)
    assert set(codes) <= {"", "ORDER_NOT_PENDING_APPROVAL", "ORDER_NOT_OPEN"}
    decided = [one.decision for one in await pair.asked(order)]
    assert len(decided) == 1
    assert decided[0] is not None
    ending = [logged.event.type for logged in await pair.trader.events()][1:]
    reserved = (await pair.trader.position()).open_buy_quantity
    if stored.state.is_terminal:
        assert (reserved, await pair.open_orders(), await pair.trader.claim()) == (ZERO, 0, [])
    assert len(ending) == (2 if ending[0] == "OrderApproved" and stored.state is OrderState.CANCELED else 1)


async def test_what_was_decided_is_told_by_the_log_alone(pair: Pair) -> None:
    approved, refused = await pair.trader.placed(), await pair.trader.placed()
    await pair.decide(approved)
    await pair.decide(refused, approve=False)

    events = await pair.trader.events()

    for order in (approved, refused):
        told = replay_order(order.tenant_id, [one for one in events if one.event.order_id == order.id])
        stored = await pair.trader.stored(order)
        assert isinstance(told, OrderHistory)
        assert (told.order.state, told.order.reject_code, told.order.reject_reason) == (
            stored.state,
            stored.reject_code,
            stored.reject_reason,
        )
