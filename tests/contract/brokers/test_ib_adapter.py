"""What the IB adapter alone does, at the simulator's socket, over both libraries; the contract has the rest."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
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
from app.core.fix import OrderType, Side
from app.core.messages import (
    BrokerReport,
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


async def test_what_waits_for_the_pace_is_taken_back_in_its_order_and_not_written(
    bench: Bench, simulator: Simulator
) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink, limit=40)
    number = (await adapter.connect()).next_order_id
    sent = [place(number + more, limit="150") for more in range(50)]
    for command in sent:
        adapter.send(command)
    adapter.send(canceled(sent[-1]))
    waiting = adapter.unwritten()
    await sink.until(lambda: len(list(simulator.venue.exchange.open_orders())) == len(sent) - waiting)

    too_early = adapter.take_back(60.0)
    held = adapter.take_back(0.0)

    assert too_early == []
    assert held == [*sent[-waiting:], canceled(sent[-1])]
    assert (adapter.unwritten(), adapter.take_back(0.0)) == (0, [])
    adapter.send(sent[-1])
    await sink.until(has_status(sink, sent[-1].broker_order_id, WorkingStatus.WORKING))
    assert len(list(simulator.venue.exchange.open_orders())) == len(sent) - waiting + 1
