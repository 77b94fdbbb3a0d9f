"""The checks of a campaign find what they are for: evidence that is sound passes, and each damage is told."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.faults.checks import Verdict, judge
from tests.faults.evidence import BrokerBook, BrokerExecution, BrokerOrder, Evidence, Followed, Limits
from tests.faults.load import Answered, Asked

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
ACCOUNT, AAPL, FILLED, RESTING = (UUID(int=number) for number in (1, 2, 3, 4))
CONTRACT = 265598
CHANGE = str(UUID(int=9))

Row = dict[str, Any]


def order(order_id: UUID, key: str, state: str, **facts: Any) -> Row:
    return {
        "id": order_id,
        "account_id": ACCOUNT,
        "client_order_id": key,
        "origin": "API",
        "state": state,
        "quantity": Decimal(10),
        "filled_quantity": Decimal(0),
        "version": 1,
        "in_doubt": False,
        "reject_origin": None,
        "permanent_id": 70,
        "parent_id": None,
        "placed_by": "key:1",
        **facts,
    }


def event(sequence: int, order_id: UUID, kind: str, before: str, after: str, **details: Any) -> Row:
    return {
        "account_id": ACCOUNT,
        "sequence": sequence,
        "order_id": order_id,
        "type": kind,
        "from_state": before,
        "to_state": after,
        "details": details,
    }


def placed(sequence: int, order_id: UUID, terms: Row) -> Row:
    details = {"instrumentId": str(AAPL), **terms}
    return event(sequence, order_id, "OrderPlaced", "NEW", "ROUTED", **details)


MARKET = {"side": "BUY", "orderType": "MARKET", "quantity": "10", "timeInForce": "DAY"}
LIMIT = {"side": "SELL", "orderType": "LIMIT", "quantity": "10", "timeInForce": "GTC", "limitPrice": "4000"}


def request(request_id: str, order_id: UUID, kind: str, by: str = "key:1") -> Row:
    return {"id": UUID(request_id), "order_id": order_id, "kind": kind, "outcome": "ACCEPTED", "requested_by": by}


def asked(op: int, key: str | None, terms: Row, **facts: Any) -> Asked:
    return Asked(op=op, kind="place", web=0, at=0.0, account_id=str(ACCOUNT), key=key, terms=terms, **facts)


def sound() -> Evidence:
    """A market order that was filled and asked for twice, and a limit order that rests on other terms than first."""
    events = [
        placed(1, FILLED, MARKET),
        placed(2, RESTING, LIMIT),
        event(3, FILLED, "OrderAccepted", "ROUTED", "ACCEPTED"),
        event(4, FILLED, "ExecutionBooked", "ACCEPTED", "FILLED", filledQuantity="10"),
        event(5, RESTING, "OrderAccepted", "ROUTED", "ACCEPTED"),
        event(6, RESTING, "ReplaceRequested", "ACCEPTED", "PENDING_REPLACE", quantity="12", requestId=CHANGE),
        event(
            7,
            RESTING,
            "OrderReplaced",
            "PENDING_REPLACE",
            "ACCEPTED",
            quantity="12",
            version=2,
            resolved=[{"requestId": CHANGE, "outcome": "ACCEPTED"}],
        ),
    ]
    change = Asked(op=4, kind="modify", web=0, at=0.0, account_id=str(ACCOUNT), order_id=str(RESTING))
    return Evidence(
        asked=[asked(1, "a", MARKET), asked(2, "a", MARKET), asked(3, "b", LIMIT), change],
        answered=[
            Answered(op=1, at=0.0, result="unknown"),
            Answered(op=2, at=0.0, result="ok", order_id=str(FILLED), state="ROUTED"),
            Answered(op=3, at=0.0, result="ok", order_id=str(RESTING), state="ROUTED"),
            Answered(op=4, at=0.0, result="ok", order_id=str(RESTING), state="PENDING_REPLACE"),
        ],
        orders=[
            order(FILLED, "a", "FILLED", filled_quantity=Decimal(10)),
            order(RESTING, "b", "ACCEPTED", quantity=Decimal(12), version=2, permanent_id=71),
        ],
        events=events,
        executions=[
            {
                "account_id": ACCOUNT,
                "order_id": FILLED,
                "instrument_id": AAPL,
                "execution_id": "x.01",
                "side": "BUY",
                "quantity": Decimal(10),
                "price": Decimal("230.01"),
                "is_superseded": False,
                "executed_at": NOW,
            }
        ],
        requests=[request(CHANGE, RESTING, "REPLACE")],
        positions=[
            {
                "account_id": ACCOUNT,
                "instrument_id": AAPL,
                "quantity": Decimal(10),
                "open_buy_quantity": Decimal(0),
                "open_sell_quantity": Decimal(12),
            }
        ],
        books=[{"account_id": ACCOUNT, "last_sequence": 7, "open_orders": 1}],
        audit=[{"action": "order.place", "resource_id": str(one)} for one in (FILLED, RESTING)],
        instruments=[{"id": AAPL, "broker_contract_id": str(CONTRACT)}],
        brokers={ACCOUNT: book()},
        limits={ACCOUNT: Limits(open_orders=2, position=Decimal(10))},
        followed=[Followed(account_id=ACCOUNT, events=told(events), connections=1)],
        midnight=NOW.replace(hour=0),
    )


def book() -> BrokerBook:
    return BrokerBook(
        orders=[
            BrokerOrder(ref=str(FILLED), permanent_id=70, status="Filled", quantity=Decimal(10), filled=Decimal(10)),
            BrokerOrder(ref=str(RESTING), permanent_id=71, status="Submitted", quantity=Decimal(12), filled=Decimal(0)),
        ],
        executions=[
            BrokerExecution(
                execution_id="x.01",
                ref=str(FILLED),
                contract_id=CONTRACT,
                quantity=Decimal(10),
                price=Decimal("230.01"),
            )
        ],
        positions={CONTRACT: Decimal(10)},
    )


def told(events: Sequence[Row]) -> list[tuple[int, str, str]]:
    return [(row["sequence"], str(row["order_id"]), row["type"]) for row in events]


def found(verdict: Verdict) -> set[tuple[str, str]]:
    return {(violation.promise, violation.kind) for violation in verdict.violations}


def test_sound_evidence_passes() -> None:
    verdict = judge(sound())

    assert found(verdict) == set()
    assert (verdict.acknowledged, list(verdict.undecided)) == (2, [])


def with_book(**changes: Any) -> Callable[[Evidence], Evidence]:
    return lambda evidence: replace(evidence, brokers={ACCOUNT: replace(book(), **changes)})


def with_row(table: str, place: int, **changes: Any) -> Callable[[Evidence], Evidence]:
    def change(evidence: Evidence) -> Evidence:
        rows = list(getattr(evidence, table))
        rows[place] = {**rows[place], **changes}
        changed: dict[str, Any] = {table: rows}
        return replace(evidence, **changed)

    return change


def without(table: str, place: int) -> Callable[[Evidence], Evidence]:
    def change(evidence: Evidence) -> Evidence:
        rows = list(getattr(evidence, table))
        del rows[place]
        changed: dict[str, Any] = {table: rows}
        return replace(evidence, **changed)

    return change


def answering(op: int, **changes: Any) -> Callable[[Evidence], Evidence]:
    return lambda evidence: replace(
        evidence,
        answered=[replace(one, **changes) if one.op == op else one for one in evidence.answered],
    )


@pytest.mark.parametrize(
    ("damage", "violation"),
    [
        (without("orders", 1), ("G1", "lost")),
        (without("asked", 2), ("G1", "unasked")),
        (without("audit", 0), ("G1", "half")),
        (without("requests", 0), ("G1", "lost")),
        (without("asked", 3), ("G1", "doubled")),
        (with_book(orders=[*book().orders, replace(book().orders[0], permanent_id=99)]), ("G2", "sent twice")),
        (with_book(orders=[*book().orders, replace(book().orders[0], ref="?")]), ("G2", "unknown")),
        (with_book(orders=book().orders[:1]), ("G2", "lost")),
        (with_book(orders=[book().orders[0], replace(book().orders[1], status="Cancelled")]), ("G2", "state")),
        (with_book(orders=[book().orders[0], replace(book().orders[1], quantity=Decimal(10))]), ("G2", "terms")),
        (with_row("orders", 1, state="ROUTED"), ("G2", "stuck")),
        (with_row("orders", 1, reject_origin="OMS", state="REJECTED"), ("G2", "sent")),
        (without("executions", 0), ("G3", "missing")),
        (with_row("executions", 0, price=Decimal(1)), ("G3", "different")),
        (with_book(executions=[]), ("G3", "invented")),
        (with_book(positions={}), ("G3", "position")),
        (with_row("positions", 0, quantity=Decimal(20)), ("G3", "position")),
        (with_row("orders", 0, filled_quantity=Decimal(20)), ("G3", "fill")),
        (lambda evidence: replace(evidence, log="a report of the broker is NOT STORED"), ("G3", "missing")),
        (without("events", 4), ("G5", "gap")),
        (with_row("books", 0, last_sequence=8), ("G5", "gap")),
        (
            lambda evidence: replace(
                evidence, followed=[replace(evidence.followed[0], events=told(evidence.events)[1:])]
            ),
            ("G5", "follower"),
        ),
        (
            lambda evidence: replace(evidence, limits={ACCOUNT: Limits(open_orders=1, position=Decimal(10))}),
            ("G8", "limit"),
        ),
        (
            lambda evidence: replace(evidence, limits={ACCOUNT: Limits(open_orders=2, position=Decimal(9))}),
            ("G8", "limit"),
        ),
        (answering(2, order_id=str(RESTING)), ("G10", "doubled")),
        (answering(1, result="failed", codes=("RISK",)), ("G10", "answer")),
        (with_row("events", 0, details={**MARKET, "instrumentId": str(AAPL), "quantity": "11"}), ("G10", "answer")),
        (with_row("orders", 1, client_order_id="a"), ("G10", "doubled")),
        (with_row("events", 4, to_state="NEW"), ("G14", "transition")),
        (with_row("events", 5, from_state="ROUTED"), ("G14", "chain")),
        (with_row("events", 6, details={"quantity": "12", "version": 3}), ("G14", "version")),
        (
            lambda evidence: replace(evidence, quarantined=[{"order_id": FILLED, "reason": "no move"}]),
            ("G14", "quarantine"),
        ),
        (with_row("orders", 1, quantity=Decimal(10)), ("G15", "replay")),
        (with_row("positions", 0, open_sell_quantity=Decimal(0)), ("G15", "replay")),
        (with_row("books", 0, open_orders=2), ("G15", "replay")),
        (lambda evidence: replace(evidence, differences=["order"]), ("G15", "journal")),
    ],
)
def test_damage_is_found(damage: Callable[[Evidence], Evidence], violation: tuple[str, str]) -> None:
    verdict = judge(damage(sound()))

    assert violation in found(verdict)


def test_what_is_in_doubt_is_told_and_no_violation() -> None:
    damaged = with_book(orders=book().orders[:1])(with_row("orders", 1, in_doubt=True)(sound()))

    verdict = judge(damaged)

    assert found(verdict) == set()
    assert list(verdict.undecided) == [f"order {RESTING} is ACCEPTED and in doubt"]
