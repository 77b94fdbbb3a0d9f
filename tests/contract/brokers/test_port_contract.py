"""What every broker behind the port does alike: Interactive Brokers over both libraries, and the paper broker."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.brokers.errors import BrokerDisconnectedError, WhatIfRefusedError
from app.brokers.port import BrokerAdapter
from app.brokers.what_if import WhatIf
from app.core.fix import OrderType, Side, TimeInForce
from app.core.ids import OrderId
from app.core.messages import (
    BrokerReport,
    CommissionReport,
    ExecutionReport,
    FaultClass,
    FaultReport,
    LaneCommand,
    LaneKind,
    OrderTerms,
    StatusReport,
    WorkingStatus,
)
from app.infra.bus import Bus
from app.infra.db import Database
from app.infra.redis import open_redis
from app.infra.system import SystemIds
from tests.contract.brokers.benches import CASH, STARTS_AT, BrokerBench, ib_bench, paper_bench
from tests.contract.brokers.conftest import WAIT_S, RecordingSink

REPLACE_REFUSED = {FaultClass.REPLACE_REJECTED, FaultClass.REJECTED_BY_STATE}
ORDER_REFUSED = {FaultClass.ORDER_REJECTED, FaultClass.REJECTED_BY_STATE}


@pytest.fixture(params=["ib_insync", "ib_async", "paper"])
async def broker(
    request: pytest.FixtureRequest, database: Database, redis_url: str, redis_prefix: str
) -> AsyncIterator[BrokerBench]:
    """Each broker, with AAPL at 187.40 to 187.42, a thousand on either side, last 187.40."""
    async with AsyncExitStack() as stack:
        bench: BrokerBench
        if request.param == "paper":
            redis = await open_redis(redis_url, redis_prefix)
            stack.push_async_callback(redis.close)
            bus = await stack.enter_async_context(Bus(redis_url, redis_prefix))
            bench = await stack.enter_async_context(paper_bench(database, redis, bus))
        else:
            bench = await stack.enter_async_context(ib_bench(request.param))
        await bench.quote("187.40", "187.42")
        yield bench


@dataclasses.dataclass
class Session:
    """A session that stands, what it told, and the next free order id."""

    adapter: BrokerAdapter
    sink: RecordingSink
    number: int

    def executions(self, order_id: OrderId | None = None) -> list[ExecutionReport]:
        return executions(self.sink.reports, order_id)

    async def status(self, command: LaneCommand, status: WorkingStatus) -> None:
        """Wait until the order was told to stand so."""
        await self.sink.until(
            lambda: any(
                isinstance(one, StatusReport)
                and one.status is status
                and one.address.broker_order_id == command.broker_order_id
                for one in self.sink.reports
            )
        )

    async def terms(self, terms: OrderTerms) -> None:
        """Wait until the broker was told to hold such terms."""
        await self.sink.until(
            lambda: any(isinstance(one, StatusReport) and one.terms == terms for one in self.sink.reports)
        )

    async def fault(self, count: int = 1) -> FaultReport:
        """The fault that comes as the last of so many, beside those that only confirm a cancel."""
        await self.sink.until(lambda: len(self.faults()) >= count)
        return self.faults()[count - 1]

    def faults(self) -> list[FaultReport]:
        found = (one for one in self.sink.reports if isinstance(one, FaultReport))
        return [one for one in found if one.fault is not FaultClass.CANCEL_CONFIRMED]

    async def dealt(self, command: LaneCommand, quantity: int) -> None:
        """Wait until so much of the order was told to be dealt."""
        await self.sink.until(lambda: sum(one.quantity for one in self.executions(command.order_id)) >= quantity)


async def opened(broker: BrokerBench) -> Session:
    sink = RecordingSink()
    adapter = broker.session(sink)
    told = await adapter.connect()
    return Session(adapter=adapter, sink=sink, number=told.next_order_id)


def executions(reports: Sequence[BrokerReport], order_id: OrderId | None = None) -> list[ExecutionReport]:
    found = (one for one in reports if isinstance(one, ExecutionReport))
    return [one for one in found if order_id is None or one.address.order_id == order_id]


def order(
    broker: BrokerBench,
    number: int,
    quantity: int = 100,
    *,
    side: Side = Side.BUY,
    order_type: OrderType | None = None,
    oca_group: str | None = None,
    time_in_force: TimeInForce = TimeInForce.DAY,
    expires_at: datetime | None = None,
    **prices: str,
) -> LaneCommand:
    """A command to place an order of AAPL; its type follows from the limit price where it is not told."""
    terms = OrderTerms(
        quantity=Decimal(quantity),
        time_in_force=time_in_force,
        expires_at=expires_at,
        **{name: Decimal(price) for name, price in prices.items()},
    )
    return LaneCommand(
        kind=LaneKind.PLACE,
        order_id=OrderId(SystemIds().new()),
        request_id=None,
        broker_order_id=number,
        contract=broker.contract("AAPL"),
        side=side,
        order_type=order_type or (OrderType.LIMIT if "limit_price" in prices else OrderType.MARKET),
        terms=terms,
        oca_group=oca_group,
    )


def replaced(command: LaneCommand, **terms: object) -> LaneCommand:
    return dataclasses.replace(
        command,
        kind=LaneKind.REPLACE,
        terms=dataclasses.replace(command.terms, **terms),  # type: ignore[arg-type]
    )


def canceled(command: LaneCommand) -> LaneCommand:
    return dataclasses.replace(command, kind=LaneKind.CANCEL)


async def shown(
    broker: BrokerBench,
    session: Session,
    bid: str,
    ask: str,
    *,
    bid_size: int = 1_000,
    ask_size: int = 1_000,
    last: str | None = None,
) -> None:
    """Show a quote and wait until the broker has seen it."""
    await broker.quote(bid, ask, bid_size=bid_size, ask_size=ask_size, last=last)
    await broker.settle(session.adapter)


async def test_a_fresh_account_has_nothing_but_its_cash(broker: BrokerBench) -> None:
    sink = RecordingSink()
    adapter = broker.session(sink)

    told = await adapter.connect()
    snapshot = await adapter.synchronize()

    assert told.accounts == (broker.account,)
    assert told.next_order_id >= 1
    assert snapshot.is_complete
    assert (snapshot.reports, snapshot.positions) == ((), ())
    assert (snapshot.values.cash, snapshot.values.equity) == (CASH, CASH)
    assert sink.changes == [] or {change.broker_code for change in sink.changes} <= {2104, 2106, 2158}


@pytest.mark.parametrize(
    ("order_type", "side", "time_in_force", "expires_at", "prices"),
    [
        (OrderType.LIMIT, Side.BUY, TimeInForce.DAY, None, {"limit_price": "187.41"}),
        (OrderType.LIMIT, Side.BUY, TimeInForce.GTC, None, {"limit_price": "187.41"}),
        (OrderType.LIMIT, Side.BUY, TimeInForce.GTD, STARTS_AT + timedelta(hours=2), {"limit_price": "187.41"}),
        (OrderType.LIMIT, Side.BUY, TimeInForce.OPG, None, {"limit_price": "188.5"}),
        (OrderType.MARKET, Side.BUY, TimeInForce.OPG, None, {}),
        (OrderType.STOP, Side.BUY, TimeInForce.GTC, None, {"stop_price": "190.5"}),
        (OrderType.STOP_LIMIT, Side.BUY, TimeInForce.DAY, None, {"stop_price": "190.5", "limit_price": "191.25"}),
        (OrderType.TRAILING_STOP, Side.SELL, TimeInForce.GTC, None, {"trailing_amount": "0.75"}),
    ],
)
async def test_a_working_order_is_held_with_the_terms_that_were_sent(
    broker: BrokerBench,
    order_type: OrderType,
    side: Side,
    time_in_force: TimeInForce,
    expires_at: datetime | None,
    prices: dict[str, str],
) -> None:
    session = await opened(broker)
    command = order(
        broker,
        session.number,
        10,
        side=side,
        order_type=order_type,
        time_in_force=time_in_force,
        expires_at=expires_at,
        **prices,
    )

    session.adapter.send(command)
    await session.terms(command.terms)
    snapshot = await session.adapter.synchronize()

    [told] = [one for one in snapshot.reports if isinstance(one, StatusReport) and one.address.order_id is not None]
    assert (told.address.order_id, told.status, told.filled) == (command.order_id, WorkingStatus.WORKING, Decimal(0))
    assert told.address.permanent_id is not None
    assert executions(snapshot.reports) == []


async def test_a_market_order_deals_at_the_other_side_and_tells_what_it_cost(broker: BrokerBench) -> None:
    session = await opened(broker)
    command = order(broker, session.number)

    session.adapter.send(command)
    await session.status(command, WorkingStatus.FILLED)
    await session.sink.until(lambda: any(isinstance(one, CommissionReport) for one in session.sink.reports))

    [execution] = session.executions(command.order_id)
    [cost] = [one for one in session.sink.reports if isinstance(one, CommissionReport)]
    assert (execution.side, execution.quantity, execution.price) == (Side.BUY, Decimal(100), Decimal("187.42"))
    assert execution.contract_id == command.contract.contract_id
    assert (cost.execution_id, cost.commission, cost.currency) == (execution.execution_id, Decimal(1), "USD")


async def test_no_more_is_dealt_than_the_market_shows(broker: BrokerBench) -> None:
    session = await opened(broker)
    await shown(broker, session, "187.40", "187.42", ask_size=30)
    command = order(broker, session.number, limit_price="187.45")

    session.adapter.send(command)
    await session.dealt(command, 30)
    await session.adapter.probe()
    first = [(one.quantity, one.price) for one in session.executions(command.order_id)]
    await shown(broker, session, "187.41", "187.43", ask_size=50)
    await session.dealt(command, 80)
    await shown(broker, session, "187.42", "187.44", ask_size=500)
    await session.status(command, WorkingStatus.FILLED)

    assert first == [(Decimal(30), Decimal("187.42"))]
    assert [one.quantity for one in session.executions(command.order_id)] == [30, 50, 20]
    ids = [one.execution_id for one in session.executions()]
    assert len(set(ids)) == len(ids)


async def test_an_order_for_now_deals_what_is_there_and_ends(broker: BrokerBench) -> None:
    session = await opened(broker)
    await shown(broker, session, "187.40", "187.42", ask_size=30)
    whole = order(broker, session.number, time_in_force=TimeInForce.FOK, limit_price="187.42")
    part = order(broker, session.number + 1, time_in_force=TimeInForce.IOC, limit_price="187.42")

    session.adapter.send(whole)
    await session.status(whole, WorkingStatus.CANCELED)
    session.adapter.send(part)
    await session.status(part, WorkingStatus.CANCELED)

    assert session.executions(whole.order_id) == []
    assert [one.quantity for one in session.executions(part.order_id)] == [30]


async def test_stops_wait_for_the_last_trade(broker: BrokerBench) -> None:
    session = await opened(broker)
    stop = order(broker, session.number, 10, order_type=OrderType.STOP, stop_price="190")
    limited = order(
        broker, session.number + 1, 10, order_type=OrderType.STOP_LIMIT, stop_price="190", limit_price="189.50"
    )
    for command in (stop, limited):
        session.adapter.send(command)
        await session.terms(command.terms)

    await shown(broker, session, "190.00", "190.02", last="189")
    before = session.executions()
    await broker.quote("190.00", "190.02", last="190")
    await session.status(stop, WorkingStatus.FILLED)
    await broker.quote("189.40", "189.45", last="189.40")
    await session.status(limited, WorkingStatus.FILLED)

    assert before == []
    assert [one.price for one in session.executions(stop.order_id)] == [Decimal("190.02")]
    assert [one.price for one in session.executions(limited.order_id)] == [Decimal("189.50")]


async def test_a_trailing_stop_follows_the_last_trade_and_never_back(broker: BrokerBench) -> None:
    session = await opened(broker)
    command = order(broker, session.number, 10, side=Side.SELL, order_type=OrderType.TRAILING_STOP, trailing_amount="1")
    session.adapter.send(command)
    await session.terms(command.terms)

    await shown(broker, session, "189.40", "189.42")
    await shown(broker, session, "188.50", "188.52")
    before = session.executions()
    await broker.quote("188.40", "188.42", last="188.40")
    await session.status(command, WorkingStatus.FILLED)

    assert before == []
    assert [one.price for one in session.executions()] == [Decimal("188.40")]


async def test_a_modify_is_taken_or_refused_and_the_order_lives_on(broker: BrokerBench) -> None:
    session = await opened(broker)
    command = order(broker, session.number, limit_price="150.25")
    session.adapter.send(command)
    await session.terms(command.terms)
    taken = replaced(command, quantity=Decimal(60), limit_price=Decimal("149.5"))

    session.adapter.send(taken)
    await session.terms(taken.terms)
    session.adapter.send(replaced(command, quantity=Decimal(60), limit_price=Decimal("149.555")))
    refused = await session.fault()
    snapshot = await session.adapter.synchronize()

    assert refused.fault in REPLACE_REFUSED
    assert refused.address.broker_order_id == session.number
    [held] = [one for one in snapshot.reports if isinstance(one, StatusReport) and one.terms is not None]
    assert (held.status, held.terms) == (WorkingStatus.WORKING, taken.terms)


async def test_a_filled_order_takes_neither_modify_nor_cancel(broker: BrokerBench) -> None:
    session = await opened(broker)
    command = order(broker, session.number)
    session.adapter.send(command)
    await session.status(command, WorkingStatus.FILLED)

    session.adapter.send(replaced(command, quantity=Decimal(200)))
    modify = await session.fault()
    session.adapter.send(canceled(command))
    cancel = await session.fault(2)

    assert (modify.broker_code, modify.fault) == (104, FaultClass.REPLACE_REJECTED)
    assert (cancel.broker_code, cancel.fault) == (10148, FaultClass.CANCEL_REJECTED)
    assert sum(one.quantity for one in session.executions()) == 100


async def test_a_cancel_ends_a_working_order_and_nothing_else(broker: BrokerBench) -> None:
    session = await opened(broker)
    command, other = (order(broker, session.number + more, limit_price="150") for more in range(2))
    for one in (command, other):
        session.adapter.send(one)
        await session.status(one, WorkingStatus.WORKING)

    session.adapter.send(canceled(command))
    await session.status(command, WorkingStatus.CANCELED)
    session.adapter.send(canceled(order(broker, session.number + 50)))
    unknown = await session.fault()
    told = await session.adapter.sweep(is_full=False)

    assert (unknown.broker_code, unknown.fault) == (10147, FaultClass.CANCEL_REJECTED)
    assert {one.address.broker_order_id for one in told.open_orders} == {other.broker_order_id}


async def test_an_order_off_the_grid_is_refused_and_never_works(broker: BrokerBench) -> None:
    session = await opened(broker)

    session.adapter.send(order(broker, session.number, limit_price="150.123"))
    fault = await session.fault()
    told = await session.adapter.sweep(is_full=False)

    assert fault.address.broker_order_id == session.number
    assert (fault.broker_code, fault.fault in ORDER_REFUSED) == (110, True)
    assert told.open_orders == ()


async def test_an_order_written_twice_is_one_order(broker: BrokerBench) -> None:
    first = await opened(broker)
    resting, dealing = order(broker, first.number, limit_price="150"), order(broker, first.number + 1)
    for command in (resting, dealing):
        first.adapter.send(command)
    await first.status(dealing, WorkingStatus.FILLED)

    first.adapter.send(resting)
    first.adapter.send(dealing)
    await first.adapter.probe()
    await first.adapter.close()
    second = await opened(broker)
    for command in (resting, dealing):
        second.adapter.send(command)
    await second.adapter.probe()
    snapshot = await second.adapter.synchronize()

    assert [one.quantity for one in executions(snapshot.reports)] == [100]
    assert [one.quantity for one in snapshot.positions] == [100]
    told = await second.adapter.sweep(is_full=False)
    assert {one.address.broker_order_id for one in told.open_orders} == {resting.broker_order_id}


async def test_a_snapshot_tells_everything_in_the_order_of_time(broker: BrokerBench) -> None:
    session = await opened(broker)
    commands = []
    for more in range(3):
        await broker.pass_time(broker.clock.now() + timedelta(seconds=1))
        await shown(broker, session, "187.40", f"187.4{2 + more}")
        command = order(broker, session.number + more, 10 + more)
        session.adapter.send(command)
        await session.status(command, WorkingStatus.FILLED)
        commands.append(command)
    resting, dropped = (order(broker, session.number + 3 + more, limit_price="150") for more in range(2))
    for command in (resting, dropped):
        session.adapter.send(command)
        await session.status(command, WorkingStatus.WORKING)
    session.adapter.send(canceled(dropped))
    await session.status(dropped, WorkingStatus.CANCELED)

    snapshot = await session.adapter.synchronize()

    assert snapshot.is_complete
    dealt = executions(snapshot.reports)
    assert [one.address.order_id for one in dealt] == [command.order_id for command in commands]
    assert [one.executed_at for one in dealt] == sorted(one.executed_at for one in dealt)
    costs = [one for one in snapshot.reports if isinstance(one, CommissionReport)]
    assert [one.execution_id for one in costs] == [one.execution_id for one in dealt]
    statuses = {one.address.order_id: one.status for one in snapshot.reports if isinstance(one, StatusReport)}
    assert [statuses[command.order_id] for command in commands] == [WorkingStatus.FILLED] * 3
    assert statuses[resting.order_id] is WorkingStatus.WORKING
    assert statuses[dropped.order_id] is WorkingStatus.CANCELED
    live = {one.execution_id for one in session.executions()}
    assert {one.execution_id for one in dealt} == live
    last_status = max(index for index, one in enumerate(snapshot.reports) if isinstance(one, ExecutionReport))
    first_status = min(index for index, one in enumerate(snapshot.reports) if isinstance(one, StatusReport))
    assert last_status < first_status
    [position] = snapshot.positions
    assert (position.contract_id, position.symbol, position.quantity) == (265598, "AAPL", Decimal(33))


async def test_a_sweep_tells_open_orders_and_a_full_one_what_is_over_as_well(broker: BrokerBench) -> None:
    session = await opened(broker)
    resting, filled = order(broker, session.number, limit_price="150"), order(broker, session.number + 1)
    session.adapter.send(resting)
    session.adapter.send(filled)
    await session.status(filled, WorkingStatus.FILLED)

    brief, full = await session.adapter.sweep(is_full=False), await session.adapter.sweep(is_full=True)

    assert {one.address.broker_order_id for one in brief.open_orders} == {resting.broker_order_id}
    assert (brief.finished, brief.executions) == ((), ())
    assert {one.address.order_id for one in full.finished} == {filled.order_id}
    assert [one.quantity for one in full.executions if isinstance(one, ExecutionReport)] == [100]
    assert [one.commission for one in full.executions if isinstance(one, CommissionReport)] == [1]


async def test_what_is_dealt_moves_position_and_figures(broker: BrokerBench) -> None:
    session = await opened(broker)
    await session.adapter.synchronize()
    command = order(broker, session.number)

    session.adapter.send(command)
    await session.status(command, WorkingStatus.FILLED)
    await session.sink.until(lambda: any(one.quantity == 100 for one in session.sink.positions))
    await session.sink.until(lambda: any(one.initial_margin for one in session.sink.values))
    snapshot = await session.adapter.synchronize()

    [position] = snapshot.positions
    assert (position.quantity, position.average_cost) == (Decimal(100), Decimal("187.43"))
    assert snapshot.values.cash == CASH - Decimal("18742") - 1
    assert snapshot.values.equity == CASH - 3
    assert snapshot.values.initial_margin == Decimal("9370")
    assert snapshot.values.maintenance_margin == Decimal("4685")


async def test_a_question_is_answered_and_nothing_is_ordered(broker: BrokerBench) -> None:
    session = await opened(broker)
    asked = WhatIf(
        contract=broker.contract("AAPL"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        terms=OrderTerms(quantity=Decimal(100), limit_price=Decimal("187.40")),
    )
    off_grid = dataclasses.replace(asked, terms=OrderTerms(quantity=Decimal(100), limit_price=Decimal("187.401")))

    answer = await session.adapter.what_if(asked, broker.account)
    with pytest.raises(WhatIfRefusedError, match="110"):
        await session.adapter.what_if(off_grid, broker.account)

    assert (answer.initial_margin_change, answer.maintenance_margin_change) == (Decimal(9370), Decimal(4685))
    assert (answer.commission, answer.commission_currency) == (Decimal(1), "USD")
    assert (await session.adapter.synchronize()).reports == ()
    assert session.sink.reports == []


async def test_a_probe_measures_and_a_closed_session_does_nothing(broker: BrokerBench) -> None:
    session = await opened(broker)
    resting = order(broker, session.number, limit_price="150")
    session.adapter.send(resting)
    await session.status(resting, WorkingStatus.WORKING)

    latency = await session.adapter.probe()
    await session.adapter.close()
    told, changes = len(session.sink.reports), len(session.sink.changes)
    await broker.quote("149.00", "149.02")
    second = await opened(broker)
    await second.adapter.synchronize()

    assert 0 < latency < 3_000
    assert session.adapter.capacity() == 0
    with pytest.raises(BrokerDisconnectedError):
        session.adapter.send(resting)
    with pytest.raises(BrokerDisconnectedError):
        await session.adapter.synchronize()
    with pytest.raises(BrokerDisconnectedError):
        await session.adapter.probe()
    assert (len(session.sink.reports), len(session.sink.changes)) == (told, changes)


async def test_what_happens_during_a_synchronisation_is_not_lost(broker: BrokerBench) -> None:
    session = await opened(broker)
    commands = [order(broker, session.number + more, 1) for more in range(40)]

    async def place() -> None:
        for command in commands:
            session.adapter.send(command)
            await asyncio.sleep(0)

    placing = asyncio.create_task(place())
    snapshots = [await session.adapter.synchronize() for _ in range(4)]
    await placing
    snapshots.append(await session.adapter.synchronize())

    heard = {one.execution_id for one in session.executions()}
    for snapshot in snapshots:
        heard |= {one.execution_id for one in executions(snapshot.reports)}
    assert len(heard) == 40
    assert len(executions(snapshots[-1].reports)) == 40
    [position] = snapshots[-1].positions
    assert position.quantity == 40


async def test_working_orders_outlive_the_session(broker: BrokerBench) -> None:
    first = await opened(broker)
    commands = [
        order(broker, first.number, 10, time_in_force=TimeInForce.GTC, limit_price="150"),
        order(broker, first.number + 1, 10, order_type=OrderType.STOP, stop_price="195"),
    ]
    for command in commands:
        first.adapter.send(command)
        await first.status(command, WorkingStatus.WORKING)
    await first.adapter.close()

    second = await opened(broker)
    snapshot = await second.adapter.synchronize()
    await shown(broker, second, "149.00", "149.02")
    await second.status(commands[0], WorkingStatus.FILLED)
    await broker.quote("195.00", "195.02", last="195")
    await second.status(commands[1], WorkingStatus.FILLED)

    assert second.number == first.number + 2
    statuses = {one.address.order_id: one.status for one in snapshot.reports if isinstance(one, StatusReport)}
    assert [statuses[command.order_id] for command in commands] == [WorkingStatus.WORKING] * 2
    assert [one.price for one in second.executions(commands[0].order_id)] == [150]
    assert [one.price for one in second.executions(commands[1].order_id)] == [Decimal("195.02")]


async def test_orders_of_a_group_share_what_is_left(broker: BrokerBench) -> None:
    session = await opened(broker)
    await shown(broker, session, "187.40", "187.42", bid_size=40)
    profit = order(broker, session.number, side=Side.SELL, oca_group="pair", limit_price="189")
    stop = order(
        broker, session.number + 1, side=Side.SELL, oca_group="pair", order_type=OrderType.STOP, stop_price="180"
    )
    for command in (profit, stop):
        session.adapter.send(command)
        await session.terms(command.terms)

    await shown(broker, session, "189.00", "189.02", bid_size=40)
    await session.dealt(profit, 40)
    lowered = dataclasses.replace(stop.terms, quantity=Decimal(60))
    await session.terms(lowered)
    await shown(broker, session, "189.01", "189.03", bid_size=500)
    await session.status(profit, WorkingStatus.FILLED)
    await session.status(stop, WorkingStatus.CANCELED)

    assert session.executions(stop.order_id) == []
    assert sum(one.quantity for one in session.executions()) == 100


@pytest.mark.parametrize("time_in_force", [TimeInForce.DAY, TimeInForce.GTD])
async def test_an_order_ends_with_its_time_and_deals_no_more(broker: BrokerBench, time_in_force: TimeInForce) -> None:
    session = await opened(broker)
    expires_at = STARTS_AT + timedelta(hours=1) if time_in_force is TimeInForce.GTD else None
    command = order(broker, session.number, time_in_force=time_in_force, expires_at=expires_at, limit_price="187.41")
    lasting = order(broker, session.number + 1, time_in_force=TimeInForce.GTC, limit_price="150")
    for one in (command, lasting):
        session.adapter.send(one)
        await session.terms(one.terms)

    await broker.pass_time(expires_at or datetime(2026, 11, 19, 0, 0, tzinfo=UTC))
    await session.status(command, WorkingStatus.CANCELED)
    await shown(broker, session, "187.00", "187.02")
    told = await session.adapter.sweep(is_full=False)

    assert session.executions() == []
    assert {one.address.broker_order_id for one in told.open_orders} == {lasting.broker_order_id}


async def test_the_pace_is_told(broker: BrokerBench) -> None:
    session = await opened(broker)

    ready = session.adapter.capacity()
    session.adapter.send(order(broker, session.number, limit_price="150"))
    await _until(lambda: session.adapter.unwritten() == 0)

    assert ready > 0


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)
