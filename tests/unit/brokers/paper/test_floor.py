"""The paper broker's floor: what deals, on which quotes, in which hours, for which money."""

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.brokers.paper.orders import PaperOrder, PaperState
from app.brokers.paper.rules import PaperSessions, PaperTerms, Refusal
from app.brokers.paper.venue import PaperVenue
from app.brokers.what_if import WhatIf
from app.core.fix import OrderType, Side, TimeInForce
from app.core.fx import FxRate, FxRates
from app.core.ids import OrderId
from app.core.messages import (
    BrokerReport,
    CommissionReport,
    Contract,
    ExecutionReport,
    FaultClass,
    FaultReport,
    Instrument,
    LaneCommand,
    LaneKind,
    OrderTerms,
    StatusReport,
    Tick,
    WorkingStatus,
)
from app.infra.system import SystemIds
from tests import factories

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
OPEN = MONDAY.replace(hour=15)
"""Ten in the morning in New York."""

AAPL = factories.instrument("AAPL")
SAP = factories.instrument("SAP")
EURUSD = factories.instrument("EUR.USD")
ALWAYS = PaperTerms(sessions=PaperSessions.ALWAYS)
_ids = SystemIds()


class Floor:
    """A venue, its time, and everything it told."""

    def __init__(
        self,
        terms: PaperTerms = ALWAYS,
        *,
        now: datetime = OPEN,
        cash: int = 1_000_000,
        rates: FxRates | None = None,
        state: PaperState | None = None,
    ) -> None:
        self.now = now
        held = state or PaperState(base_currency="USD", cash={"USD": Decimal(cash)}, rates=rates or FxRates())
        self.venue = PaperVenue(held, terms, client_id=7, now=now)
        self.told: list[BrokerReport] = []
        self._number = held.next_order_id - 1

    def place(
        self,
        quantity: int = 100,
        limit: str | None = None,
        *,
        side: Side = Side.BUY,
        instrument: Instrument = AAPL,
        time_in_force: TimeInForce = TimeInForce.DAY,
        outside: bool = False,
    ) -> LaneCommand:
        self._number += 1
        command = LaneCommand(
            kind=LaneKind.PLACE,
            order_id=OrderId(_ids.new()),
            request_id=None,
            broker_order_id=self._number,
            contract=contract_of(instrument),
            side=side,
            order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            terms=OrderTerms(
                quantity=Decimal(quantity),
                limit_price=None if limit is None else Decimal(limit),
                time_in_force=time_in_force,
            ),
            outside_regular_hours=outside,
        )
        self.venue.pass_time(self.now)
        self.venue.take(command, instrument, self.now)
        self._hear()
        return command

    def quote(
        self,
        bid: str = "187.40",
        ask: str = "187.42",
        *,
        size: int = 1_000,
        instrument: Instrument = AAPL,
        age: timedelta = timedelta(),
    ) -> None:
        self.venue.pass_time(self.now)
        self.venue.see(
            Tick(
                instrument_id=instrument.id,
                symbol=instrument.symbol,
                bid=Decimal(bid),
                bid_size=Decimal(size),
                ask=Decimal(ask),
                ask_size=Decimal(size),
                last=Decimal(bid),
                last_size=Decimal(1),
                time=self.now - age,
            ),
            self.now,
        )
        self._hear()

    def until(self, now: datetime) -> None:
        self.now = now
        self.venue.pass_time(now)
        self._hear()

    def dealt(self, command: LaneCommand | None = None) -> list[tuple[Decimal, Decimal]]:
        found = (one for one in self.told if isinstance(one, ExecutionReport))
        return [
            (one.quantity, one.price) for one in found if command is None or one.address.order_id == command.order_id
        ]

    def status(self, command: LaneCommand) -> WorkingStatus | None:
        found = [one for one in self.told if isinstance(one, StatusReport)]
        return next((one.status for one in reversed(found) if one.address.order_id == command.order_id), None)

    def refusals(self) -> list[tuple[int, FaultClass]]:
        return [(one.broker_code, one.fault) for one in self.told if isinstance(one, FaultReport)]

    def _hear(self) -> None:
        self.told.extend(self.venue.taken().reports)


def contract_of(instrument: Instrument) -> Contract:
    assert instrument.contract_id is not None
    return Contract(
        instrument_id=instrument.id,
        contract_id=instrument.contract_id,
        symbol=instrument.symbol,
        instrument_type=instrument.instrument_type,
        exchange=instrument.exchange,
        currency=instrument.currency,
    )


def test_without_a_quote_an_order_waits_and_an_order_for_now_ends() -> None:
    floor = Floor()

    waiting, now_or_never = floor.place(), floor.place(time_in_force=TimeInForce.IOC)
    before = floor.dealt()
    floor.quote()

    assert before == []
    assert floor.status(now_or_never) is WorkingStatus.CANCELED
    assert floor.dealt() == floor.dealt(waiting) == [(Decimal(100), Decimal("187.42"))]


