"""The checks of orders that hang together find what they are for: each wrong history of a family is told."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.faults.checks import judge
from tests.faults.evidence import BrokerBook, BrokerExecution, BrokerOrder, Evidence, Limits
from tests.faults.load import Answered, Asked
from tests.faults.test_checks import (
    AAPL,
    ACCOUNT,
    CONTRACT,
    NOW,
    Row,
    asked,
    event,
    found,
    order,
    request,
    with_row,
    without,
)

ENTRY, PROFIT, LOSS, FIRST, SECOND = (UUID(int=number) for number in range(21, 26))
LOWERED, CANCEL = str(UUID(int=30)), str(UUID(int=31))
GROUP, PAIR = f"{ENTRY}/1", f"{FIRST}/1"
EXITS = {"takeProfit": "4300.00", "stopLoss": "4.00"}
BOUGHT = {"side": "BUY", "orderType": "MARKET", "quantity": "10", "timeInForce": "DAY"}
PAIRED = {"side": "SELL", "orderType": "LIMIT", "quantity": "5", "limitPrice": "4300.00", "timeInForce": "GTC"}
STOP = {"side": "SELL", "orderType": "STOP", "stopPrice": "4.00"}
TAKEN_AT = Decimal(240)


def placed(sequence: int, order_id: UUID, kind: str, after: str, role: str, terms: Row, **more: Any) -> Row:
    details = {"instrumentId": str(AAPL), "linkRole": role, **terms, **more}
    return event(sequence, order_id, kind, "NEW", after, **details)


def history() -> list[Row]:
    """A bracket whose profit was taken in part, and a pair that rests."""
    waiting = {"side": "SELL", "quantity": "10", "parentId": str(ENTRY), "ocaGroup": GROUP}
    paired = {"ocaGroup": PAIR, "groupQuantity": "5"}
    return [
        placed(1, ENTRY, "OrderPlaced", "ROUTED", "ENTRY", BOUGHT),
        placed(2, PROFIT, "OrderHeld", "HELD", "TAKE_PROFIT", waiting),
        placed(3, LOSS, "OrderHeld", "HELD", "STOP_LOSS", waiting),
        placed(4, FIRST, "OrderPlaced", "ROUTED", "OCO", PAIRED, **paired),
        placed(5, SECOND, "OrderPlaced", "ROUTED", "OCO", {**STOP, "quantity": "5"}, **paired),
        event(6, ENTRY, "OrderAccepted", "ROUTED", "ACCEPTED"),
        event(7, ENTRY, "ExecutionBooked", "ACCEPTED", "FILLED", filledQuantity="10"),
        event(8, PROFIT, "OrderRouted", "HELD", "ROUTED"),
        event(9, LOSS, "OrderRouted", "HELD", "ROUTED"),
        event(10, PROFIT, "OrderAccepted", "ROUTED", "ACCEPTED"),
        event(11, LOSS, "OrderAccepted", "ROUTED", "ACCEPTED"),
        event(12, FIRST, "OrderAccepted", "ROUTED", "ACCEPTED"),
        event(13, SECOND, "OrderAccepted", "ROUTED", "ACCEPTED"),
        event(14, PROFIT, "ExecutionBooked", "ACCEPTED", "PARTIALLY_FILLED", filledQuantity="4"),
        event(15, LOSS, "ReplaceRequested", "ACCEPTED", "PENDING_REPLACE", quantity="6", requestId=LOWERED),
        event(
            16,
            LOSS,
            "OrderReplaced",
            "PENDING_REPLACE",
            "ACCEPTED",
            quantity="6",
            version=2,
            resolved=[{"requestId": LOWERED, "outcome": "ACCEPTED"}],
        ),
    ]


def sound() -> Evidence:
    linked = {"parent_id": ENTRY}
    return Evidence(
        asked=[asked(1, "b", {**BOUGHT, **EXITS}), asked(2, "p", {**PAIRED, "second": STOP})],
        answered=[
            Answered(op=1, at=0.0, result="ok", order_id=str(ENTRY), others=(str(PROFIT), str(LOSS))),
            Answered(op=2, at=0.0, result="ok", order_id=str(FIRST), others=(str(SECOND),)),
        ],
        orders=[
            order(ENTRY, "b", "FILLED", filled_quantity=Decimal(10)),
            order(PROFIT, "b/tp", "PARTIALLY_FILLED", filled_quantity=Decimal(4), **linked),
            order(LOSS, "b/sl", "ACCEPTED", quantity=Decimal(6), version=2, **linked),
            order(FIRST, "p", "ACCEPTED", quantity=Decimal(5)),
            order(SECOND, "p/oco", "ACCEPTED", quantity=Decimal(5)),
        ],
        events=history(),
        executions=[
            execution(ENTRY, "x.01", "BUY", Decimal(10)),
            execution(PROFIT, "y.01", "SELL", Decimal(4)),
        ],
        requests=[request(LOWERED, LOSS, "REPLACE", "links")],
        positions=[
            {
                "account_id": ACCOUNT,
                "instrument_id": AAPL,
                "quantity": Decimal(6),
                "open_buy_quantity": Decimal(0),
                "open_sell_quantity": Decimal(11),
            }
        ],
        books=[{"account_id": ACCOUNT, "last_sequence": 16, "open_orders": 4}],
        audit=[{"action": "order.place", "resource_id": str(one)} for one in (ENTRY, PROFIT, LOSS, FIRST, SECOND)],
        instruments=[{"id": AAPL, "broker_contract_id": str(CONTRACT)}],
        brokers={ACCOUNT: book()},
        limits={ACCOUNT: Limits(open_orders=5, position=Decimal(10))},
        midnight=NOW.replace(hour=0),
    )


def execution(order_id: UUID, name: str, side: str, quantity: Decimal) -> Row:
    return {
        "account_id": ACCOUNT,
        "order_id": order_id,
        "instrument_id": AAPL,
        "execution_id": name,
        "side": side,
        "quantity": quantity,
        "price": TAKEN_AT,
        "is_superseded": False,
        "executed_at": NOW,
    }


def book() -> BrokerBook:
    told = [(ENTRY, "Filled", 10, 10), (PROFIT, "Submitted", 10, 4), (LOSS, "Submitted", 6, 0)]
    told += [(FIRST, "Submitted", 5, 0), (SECOND, "Submitted", 5, 0)]
    return BrokerBook(
        orders=[
            BrokerOrder(
                ref=str(one), permanent_id=one.int, status=status, quantity=Decimal(quantity), filled=Decimal(filled)
            )
            for one, status, quantity, filled in told
        ],
        executions=[
            BrokerExecution(
                execution_id=name, ref=str(one), contract_id=CONTRACT, quantity=Decimal(quantity), price=TAKEN_AT
            )
            for name, one, quantity in (("x.01", ENTRY, 10), ("y.01", PROFIT, -4))
        ],
        positions={CONTRACT: Decimal(6)},
    )


def with_history(*more: Row, until: int = 16) -> Callable[[Evidence], Evidence]:
    return lambda evidence: replace(evidence, events=[*evidence.events[:until], *more])


def test_a_sound_history_passes() -> None:
    assert found(judge(sound())) == set()


def test_exits_that_took_the_place_of_others_are_nobodys_orders() -> None:
    renewed = UUID(int=40)
    terms = {"side": "SELL", "quantity": "6", "parentId": str(ENTRY), "ocaGroup": f"{ENTRY}/2"}
    born = placed(17, renewed, "OrderPlaced", "ROUTED", "TAKE_PROFIT", terms)
    row = order(renewed, f"{renewed}/tp", "ROUTED", quantity=Decimal(6), parent_id=ENTRY, placed_by="links")
    evidence = with_history({**born, "actor": "links"})(sound())

    verdict = judge(
        replace(evidence, orders=[*evidence.orders, row], limits={ACCOUNT: Limits(open_orders=5, position=Decimal(20))})
    )

    assert not {("G1", "unasked"), ("G1", "half"), ("G8", "limit")} & found(verdict)


@pytest.mark.parametrize(
    ("damage", "violation"),
    [
        (without("orders", 1), ("G1", "half")),
        (without("orders", 4), ("G1", "half")),
        (with_row("orders", 3, reject_origin="OMS", state="REJECTED"), ("G1", "half")),
        (with_row("orders", 1, client_order_id="b/xx"), ("G1", "unasked")),
        (with_row("orders", 1, placed_by="links"), ("G1", "half")),
        (with_row("requests", 0, requested_by="key:1"), ("G1", "doubled")),
        (with_row("events", 13, details={"filledQuantity": "11"}), ("G8", "family")),
        (
            with_history(
                event(17, FIRST, "ExecutionBooked", "ACCEPTED", "FILLED", filledQuantity="5"),
                event(18, SECOND, "ExecutionBooked", "ACCEPTED", "PARTIALLY_FILLED", filledQuantity="1"),
            ),
            ("G8", "family"),
        ),
        # The stop is not lowered by what the profit dealt.
        (with_history(until=14), ("G8", "too much")),
        # The profit is taken whole, and the stop works on.
        (
            with_history(event(17, PROFIT, "ExecutionBooked", "PARTIALLY_FILLED", "FILLED", filledQuantity="10")),
            ("G8", "too much"),
        ),
        # One leg is dealt whole, and the other works on.
        (
            with_history(event(17, FIRST, "ExecutionBooked", "ACCEPTED", "FILLED", filledQuantity="5")),
            ("G8", "too much"),
        ),
        # The stop is gone, and nobody asked for that.
        (with_history(event(17, LOSS, "OrderCanceled", "ACCEPTED", "CANCELED")), ("G8", "unprotected")),
        # The entry is filled, and the exits never left.
        (with_history(until=7), ("G8", "unprotected")),
        (with_row("positions", 0, open_sell_quantity=Decimal(17)), ("G15", "replay")),
        (
            lambda evidence: replace(evidence, limits={ACCOUNT: Limits(open_orders=4, position=Decimal(10))}),
            ("G8", "limit"),
        ),
        (
            lambda evidence: replace(evidence, limits={ACCOUNT: Limits(open_orders=5, position=Decimal(9))}),
            ("G8", "limit"),
        ),
    ],
)
def test_damage_is_found(damage: Callable[[Evidence], Evidence], violation: tuple[str, str]) -> None:
    assert violation in found(judge(damage(sound())))


def test_an_exit_that_a_client_canceled_protects_no_more_and_is_no_violation() -> None:
    canceled = event(17, LOSS, "OrderCanceled", "ACCEPTED", "CANCELED")
    evidence = with_history(canceled)(sound())
    withdrawn = replace(evidence, requests=[*evidence.requests, request(CANCEL, LOSS, "CANCEL")])

    assert ("G8", "unprotected") not in found(judge(withdrawn))


def test_a_request_that_has_no_outcome_leaves_the_family_undecided() -> None:
    evidence = with_history(until=14)(sound())
    waiting = replace(evidence, requests=[{**request(LOWERED, LOSS, "REPLACE", "links"), "outcome": "PENDING"}])

    assert ("G8", "too much") not in found(judge(waiting))


def test_a_key_stands_for_all_that_it_was_asked_with() -> None:
    change = Asked(op=3, kind="place", web=0, at=0.0, account_id=str(ACCOUNT), key="b", terms={**BOUGHT, **EXITS})
    evidence = sound()

    assert found(judge(replace(evidence, asked=[*evidence.asked, change]))) == set()
