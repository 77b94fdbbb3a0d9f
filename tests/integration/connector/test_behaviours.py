"""What a production connector must handle, one test for each of the twenty behaviours, against the matching fault."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core.bars import Bar
from app.core.fix import BarInterval, OrderState, OrderType, Side
from app.core.messages import NewOrder, OrderTerms
from app.flows.marketdata.read_history import read_bars
from app.flows.orders.preview_order import preview_order
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.infra.system import SystemClock
from app.simulator.scenarios import Player
from app.simulator.server import Simulator
from tests.contract.simulator.raw import RawClients
from tests.integration.connector.pathologies import LOOK_S, SWIFT, Rehearsal
from tests.integration.connector.test_connector import Trading, connector, settings, trading

__all__ = ["settings", "trading"]


@pytest.fixture
def rehearsal(trading: Trading, simulator: Simulator) -> Rehearsal:
    return Rehearsal(trading=trading, simulator=simulator, player=Player(lambda: simulator.faults))


@asynccontextmanager
async def at_work(rehearsal: Rehearsal, settings: Settings) -> AsyncIterator[None]:
    """A connector whose gate is open."""
    async with connector(settings, intervals=SWIFT):
        await rehearsal.trading.until_connected()
        yield


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(LOOK_S)


async def row_of(rehearsal: Rehearsal, name: str) -> Any:
    [row] = await rehearsal.trading.rows("SELECT * FROM orders WHERE client_order_id = $1", name)
    return row


def is_shut(rehearsal: Rehearsal, words: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        row = await rehearsal.trading.connection()
        return row is not None and not row["is_gate_open"] and words in (row["last_error"] or "")

    return look


async def test_behaviour_01_order_ids_never_go_back(rehearsal: Rehearsal, settings: Settings) -> None:
    """A gateway may come back with a nextValidId that it gave out before: the highest id ever used is what counts."""
    async with at_work(rehearsal, settings):
        for name in ("one", "two", "three"):
            await rehearsal.trading.place(name, limit="150")
        await rehearsal.trading.until_states(dict.fromkeys(("one", "two", "three"), OrderState.ACCEPTED))

        rehearsal.simulator.faults.inject("order-id-rollback", {"to": 1})
        rehearsal.simulator.faults.inject("drop", {"when": "now"})
        await until(lambda: rehearsal.simulator.faults.struck("order-id-rollback"))
        await rehearsal.trading.place("four")
        await rehearsal.trading.until_states({"four": OrderState.FILLED})
        await rehearsal.until_agreed()

    numbers = [(await row_of(rehearsal, name))["broker_order_id"] for name in ("one", "two", "three", "four")]
    assert numbers == sorted(set(numbers))


async def test_behaviour_02_an_order_that_was_handed_over_and_lost_goes_out_once(
    rehearsal: Rehearsal,
    settings: Settings,
) -> None:
    """What the library took is not at the broker yet: the intent is stored first and settled after the return.

    That an order which the broker forgot is in doubt: test_connector.py::test_an_order_that_the_broker_forgot_…
    """
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject("drop", {"when": "before-order", "times": 1})
        await rehearsal.trading.place("lost")
        await rehearsal.trading.until_states({"lost": OrderState.FILLED})
        await rehearsal.until_agreed()

    assert len(rehearsal.simulator.venue.exchange.orders) == 1
    assert rehearsal.simulator.faults.struck("drop") == 1


async def test_behaviour_03_before_a_restart_new_orders_wait_and_cancels_go(
    rehearsal: Rehearsal,
    settings: Settings,
) -> None:
    """A gateway's restart may lose what it took last: the gate is shut half a minute ahead, and cancels still try."""
    clock = ShiftedClock()
    restarts_at = (SystemClock().now() + timedelta(hours=2)).replace(second=0, microsecond=0)
    trading = rehearsal.trading
    timed = settings.model_copy(update={"ib_restart_times": f"{restarts_at:%H:%M}", "ib_restart_seconds": 60})
    async with connector(timed, clock=clock, intervals=SWIFT):
        await trading.until_connected()
        order_id = await trading.place("early", limit="150")
        await trading.until_states({"early": OrderState.ACCEPTED})

        clock.put(restarts_at - timedelta(seconds=29))
        await trading.until(is_shut(rehearsal, "BROKER_RESTARTING"))
        await trading.place("late")
        await trading.cancel(order_id)
        await trading.until_states({"early": OrderState.CANCELED})
        rehearsal.simulator.faults.inject("restart", {"down_s": 0.2, "count": 2, "gap_s": 0.5, "loses_s": 0.5})
        await until(lambda: rehearsal.simulator.faults.struck("restart") == 2)
        waiting = (await trading.states())["late"]
        clock.put(restarts_at + timedelta(seconds=61))
        await trading.until_states({"late": OrderState.FILLED})
        await rehearsal.until_agreed()

    assert waiting == "HELD"