def test_a_quote_deals_up_to_its_age_and_not_beyond() -> None:
    floor = Floor()

    floor.quote(age=timedelta(seconds=16))
    order = floor.place()
    too_old = floor.dealt()
    floor.quote(ask="187.43", age=timedelta(seconds=15))

    assert too_old == []
    assert floor.dealt(order) == [(Decimal(100), Decimal("187.43"))]


def test_a_quote_that_has_aged_deals_no_more() -> None:
    floor = Floor()
    floor.quote()

    floor.until(OPEN + timedelta(seconds=16))
    order = floor.place()

    assert (floor.dealt(), floor.status(order)) == ([], WorkingStatus.WORKING)


def test_the_same_quote_told_again_has_no_new_size() -> None:
    floor = Floor()
    floor.quote(size=30)
    order = floor.place(100)

    for _ in range(3):
        floor.now += timedelta(seconds=1)
        floor.quote(size=30)
    floor.quote(ask="187.43", size=30)

    assert floor.dealt(order) == [(Decimal(30), Decimal("187.42")), (Decimal(30), Decimal("187.43"))]


def test_a_share_waits_for_its_hours_and_ends_with_them() -> None:
    floor = Floor(PaperTerms(), now=MONDAY.replace(hour=13))
    floor.quote()

    regular, extended = floor.place(10), floor.place(10, outside=True)
    early = floor.dealt()
    floor.until(MONDAY.replace(hour=14, minute=30))
    floor.quote()
    resting = floor.place(10, "150")
    lasting = floor.place(10, "150", time_in_force=TimeInForce.GTC)
    floor.until(MONDAY.replace(hour=21))
    floor.quote("149.00", "149.01")
    closed = floor.dealt(lasting)
    floor.until(MONDAY + timedelta(days=1, hours=14, minutes=30))
    floor.quote("149.00", "149.01")

    assert early == floor.dealt(extended) == [(Decimal(10), Decimal("187.42"))]
    assert floor.dealt(regular) == [(Decimal(10), Decimal("187.42"))]
    assert (floor.status(resting), floor.dealt(resting)) == (WorkingStatus.CANCELED, [])
    assert (closed, floor.dealt(lasting)) == ([], [(Decimal(10), Decimal(150))])


def test_an_order_for_the_opening_deals_in_it_and_the_rest_ends() -> None:
    floor = Floor(PaperTerms(), now=MONDAY.replace(hour=13))
    floor.quote()
    order = floor.place(100, "188", time_in_force=TimeInForce.OPG)
    floor.quote("187.50", "187.60", size=10)
    before = floor.dealt()

    floor.until(MONDAY.replace(hour=14, minute=30))
    floor.quote("187.70", "187.72", size=30)

    assert before == []
    assert floor.dealt(order) == [(Decimal(30), Decimal("187.72"))]
    assert floor.status(order) is WorkingStatus.CANCELED


def test_an_opening_without_a_quote_ends_its_orders() -> None:
    floor = Floor(PaperTerms(), now=MONDAY.replace(hour=13))
    order = floor.place(100, time_in_force=TimeInForce.OPG)

    floor.until(MONDAY.replace(hour=14, minute=32))
    floor.quote()

    assert (floor.dealt(), floor.status(order)) == ([], WorkingStatus.CANCELED)


def test_what_the_equity_does_not_carry_is_refused_and_what_lowers_the_margin_is_not() -> None:
    floor = Floor(cash=10_000)
    floor.quote()

    floor.place(100)
    floor.quote(ask="187.43")
    too_much = floor.place(20)
    floor.place(100, side=Side.SELL)

    assert floor.refusals() == [(201, FaultClass.ORDER_REJECTED)]
    assert floor.dealt(too_much) == []
    assert floor.venue.positions() == ()


def test_a_foreign_order_needs_a_rate_and_moves_its_own_currency() -> None:
    blind, seeing = Floor(), Floor(rates=FxRates([FxRate(base="EUR", quote="USD", rate=Decimal("1.10"), at=OPEN)]))
    for floor in (blind, seeing):
        floor.quote("219.98", "220.00", instrument=SAP)
        floor.place(10, instrument=SAP)

    assert blind.refusals() == [(201, FaultClass.ORDER_REJECTED)]
    assert seeing.dealt() == [(Decimal(10), Decimal(220))]
    values = seeing.venue.values()
    assert values.cash == Decimal(1_000_000) - Decimal("2201") * Decimal("1.10")
    assert values.initial_margin == Decimal("219.98") * 10 * Decimal("1.10") / 2


