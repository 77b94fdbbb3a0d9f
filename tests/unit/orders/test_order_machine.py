"""Anything in any order: clients, a connector and a broker that says what it likes; and what holds after each step."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from app.core.fix import OrderState, RejectOrigin, RequestKind, RequestOutcome, Side, TimeInForce
from app.core.ids import OrderId
from app.core.messages import (
    CommissionReport,
    ExecutionReport,
    FaultClass,
    FaultReport,
    NotFoundReport,
    OrderAddress,
    OrderTerms,
    StatusReport,
    WorkingStatus,
)
from app.core.money import ZERO
from app.orders.domain.order import Order, reserved_quantity
from app.orders.domain.transitions import TRANSITIONS, may_move
from tests.architecture.test_transition_rows import AWAITED
from tests.examples import examples
from tests.fakes import SetClock
from tests.simulation.house import CLIENT_ID, CONTRACT, House, limit_terms
from tests.unit.orders.values import AT

_S = OrderState
QUANTITY = 10
ORDERS_MAX = 12
WALKS = 300
STEPS = 60
MOVED_ELSEWHERE = frozenset(
    {
        (_S.NEW, _S.REJECTED),
        (_S.NEW, _S.PENDING_APPROVAL),
        *((_S.PENDING_APPROVAL, after) for after in TRANSITIONS[_S.PENDING_APPROVAL]),
        (_S.HELD, _S.REJECTED),
        (_S.HELD, _S.EXPIRED),
    }
)
"""Made by the flows of placing, approval and release, which are not played here."""

Row = tuple[OrderState, OrderState]
AnyReport = StatusReport | ExecutionReport | FaultReport | NotFoundReport
reached: set[Row] = set()

picks = st.sampled_from([0, 0, 0, 1])
refusals = st.sampled_from(
    [
        (FaultClass.ORDER_REJECTED, 201),
        (FaultClass.REJECTED_BY_STATE, 321),
        (FaultClass.REPLACE_REJECTED, 104),
        (FaultClass.CANCEL_REJECTED, 161),
        (FaultClass.CANCEL_REJECTED, 10148),
        (FaultClass.CANCEL_REJECTED, 10147),
        (FaultClass.CANCEL_CONFIRMED, 202),
        (FaultClass.UNKNOWN, 31337),
        (FaultClass.INFORMATION, 399),
    ]
)


class OrderMachine(RuleBasedStateMachine):
    """One account's orders, from their placing to long after their end."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = SetClock(AT)
        self.house = House(self.clock)
        generation = self.house.take_lease()
        assert generation is not None
        self.generation = generation
        self.house.set_gate(generation, is_open=True)
        self.versions: dict[OrderId, int] = {}
        self.told: list[AnyReport] = []
        self.executions = 0

    @precondition(lambda self: self.is_over())
    @rule(
        force=st.sampled_from([TimeInForce.DAY, TimeInForce.IOC]), is_claimed=st.booleans(), is_accepted=st.booleans()
    )
    def place(self, force: TimeInForce, is_claimed: bool, is_accepted: bool) -> None:
        self.house.place(Side.BUY, limit_terms(QUANTITY, time_in_force=force))
        if is_claimed:
            self.claim()
        order = self.sent(0)
        if is_accepted and order is not None:
            self.tell(self.status(order, WorkingStatus.WORKING, None))

    @rule(is_open=st.booleans())
    def gate(self, is_open: bool) -> None:
        self.house.set_gate(self.generation, is_open=is_open)

    @rule()
    def claim(self) -> None:
        self.clock.advance(timedelta(seconds=1))
        self.house.claim(self.generation, 10)

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        order = self.picked(pick)
        if order is not None:
            self.house.cancel(order.id)
            reached.add((order.state, self.house.orders[order.id].state))

    @rule(pick=picks, quantity=st.sampled_from([6, 20]))
    def modify(self, pick: int, quantity: int) -> None:
        order = self.picked(pick)
        if order is not None:
            self.house.modify(order.id, limit_terms(quantity, "11"))

    @rule(pick=picks, word=st.sampled_from(WorkingStatus), is_told=st.booleans())
    def say(self, pick: int, word: WorkingStatus, is_told: bool) -> None:
        order = self.sent(pick)
        if order is not None:
            wanted = self.house.file(order.id).pending_terms or order.terms
            self.tell(self.status(order, word, wanted if is_told else None))

    @rule(pick=picks, part=st.sampled_from([4, 10, 10]))
    def deal(self, pick: int, part: int) -> None:
        order = self.sent(pick)
        if order is not None:
            self.executions += 1
            self.tell(self.execution(order, f"e{self.executions}", 1, part))

    @rule(pick=st.integers(0, 5), part=st.sampled_from([0, 0, 2, 5]), revision=st.integers(2, 3))
    def restate(self, pick: int, part: int, revision: int) -> None:
        rows = list(self.house.ledger.values())
        if rows:
            row = rows[pick % len(rows)]
            self.tell(self.execution(self.house.orders[row.order_id], row.root, revision, part))

    @rule(pick=st.integers(0, 5))
    def charge(self, pick: int) -> None:
        name = f"e{pick}.01"
        self.house.apply(
            [
                CommissionReport(
                    execution_id=name, root=f"e{pick}", commission=Decimal(1), currency="USD", realized_pnl=None
                )
            ]
        )

    @rule(pick=picks, refusal=refusals)
    def refuse(self, pick: int, refusal: tuple[FaultClass, int]) -> None:
        order = self.sent(pick)
        if order is not None:
            kind, code = refusal
            address = OrderAddress(client_id=CLIENT_ID, broker_order_id=order.broker_order_id)
            self.tell(
                FaultReport(address=address, fault=kind, broker_code=code, message="no", occurred_at=self.clock.now())
            )

    @rule(pick=picks, is_certain=st.booleans())
    def sweep(self, pick: int, is_certain: bool) -> None:
        order = self.sent(pick)
        if order is not None:
            address = OrderAddress(order_id=order.id)
            self.tell(NotFoundReport(address=address, is_certain=is_certain, occurred_at=self.clock.now()))

    @rule()
    def reconnect(self) -> None:
        self.house.resent(self.generation, [])

    @precondition(lambda self: bool(self.told))
    @rule(pick=st.integers(0, 20))
    def say_an_execution_again(self, pick: int) -> None:
        dealt = [one for one in self.told if isinstance(one, ExecutionReport)]
        if dealt:
            before = (dict(self.house.orders), dict(self.house.ledger), self.house.position, len(self.house.events))
            self.house.apply([dealt[pick % len(dealt)]])
            after = (dict(self.house.orders), dict(self.house.ledger), self.house.position, len(self.house.events))
            assert after == before

    def teardown(self) -> None:
        self.nothing_was_impossible()

    @invariant()
    def cumulative_is_the_sum_of_the_active_executions(self) -> None:
        for order in self.house.orders.values():
            active = [row for row in self.house.ledger.values() if row.order_id == order.id and not row.is_superseded]
            assert order.filled_quantity == sum((row.quantity for row in active), ZERO) >= ZERO
            assert order.filled_notional == sum((row.quantity * row.price for row in active), ZERO)
            assert order.overfilled_quantity == max(order.filled_quantity - order.terms.quantity, ZERO)
            leaves = max(order.terms.quantity - order.filled_quantity, ZERO)
            assert order.leaves_quantity == (ZERO if order.state.is_terminal else leaves)

    @invariant()
    def the_state_is_true(self) -> None:
        for order in self.house.orders.values():
            file = self.house.file(order.id)
            match order.state:
                case _S.PARTIALLY_FILLED:
                    assert ZERO < order.filled_quantity < order.terms.quantity
                case _S.ACCEPTED | _S.ROUTED | _S.HELD | _S.NEW:
                    assert order.filled_quantity == ZERO
                case _S.FILLED:
                    assert order.filled_quantity >= order.terms.quantity
                case _S.REJECTED:
                    assert order.filled_quantity == ZERO
                case _:
                    assert order.filled_quantity < order.terms.quantity
            assert (order.state is _S.PENDING_CANCEL) is (file.cancel is not None)
            assert order.state is not _S.PENDING_REPLACE or file.replace is not None
            assert order.state in {_S.PENDING_REPLACE, _S.PENDING_CANCEL} or file.replace is None
            assert not (order.state.is_terminal and order.in_doubt)

    @invariant()
    def the_account_counts_its_open_orders(self) -> None:
        house, position = self.house, self.house.position
        assert (position.open_buy_quantity, position.open_sell_quantity) == house.reserved()
        assert house.open_orders == sum(not order.state.is_terminal for order in house.orders.values())
        for order in house.orders.values():
            pending = house.file(order.id).pending_terms
            assert reserved_quantity(order, pending) >= order.leaves_quantity
        assert position.quantity == sum((order.filled_quantity for order in house.orders.values()), ZERO)

    @invariant()
    def at_most_one_request_of_a_kind_is_open(self) -> None:
        pending = [one for one in self.house.requests.values() if one.outcome is RequestOutcome.PENDING]
        assert len({(one.order_id, one.kind) for one in pending}) == len(pending)
        assert all((one.terms is None) is (one.kind is RequestKind.CANCEL) for one in pending)

    @invariant()
    def versions_only_grow(self) -> None:
        for order in self.house.orders.values():
            assert order.version >= self.versions.get(order.id, 1)
            self.versions[order.id] = order.version

    @invariant()
    def the_log_tells_the_way_to_each_state(self) -> None:
        states: dict[OrderId, OrderState] = {}
        for event in self.house.events:
            assert event.from_state is states.get(event.order_id, _S.NEW)
            assert may_move(event.from_state, event.to_state, RejectOrigin.BROKER)
            states[event.order_id] = event.to_state
            reached.add((event.from_state, event.to_state))
        assert states == {order.id: order.state for order in self.house.orders.values()}

    @invariant()
    def nothing_was_impossible(self) -> None:
        assert self.house.quarantined == {}

    def picked(self, pick: int) -> Order | None:
        # The newest first: most of what happens, happens to it.
        orders = list(self.house.orders.values())[::-1]
        return orders[pick] if pick < len(orders) else None

    def is_over(self) -> bool:
        newest = self.picked(0)
        return newest is None or (newest.state.is_terminal and len(self.house.orders) < ORDERS_MAX)

    def sent(self, pick: int) -> Order | None:
        order = self.picked(pick)
        return order if order is not None and order.was_claimed else None

    def tell(self, report: AnyReport) -> None:
        before = {order.id: order.state for order in self.house.orders.values()}
        self.house.apply([report])
        self.told.append(report)
        reached.update((state, self.house.orders[order_id].state) for order_id, state in before.items())

    def status(self, order: Order, word: WorkingStatus, terms: OrderTerms | None) -> StatusReport:
        # Some words are told before the broker has given the order a permanent id.
        address = OrderAddress(client_id=CLIENT_ID, broker_order_id=order.broker_order_id)
        if word is WorkingStatus.WORKING:
            address = replace(address, permanent_id=900 + order.id.int)
        return StatusReport(
            address=address, status=word, filled=order.filled_quantity, terms=terms, occurred_at=self.clock.now()
        )

    def execution(self, order: Order, root: str, revision: int, quantity: int) -> ExecutionReport:
        return ExecutionReport(
            address=OrderAddress(order_id=order.id, broker_order_id=order.broker_order_id, client_id=CLIENT_ID),
            execution_id=f"{root}.{revision:02}",
            root=root,
            revision=revision,
            contract_id=CONTRACT.contract_id,
            side=order.side,
            quantity=Decimal(quantity),
            price=Decimal(10) if quantity else ZERO,
            liquidity=None,
            executed_at=self.clock.now(),
        )