class ShiftedClock:
    """The machine's clock, moved."""

    def __init__(self) -> None:
        self._shift = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self._shift

    def put(self, moment: datetime) -> None:
        self._shift = moment - SystemClock().now()


async def test_behaviour_04_errors_about_a_living_order_do_not_end_it(
    rehearsal: Rehearsal,
    settings: Settings,
) -> None:
    """A refused modify, a refused cancel and a notice name an order that works on: its own state decides."""
    faults = rehearsal.simulator.faults
    async with at_work(rehearsal, settings):
        faults.inject("order-notice", {"code": 10349})
        order_id = await rehearsal.trading.place("rest", limit="150")
        await rehearsal.trading.until_states({"rest": OrderState.ACCEPTED})
        faults.inject("refused-modify", {"code": 105, "times": 1})
        await rehearsal.modify(order_id, "151")
        await until(lambda: faults.struck("refused-modify"))
        await rehearsal.until_moved({"rest"})
        faults.inject("refused-cancel", {"code": 161, "times": 1})
        await rehearsal.cancel(order_id)
        await until(lambda: faults.struck("refused-cancel"))
        await rehearsal.until_agreed()
        alive = await row_of(rehearsal, "rest")
        await rehearsal.cancel(order_id)
        await rehearsal.trading.until_states({"rest": OrderState.CANCELED})

    assert (alive["state"], alive["limit_price"], alive["in_doubt"]) == ("ACCEPTED", Decimal(150), False)
    requests = await rehearsal.trading.rows("SELECT outcome FROM order_requests ORDER BY id")
    assert [row["outcome"] for row in requests] == ["REJECTED", "REJECTED", "ACCEPTED"]


@pytest.mark.parametrize(("code", "is_asked"), [(399, False), (10349, False), (9876, True)])
async def test_behaviour_05_information_does_nothing_and_an_unknown_code_asks(
    rehearsal: Rehearsal,
    settings: Settings,
    code: int,
    is_asked: bool,
) -> None:
    """Codes that inform change no order; one that nobody wrote down puts it in doubt until the broker was asked."""
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject("order-notice", {"code": code, "message": "something"})
        await rehearsal.trading.place("rest", limit="150")
        await rehearsal.trading.until_states({"rest": OrderState.ACCEPTED})
        await rehearsal.until_agreed()

    events = {row["type"] for row in await rehearsal.trading.rows("SELECT type FROM order_events")}
    assert ("OrderInDoubt" in events, "OrderConfirmed" in events) == (is_asked, is_asked)
    assert (await row_of(rehearsal, "rest"))["state"] == "ACCEPTED"


async def test_behaviour_06_a_price_off_its_increment_never_leaves(
    rehearsal: Rehearsal,
    settings: Settings,
) -> None:
    """Increments are checked before an order is sent, so the broker's 110 is never seen."""
    trading = rehearsal.trading
    async with at_work(rehearsal, settings):
        placement = await trading.desk.intake.submit(
            system_principal(trading.house.tenant_id, "test"),
            NewOrder(
                account_id=trading.house.account.id,
                client_order_id="off",
                side=Side.BUY,
                order_type=OrderType.LIMIT,
                terms=OrderTerms(quantity=Decimal(10), limit_price=Decimal("150.005")),
                symbol="AAPL",
            ),
        )

    assert [(one.code, one.path[-1]) for one in placement.problems] == [("PRICE_OFF_TICK", "limitPrice")]
    assert rehearsal.simulator.venue.exchange.orders == {}


@pytest.mark.parametrize(("fault", "quantity"), [("correction", Decimal(100)), ("bust", Decimal(0))])
async def test_behaviour_07_a_corrected_execution_replaces_the_first(
    rehearsal: Rehearsal,
    settings: Settings,
    fault: str,
    quantity: Decimal,
) -> None:
    """The same execution under its next revision takes the place of the one before; a bust is one of nothing."""
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject(fault, {"after_ms": 200})
        await rehearsal.trading.place("market")
        await rehearsal.trading.until_states({"market": OrderState.FILLED})
        await until(lambda: rehearsal.simulator.venue.exchange.executions[-1].execution_id.endswith(".02"))
        await rehearsal.until_agreed()

    rows = await rehearsal.trading.rows("SELECT revision, quantity, is_superseded FROM executions ORDER BY revision")
    assert [(row["revision"], row["is_superseded"]) for row in rows] == [(1, True), (2, False)]
    [position] = await rehearsal.trading.rows("SELECT quantity FROM positions")
    assert (rows[1]["quantity"], position["quantity"]) == (quantity, quantity)


