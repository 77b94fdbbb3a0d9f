"""The comparison of a soak finds what it is for: equal books pass, and each kind of difference is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest

from app.core.catalogue import CATALOGUE
from app.core.fix import Side
from app.simulator.accounts import Account, Holding
from app.simulator.orders import Execution, OrderRequest, OrderStatus, SimulatedOrder
from app.simulator.scenarios import pathologies
from app.simulator.store import SavedState
from tests.faults.equality import Books, compare
from tests.faults.evidence import Evidence
from tests.faults.pathologies import shaken

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
ACCOUNT, AAPL, FILLED, RESTING, BY_HAND = (UUID(int=number) for number in (1, 2, 3, 4, 5))
ENTRY = CATALOGUE[0]
Row = dict[str, Any]
Damage = Callable[[Books], Books]


def row(order_id: UUID, perm_id: int, state: str, **facts: Any) -> Row:
    return {
        "id": order_id,
        "account_id": ACCOUNT,
        "instrument_id": AAPL,
        "state": state,
        "origin": "API",
        "side": "BUY",
        "order_type": "MARKET",
        "time_in_force": "DAY",
        "quantity": Decimal(10),
        "limit_price": None,
        "stop_price": None,
        "trailing_amount": None,
        "filled_quantity": Decimal(0),
        "average_fill_price": None,
        "commission": Decimal(0),
        "in_doubt": False,
        "permanent_id": perm_id,
        "parent_id": None,
        **facts,
    }


def dealt(order_id: UUID, root: str, revision: int, quantity: int, price: str, commission: str, **facts: Any) -> Row:
    return {
        "account_id": ACCOUNT,
        "order_id": order_id,
        "instrument_id": AAPL,
        "execution_id": f"{root}.{revision:02d}",
        "execution_root": root,
        "revision": revision,
        "side": "BUY",
        "quantity": Decimal(quantity),
        "price": Decimal(price),
        "commission": Decimal(commission),
        "is_superseded": False,
        **facts,
    }


def at_broker(perm_id: int, ref: str, status: OrderStatus, **facts: Any) -> SimulatedOrder:
    terms = {"order_type": "MKT", "quantity": Decimal(10), **facts.pop("terms", {})}
    request = OrderRequest(account="DU1", order_id=perm_id, con_id=ENTRY.con_id, side=Side.BUY, order_ref=ref, **terms)
    return SimulatedOrder(perm_id=perm_id, client_id=1, request=request, status=status, placed_at=NOW, **facts)


def told(perm_id: int, ref: str, execution_id: str, quantity: int, price: str, commission: str) -> Execution:
    return Execution(
        execution_id=execution_id,
        perm_id=perm_id,
        client_id=1,
        order_id=perm_id,
        account="DU1",
        con_id=ENTRY.con_id,
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal(price),
        cumulative_quantity=Decimal(quantity),
        average_price=Decimal(price),
        order_ref=ref,
        model_code="",
        is_maker=False,
        commission=Decimal(commission),
        commission_currency="USD",
        realized=None,
        executed_at=NOW,
    )


def equal() -> Books:
    """A filled order whose deal was corrected, one that rests, and one made by hand, the same on both sides."""
    executions = (
        told(70, str(FILLED), "a.01", 10, "230.00", "1.00"),
        told(72, "", "b.01", 5, "231.00", "1.00"),
        told(70, str(FILLED), "a.02", 10, "229.00", "1.00"),
    )
    account = Account(account_id="DU1", base_currency="USD", cash={"USD": Decimal(0)})
    account.book(ENTRY, Side.BUY, Decimal(10), Decimal(230), Decimal(1))
    account.book(ENTRY, Side.BUY, Decimal(5), Decimal(231), Decimal(1))
    account.book(ENTRY, Side.SELL, Decimal(10), Decimal(230), Decimal(-1))
    account.book(ENTRY, Side.BUY, Decimal(10), Decimal(229), Decimal(1))
    filled = {"filled": Decimal(10), "notional": Decimal(2290), "commission": Decimal(1)}
    by_hand = {"filled": Decimal(5), "notional": Decimal(1155), "commission": Decimal(1)}
    limit = {"order_type": "LMT", "limit_price": Decimal(5), "time_in_force": "GTC"}
    state = SavedState(
        accounts=(account,),
        orders=(
            at_broker(70, str(FILLED), OrderStatus.FILLED, **filled),
            at_broker(71, str(RESTING), OrderStatus.SUBMITTED, terms=limit),
            at_broker(72, "", OrderStatus.FILLED, terms={"quantity": Decimal(5)}, **by_hand),
        ),
        executions=executions,
        next_order_ids={},
        last_perm_id=72,
        day_ends_at=NOW,
        walks={},
    )
    bought = {"filled_quantity": Decimal(10), "average_fill_price": Decimal(229), "commission": Decimal(1)}
    outside = {"filled_quantity": Decimal(5), "average_fill_price": Decimal(231), "commission": Decimal(1)}
    resting = {"order_type": "LIMIT", "limit_price": Decimal(5), "time_in_force": "GTC"}
    evidence = Evidence(
        orders=[
            row(FILLED, 70, "FILLED", **bought),
            row(RESTING, 71, "ACCEPTED", **resting),
            row(BY_HAND, 72, "FILLED", origin="EXTERNAL", **outside),
        ],
        executions=[
            dealt(FILLED, "a", 1, 10, "230.00", "1.00", is_superseded=True),
            dealt(FILLED, "a", 2, 10, "229.00", "1.00"),
            dealt(BY_HAND, "b", 1, 5, "231.00", "1.00"),
        ],
        positions=[{"account_id": ACCOUNT, "instrument_id": AAPL, "quantity": Decimal(15)}],
        instruments=[{"id": AAPL, "symbol": ENTRY.symbol, "broker_contract_id": str(ENTRY.con_id)}],
    )
    return Books(evidence=evidence, simulators={ACCOUNT: ("DU1", state)}, catalogue={ENTRY.con_id: ENTRY})


def found(books: Books) -> set[tuple[str, str]]:
    return {(one.subject, one.kind) for one in compare(books).differences}


def ours(table: str, place: int, **facts: Any) -> Damage:
    """Changes a row of ours."""

    def damage(books: Books) -> Books:
        rows = list(getattr(books.evidence, table))
        rows[place] = {**rows[place], **facts}
        changed: dict[str, Any] = {table: rows}
        return replace(books, evidence=replace(books.evidence, **changed))

    return damage


def without(table: str, place: int) -> Damage:
    """Takes a row of ours away."""

    def damage(books: Books) -> Books:
        rows = list(getattr(books.evidence, table))
        del rows[place]
        changed: dict[str, Any] = {table: rows}
        return replace(books, evidence=replace(books.evidence, **changed))

    return damage


def theirs(**parts: Any) -> Damage:
    """Changes the simulator's books: each part by a function of what it was."""

    def damage(books: Books) -> Books:
        number, state = books.simulators[ACCOUNT]
        changed = {name: change(getattr(state, name)) for name, change in parts.items()}
        return replace(books, simulators={ACCOUNT: (number, replace(state, **changed))})

    return damage