def test_a_currency_pair_moves_both_currencies() -> None:
    floor = Floor(rates=FxRates([FxRate(base="EUR", quote="USD", rate=Decimal("1.10"), at=OPEN)]))
    floor.quote("1.09995", "1.10", size=1_000_000, instrument=EURUSD)

    floor.place(20_000, instrument=EURUSD)

    # 22,000 dollars and the least commission went, 20,000 euros came.
    assert floor.venue.values().cash == Decimal(1_000_000) - 2


def test_an_order_that_was_acknowledged_lives_on_in_the_next_session() -> None:
    first = Floor()
    order = first.place(10, "150", time_in_force=TimeInForce.GTC)
    kept = [dataclasses.replace(one) for one in first.venue.orders]
    state = PaperState(
        base_currency="USD",
        cash={"USD": Decimal(1_000_000)},
        orders=kept,
        last_permanent_id=1,
        next_order_id=2,
        instruments={AAPL.id: AAPL},
        dealt_until={AAPL.id: OPEN},
    )
    second = Floor(state=state)

    second.quote("149.00", "149.02")
    taken = second.dealt()
    second.now += timedelta(seconds=1)
    second.quote("148.00", "148.02")

    assert taken == []
    assert second.dealt(order) == [(Decimal(10), Decimal(150))]


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (OrderTerms(quantity=Decimal("0.5")), 201),
        (OrderTerms(quantity=Decimal(10), time_in_force=TimeInForce.GTD, expires_at=OPEN), 201),
        (OrderTerms(quantity=Decimal(2_000_000_000)), 201),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: OrderTerms, code: int) -> None:
    floor = Floor()
    floor.quote()
    asked = WhatIf(contract=contract_of(AAPL), side=Side.BUY, order_type=OrderType.MARKET, terms=terms)

    answer = floor.venue.preview(asked, AAPL, OPEN)

    assert isinstance(answer, Refusal)
    assert answer.code == code


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("quote"), st.integers(95, 105), st.integers(1, 3), st.integers(0, 40), st.integers(0, 20)),
        st.tuples(st.just("order"), st.integers(1, 60), st.none() | st.integers(95, 105), st.sampled_from(list(Side))),
        st.tuples(st.just("cancel"), st.integers(1, 20)),
        st.tuples(st.just("wait"), st.integers(0, 20)),
    ),
    max_size=40,
)


@given(_STEPS)
def test_whatever_happens_books_balance_and_no_size_is_taken_twice(steps: list[tuple[object, ...]]) -> None:
    floor = Floor()
    shown = {Side.BUY: Decimal(0), Side.SELL: Decimal(0)}
    touch: dict[Side, tuple[object, object]] = {}
    taken = {Side.BUY: Decimal(0), Side.SELL: Decimal(0)}
    placed: list[LaneCommand] = []
    for step in steps:
        match step:
            case ("quote", int(bid), int(spread), int(size), int(age)):
                for side, price in ((Side.SELL, bid), (Side.BUY, bid + spread)):
                    if touch.get(side) != (price, size):
                        shown[side] += size
                        touch[side] = (price, size)
                floor.now += timedelta(seconds=21)
                floor.quote(str(bid), str(bid + spread), size=size, age=timedelta(seconds=age))
            case ("order", int(quantity), limit, Side() as side):
                placed.append(floor.place(quantity, None if limit is None else str(limit), side=side))
            case ("cancel", int(number)) if number <= len(placed):
                command = dataclasses.replace(placed[number - 1], kind=LaneKind.CANCEL)
                floor.venue.take(command, AAPL, floor.now)
                floor._hear()
            case ("wait", int(seconds)):
                floor.until(floor.now + timedelta(seconds=seconds))

    executions = [one for one in floor.told if isinstance(one, ExecutionReport)]
    for one in executions:
        taken[one.side] += one.quantity
    costs = {one.execution_id: one for one in floor.told if isinstance(one, CommissionReport)}
    assert all(taken[side] <= shown[side] for side in Side)
    assert len({one.execution_id for one in executions}) == len(executions) == len(costs)
    for order in floor.venue.orders:
        dealt = sum((one.quantity for one in executions if _is_of(one, order)), Decimal(0))
        assert order.filled == dealt <= order.terms.quantity
        cost = sum(
            (costs[one.execution_id].commission or Decimal(0) for one in executions if _is_of(one, order)), Decimal(0)
        )
        assert cost == (max(Decimal(1), dealt * Decimal("0.005")) if dealt else 0)
    signed = sum((one.side.sign * one.quantity for one in executions), Decimal(0))
    assert sum((one.quantity for one in floor.venue.positions()), Decimal(0)) == signed
    spent = sum((one.side.sign * one.quantity * one.price for one in executions), Decimal(0))
    paid = sum((one.commission or Decimal(0) for one in costs.values()), Decimal(0))
    assert floor.venue.values().cash == Decimal(1_000_000) - spent - paid


def _is_of(execution: ExecutionReport, order: PaperOrder) -> bool:
    return execution.address.order_id == order.order_id