async def test_behaviour_08_what_is_told_twice_counts_once(
    rehearsal: Rehearsal,
    settings: Settings,
) -> None:
    """Statuses, executions and commissions come again and again; each changes something once."""
    told = ["orderStatus", "openOrder", "execDetails", "commissionReport"]
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject("duplicate", {"messages": told, "copies": 3, "after_ms": 20})
        await rehearsal.trading.place("market")
        await rehearsal.trading.until_states({"market": OrderState.FILLED})
        await rehearsal.until_agreed()

    types = [row["type"] for row in await rehearsal.trading.rows("SELECT type FROM order_events ORDER BY sequence")]
    assert len(types) == len(set(types))
    assert len(await rehearsal.trading.rows("SELECT 1 FROM executions")) == 1


@pytest.mark.parametrize("fault", ["silent-fill", "fill-before-acknowledgement"])
async def test_behaviour_09_an_execution_alone_fills_an_order(
    rehearsal: Rehearsal,
    settings: Settings,
    fault: str,
) -> None:
    """A fast fill may come before any status, and without one: the acceptance is recorded with it."""
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject(fault, {})
        await rehearsal.trading.place("market")
        await rehearsal.trading.until_states({"market": OrderState.FILLED})
        await rehearsal.until_agreed()

    types = [row["type"] for row in await rehearsal.trading.rows("SELECT type FROM order_events ORDER BY sequence")]
    assert types.index("OrderAccepted") < types.index("ExecutionBooked")
    assert rehearsal.simulator.faults.struck(fault)


@pytest.mark.parametrize("shape", ["missing", "minus-one", "unset"])
async def test_behaviour_10_a_commission_is_unknown_until_it_is_seen(
    rehearsal: Rehearsal,
    settings: Settings,
    shape: str,
) -> None:
    """Nothing, -1 and the largest double all mean "not yet"; executions without one are asked for again."""
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject("commission", {"shape": shape, "is_told_when_asked": False})
        await rehearsal.trading.place("market")
        await rehearsal.trading.until_states({"market": OrderState.FILLED})
        [unknown] = await rehearsal.trading.rows("SELECT commission FROM executions")
        rehearsal.simulator.faults.clear()
        await rehearsal.until_agreed()

    [known] = await rehearsal.trading.rows("SELECT commission FROM executions")
    assert (unknown["commission"], known["commission"]) == (None, Decimal(1))


async def test_behaviour_11_orders_by_hand_are_not_taken_for_ours(
    rehearsal: Rehearsal,
    settings: Settings,
    raw: RawClients,
) -> None:
    """Only the client id that placed an order may touch it, so ours is fixed; a deal by hand is imported as such."""
    async with at_work(rehearsal, settings):
        await rehearsal.trading.place("rest", limit="150")
        await rehearsal.trading.until_states({"rest": OrderState.ACCEPTED})
        ours = await row_of(rehearsal, "rest")
        stranger = await raw.start(rehearsal.simulator.port, "v157..176", client_id=99)
        stranger.send(4, 1, ours["broker_order_id"], "")
        refusal = await stranger.until("4", at2=str(ours["broker_order_id"]))
        rehearsal.simulator.faults.inject("order-by-hand", {"symbol": "AAPL", "quantity": "30"})
        await rehearsal.trading.place("after", quantity=10)
        rehearsal.simulator.faults.inject("drop", {})
        await rehearsal.until_agreed()

    assert refusal[3] == "10147"
    assert (await row_of(rehearsal, "rest"))["state"] == "ACCEPTED"
    [external] = await rehearsal.trading.rows("SELECT * FROM orders WHERE origin = 'EXTERNAL'")
    assert (external["filled_quantity"], external["state"]) == (Decimal(30), "FILLED")


async def test_behaviour_12_a_client_id_in_use_is_kept_and_told(
    rehearsal: Rehearsal,
    settings: Settings,
) -> None:
    """326: no other client id is taken, the connector tries again, and the state says why nothing goes."""
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject("client-id-taken", {})
        await rehearsal.trading.until(is_shut(rehearsal, "client id 7"))
        rehearsal.simulator.faults.clear()
        await rehearsal.trading.until_connected()

    assert rehearsal.simulator.venue.exchange.ledger.next_order_ids == {}
    assert rehearsal.simulator.faults.struck("client-id-taken") >= 1


