"""Halts on real PostgreSQL: what every way of accepting an order answers, what the claim refuses, who releases."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from app.core.errors import InputError
from app.core.fix import OrderState, PositionAim, RejectOrigin, RequestOutcome, Side
from app.core.ids import HaltId
from app.core.messages import Aim, LaneKind
from app.core.trading_modes import HaltScope, HaltTarget, TradingMode
from app.flows.desk import Desk
from app.flows.halts.halt_trading import halt_trading, resume_trading
from app.flows.halts.refuse_halted import still_wanted
from app.flows.journal.verify_journal import differences
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.claim_orders import commands_after_sync
from app.flows.orders.close_position import aim_at_position
from app.flows.orders.order_intake import OrderIntake
from app.flows.orders.preview_order import preview_order
from app.flows.orders.release_staged import release_staged
from app.flows.orders.replace_order import replace_order
from app.identity.domain import Principal, Role
from app.identity.domain.access import system_principal
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange
from app.orders.domain.order import Order
from app.orders.repository import account_books, order_requests
from app.risk.halts import batch as halts
from app.risk.halts.domain import Halt
from app.risk.halts.errors import (
    HaltInvalidError,
    HaltOverError,
    HaltTargetUnknownError,
    HaltUnknownError,
    ReleaserIsHalterError,
)
from tests import factories
from tests.integration.flows.conftest import Trader

ROUNDS = 8
POURERS = 40
WAITS_FOR_A_BOOK = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%account_books%'"
TENANT = HaltTarget(scope=HaltScope.TENANT)


async def halted(
    trader: Trader, mode: TradingMode = TradingMode.HALTED, target: HaltTarget = TENANT, **more: Any
) -> Halt:
    """A halt by the trader's own person."""
    return await halt_trading(trader.desk, trader.principal, target, mode, "test", **more)


async def held(trader: Trader, quantity: str, side: Side = Side.BUY) -> None:
    """A position of this size."""
    order = await trader.placed(quantity=quantity, limit_price="100", side=side)
    await trader.claim()
    await trader.report(trader.execution(order, quantity, "100"))


async def working(trader: Trader, **terms: Any) -> Order:
    """An order that the broker works."""
    order = await trader.placed(**{"quantity": "10", "limit_price": "100", **terms})
    await trader.claim()
    await trader.report(trader.acknowledged(order))
    return await trader.stored(order)


async def colleague(trader: Trader, role: Role = Role.ADMIN) -> Principal:
    """Another person of the tenant."""
    return await factories.make_principal(trader.desk.database, trader.key.tenant_id, role=role)


async def broken_journal(trader: Trader) -> list[Any]:
    """Where the tables differ from a replay of the event log."""
    return list(await differences(trader.desk.database, trader.key.tenant_id, trader.account_id))


def account_of(trader: Trader) -> HaltTarget:
    return HaltTarget(scope=HaltScope.ACCOUNT, target_id=trader.account_id)


def instrument_of(trader: Trader, symbol: str = "AAPL") -> HaltTarget:
    return HaltTarget(scope=HaltScope.INSTRUMENT, target_id=trader.instruments[symbol].id)


@pytest.mark.parametrize("scope", ["TENANT", "ACCOUNT", "INSTRUMENT"])
async def test_a_halt_refuses_orders_and_keeps_the_refusal(trader: Trader, scope: str) -> None:
    target = {"TENANT": TENANT, "ACCOUNT": account_of(trader), "INSTRUMENT": instrument_of(trader)}[scope]
    await halted(trader, target=target)

    placement = await trader.place(quantity="1", limit_price="100")

    assert [one.code for one in placement.problems] == ["TRADING_HALTED"]
    assert placement.order is not None
    stored = await trader.stored(placement.order)
    assert (stored.state, stored.reject_origin, stored.reject_code) == (
        OrderState.REJECTED,
        RejectOrigin.OMS,
        "TRADING_HALTED",
    )
    assert await trader.claim() == []
    assert await trader.open_orders() == 0


async def test_a_halt_of_others_leaves_orders_alone(trader: Trader, desk: Desk) -> None:
    other = await factories.make_account(desk.database, trader.key.tenant_id)
    await halted(trader, target=HaltTarget(scope=HaltScope.ACCOUNT, target_id=other.account_id))
    await halted(trader, target=instrument_of(trader, "MSFT"))

    placement = await trader.place(quantity="1", limit_price="100")

    assert placement.problems == ()


