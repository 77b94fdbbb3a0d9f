"""What survives when the simulator's process ends and another one starts on the same state file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.core.clock import Clock
from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator, run
from app.simulator.store import SavedState, SimulatorStateError, StateFile, encode_state
from tests.contract.simulator.clients import Desk, load, quiet, until
from tests.contract.simulator.clocks import HandClock
from tests.contract.simulator.raw import RawClients, place_order


@asynccontextmanager
async def simulator_on(path: Path, clock: Clock | None = None) -> AsyncIterator[Simulator]:
    server = Simulator(SimulatorConfig(state_path=path), clock)
    await server.start()
    quiet(server)
    try:
        yield server
    finally:
        await server.stop()


async def test_resting_order_executions_and_positions_survive(tmp_path: Path, raw: RawClients) -> None:
    path = tmp_path / "kept" / "state.json"
    async with simulator_on(path) as first:
        client = await raw.start(first.port, "v157..176")
        client.writer.write(place_order(176, 1, "BUY", "100", ref="filled"))
        await client.until("3", at2="Filled")
        first.set_quote("AAPL", bid=Decimal("219.99"), ask=Decimal("220.00"), ask_size=Decimal(900))
        client.writer.write(place_order(176, 2, "BUY", "1500", order_type="LMT", limit="220", ref="rests"))
        await client.until("3", at1="2", at3="900")
        before = first.venue.exchange

    async with simulator_on(path) as second:
        after = second.venue.exchange
        assert list(after.executions) == list(before.executions)
        assert after.accounts == before.accounts
        (order,) = after.open_orders()
        assert (order.request.order_ref, order.filled, order.remaining) == ("rests", Decimal(900), Decimal(600))
        client = await raw.start(second.port, "v157..176")
        assert client.seen[-1] == ["9", "1", "3"]
        second.set_quote("AAPL", bid=Decimal("219.97"), ask=Decimal("219.99"))
        filled = await client.until("3", at2="Filled")
        assert filled[1:5] == ["2", "Filled", "1500", "0"]
        assert filled[6] == str(order.perm_id)
        roots = [execution.execution_id for execution in after.executions]
        assert len(set(roots)) == len(roots) == 3


async def test_trailing_stop_goes_on_from_where_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with simulator_on(path) as first:
        desk = Desk(load("ib_async"), first.port)
        await desk.connect()
        desk.place(desk.library.Order(action="SELL", totalQuantity=10, orderType="TRAIL", auxPrice=5.0, tif="GTC"))
        await until(lambda: len(list(first.venue.exchange.open_orders())) == 1, "the order")
        first.set_quote("AAPL", bid=Decimal("232.99"), ask=Decimal("233.01"), last=Decimal("233.00"))
        desk.ib.disconnect()

    async with simulator_on(path) as second:
        # Five below the market of this process would be 225.
        [order] = second.venue.exchange.open_orders()
        stood = order.trail_stop
        second.set_quote("AAPL", bid=Decimal("234.99"), ask=Decimal("235.01"), last=Decimal("235.00"))
        trailed = order.trail_stop
        second.set_quote("AAPL", bid=Decimal("229.99"), ask=Decimal("230.01"), last=Decimal("230.00"))

    assert (stood, trailed, order.status.value) == (Decimal(228), Decimal(230), "Filled")


async def test_day_order_of_yesterday_has_expired_and_a_good_till_cancel_rests(tmp_path: Path, raw: RawClients) -> None:
    path = tmp_path / "state.json"
    clock = HandClock(datetime(2026, 11, 20, 23, 59, tzinfo=UTC))
    async with simulator_on(path, clock) as first:
        client = await raw.start(first.port, "v157..176")
        for order_id, time_in_force in ((1, "DAY"), (2, "GTC")):
            order = place_order(176, order_id, "BUY", "1", order_type="LMT", limit="200", time_in_force=time_in_force)
            client.writer.write(order)
            await client.until("3", at1=str(order_id))
    clock.moment += timedelta(minutes=2)

    async with simulator_on(path, clock) as second:
        assert [order.request.order_id for order in second.venue.exchange.open_orders()] == [2]
        (expired,) = second.venue.exchange.completed_orders()
        assert (expired.request.order_id, expired.completed_status) == (1, "Expired")


async def test_ids_do_not_come_again_without_a_state_file(raw: RawClients) -> None:
    ids = []
    for _ in range(2):
        server = Simulator(SimulatorConfig())
        await server.start()
        quiet(server)
        client = await raw.start(server.port, "v157..176")
        client.writer.write(place_order(176, 1, "BUY", "1"))
        ids.append((await client.until("11"))[14])
        await server.stop()

    assert ids[0] != ids[1]


async def test_what_a_client_was_told_survives_a_kill_at_that_moment(tmp_path: Path, raw: RawClients) -> None:
    path, copy = tmp_path / "state.json", tmp_path / "copy.json"
    async with simulator_on(path) as server:
        client = await raw.start(server.port, "v157..176")
        client.writer.write(place_order(176, 1, "BUY", "7", ref="dealt"))
        execution = await client.until("11")
        copy.write_bytes(path.read_bytes())

    async with simulator_on(copy) as revived:
        assert [told.execution_id for told in revived.venue.exchange.executions] == [execution[14]]
        assert revived.venue.exchange.accounts["DU1000001"].holdings[265598].quantity == 7


async def test_change_while_the_whole_state_is_written_is_kept(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.json")
    whole, change = (state_line(next_order_ids={1: number}) for number in (5, 6))
    file.begin_rewrite()
    file.append(change)

    file.rewrite(whole)

    kept = file.load()
    assert kept is not None
    assert kept.next_order_ids == {1: 6}


def state_line(*, next_order_ids: dict[int, int]) -> bytes:
    return encode_state(
        SavedState(
            accounts=(),
            orders=(),
            executions=(),
            next_order_ids=next_order_ids,
            last_perm_id=1,
            day_ends_at=datetime(2026, 11, 21, tzinfo=UTC),
            walks={},
        )
    )


async def test_state_is_written_soon_after_a_change(tmp_path: Path, raw: RawClients) -> None:
    path = tmp_path / "state.json"
    async with simulator_on(path) as server:
        client = await raw.start(server.port, "v157..176")

        client.writer.write(place_order(176, 1, "BUY", "1", order_type="LMT", limit="200", ref="soon"))

        await until(lambda: b'"order_ref":"soon"' in path.read_bytes(), "the order in the file")


async def test_killed_process_loses_only_the_line_it_was_writing(tmp_path: Path, raw: RawClients) -> None:
    path, copy = tmp_path / "state.json", tmp_path / "copy.json"
    async with simulator_on(path) as server:
        client = await raw.start(server.port, "v157..176")
        client.writer.write(place_order(176, 1, "BUY", "7", ref="dealt"))
        client.writer.write(place_order(176, 2, "BUY", "1", order_type="LMT", limit="200", ref="rests"))
        await until(lambda: b'"order_ref":"rests"' in path.read_bytes(), "the orders in the file")
        copy.write_bytes(path.read_bytes() + b'{"layout":1,"acc')

    async with simulator_on(copy) as revived:
        exchange = revived.venue.exchange
        assert [order.request.order_ref for order in exchange.open_orders()] == ["rests"]
        assert [execution.order_ref for execution in exchange.executions] == ["dealt"]
        assert exchange.accounts["DU1000001"].holdings[265598].quantity == 7


@pytest.mark.parametrize("content", ['{"layout": 1}\n', "", "not json\n"])
async def test_broken_state_file_is_told_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)

    with pytest.raises(SimulatorStateError, match="is not a simulator's state"):
        await Simulator(SimulatorConfig(state_path=path)).start()

    assert path.read_text() == content


async def test_cancelled_run_keeps_its_state(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    ready = asyncio.Event()
    running = asyncio.create_task(run(SimulatorConfig(state_path=path), on_ready=ready.set))
    await asyncio.wait_for(ready.wait(), 5)
    path.unlink()

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert b'"layout":1' in path.read_bytes()