@pytest.mark.parametrize("back_as", [1101, 1102])
async def test_behaviour_13_a_gateway_cut_off_holds_orders_and_keeps_its_socket(
    rehearsal: Rehearsal,
    settings: Settings,
    back_as: int,
) -> None:
    """1100 shuts the gate and nothing more; 1102 asks for everything, 1101 asks for the market data lines as well."""
    async with at_work(rehearsal, settings):
        await until(lambda: lines_of(rehearsal.simulator))
        sessions = set(rehearsal.simulator.venue.sessions())
        rehearsal.simulator.faults.inject("upstream-lost", {"down_s": 0.7, "back_as": back_as})
        await rehearsal.trading.until(is_shut(rehearsal, "1100"))
        await rehearsal.trading.place("held", limit="150")
        while_down = (await rehearsal.trading.states())["held"]
        await rehearsal.trading.until_states({"held": OrderState.ACCEPTED})
        await until(lambda: lines_of(rehearsal.simulator))
        await rehearsal.until_agreed()

    assert while_down == "HELD"
    assert len(sessions) == 2
    assert rehearsal.simulator.faults.struck("upstream-lost") == 1


async def test_behaviour_13_what_a_gateway_leaves_out_while_cut_off_is_not_missing(
    rehearsal: Rehearsal, settings: Settings
) -> None:
    """A session that begins in the outage is told 2110 and an empty list: nothing is concluded until 1102."""
    async with at_work(rehearsal, settings):
        await rehearsal.trading.place("rest", limit="150")
        await rehearsal.trading.until_states({"rest": OrderState.ACCEPTED})
        rehearsal.simulator.faults.inject("upstream-lost", {"down_s": 4.0})
        rehearsal.simulator.faults.inject("drop", {"when": "now"})
        await rehearsal.trading.until(is_shut(rehearsal, "2110"))
        await rehearsal.until_agreed()

    doubts = await rehearsal.trading.rows("SELECT 1 FROM order_events WHERE type = 'OrderInDoubt'")
    assert doubts == []


def lines_of(simulator: Simulator) -> int:
    return sum(len(session.subscriptions.lines) for session in simulator.venue.sessions())


async def test_behaviour_14_a_dead_socket_is_found_out_and_the_connector_is_not_blind_while_down(
    rehearsal: Rehearsal,
    settings: Settings,
) -> None:
    """Probes find a socket that carries nothing; while the gateway is away its absence is looked at and told."""
    attempts: list[int] = []
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject("half-open", {})
        await rehearsal.trading.until(is_shut(rehearsal, "BROKER_TIMED_OUT"))
        await rehearsal.trading.until_connected()
        rehearsal.simulator.faults.inject("restart", {"down_s": 60})
        for _ in range(2):
            seen = max(attempts, default=0)

            async def has_tried_again(seen: int = seen) -> bool:
                row = await rehearsal.trading.connection()
                attempts.append(row["reconnect_attempts"])
                return not row["is_gate_open"] and row["reconnect_attempts"] > seen

            await rehearsal.trading.until(has_tried_again)
        rehearsal.simulator.faults.clear()
        await rehearsal.trading.until_connected()
        await rehearsal.until_agreed()

    assert attempts[-1] >= 2


@pytest.mark.parametrize(
    "part", ["openOrderEnd", "completedOrdersEnd", "execDetailsEnd", "positionEnd", "accountDownloadEnd"]
)
async def test_behaviour_15_nothing_is_sent_while_a_part_of_the_synchronisation_is_missing(
    rehearsal: Rehearsal,
    settings: Settings,
    part: str,
) -> None:
    """Every part has a time-out of its own; without all of them the gate stays shut and it begins again."""
    rehearsal.simulator.faults.inject("unanswered", {"part": part, "clients": [7], "times": 1})
    async with connector(settings, intervals=SWIFT):
        await rehearsal.trading.place("waits")
        await rehearsal.trading.until(is_shut(rehearsal, "did not finish telling"))
        orders = dict(rehearsal.simulator.venue.exchange.orders)
        await rehearsal.trading.until_states({"waits": OrderState.FILLED})

    assert orders == {}