async def test_the_strictest_of_several_halts_holds_until_it_is_released(trader: Trader) -> None:
    await held(trader, "10")
    await halted(trader, TradingMode.REDUCE_ONLY)
    strict = await halted(trader, TradingMode.HALTED, account_of(trader))
    sale = {"side": Side.SELL, "quantity": "10", "limit_price": "100"}

    refused = await trader.place(**sale)
    await resume_trading(trader.desk, await colleague(trader), strict.id, "over")
    taken = await trader.place(**sale)
    larger = await trader.place(quantity="1", limit_price="100")

    assert [one.code for one in refused.problems] == ["TRADING_HALTED"]
    assert taken.problems == ()
    assert [one.code for one in larger.problems] == ["TRADING_REDUCE_ONLY"]


async def test_reduce_only_counts_what_is_open_already(trader: Trader) -> None:
    await held(trader, "10")
    await trader.placed(side=Side.SELL, quantity="7", limit_price="110")
    await halted(trader, TradingMode.REDUCE_ONLY)

    too_much = await trader.place(side=Side.SELL, quantity="4", limit_price="100")
    fits = await trader.place(side=Side.SELL, quantity="3", limit_price="100")

    assert [one.code for one in too_much.problems] == ["TRADING_REDUCE_ONLY"]
    assert fits.problems == ()


async def test_pairs_and_brackets_meet_the_halt_as_a_whole(trader: Trader) -> None:
    await halted(trader)

    bracket = await trader.place(quantity="1", limit_price="100", take_profit=Decimal(110), stop_loss=Decimal(90))

    assert [one.code for one in bracket.problems] == ["TRADING_HALTED"]
    assert bracket.linked == ()


async def test_preview_says_that_trading_is_halted(trader: Trader) -> None:
    await halted(trader)

    preview = await preview_order(trader.desk, trader.principal, trader.order(quantity="1", limit_price="100"))

    assert "TRADING_HALTED" in [one.code for one in preview.problems]


async def test_staged_orders_stay_while_trading_is_halted(trader: Trader) -> None:
    staged = await trader.placed(quantity="1", limit_price="100", is_staged=True)
    halt = await halted(trader)

    [refused] = await release_staged(trader.desk, trader.principal, [staged.id])
    await resume_trading(trader.desk, await colleague(trader), halt.id, "over")
    [released] = await release_staged(trader.desk, trader.principal, [staged.id])

    assert [one.code for one in refused.problems] == ["TRADING_HALTED"]
    assert released.problems == ()
    assert released.order is not None
    assert released.order.state is OrderState.ROUTED


async def test_a_modify_passes_only_where_it_asks_for_less(trader: Trader) -> None:
    order = await working(trader)
    await halted(trader)

    dearer = await replace_order(
        trader.desk, trader.principal, OrderChange(order_id=order.id, limit_price=Decimal(101))
    )
    larger = await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, quantity=Decimal(11)))
    smaller = await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, quantity=Decimal(9)))

    assert [one.code for one in dearer.problems] == ["TRADING_HALTED"]
    assert [one.code for one in larger.problems] == ["TRADING_HALTED"]
    assert smaller.problems == ()
    assert [command.kind for command in await trader.claim()] == [LaneKind.REPLACE]


async def test_a_close_waits_for_the_release_of_a_halt_and_passes_reduce_only(trader: Trader) -> None:
    await held(trader, "10")
    position = (await trader.position()).id
    halt = await halted(trader)
    aim = Aim(kind=PositionAim.CLOSE)

    refused = await aim_at_position(trader.desk, trader.principal, position, "one", aim)
    await resume_trading(trader.desk, await colleague(trader), halt.id, "over")
    await halted(trader, TradingMode.REDUCE_ONLY)
    reversal = await aim_at_position(trader.desk, trader.principal, position, "two", Aim(kind=PositionAim.REVERSE))
    taken = await aim_at_position(trader.desk, trader.principal, position, "three", aim)

    assert [one.code for one in refused.problems] == ["TRADING_HALTED"]
    assert [one.code for one in reversal.problems] == ["TRADING_REDUCE_ONLY"]
    assert taken.problems == ()


async def test_cancels_pass_in_every_mode(trader: Trader) -> None:
    order = await working(trader)
    await halted(trader)

    canceled = await cancel_order(trader.desk, trader.principal, order.id)

    assert canceled.problems == ()
    assert [command.kind for command in await trader.claim()] == [LaneKind.CANCEL]


async def test_what_waits_in_the_lane_is_refused_when_it_is_claimed(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="100")
    await halted(trader)

    commands = await trader.claim()

    stored = await trader.stored(order)
    assert commands == []
    assert (stored.state, stored.reject_origin, stored.reject_code) == (
        OrderState.REJECTED,
        RejectOrigin.OMS,
        "TRADING_HALTED",
    )
    assert not stored.was_claimed
    assert await trader.open_orders() == 0
    assert (await trader.position()).open_buy_quantity == 0
    last = (await trader.events())[-1].event
    assert (last.type, last.actor, last.details["code"]) == ("OrderRejected", "halts", "TRADING_HALTED")
    assert await broken_journal(trader) == []