def step(machine: OrderMachine, random: Random) -> None:
    """One step of a seeded walk, which goes to the seldom rows more often than chance would."""
    if machine.is_over() and random.random() < 0.4:
        machine.place(random.choice([TimeInForce.DAY, TimeInForce.IOC]), random.random() < 0.8, random.random() < 0.6)
        return
    match random.choice("scmmcddrrrfflwnx"):
        case "s":
            machine.say(0, random.choice(list(WorkingStatus)), random.random() < 0.5)
        case "c":
            machine.claim()
        case "m":
            if random.random() < 0.5:
                machine.cancel(0)
            else:
                machine.modify(0, random.choice([6, 20]))
        case "d":
            machine.deal(0, random.choice([4, 10]))
        case "r":
            refusal = (FaultClass.ORDER_REJECTED, 201), (FaultClass.CANCEL_REJECTED, 161), (FaultClass.UNKNOWN, 31337)
            machine.refuse(0, random.choice(refusal))
        case "f":
            machine.restate(len(machine.house.ledger) - 1, random.choice([0, 2]), 2)
        case "w":
            machine.say(0, WorkingStatus.CANCELED, False)
        case "n":
            machine.sweep(0, random.random() < 0.5)
        case "l":
            machine.gate(random.random() < 0.8)
        case _:
            machine.charge(random.randint(0, 5))


def check(machine: OrderMachine) -> None:
    machine.cumulative_is_the_sum_of_the_active_executions()
    machine.the_state_is_true()
    machine.the_account_counts_its_open_orders()
    machine.at_most_one_request_of_a_kind_is_open()
    machine.versions_only_grow()
    machine.the_log_tells_the_way_to_each_state()
    machine.nothing_was_impossible()


def test_whatever_happens_the_invariants_hold() -> None:
    run_state_machine_as_test(
        OrderMachine,
        settings=settings(
            max_examples=examples(50, campaign=150),
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_seeded_walks_reach_every_row_of_the_table() -> None:
    random = Random(20260302)
    reached.clear()

    for _ in range(WALKS):
        machine = OrderMachine()
        for _ in range(STEPS):
            step(machine, random)
            check(machine)

    table = {(before, after) for before, row in TRANSITIONS.items() for after in row}
    missed = table - reached - AWAITED - MOVED_ELSEWHERE
    assert missed == set(), sorted(f"{before} to {after}" for before, after in missed)