async def test_behaviour_16_error_100_backs_off_and_loses_nothing(
    rehearsal: Rehearsal,
    settings: Settings,
) -> None:
    """A gateway that enforces its pace answers 100 and cuts the client: nothing is lost, nothing is sent twice."""
    names = [f"order-{number}" for number in range(20)]
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject("pacing", {"per_second": 12, "strikes_max": 2, "clients": [7]}, lasts_s=2.0)
        await asyncio.gather(*(rehearsal.trading.place(name, quantity=10) for name in names))
        await until(lambda: rehearsal.simulator.faults.struck("pacing"))
        await rehearsal.until_moved(set(names), at_most_s=10)
        await rehearsal.until_agreed()

    assert len(await rehearsal.trading.rows("SELECT 1 FROM executions")) == len(rehearsal.sent_by_us)


@pytest.mark.parametrize("code", [10197, 10089, 10167])
async def test_behaviour_17_the_state_of_a_line_is_no_failure_of_the_account(
    rehearsal: Rehearsal,
    settings: Settings,
    code: int,
) -> None:
    """A line that is refused or delayed says so; the account trades on, and the other lines tick."""
    rehearsal.simulator.faults.inject("line-notice", {"code": code, "times": 1})
    async with at_work(rehearsal, settings):
        await until(lambda: rehearsal.simulator.faults.struck("line-notice"))
        await until(lambda: lines_of(rehearsal.simulator))
        await rehearsal.trading.place("market")
        await rehearsal.trading.until_states({"market": OrderState.FILLED})
        await rehearsal.until_agreed()


async def test_behaviour_18_history_has_a_pace_and_a_memory_of_its_own(
    rehearsal: Rehearsal,
    settings: Settings,
) -> None:
    """A gateway that paces history is never asked too fast, orders do not wait for it, and the past is asked once."""
    trading = rehearsal.trading
    principal = system_principal(trading.house.tenant_id, "test")

    async def bars_of(day: int) -> list[Bar]:
        start = datetime(2026, 1, day, 15, 0, tzinfo=UTC)
        return await read_bars(
            trading.desk, principal, "AAPL", BarInterval.MINUTE_1, start, start + timedelta(minutes=10)
        )

    async with at_work(rehearsal, settings):
        await until(lambda: lines_of(rehearsal.simulator))
        # Six of one contract within two seconds would be refused with 162.
        asking = asyncio.gather(*(bars_of(day) for day in range(5, 12)))
        await trading.place("meanwhile")
        await trading.until_states({"meanwhile": OrderState.FILLED})
        was_asking = not asking.done()
        told = await asking
        began = time.monotonic()
        again = await bars_of(5)
        took_s = time.monotonic() - began

    assert was_asking
    assert [len(bars) for bars in told] == [10] * 7
    assert again == told[0]
    # The same question to the gateway would have had to wait for fifteen seconds.
    assert took_s < 5


@pytest.mark.parametrize(("fault", "state"), [("locate", OrderState.FILLED), ("late-rejection", OrderState.REJECTED)])
async def test_behaviour_19_inactive_means_what_came_with_it(
    rehearsal: Rehearsal,
    settings: Settings,
    fault: str,
    state: OrderState,
) -> None:
    """Inactive after 201 is a rejection; with whyHeld `locate` the order is alive and works later."""
    async with at_work(rehearsal, settings):
        rehearsal.simulator.faults.inject(fault, {"times": 1})
        await rehearsal.trading.place("sale", side=Side.SELL)
        await rehearsal.trading.until_states({"sale": state})
        await rehearsal.until_agreed()

    assert rehearsal.simulator.faults.struck(fault) == 1


@pytest.mark.parametrize("answers", [0, 2])
async def test_behaviour_20_a_question_may_hang_or_be_answered_twice_and_orders_name_their_account(
    rehearsal: Rehearsal,
    settings: Settings,
    answers: int,
) -> None:
    """Every order names its account; a what-if that hangs ends with its time and never becomes an order."""
    trading = rehearsal.trading
    ahead = NewOrder(
        account_id=trading.house.account.id,
        client_order_id="ahead",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        terms=OrderTerms(quantity=Decimal(100), limit_price=Decimal(180)),
        symbol="AAPL",
    )
    async with at_work(rehearsal, settings):
        await until(lambda: lines_of(rehearsal.simulator))
        rehearsal.simulator.faults.inject("what-if", {"answers": answers})
        preview = await preview_order(trading.desk, system_principal(trading.house.tenant_id, "test"), ahead)
        await trading.place("market")
        await trading.until_states({"market": OrderState.FILLED})
        await rehearsal.until_agreed()

    assert (preview.answer is None) == (answers == 0)
    accounts = {one.request.account for one in rehearsal.simulator.venue.exchange.orders.values()}
    assert accounts == {trading.house.account.account_number}
    assert rehearsal.simulator.faults.struck("what-if")
