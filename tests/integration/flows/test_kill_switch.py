"""The kill switch on real PostgreSQL: what it cancels and closes, how it survives a crash, and its drill."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core.fix import OrderState, Side
from app.core.messages import LaneKind, StatusReport, WorkingStatus
from app.core.records import replace
from app.core.trading_modes import HaltScope, HaltTarget, TradingMode
from app.flows.desk import Desk
from app.flows.halts.halt_trading import halt_trading, resume_trading
from app.flows.halts.kill_account import cancel_in_account
from app.flows.halts.kill_switch import Activation, activate_kill_switch, advance
from app.flows.halts.run_kill_switches import KillSwitchRunner
from app.flows.halts.view_halts import view_kill_switch
from app.flows.hands import WorkerHands
from app.flows.journal.verify_journal import differences
from app.flows.orders.order_intake import OrderIntake
from app.identity.domain import AccountGrants, Principal
from app.identity.errors import WholeTenantError
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from app.orders.domain.order import Order
from app.orders.repository import batch as orders
from app.risk.halts import batch as halts
from app.risk.halts.domain import KILL_SWITCH_ACTOR, KillStep, KillSwitch
from app.risk.halts.errors import HaltTargetUnknownError, KillSwitchRunsError
from tests import factories
from tests.integration.flows.conftest import Trader

TENANT = HaltTarget(scope=HaltScope.TENANT)


def asked(**more: Any) -> Activation:
    return Activation(**{"target": TENANT, "reason": "test", **more})


async def kill(trader: Trader, by: Principal | None = None, **more: Any) -> KillSwitch:
    """The kill switch after its activation."""
    found, _ = await activate_kill_switch(trader.desk, by or trader.principal, asked(**more))
    return found


async def seen(trader: Trader, one: KillSwitch) -> KillSwitch:
    return (await view_kill_switch(trader.desk, trader.principal, one.id)).kill


async def held(trader: Trader, quantity: str, side: Side = Side.BUY) -> None:
    order = await trader.placed(quantity=quantity, limit_price="100", side=side)
    await trader.claim()
    await trader.report(trader.execution(order, quantity, "100"))


async def working(trader: Trader, **terms: Any) -> Order:
    order = await trader.placed(**{"quantity": "10", "limit_price": "90", **terms})
    await trader.claim()
    await trader.report(trader.acknowledged(order))
    return await trader.stored(order)


def canceled(trader: Trader, order: Order) -> StatusReport:
    """What the broker says once it has canceled the order."""
    return trader.acknowledged(order, WorkingStatus.CANCELED)


async def all_orders(trader: Trader) -> list[Order]:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        return await orders.orders_of_account(session, trader.key, None, 1_000)


async def broken_journal(trader: Trader) -> list[Any]:
    return list(await differences(trader.desk.database, trader.key.tenant_id, trader.account_id))


async def test_everything_open_is_canceled_and_nothing_new_is_taken(trader: Trader) -> None:
    at_broker = await working(trader)
    staged = await trader.placed(quantity="1", limit_price="90", is_staged=True)
    await trader.gate(is_open=False)
    held_back = await trader.placed(quantity="1", limit_price="90")
    await trader.gate(is_open=True)
    in_lane = await trader.placed(quantity="1", limit_price="90")

    done = await kill(trader)
    placement = await trader.place(quantity="1", limit_price="90")

    [account] = done.accounts
    assert done.barred_at is not None
    assert (account.step, len(account.order_ids), account.cancels_open) == (KillStep.CANCELING, 4, 1)
    assert [one.code for one in placement.problems] == ["TRADING_HALTED"]
    for order in (staged, held_back, in_lane):
        assert (await trader.stored(order)).state is OrderState.CANCELED
    assert [command.kind for command in await trader.claim()] == [LaneKind.CANCEL]

    await trader.report(canceled(trader, at_broker))
    assert await advance(trader.desk, trader.key.tenant_id, done.id)

    over = await seen(trader, done)
    assert (over.accounts[0].step, over.accounts[0].cancels_open) == (KillStep.DONE, 0)
    assert over.finished_at is not None
    assert await broken_journal(trader) == []


async def test_positions_are_closed_by_orders_that_pass_the_halt(trader: Trader) -> None:
    await held(trader, "10")

    done = await kill(trader, closes_positions=True)
    [command] = await trader.claim()

    assert (command.kind, command.side, command.terms.quantity) == (LaneKind.PLACE, Side.SELL, Decimal(10))
    assert (done.accounts[0].positions_closing, done.accounts[0].closes_open) == (1, 1)
    order = await trader.stored_id(command.order_id)
    assert (order.placed_by, order.closes_position) == (KILL_SWITCH_ACTOR, True)

    await trader.report(trader.execution(order, "10", "99"))
    assert await advance(trader.desk, trader.key.tenant_id, done.id)
    over = await seen(trader, done)
    assert (over.accounts[0].step, over.accounts[0].errors) == (KillStep.DONE, ())
    assert (await trader.position()).quantity == 0


async def test_a_close_waits_for_exits_and_its_parts_pass_the_halt(trader: Trader) -> None:
    entry = await trader.placed(quantity="10", limit_price="100", take_profit=Decimal(110), stop_loss=Decimal(90))
    await trader.claim()
    await trader.report(trader.acknowledged(entry))
    await trader.report(trader.execution(entry, "10", "100"))
    await trader.claim()
    children = await trader.children(entry)
    await trader.report(*(trader.acknowledged(child) for child in children))

    done = await kill(trader, closes_positions=True)
    first = await trader.claim()
    await trader.report(*(canceled(trader, child) for child in children))
    second = await trader.claim()

    assert {command.kind for command in first} == {LaneKind.CANCEL}
    assert [(command.kind, command.terms.quantity) for command in second] == [(LaneKind.PLACE, Decimal(10))]
    await trader.report(trader.execution(await trader.stored_id(second[0].order_id), "10", "99"))
    assert await advance(trader.desk, trader.key.tenant_id, done.id)
    assert (await trader.position()).quantity == 0
    assert await broken_journal(trader) == []


async def test_a_refused_close_is_told_and_tried_a_bounded_number_of_times(
    trader: Trader, settings_of_flows: Settings
) -> None:
    await held(trader, "10")
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await session.execute("UPDATE instruments SET is_active = false WHERE tenant_id = $1", trader.key.tenant_id)
    desk, intake_database = trader.desk, Database(settings_of_flows.database_url or "", DatabaseRole.INTAKE, size=1)
    await intake_database.open()
    # Instruments are remembered for a moment: another process reads them afresh.
    fresh = WorkerHands(
        database=desk.database,
        redis=desk.redis,
        intake=OrderIntake(intake_database, desk.database, desk.redis, desk.clock, desk.ids),
        clock=desk.clock,
        ids=desk.ids,
    )

    done, _ = await activate_kill_switch(fresh, trader.principal, asked(closes_positions=True))
    while not await advance(fresh, trader.key.tenant_id, done.id):
        pass
    await intake_database.close()

    [account] = (await seen(trader, done)).accounts
    assert account.step is KillStep.DONE
    assert {one.code for one in account.errors} == {"INSTRUMENT_INACTIVE", "POSITION_NOT_CLOSED"}
    assert account.attempts == 3


async def test_an_instrument_is_killed_in_all_accounts_and_others_go_on(trader: Trader, desk: Desk) -> None:
    apple = await working(trader)
    other = await working(trader, symbol="MSFT")

    await kill(trader, target=HaltTarget(scope=HaltScope.INSTRUMENT, target_id=trader.instruments["AAPL"].id))

    assert (await trader.stored(apple)).state is OrderState.PENDING_CANCEL
    assert (await trader.stored(other)).state is OrderState.ACCEPTED
    assert (await trader.place(symbol="MSFT", quantity="1", limit_price="90")).problems == ()


async def test_asked_again_it_answers_the_one_that_runs_and_halts_once(trader: Trader) -> None:
    await working(trader)

    first, *others = await asyncio.gather(*(kill(trader) for _ in range(6)))

    assert {one.id for one in others} == {first.id}
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        assert len(await halts.in_force(session, trader.key.tenant_id)) == 1
    closing = await kill(trader, closes_positions=True)
    assert closing.id != first.id
    assert closing.halt_id == first.halt_id


async def test_after_a_release_it_halts_anew_though_cancels_are_still_waited_for(trader: Trader) -> None:
    await working(trader)
    second = await factories.make_principal(trader.desk.database, trader.key.tenant_id)
    first = await kill(trader)
    assert first.halt_id is not None
    await resume_trading(trader.desk, second, first.halt_id, "over")

    again = await kill(trader)

    assert first.finished_at is None
    assert again.id != first.id
    assert [one.code for one in (await trader.place(quantity="1", limit_price="90")).problems] == ["TRADING_HALTED"]


async def test_a_drill_counts_and_touches_nothing(trader: Trader) -> None:
    await held(trader, "10")
    order = await working(trader)
    before = await trader.events()

    done = await kill(trader, is_drill=True, closes_positions=True)

    [account] = done.accounts
    assert (done.halt_id, account.step, len(account.order_ids), account.positions_closing) == (
        None,
        KillStep.DONE,
        1,
        1,
    )
    assert done.finished_at is not None
    assert await trader.events() == before
    assert (await trader.stored(order)).state is OrderState.ACCEPTED
    assert (await trader.place(quantity="1", limit_price="90")).problems == ()


async def test_the_worker_goes_on_where_the_process_that_was_asked_died(
    trader: Trader, settings_of_flows: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_broker = await working(trader)
    waiting = await trader.placed(quantity="1", limit_price="90")

    async def dies(*_: Any, **__: Any) -> bool:
        raise ConnectionError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("app.flows.halts.kill_switch.cancel_in_account", dies)
        done = await kill(trader)
    assert done.accounts[0].step is KillStep.WAITING
    second = await factories.make_principal(trader.desk.database, trader.key.tenant_id)
    assert done.halt_id is not None
    with pytest.raises(KillSwitchRunsError):
        await resume_trading(trader.desk, second, done.halt_id, "too early")

    system = Database(settings_of_flows.database_url or "", DatabaseRole.SYSTEM, size=1)
    await system.open()
    try:
        runner = KillSwitchRunner(hands=trader.desk, system_database=system)
        await runner.run_once()
        assert (await trader.stored(waiting)).state is OrderState.CANCELED
        assert (await trader.stored(at_broker)).state is OrderState.PENDING_CANCEL
        await trader.claim()
        await trader.report(canceled(trader, at_broker))
        await runner.run_once()
    finally:
        await system.close()

    assert (await seen(trader, done)).finished_at is not None
    assert (await resume_trading(trader.desk, second, done.halt_id, "over")).resumed_at is not None
    assert (await trader.place(quantity="1", limit_price="90")).problems == ()


async def test_processes_that_work_at_once_cancel_and_close_once(trader: Trader) -> None:
    await held(trader, "10")
    for _ in range(5):
        await trader.placed(quantity="1", limit_price="90")
    done = await kill(trader, closes_positions=True)

    await asyncio.gather(*(advance(trader.desk, trader.key.tenant_id, done.id) for _ in range(5)))

    closes = [one for one in await all_orders(trader) if one.placed_by == KILL_SWITCH_ACTOR]
    assert len(closes) == 1
    assert len((await seen(trader, done)).accounts[0].order_ids) == 5


async def test_who_is_restricted_to_accounts_kills_those_alone(trader: Trader, desk: Desk) -> None:
    other = await factories.make_account(desk.database, trader.key.tenant_id)
    grants = AccountGrants(view=frozenset({other.account_id}), trade=frozenset({other.account_id}))
    restricted = replace(trader.principal, accounts=grants)

    with pytest.raises(WholeTenantError):
        await kill(trader, restricted)
    with pytest.raises(HaltTargetUnknownError):
        await kill(trader, restricted, target=HaltTarget(scope=HaltScope.ACCOUNT, target_id=trader.account_id))
    mine = await kill(trader, restricted, target=HaltTarget(scope=HaltScope.ACCOUNT, target_id=other.account_id))

    assert [one.account_id for one in mine.accounts] == [other.account_id]
    assert (await trader.place(quantity="1", limit_price="90")).problems == ()


async def test_many_orders_are_canceled_in_parts(trader: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.flows.halts.kill_account.CANCELS_AT_ONCE", 3)
    placed = [await trader.placed(quantity="1", limit_price="90") for _ in range(8)]

    done = await kill(trader)

    assert len(done.accounts[0].order_ids) == 8
    assert {(await trader.stored(one)).state for one in placed} == {OrderState.CANCELED}
    assert done.finished_at is not None


async def test_a_cancel_that_the_broker_refused_is_asked_for_again(
    trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await working(trader)
    done = await kill(trader)
    await trader.claim()
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await session.execute(
            "UPDATE order_requests SET outcome = 'REJECTED', resolved_at = now() WHERE tenant_id = $1",
            trader.key.tenant_id,
        )
        await session.execute("UPDATE orders SET state = 'ACCEPTED' WHERE tenant_id = $1", trader.key.tenant_id)
    await cancel_in_account(trader.desk, trader.key.tenant_id, done, trader.account_id)
    soon = (await trader.stored(order)).state
    monkeypatch.setattr("app.flows.halts.kill_account.ASKED_AGAIN_AFTER", timedelta(0))
    await cancel_in_account(trader.desk, trader.key.tenant_id, done, trader.account_id)

    assert soon is OrderState.ACCEPTED
    assert (await trader.stored(order)).state is OrderState.PENDING_CANCEL


async def test_other_halts_stand_beside_the_kill_switch(trader: Trader) -> None:
    mine = await halt_trading(trader.desk, trader.principal, TENANT, TradingMode.HALTED, "mine")

    done = await kill(trader)

    assert done.halt_id is not None
    assert done.halt_id != mine.id