def held(change: Callable[[Holding], Holding]) -> Damage:
    """Changes what the simulator holds."""

    def damage(accounts: tuple[Account, ...]) -> tuple[Account, ...]:
        [account] = accounts
        return (replace(account, holdings={ENTRY.con_id: change(account.holdings[ENTRY.con_id])}),)

    return theirs(accounts=damage)


def with_break(**facts: Any) -> Damage:
    """A break of our position."""
    told = {"id": 1, "account_id": ACCOUNT, "instrument_id": AAPL, "kind": "POSITION_QUANTITY", "state": "RESOLVED"}
    return lambda books: replace(books, breaks=[{**told, "ours": {}, "broker": {}, **facts}])


def test_equal_books_have_no_difference() -> None:
    told = compare(equal())

    assert told.differences == []
    assert (told.orders, told.working, told.external) == (3, 1, 1)
    assert (told.executions, told.revised, told.positions, told.costs) == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("damage", "difference"),
    [
        (without("orders", 1), ("order", "unknown to us")),
        (without("orders", 2), ("order", "unknown to us")),
        (theirs(orders=lambda orders: orders[:1] + orders[2:]), ("order", "unknown to the broker")),
        (
            theirs(orders=lambda orders: (*orders, at_broker(73, str(RESTING), OrderStatus.CANCELLED))),
            ("order", "twice"),
        ),
        (ours("orders", 0, in_doubt=True), ("order", "in doubt")),
        (ours("orders", 0, state="CANCELED"), ("order", "state")),
        (ours("orders", 1, state="PENDING_CANCEL"), ("order", "state")),
        (ours("orders", 1, state="PARTIALLY_FILLED"), ("order", "state")),
        (ours("orders", 1, state="ROUTED"), ("order", "state")),
        (ours("orders", 0, permanent_id=7), ("order", "permanent id")),
        (ours("orders", 0, filled_quantity=Decimal(9)), ("order", "filled quantity")),
        (ours("orders", 0, average_fill_price=Decimal(230)), ("order", "average price")),
        (ours("orders", 0, commission=Decimal(2)), ("order", "commission")),
        (ours("orders", 0, side="SELL"), ("order", "side")),
        (ours("orders", 1, quantity=Decimal(11)), ("order", "quantity")),
        (ours("orders", 1, order_type="MARKET"), ("order", "order type")),
        (ours("orders", 1, limit_price=Decimal(6)), ("order", "limit price")),
        (ours("orders", 1, time_in_force="DAY"), ("order", "time in force")),
        (without("executions", 2), ("execution", "missing")),
        (theirs(executions=lambda told: (told[0], told[2])), ("execution", "invented")),
        (ours("executions", 1, execution_id="a.03"), ("execution", "id")),
        (ours("executions", 1, quantity=Decimal(9)), ("execution", "quantity")),
        (ours("executions", 1, price=Decimal(230)), ("execution", "price")),
        (ours("executions", 1, side="SELL"), ("execution", "side")),
        (ours("executions", 1, commission=None), ("execution", "commission")),
        (ours("executions", 1, order_id=BY_HAND), ("execution", "order")),
        # The revision that was corrected still counts.
        (ours("executions", 0, is_superseded=False), ("execution", "twice")),
        (ours("positions", 0, quantity=Decimal(14)), ("position", "quantity")),
        (without("positions", 0), ("position", "quantity")),
        (held(lambda one: replace(one, quantity=one.quantity + 1)), ("position", "quantity")),
        (held(lambda one: replace(one, average_cost=one.average_cost + 1)), ("position", "average cost")),
        (ours("executions", 2, price=Decimal(230)), ("position", "average cost")),
        (with_break(), ("break", "false alarm")),
    ],
)
def test_each_difference_is_found(damage: Damage, difference: tuple[str, str]) -> None:
    assert difference in found(damage(equal()))