async def test_a_claim_under_reduce_only_sends_what_reduces_and_refuses_the_rest(trader: Trader) -> None:
    await held(trader, "10")
    sale = await trader.placed(side=Side.SELL, quantity="10", limit_price="100")
    purchase = await trader.placed(quantity="5", limit_price="100")
    await halted(trader, TradingMode.REDUCE_ONLY)

    commands = await trader.claim()

    assert [command.order_id for command in commands] == [sale.id]
    assert (await trader.stored(purchase)).reject_code == "TRADING_REDUCE_ONLY"
    assert await broken_journal(trader) == []


async def test_an_increase_in_the_lane_is_refused_and_its_order_lives_on(trader: Trader) -> None:
    order = await working(trader)
    await replace_order(trader.desk, trader.principal, OrderChange(order_id=order.id, quantity=Decimal(12)))
    await halted(trader)

    commands = await trader.claim()

    stored = await trader.stored(order)
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        [request] = await order_requests.requests_of(session, trader.key.tenant_id, [order.id])
    assert commands == []
    assert (stored.state, stored.terms.quantity) == (OrderState.ACCEPTED, Decimal(10))
    assert request.outcome is RequestOutcome.REJECTED
    assert (request.reason or "").startswith("TRADING_HALTED: ")
    assert (await trader.position()).open_buy_quantity == 10
    assert await broken_journal(trader) == []


async def test_exits_that_a_fill_releases_do_not_leave_under_a_halt(trader: Trader) -> None:
    entry = await trader.placed(quantity="10", limit_price="100", take_profit=Decimal(110), stop_loss=Decimal(90))
    await trader.claim()
    await trader.report(trader.acknowledged(entry))
    await halted(trader)

    await trader.report(trader.execution(entry, "10", "100"))
    commands = await trader.claim()

    assert commands == []
    assert {child.reject_code for child in await trader.children(entry)} == {"TRADING_HALTED"}
    assert (await trader.position()).open_sell_quantity == 0
    assert await trader.open_orders() == 0
    assert await broken_journal(trader) == []


async def test_commands_that_waited_before_they_are_written_are_looked_at_again(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="100")
    commands = await trader.claim()
    assert [command.order_id for command in commands] == [order.id]
    await halted(trader)

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        kept = await still_wanted(
            session,
            trader.key,
            commands,
            may_have_left=False,
            now=trader.desk.clock.now(),
            ids=trader.desk.ids,
            memory=InstrumentMemory(),
        )

    stored = await trader.stored(order)
    assert kept == []
    assert (stored.state, stored.reject_code, stored.reject_origin) == (
        OrderState.REJECTED,
        "TRADING_HALTED",
        RejectOrigin.OMS,
    )
    assert (await trader.position()).open_buy_quantity == 0
    assert await broken_journal(trader) == []


async def test_what_may_have_left_before_a_restart_is_not_written_again_and_not_declared_over(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="100")
    await trader.claim()
    await halted(trader)

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        again = await commands_after_sync(session, trader.lease)
        kept = await still_wanted(
            session,
            trader.key,
            again,
            may_have_left=True,
            now=trader.desk.clock.now(),
            ids=trader.desk.ids,
            memory=InstrumentMemory(),
        )

    assert [command.order_id for command in again] == [order.id]
    stored = await trader.stored(order)
    assert kept == []
    assert (stored.state, stored.in_doubt) == (OrderState.ROUTED, True)
    assert await broken_journal(trader) == []


async def test_who_halted_does_not_release_while_another_could(trader: Trader) -> None:
    second = await colleague(trader)
    halt = await halted(trader)

    with pytest.raises(ReleaserIsHalterError):
        await resume_trading(trader.desk, trader.principal, halt.id, "mine")
    done = await resume_trading(trader.desk, second, halt.id, "checked")

    assert (done.resumed_by, done.resume_reason) == (second.actor, "checked")
    with pytest.raises(HaltOverError):
        await resume_trading(trader.desk, second, halt.id, "again")


@pytest.mark.parametrize("role", [Role.TRADER, Role.VIEWER])
async def test_the_only_person_who_could_releases_what_they_halted(trader: Trader, role: Role) -> None:
    await colleague(trader, role)
    halt = await halted(trader)

    done = await resume_trading(trader.desk, trader.principal, halt.id, "nobody else is left")

    assert done.resumed_at is not None


async def test_what_the_house_halted_by_itself_anybody_of_risk_releases_and_the_house_does_not(trader: Trader) -> None:
    house = system_principal(trader.key.tenant_id, "circuit-breaker")
    halt = await halt_trading(trader.desk, house, TENANT, TradingMode.HALTED, "loss", is_automatic=True)

    done = await resume_trading(trader.desk, trader.principal, halt.id, "looked at")

    assert halt.is_automatic
    assert done.resumed_by == trader.principal.actor


