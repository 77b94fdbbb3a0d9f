"""The IB adapter at the simulator's socket, over both client libraries."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.brokers.errors import (
    BrokerAccountUnknownError,
    BrokerClientIdTakenError,
    BrokerDisconnectedError,
    BrokerTimedOutError,
    BrokerUnreachableError,
)
from app.brokers.ib.session import Timeouts
from app.brokers.port import ConnectionEvent
from app.core.fix import OrderType, Side, TimeInForce
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
    Tick,
    WorkingStatus,
)
from app.simulator.server import Simulator
from tests.contract.brokers.conftest import ACCOUNT, WAIT_S, Bench, RecordingSink, contract_of, place


def executions(reports: Sequence[BrokerReport]) -> list[ExecutionReport]:
    return [report for report in reports if isinstance(report, ExecutionReport)]


def faults(reports: Sequence[BrokerReport]) -> list[FaultReport]:
    return [report for report in reports if isinstance(report, FaultReport)]


def has_status(sink: RecordingSink, number: int, status: WorkingStatus) -> Callable[[], bool]:
    return lambda: any(
        isinstance(report, StatusReport) and report.status is status and report.address.broker_order_id == number
        for report in sink.reports
    )


def has_terms(sink: RecordingSink, terms: OrderTerms) -> Callable[[], bool]:
    return lambda: any(isinstance(report, StatusReport) and report.terms == terms for report in sink.reports)


def modified(command: LaneCommand, terms: OrderTerms) -> LaneCommand:
    return dataclasses.replace(command, kind=LaneKind.REPLACE, terms=terms)


def canceled(command: LaneCommand) -> LaneCommand:
    return dataclasses.replace(command, kind=LaneKind.CANCEL)


async def test_connecting_tells_accounts_and_the_next_order_id(bench: Bench) -> None:
    opened = await bench.adapter(RecordingSink()).connect()

    assert ACCOUNT in opened.accounts
    assert opened.next_order_id >= 1
    assert opened.server_version in {176, 178}


async def test_a_fresh_account_synchronises_to_nothing_but_its_cash(bench: Bench) -> None:
    adapter = bench.adapter(RecordingSink())
    await adapter.connect()

    snapshot = await adapter.synchronize()

    assert snapshot.is_complete
    assert snapshot.reports == ()
    assert snapshot.positions == ()
    assert snapshot.values.cash == Decimal(1_000_000)
    assert snapshot.values.equity == Decimal(1_000_000)


async def test_a_market_order_fills_with_executions_and_commissions(bench: Bench) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id
    command = place(number)

    adapter.send(command)

    await sink.until(lambda: sum(one.quantity for one in executions(sink.reports)) == 100)
    [execution] = executions(sink.reports)
    await sink.until(lambda: any(isinstance(report, CommissionReport) for report in sink.reports))
    assert execution.address.order_id == command.order_id
    assert execution.address.broker_order_id == number
    assert (execution.side, execution.price) == (Side.BUY, Decimal("187.42"))
    assert execution.contract_id == command.contract.contract_id
    [commission] = [report for report in sink.reports if isinstance(report, CommissionReport)]
    assert (commission.execution_id, commission.commission) == (execution.execution_id, Decimal(1))
    await sink.until(has_status(sink, number, WorkingStatus.FILLED))


async def test_a_resting_order_is_modified_and_canceled_under_one_id(bench: Bench) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id
    command = place(number, limit="150.25")
    adapter.send(command)
    await sink.until(has_status(sink, number, WorkingStatus.WORKING))
    lower = OrderTerms(quantity=Decimal(60), limit_price=Decimal("149.5"))

    adapter.send(modified(command, lower))
    await sink.until(lambda: any(isinstance(one, StatusReport) and one.terms == lower for one in sink.reports))
    adapter.send(canceled(command))

    await sink.until(has_status(sink, number, WorkingStatus.CANCELED))
    assert executions(sink.reports) == []
    assert [fault.fault for fault in faults(sink.reports)] == [FaultClass.CANCEL_CONFIRMED]


async def test_a_trailing_stop_is_modified_under_one_id_and_starts_anew_at_another_distance(
    bench: Bench, simulator: Simulator
) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id
    simulator.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"), last=Decimal("187.40"))
    near = OrderTerms(quantity=Decimal(10), trailing_amount=Decimal("0.75"))
    command = dataclasses.replace(place(number, side=Side.SELL), order_type=OrderType.TRAILING_STOP, terms=near)
    adapter.send(command)
    await sink.until(has_terms(sink, near))
    [held] = simulator.venue.exchange.open_orders()

    simulator.set_quote("AAPL", bid=Decimal("189.40"), ask=Decimal("189.42"), last=Decimal("189.40"))
    more = dataclasses.replace(near, quantity=Decimal(20))
    adapter.send(modified(command, more))
    await sink.until(has_terms(sink, more))
    trailed = held.trail_stop
    far = dataclasses.replace(more, trailing_amount=Decimal("2.5"))
    adapter.send(modified(command, far))
    await sink.until(has_terms(sink, far))

    assert (trailed, held.trail_stop) == (Decimal("188.65"), Decimal("186.90"))
    assert held.request.order_id == number
    assert faults(sink.reports) == []


async def test_the_broker_lowers_and_ends_what_shares_a_group(bench: Bench, simulator: Simulator) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id
    resting = dataclasses.replace(place(number, limit="150.25"), oca_group="pair")
    dealing = dataclasses.replace(place(number + 1, limit="187.42"), oca_group="pair")

    adapter.send(resting)
    await sink.until(has_status(sink, number, WorkingStatus.WORKING))
    adapter.send(dealing)

    await sink.until(has_status(sink, number + 1, WorkingStatus.FILLED))
    await sink.until(has_status(sink, number, WorkingStatus.CANCELED))


@pytest.mark.parametrize(
    ("order_type", "terms"),
    [
        (OrderType.STOP, OrderTerms(quantity=Decimal(10), stop_price=Decimal("190.5"))),
        (
            OrderType.STOP_LIMIT,
            OrderTerms(quantity=Decimal(10), stop_price=Decimal("190.5"), limit_price=Decimal("191.25")),
        ),
        (OrderType.LIMIT, OrderTerms(quantity=Decimal(10), limit_price=Decimal("187.41"))),
        (OrderType.TRAILING_STOP, OrderTerms(quantity=Decimal(10), trailing_amount=Decimal("0.75"))),
        (OrderType.MARKET, OrderTerms(quantity=Decimal(10), time_in_force=TimeInForce.OPG)),
        (
            OrderType.LIMIT,
            OrderTerms(quantity=Decimal(10), limit_price=Decimal("188.50"), time_in_force=TimeInForce.OPG),
        ),
        (
            OrderType.LIMIT,
            OrderTerms(
                quantity=Decimal(10),
                limit_price=Decimal("187.41"),
                time_in_force=TimeInForce.GTD,
                expires_at=datetime(2100, 1, 6, 14, 30, tzinfo=UTC),
            ),
        ),
    ],
)
async def test_the_broker_holds_the_terms_that_were_sent(
    bench: Bench, order_type: OrderType, terms: OrderTerms
) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id

    adapter.send(dataclasses.replace(place(number), order_type=order_type, terms=terms))

    await sink.until(lambda: any(isinstance(one, StatusReport) and one.terms == terms for one in sink.reports))


async def test_a_refused_order_says_which_and_why(bench: Bench) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id

    adapter.send(place(number, limit="150.123"))

    await sink.until(lambda: bool(faults(sink.reports)))
    [fault] = faults(sink.reports)
    assert fault.address.broker_order_id == number
    assert (fault.broker_code, fault.fault) == (110, FaultClass.REJECTED_BY_STATE)


async def test_a_cancel_of_nothing_is_refused(bench: Bench) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id

    adapter.send(canceled(place(number + 50)))

    await sink.until(lambda: bool(faults(sink.reports)))
    assert (faults(sink.reports)[0].broker_code, faults(sink.reports)[0].fault) == (10147, FaultClass.CANCEL_REJECTED)


async def test_a_new_session_is_told_what_the_old_one_did(bench: Bench) -> None:
    sink = RecordingSink()
    first = bench.adapter(sink)
    number = (await first.connect()).next_order_id
    filled, resting, dropped = place(number), place(number + 1, limit="150"), place(number + 2, limit="151")
    for command in (filled, resting, dropped):
        first.send(command)
    await sink.until(has_status(sink, number + 2, WorkingStatus.WORKING))
    first.send(canceled(dropped))
    await sink.until(has_status(sink, number + 2, WorkingStatus.CANCELED))
    await sink.until(has_status(sink, number, WorkingStatus.FILLED))
    await first.close()
    second = bench.adapter(RecordingSink())

    opened = await second.connect()
    snapshot = await second.synchronize()

    assert opened.next_order_id >= number + 3
    assert snapshot.is_complete
    [execution] = executions(snapshot.reports)
    assert execution.address.order_id == filled.order_id
    statuses = {
        report.address.order_id: report.status for report in snapshot.reports if isinstance(report, StatusReport)
    }
    by_number = {
        report.address.broker_order_id: report.status
        for report in snapshot.reports
        if isinstance(report, StatusReport) and report.address.order_id is None
    }
    assert statuses[resting.order_id] is WorkingStatus.WORKING
    assert statuses[filled.order_id] is WorkingStatus.FILLED
    assert statuses[dropped.order_id] is WorkingStatus.CANCELED
    assert set(by_number.values()) <= {WorkingStatus.WORKING}
    [position] = snapshot.positions
    assert (position.symbol, position.quantity) == ("AAPL", Decimal(100))


async def test_a_resent_order_is_the_same_order(bench: Bench) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id
    command = place(number, limit="150")
    adapter.send(command)
    await sink.until(has_status(sink, number, WorkingStatus.WORKING))

    adapter.send(command)
    snapshot = await adapter.synchronize()

    open_orders = {
        report.address.order_id
        for report in snapshot.reports
        if isinstance(report, StatusReport) and report.address.order_id is not None
    }
    assert open_orders == {command.order_id}


async def test_a_client_id_in_use_is_named(bench: Bench) -> None:
    await bench.adapter(RecordingSink(), client_id=8).connect()

    with pytest.raises(BrokerClientIdTakenError, match="client id 8"):
        await bench.adapter(RecordingSink(), client_id=8).connect()


async def test_an_account_that_the_gateway_does_not_manage_is_refused(bench: Bench) -> None:
    with pytest.raises(BrokerAccountUnknownError, match="U999"):
        await bench.adapter(RecordingSink(), account="U999").connect()


async def test_nobody_at_the_address_is_said_at_once(bench: Bench, simulator: Simulator) -> None:
    await simulator.stop()

    with pytest.raises(BrokerUnreachableError):
        await bench.adapter(RecordingSink()).connect()


async def test_a_mute_gateway_times_out(bench: Bench) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        bench.port = server.sockets[0].getsockname()[1]
        with pytest.raises(BrokerTimedOutError):
            await bench.adapter(RecordingSink(), timeouts=Timeouts(connect_s=0.2)).connect()


async def test_a_dropped_connection_is_told_and_ends_what_waits(bench: Bench, simulator: Simulator) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    await adapter.connect()

    simulator.drop_connections()

    await sink.until(lambda: ConnectionEvent.LOST in [change.event for change in sink.changes])
    assert adapter.capacity() == 0
    with pytest.raises(BrokerDisconnectedError):
        adapter.send(place(1))
    with pytest.raises(BrokerDisconnectedError):
        await adapter.probe()


async def test_nothing_is_heard_after_closing(bench: Bench) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    await adapter.connect()

    await adapter.close()

    assert ConnectionEvent.LOST not in [change.event for change in sink.changes]
    with pytest.raises(BrokerDisconnectedError):
        await adapter.synchronize()


async def test_a_probe_measures_the_round_trip(bench: Bench) -> None:
    adapter = bench.adapter(RecordingSink())
    await adapter.connect()

    assert 0 < await adapter.probe() < 1_000


async def test_watched_markets_tick_and_unwatched_ones_stop(bench: Bench, simulator: Simulator) -> None:
    adapter = bench.adapter(RecordingSink())
    await adapter.connect()
    adapter.watch([contract_of("AAPL"), contract_of("MSFT")])

    first = await _ticks_of(adapter.take_ticks, "AAPL")
    simulator.set_quote("AAPL", bid=Decimal("188.10"), ask=Decimal("188.15"), bid_size=Decimal(300))
    second = await _ticks_of(adapter.take_ticks, "AAPL")
    adapter.watch([contract_of("MSFT")])
    await adapter.probe()
    adapter.take_ticks()
    simulator.set_quote("AAPL", bid=Decimal("189.10"), ask=Decimal("189.15"))
    await adapter.probe()

    assert (first.bid, first.ask) == (Decimal("187.4"), Decimal("187.42"))
    assert (second.bid, second.ask, second.bid_size) == (Decimal("188.1"), Decimal("188.15"), Decimal(300))
    assert [tick for tick in adapter.take_ticks() if tick.symbol == "AAPL"] == []


async def _ticks_of(take: Callable[[], list[Tick]], symbol: str) -> Tick:
    async with asyncio.timeout(WAIT_S):
        while True:
            found = [tick for tick in take() if tick.symbol == symbol]
            if found and found[0].bid is not None and found[0].ask is not None:
                return found[0]
            await asyncio.sleep(0.005)


async def test_every_message_of_the_broker_can_be_read(bench: Bench, simulator: Simulator) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id
    adapter.watch([contract_of("AAPL"), contract_of("EUR.USD")])
    await adapter.synchronize()

    adapter.send(place(number))
    await sink.until(has_status(sink, number, WorkingStatus.FILLED))
    await sink.until(lambda: any(position.quantity == 100 for position in sink.positions))
    await sink.until(lambda: bool(sink.values))

    assert ConnectionEvent.UNREADABLE not in [change.event for change in sink.changes]


async def test_a_cancel_does_not_overtake_its_own_order_that_waits_for_the_pace(bench: Bench) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink, limit=40)
    number = (await adapter.connect()).next_order_id
    resent = [place(number + more, limit="150") for more in range(50)]
    for command in resent:
        adapter.send(command)
    assert adapter.unwritten() > 0

    adapter.send(canceled(resent[-1]))
    await sink.until(lambda: any(isinstance(one, FaultReport) for one in sink.reports))

    assert [one.broker_code for one in sink.reports if isinstance(one, FaultReport)] == [202]
    assert adapter.unwritten() == 0


async def test_a_sweep_tells_open_orders_and_a_full_one_what_is_over_as_well(bench: Bench) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink)
    number = (await adapter.connect()).next_order_id
    resting, filled = place(number, limit="150"), place(number + 1)
    adapter.send(resting)
    adapter.send(filled)
    await sink.until(lambda: any(isinstance(one, ExecutionReport) for one in sink.reports))

    brief, full = await adapter.sweep(is_full=False), await adapter.sweep(is_full=True)

    # A status bears no orderRef; an openOrder does.
    assert {one.address.order_id for one in brief.open_orders} - {None} == {resting.order_id}
    assert (brief.finished, brief.executions) == ((), ())
    assert {one.address.order_id for one in full.finished} == {filled.order_id}
    assert any(isinstance(one, ExecutionReport) for one in full.executions)