def test_an_assigned_position_has_a_break_and_a_cost_of_its_own() -> None:
    assigned = frozenset({(ACCOUNT, ENTRY.symbol)})
    books = replace(with_break()(equal()), assigned=assigned)
    dearer = held(lambda one: replace(one, average_cost=one.average_cost + 1))(books)

    assert found(dearer) == set()
    assert found(replace(with_break(state="OPEN")(books), assigned=assigned)) == {("break", "open")}


def test_an_order_that_a_correction_left_short_is_over_and_not_filled() -> None:
    lowered = theirs(orders=lambda orders: (replace(orders[0], filled=Decimal(4)), *orders[1:]))
    short = ours("orders", 0, filled_quantity=Decimal(4))

    assert ("order", "state") in found(lowered(short(equal())))
    assert ("order", "state") not in found(lowered(ours("orders", 0, state="CANCELED")(short(equal()))))


def test_an_order_that_was_refused_before_it_left_is_not_looked_for_at_the_broker() -> None:
    refused = row(UUID(int=9), 0, "REJECTED", permanent_id=None)
    books = equal()
    books = replace(books, evidence=replace(books.evidence, orders=[*books.evidence.orders, refused]))

    assert found(books) == set()


@pytest.mark.parametrize("name", sorted(pathologies()))
def test_a_pathology_is_shaken_within_what_its_faults_take(name: str) -> None:
    scenario = pathologies()[name]

    played = [shaken(scenario, Random(seed)) for seed in range(50)]

    assert [one.fault for one in played[0].steps] == [one.fault for one in scenario.steps]
    assert played[0] == shaken(scenario, Random(0))
    assert all(one.lasts_s <= 16 for one in played)