async def test_a_halt_of_another_tenant_is_unknown(trader: Trader, desk: Desk) -> None:
    other = await factories.make_tenant(desk.database)
    stranger = await factories.make_principal(desk.database, other)
    halt = await halt_trading(desk, stranger, TENANT, TradingMode.HALTED, "theirs")
    foreign = await factories.make_account(desk.database, other)

    with pytest.raises(HaltUnknownError):
        await resume_trading(desk, trader.principal, halt.id, "mine")
    with pytest.raises(HaltTargetUnknownError):
        await halted(trader, target=HaltTarget(scope=HaltScope.ACCOUNT, target_id=foreign.account_id))
    assert (await trader.place(quantity="1", limit_price="100")).problems == ()


async def test_targets_and_reasons_that_make_no_sense_are_refused(trader: Trader) -> None:
    with pytest.raises(HaltInvalidError):
        await halted(trader, TradingMode.ACTIVE)
    with pytest.raises(HaltInvalidError):
        await halted(trader, target=HaltTarget(scope=HaltScope.ACCOUNT))
    with pytest.raises(HaltInvalidError):
        await halted(trader, target=HaltTarget(scope=HaltScope.TENANT, target_id=trader.account_id))
    with pytest.raises(HaltInvalidError):
        await halted(trader, target=HaltTarget(scope=HaltScope.STRATEGY, target_id=trader.account_id))
    for reason in ("", " ", "x" * 501, "a\x00b", "\u200b"):
        with pytest.raises(InputError):
            await halt_trading(trader.desk, trader.principal, TENANT, TradingMode.HALTED, reason)
    with pytest.raises(HaltUnknownError):
        await resume_trading(trader.desk, trader.principal, HaltId(trader.account_id), "none")

    assert (await trader.place(quantity="1", limit_price="100")).problems == ()


async def test_a_halt_waits_for_whoever_locked_the_book_before_it_and_others_see_it(
    trader: Trader, desk: Desk, database_url: str
) -> None:
    locked, go = asyncio.Event(), asyncio.Event()

    async def accept() -> None:
        async with begin_batch(desk.database, trader.key.tenant_id) as session:
            await account_books.books_for_update(session, [trader.key])
            assert await halts.in_force(session, trader.key.tenant_id) == []
            locked.set()
            await go.wait()

    owner = await asyncpg.connect(database_url)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(accept())
            await locked.wait()
            halting = group.create_task(halted(trader))
            while not halting.done() and not await owner.fetch(WAITS_FOR_A_BOOK):
                await asyncio.sleep(0)
            has_waited = not halting.done()
            async with begin_batch(desk.database, trader.key.tenant_id) as session:
                is_in_force = bool(await halts.in_force(session, trader.key.tenant_id))
            go.set()
    finally:
        await owner.close()

    assert (has_waited, is_in_force) == (True, True)


@dataclass(slots=True)
class Pouring:
    """Orders poured into an intake until it is over; those that were taken though the halt had returned before."""

    trader: Trader
    has_halted: bool = False
    is_over: bool = False
    late: int = 0

    async def pour(self, intake: OrderIntake) -> None:
        while not self.is_over:
            was_halted = self.has_halted
            placement = await intake.submit(self.trader.principal, self.trader.order(quantity="1", limit_price="10"))
            self.late += was_halted and not placement.problems


async def test_no_order_is_accepted_after_a_halt_returned_whichever_process_takes_it(
    trader: Trader, settings_of_flows: Settings
) -> None:
    second = await colleague(trader)
    async with AsyncExitStack() as stack:
        intakes = []
        for _ in range(2):
            database = Database(settings_of_flows.database_url or "", DatabaseRole.INTAKE, size=1)
            stack.push_async_callback(database.close)
            await database.open()
            intake = OrderIntake(database, trader.desk.database, trader.desk.redis, trader.desk.clock, trader.desk.ids)
            intakes.append(await stack.enter_async_context(intake))
        for _ in range(ROUNDS):
            accepted = await trader.open_orders()
            pouring = Pouring(trader)
            async with asyncio.TaskGroup() as group:
                for intake in intakes * POURERS:
                    group.create_task(pouring.pour(intake))
                while await trader.open_orders() < accepted + 10:
                    await asyncio.sleep(0)
                halt = await halted(trader)
                pouring.has_halted = True
                at_halt = await trader.open_orders()
                for intake in intakes * 3:
                    await intake.submit(trader.principal, trader.order(quantity="1", limit_price="10"))
                pouring.is_over = True

            assert (pouring.late, await trader.open_orders()) == (0, at_halt)
            await resume_trading(trader.desk, second, halt.id, "next")
