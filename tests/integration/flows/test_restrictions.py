"""Restricted lists in the transaction that accepts: new orders, changes, releases, approvals, and the gate."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.compliance.domain.lists import NewEntry
from app.compliance.domain.restrictions import AlertOutcome, RestrictedAct, RestrictionAlert, RestrictionKind
from app.compliance.restrictions_batch import alerts_page
from app.core.fix import OrderState, RejectOrigin, Side
from app.core.ids import RestrictedListId
from app.core.messages import WorkingStatus
from app.core.paging import Window
from app.flows.approvals.decide_approval import Verdict, decide_approval
from app.flows.compliance.restricted_lists import EntryChanges, ListSetting, change_entries, set_restricted_list
from app.flows.orders.release_orders import release_orders
from app.flows.orders.release_staged import release_staged
from app.flows.orders.replace_order import replace_order
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange
from app.orders.domain.order import Order
from app.orders.domain.replay import OrderHistory, replay_order
from tests import factories
from tests.integration.flows.conftest import Trader

HELD_BACK = (OrderState.REJECTED, RejectOrigin.OMS, "COMPLIANCE_RESTRICTED")


async def restrict(
    trader: Trader,
    kind: RestrictionKind = RestrictionKind.NO_TRADE,
    *,
    is_reason_visible: bool = True,
    **terms: Any,
) -> RestrictedListId:
    """A new list with one entry, of AAPL where nothing else is said."""
    setting = ListSetting(name=trader.desk.ids.new().hex, is_reason_visible=is_reason_visible, reason="test")
    made = await set_restricted_list(trader.desk, trader.principal, setting)
    entry = NewEntry(kind=kind, reason="deal pending", **(terms or {"symbol": "AAPL"}))
    changes = EntryChanges(list_id=made.id, expected_version=1, add=[entry], remove=[], reason="test")
    await change_entries(trader.desk, trader.principal, changes)
    return made.id


async def alerts(trader: Trader) -> list[RestrictionAlert]:
    """What touched restricted names, the oldest first."""
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        page = await alerts_page(session, trader.key.tenant_id, Window(size=100))
    return list(reversed(page.items))


async def working(trader: Trader, **terms: Any) -> Order:
    order = await trader.placed(limit_price="100", **terms)
    await trader.claim()
    await trader.report(trader.acknowledged(order))
    return order


def refusal(order: Order | None) -> tuple[OrderState, RejectOrigin | None, str | None]:
    assert order is not None
    return order.state, order.reject_origin, order.reject_code


async def test_an_order_in_a_restricted_name_is_rejected_reserves_nothing_and_leaves_word(trader: Trader) -> None:
    await restrict(trader)

    placement = await trader.place(limit_price="100")
    other = await trader.place("MSFT", limit_price="100")

    assert refusal(placement.order) == HELD_BACK
    [problem] = placement.problems
    assert problem.message == "the instrument is restricted: deal pending"
    assert problem.path == ("instrumentId",)
    assert other.problems == ()
    assert await trader.open_orders() == 1
    assert len(await trader.claim()) == 1
    [alert] = await alerts(trader)
    assert placement.order is not None
    assert (alert.order_id, alert.act, alert.outcome) == (
        placement.order.id,
        RestrictedAct.PLACE,
        AlertOutcome.BLOCKED,
    )
    assert alert.acted_by == trader.principal.actor


async def test_a_replay_of_the_log_gives_the_refusal(trader: Trader) -> None:
    await restrict(trader, is_reason_visible=False)
    placement = await trader.place(limit_price="100")

    replayed = replay_order(trader.key.tenant_id, await trader.events())

    assert placement.order is not None
    assert isinstance(replayed, OrderHistory)
    assert replayed.order.reject_code == placement.order.reject_code == "COMPLIANCE_REFUSED"


async def test_a_name_that_may_not_be_added_to_may_be_left(trader: Trader) -> None:
    bought = await working(trader, quantity="10")
    await trader.report(trader.execution(bought, "10", "100"))
    await restrict(trader, RestrictionKind.NO_BUY)

    more = await trader.place(limit_price="100", quantity="1")
    most = await trader.place(limit_price="100", side=Side.SELL, quantity="6")
    rest = await trader.place(limit_price="100", side=Side.SELL, quantity="5")

    assert refusal(more.order)[2] == "COMPLIANCE_NO_ADDING"
    assert most.problems == ()
    # With the six that work already it would turn the position round.
    assert refusal(rest.order)[2] == "COMPLIANCE_NO_ADDING"


async def test_a_list_that_only_notifies_lets_pass_and_the_trader_sees_nothing_of_it(trader: Trader) -> None:
    await restrict(trader, RestrictionKind.NOTIFY)

    order = await trader.placed(limit_price="100")

    [event] = await trader.events()
    assert order.state is OrderState.ROUTED
    assert "restrict" not in str((order, event)).lower()
    [alert] = await alerts(trader)
    assert (alert.outcome, alert.order_id) == (AlertOutcome.NOTIFIED, order.id)


async def test_an_entry_of_another_instrument_an_inactive_list_and_another_tenants_keep_nothing_out(
    trader: Trader,
) -> None:
    other = replace(
        trader,
        principal=await factories.make_principal(
            trader.desk.database, tenant := await factories.make_tenant(trader.desk.database)
        ),
        key=await factories.make_account(trader.desk.database, tenant),
    )
    await restrict(other)
    await restrict(trader, instrument_id=trader.instruments["MSFT"].id)
    list_id = await restrict(trader)
    setting = ListSetting(id=list_id, is_active=False, reason="over")
    await set_restricted_list(trader.desk, trader.principal, setting)

    placement = await trader.place(limit_price="100")

    assert placement.problems == ()
    assert await alerts(trader) == []


async def test_a_change_is_refused_unless_it_only_takes_quantity_away(trader: Trader) -> None:
    order = await working(trader)
    await restrict(trader)

    dearer = await replace_order(
        trader.desk, trader.principal, OrderChange(order_id=order.id, limit_price=Decimal(101))
    )
    smaller = await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, quantity=Decimal(50)))

    assert [problem.code for problem in dearer.problems] == ["COMPLIANCE_RESTRICTED"]
    assert smaller.problems == ()
    [alert] = await alerts(trader)
    assert (alert.act, alert.outcome) == (RestrictedAct.MODIFY, AlertOutcome.BLOCKED)


async def test_a_staged_order_of_a_name_that_was_restricted_meanwhile_stays(trader: Trader) -> None:
    placement = await trader.desk.intake.submit(
        trader.principal, replace(trader.order(limit_price="100"), is_staged=True)
    )
    assert placement.order is not None
    await restrict(trader)

    [released] = await release_staged(trader.desk, trader.principal, [placement.order.id])

    assert [(one.code, one.path) for one in released.problems] == [("COMPLIANCE_RESTRICTED", ("orderIds",))]
    assert (await trader.stored(placement.order)).state is OrderState.HELD
    assert [alert.act for alert in await alerts(trader)] == [RestrictedAct.RELEASE]


async def test_an_approval_lets_nothing_go_that_was_restricted_meanwhile(trader: Trader) -> None:
    await factories.make_approval_policy(trader.desk.database, trader.key.tenant_id)
    checker = await factories.make_principal(trader.desk.database, trader.key.tenant_id)
    order = await trader.placed(limit_price="100")
    await restrict(trader)

    verdict = Verdict(order_id=order.id, is_approved=True)
    placement = await decide_approval(trader.desk, checker, verdict)

    assert order.state is OrderState.PENDING_APPROVAL
    assert refusal(placement.order) == HELD_BACK
    assert await trader.open_orders() == 0
    assert [(one.act, one.acted_by) for one in await alerts(trader)] == [(RestrictedAct.APPROVE, checker.actor)]


@pytest.mark.parametrize("is_bracket", [False, True], ids=["single", "bracket"])
async def test_the_gate_ends_what_waited_for_it_in_a_name_that_was_restricted(trader: Trader, is_bracket: bool) -> None:
    await trader.gate(is_open=False)
    exits: dict[str, Any] = {"take_profit": Decimal(110), "stop_loss": Decimal(95)} if is_bracket else {}
    placement = await trader.place(limit_price="100", **exits)
    fine = await trader.placed("MSFT", limit_price="100")
    await restrict(trader)

    await trader.gate(is_open=True)
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        released = await release_orders(session, trader.key, now=trader.desk.clock.now(), ids=trader.desk.ids)

    assert placement.order is not None
    assert refusal(await trader.stored(placement.order)) == HELD_BACK
    assert [(await trader.stored(one)).state.is_terminal for one in placement.linked] == [True] * len(placement.linked)
    assert (await trader.stored(fine)).state is OrderState.ROUTED
    assert released == 1
    assert await trader.open_orders() == 1
    position = await trader.position()
    assert (position.open_buy_quantity, position.open_sell_quantity) == (Decimal(0), Decimal(0))


async def test_after_the_list_has_answered_no_order_passes(trader: Trader) -> None:
    is_listed = asyncio.Event()
    late: list[Order | None] = []

    async def trade() -> None:
        while len(late) < 10:
            began_late = is_listed.is_set()
            placement = await trader.place(limit_price="100", quantity="1")
            if began_late:
                late.append(placement.order)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(trade())
        await restrict(trader)
        is_listed.set()

    assert {refusal(order) for order in late} == {HELD_BACK}


async def test_what_the_broker_tells_of_a_restricted_name_is_taken(trader: Trader) -> None:
    order = await working(trader)
    await restrict(trader)

    await trader.report(trader.execution(order, "100", "99"), trader.acknowledged(order, WorkingStatus.FILLED))

    assert (await trader.stored(order)).state is OrderState.FILLED


async def test_exits_that_a_fill_lets_go_leave_a_restricted_name_as_they_were_placed(trader: Trader) -> None:
    entry = await working(trader, quantity="10", take_profit=Decimal(110), stop_loss=Decimal(95))
    await restrict(trader)

    await trader.report(trader.execution(entry, "10", "100"))
    more = await trader.place(side=Side.SELL, quantity="10", limit_price="100")

    # An instruction that was given before, and that only leaves: without it the position has no stop.
    assert [child.state for child in await trader.children(entry)] == [OrderState.ROUTED] * 2
    assert len(await trader.claim()) == 2
    assert refusal(more.order) == HELD_BACK
