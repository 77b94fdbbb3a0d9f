"""The promises, held against the evidence: pure functions that tell each violation."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.core.fix import OrderOrigin, OrderState, RejectOrigin
from app.orders.domain.transitions import may_move
from tests.faults.evidence import BrokerOrder, Evidence, Row
from tests.faults.family_checks import half_families, linked_keys, over_dealt, unprotected
from tests.faults.load import Answered, Asked
from tests.faults.replay import LINKS, Replay
from tests.faults.violation import Violation

PROMISES = ("G1", "G2", "G3", "G5", "G8", "G10", "G14", "G15")

_IMPORTED = "OrderImported"
_CONFLICT = "IDEMPOTENCY_CONFLICT"
_TERMS = ("side", "orderType", "quantity", "limitPrice", "timeInForce")
_WORKING = frozenset({"PreSubmitted", "Submitted", "PendingSubmit", "PendingCancel"})
_STATES_OF = {
    "Filled": {"FILLED"},
    "Cancelled": {"CANCELED", "EXPIRED"},
    "ApiCancelled": {"CANCELED", "EXPIRED"},
    "Inactive": {"REJECTED"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the checks found, and what is visibly undecided without being a violation."""

    violations: Sequence[Violation]
    acknowledged: int
    undecided: Sequence[str]

    def count(self, kind: str) -> int:
        """How many violations are of a kind."""
        return sum(violation.kind == kind for violation in self.violations)


def judge(evidence: Evidence) -> Verdict:
    """Everything that the evidence tells against the promises."""
    checks: Iterable[Callable[[Evidence], Iterator[Violation]]] = (
        lost_orders,
        half_orders,
        lost_changes,
        sendings,
        ledgers,
        sequences,
        followers,
        limits,
        keys,
        transitions,
        replays,
        half_families,
        over_dealt,
        unprotected,
    )
    return Verdict(
        violations=tuple(violation for check in checks for violation in check(evidence)),
        acknowledged=len({answer.order_id for _, answer in _placements(evidence) if answer.order_id}),
        undecided=tuple(undecided(evidence)),
    )


def lost_orders(evidence: Evidence) -> Iterator[Violation]:
    """G1: an acknowledged order is stored, under the account and the key that it was asked with."""
    stored = {str(row["id"]): row for row in evidence.orders}
    seen: set[str] = set()
    for asked, answer in _placements(evidence):
        if answer.order_id is None or answer.order_id in seen:
            continue
        seen.add(answer.order_id)
        row = stored.get(answer.order_id)
        if row is None:
            yield Violation(promise="G1", kind="lost", what=f"{answer.order_id} ({asked.key}) is not stored")
        elif (str(row["account_id"]), row["client_order_id"]) != (asked.account_id, asked.key):
            yield Violation(promise="G1", kind="mixed", what=f"{asked.key} was answered with another's order")


def half_orders(evidence: Evidence) -> Iterator[Violation]:
    """G1: what is stored was asked for, and is there whole: with its first event and its audit entry."""
    asked = {
        (one.account_id, key)
        for one in evidence.asked
        if one.kind == "place" and one.key is not None
        for key in (one.key, *linked_keys(one.key, one.terms))
    }
    known = {row["id"] for row in evidence.orders}
    first = Counter(str(row["order_id"]) for row in evidence.events if row["from_state"] == "NEW")
    audited = Counter(row["resource_id"] for row in evidence.audit if row["action"] == "order.place")
    for row in evidence.orders:
        order_id = str(row["id"])
        is_of_the_house = row["placed_by"] == LINKS and row["parent_id"] in known
        is_of_the_house |= row["origin"] == OrderOrigin.EXTERNAL
        if not is_of_the_house and (str(row["account_id"]), row["client_order_id"]) not in asked:
            yield Violation(promise="G1", kind="unasked", what=f"{order_id} was never asked for ({row['origin']})")
        if first[order_id] != 1:
            yield Violation(promise="G1", kind="half", what=f"{order_id} has {first[order_id]} first events")
        if audited[order_id] != (not is_of_the_house):
            yield Violation(promise="G1", kind="half", what=f"{order_id} has {audited[order_id]} audit entries")


def lost_changes(evidence: Evidence) -> Iterator[Violation]:
    """G1: an acknowledged cancel or modify has its request, and no more requests are stored than were asked for."""
    answers = {answer.op: answer for answer in evidence.answered}
    asked: Counter[tuple[str, str]] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    for one in evidence.asked:
        if one.order_id is not None:
            place = (one.order_id, "CANCEL" if one.kind == "cancel" else "REPLACE")
            asked[place] += 1
            answer = answers.get(one.op)
            taken[place] += answer is not None and answer.result == "ok"
    stored = Counter((str(row["order_id"]), row["kind"]) for row in evidence.requests if row["requested_by"] != LINKS)
    for place, count in taken.items():
        # A cancel that is open already is answered as it stands, so many answers may share one request.
        least = min(count, 1) if place[1] == "CANCEL" else count
        if stored[place] < least:
            yield Violation(promise="G1", kind="lost", what=f"{place}: {count} taken, {stored[place]} stored")
    for place, count in stored.items():
        if count > asked[place]:
            yield Violation(promise="G1", kind="doubled", what=f"{place}: {asked[place]} asked, {count} stored")


def sendings(evidence: Evidence) -> Iterator[Violation]:
    """G2: each order is at the broker at most once, once unless it visibly is not, and as we believe it to be."""
    known = {str(row["id"]): row for row in evidence.orders}
    outside = _outside(evidence)
    for account_id, book in evidence.brokers.items():
        held: dict[str, list[BrokerOrder]] = defaultdict(list)
        for order in book.orders:
            held[order.ref or outside.get((account_id, order.permanent_id), "")].append(order)
        for ref, copies in held.items():
            permanent = {copy.permanent_id for copy in copies}
            if len(permanent) > 1:
                yield Violation(promise="G2", kind="sent twice", what=f"{ref} is at the broker as {sorted(permanent)}")
            row = known.get(ref)
            if row is None or row["account_id"] != account_id:
                yield Violation(promise="G2", kind="unknown", what=f"the broker has {ref!r}, which we have not")
            else:
                yield from _disagreements(row, copies[-1])
        for order_id, row in known.items():
            if row["account_id"] == account_id and order_id not in held:
                yield from _absence(row)


def _disagreements(row: Row, order: BrokerOrder) -> Iterator[Violation]:
    order_id, state = str(row["id"]), row["state"]
    if row["reject_origin"] == RejectOrigin.OMS:
        yield Violation(promise="G2", kind="sent", what=f"{order_id} was refused here and is at the broker")
    if row["filled_quantity"] != order.filled:
        what = f"{order_id} filled {row['filled_quantity']} here, {order.filled} at the broker"
        yield Violation(promise="G3", kind="fill", what=what)
    if row["in_doubt"]:
        return
    is_working = not OrderState(state).is_terminal
    fits = is_working if order.status in _WORKING else state in _STATES_OF.get(order.status, ())
    if order.status == "Filled" and order.filled < order.quantity:
        # The broker took a deal back, and works on the order no longer.
        fits = state == OrderState.CANCELED
    if not fits:
        yield Violation(promise="G2", kind="state", what=f"{order_id} is {state} here, {order.status} at the broker")
    elif is_working and state == OrderState.ROUTED:
        yield Violation(promise="G2", kind="stuck", what=f"{order_id} works at the broker and is ROUTED here")
    elif is_working and row["quantity"] != order.quantity:
        what = f"{order_id} has quantity {row['quantity']} here, {order.quantity} at the broker"
        yield Violation(promise="G2", kind="terms", what=what)


def _absence(row: Row) -> Iterator[Violation]:
    order_id, state = str(row["id"]), OrderState(row["state"])
    if row["in_doubt"] or state is OrderState.REJECTED:
        return
    # A cancel may find that the order never arrived; nothing was ever told of it then.
    if state is OrderState.CANCELED and row["permanent_id"] is None:
        return
    # Exits wait here for the first fill of their entry.
    if state is OrderState.HELD and row["parent_id"] is not None:
        return
    kind = "lost" if row["permanent_id"] is not None else "not sent"
    yield Violation(promise="G2", kind=kind, what=f"{order_id} is {state} here and not at the broker")


def ledgers(evidence: Evidence) -> Iterator[Violation]:
    """G3: each execution of the broker is in the ledger once and moved the order and the position once."""
    contracts = {row["id"]: int(row["broker_contract_id"]) for row in evidence.instruments if row["broker_contract_id"]}
    outside = _outside(evidence)
    for account_id, book in evidence.brokers.items():
        rows = [row for row in evidence.executions if row["account_id"] == account_id]
        ours = {row["execution_id"]: row for row in rows if row["executed_at"] >= evidence.midnight}
        theirs = {one.execution_id: one for one in book.executions}
        for execution_id, one in theirs.items():
            row = ours.get(execution_id)
            if row is None:
                yield Violation(promise="G3", kind="missing", what=f"{execution_id} of {one.ref} is not in the ledger")
                continue
            ref = one.ref or outside.get((account_id, one.permanent_id), "")
            told = (ref, one.contract_id, one.quantity, one.price)
            if (str(row["order_id"]), contracts[row["instrument_id"]], _signed(row), row["price"]) != told:
                yield Violation(promise="G3", kind="different", what=f"{execution_id}: {row} here, {one} there")
        for execution_id in ours.keys() - theirs.keys():
            yield Violation(promise="G3", kind="invented", what=f"{execution_id} is not at the broker")
        held = {
            contracts[row["instrument_id"]]: row["quantity"]
            for row in evidence.positions
            if row["account_id"] == account_id and row["quantity"]
        }
        if held != dict(book.positions):
            what = f"{account_id} holds {held} here, {dict(book.positions)} at the broker"
            yield Violation(promise="G3", kind="position", what=what)
    yield from _sums(evidence)
    if (lost := evidence.log.count("is NOT STORED")) > 0:
        yield Violation(promise="G3", kind="missing", what=f"{lost} reports of the broker were not stored")


def _sums(evidence: Evidence) -> Iterator[Violation]:
    filled: dict[Any, Decimal] = defaultdict(Decimal)
    held: dict[Any, Decimal] = defaultdict(Decimal)
    for row in evidence.executions:
        if not row["is_superseded"]:
            filled[row["order_id"]] += row["quantity"]
            held[row["account_id"], row["instrument_id"]] += _signed(row)
    for row in evidence.adjustments:
        held[row["account_id"], row["instrument_id"]] += row["quantity_after"] - row["quantity_before"]
    for row in evidence.orders:
        if row["filled_quantity"] != filled[row["id"]]:
            what = f"{row['id']} filled {row['filled_quantity']}, its executions are {filled[row['id']]}"
            yield Violation(promise="G3", kind="fill", what=what)
    for row in evidence.positions:
        place = (row["account_id"], row["instrument_id"])
        if row["quantity"] != held[place]:
            what = f"{place}: position {row['quantity']}, its executions are {held[place]}"
            yield Violation(promise="G3", kind="position", what=what)


def sequences(evidence: Evidence) -> Iterator[Violation]:
    """G5: the log of each account counts from 1 without a gap, up to where its book stands."""
    logs = _logs(evidence)
    for book in evidence.books:
        told = [row["sequence"] for row in logs.get(book["account_id"], ())]
        if told != list(range(1, len(told) + 1)):
            yield Violation(promise="G5", kind="gap", what=f"the log of {book['account_id']} is not 1..{len(told)}")
        if book["last_sequence"] != len(told):
            what = f"the book of {book['account_id']} stands at {book['last_sequence']}, its log has {len(told)}"
            yield Violation(promise="G5", kind="gap", what=what)


def followers(evidence: Evidence) -> Iterator[Violation]:
    """G5: who followed and came back with the last sequence was told every event once, in order."""
    logs = _logs(evidence)
    for one in evidence.followed:
        log = [(row["sequence"], str(row["order_id"]), row["type"]) for row in logs.get(one.account_id, ())]
        told = list(one.events)
        if told == log:
            continue
        missed, more = len(set(log) - set(told)), len(told) - len(set(told))
        what = f"a follower of {one.account_id} missed {missed} of {len(log)} events and heard {more} twice"
        yield Violation(promise="G5", kind="follower", what=what)


def limits(evidence: Evidence) -> Iterator[Violation]:
    """G8: at no event of the log are there more open orders, or may there be a larger position, than the limit."""
    for account_id, limit in evidence.limits.items():
        replay = Replay()
        for row in _logs(evidence).get(account_id, ()):
            instrument_id = replay.apply(row)
            if replay.open_orders - replay.open_by_the_house > limit.open_orders:
                what = f"{account_id} has {replay.open_orders} open orders at event {row['sequence']}"
                yield Violation(promise="G8", kind="limit", what=what)
            if instrument_id is not None and replay.worst(instrument_id) > limit.position:
                what = f"{account_id} may hold {replay.worst(instrument_id)} at event {row['sequence']}"
                yield Violation(promise="G8", kind="limit", what=what)


def keys(evidence: Evidence) -> Iterator[Violation]:
    """G10: one key, one order; everyone who asked for it got it, everyone who asked for another was refused."""
    stored = Counter((str(row["account_id"]), row["client_order_id"]) for row in evidence.orders)
    for place, count in stored.items():
        if count > 1:
            yield Violation(promise="G10", kind="doubled", what=f"{place} has {count} orders")
    terms = {
        str(row["order_id"]): row["details"] for row in evidence.events if row["from_state"] == "NEW" and row["details"]
    }
    ids = {(str(row["account_id"]), row["client_order_id"]): str(row["id"]) for row in evidence.orders}
    refusals: dict[str, tuple[str, ...]] = {}
    for asked, answer in _placements(evidence):
        order_id = ids.get((asked.account_id, asked.key or ""))
        if answer.result == "unknown" or order_id is None:
            continue
        is_same = _asks_for(asked, terms.get(order_id, {}))
        if not is_same and _CONFLICT not in answer.codes:
            yield Violation(promise="G10", kind="answer", what=f"{asked.key}: other terms were answered {answer}")
        if is_same and answer.order_id != order_id:
            kind = "doubled" if answer.order_id else "answer"
            yield Violation(promise="G10", kind=kind, what=f"{asked.key} is {order_id} and was answered {answer}")
        if is_same and refusals.setdefault(order_id, answer.codes) != answer.codes:
            what = f"{asked.key} was answered {refusals[order_id]} and then {answer.codes}"
            yield Violation(promise="G10", kind="answer", what=what)


def transitions(evidence: Evidence) -> Iterator[Violation]:
    """G14: every move of every order is one of the table, follows the one before, and the version grows by one."""
    origins = {row["id"]: row["reject_origin"] for row in evidence.orders}
    states: dict[Any, OrderState] = {}
    versions: Counter[Any] = Counter()
    for row in evidence.events:
        order_id, before, after = row["order_id"], row["from_state"], OrderState(row["to_state"])
        was = states.get(order_id, OrderState.NEW)
        if before != was:
            what = f"{order_id} event {row['sequence']} comes from {before}, it was {was}"
            yield Violation(promise="G14", kind="chain", what=what)
        origin = RejectOrigin(origins[order_id]) if origins.get(order_id) else None
        if row["type"] != _IMPORTED and not may_move(OrderState(before), after, origin):
            what = f"{order_id} event {row['sequence']} moves from {before} to {after}"
            yield Violation(promise="G14", kind="transition", what=what)
        states[order_id] = after
        if row["type"] == "OrderReplaced":
            versions[order_id] += 1
            if int(row["details"]["version"]) != versions[order_id] + 1:
                what = f"{order_id} becomes version {row['details']['version']} at replace {versions[order_id]}"
                yield Violation(promise="G14", kind="version", what=what)
    for row in evidence.quarantined:
        what = f"a report about {row['order_id']} fitted nowhere: {row['reason']}"
        yield Violation(promise="G14", kind="quarantine", what=what)


def replays(evidence: Evidence) -> Iterator[Violation]:
    """G15: the event log alone gives the same orders, positions, reservations and counts as the tables.

    It is read twice: by the product's own verification, and by a plain replay that shares nothing with it.
    """
    for difference in evidence.differences:
        yield Violation(promise="G15", kind="journal", what=difference)
    for account_id, log in _logs(evidence).items():
        replay = Replay()
        for event in log:
            replay.apply(event)
        mine = [row for row in evidence.orders if row["account_id"] == account_id]
        for row in mine:
            order = replay.orders.get(str(row["id"]))
            told = (order.state, order.quantity, order.filled, order.version) if order is not None else None
            if told != (row["state"], row["quantity"], row["filled_quantity"], row["version"]):
                yield Violation(promise="G15", kind="replay", what=f"{row['id']}: {told} by its log, {row} stored")
        yield from _replayed_account(evidence, account_id, replay)


def _replayed_account(evidence: Evidence, account_id: Any, replay: Replay) -> Iterator[Violation]:
    adjusted: dict[str, Decimal] = defaultdict(Decimal)
    for row in evidence.adjustments:
        if row["account_id"] == account_id:
            adjusted[str(row["instrument_id"])] += row["quantity_after"] - row["quantity_before"]
    for row in evidence.positions:
        if row["account_id"] != account_id:
            continue
        instrument_id = str(row["instrument_id"])
        told = tuple(
            Decimal(value)
            for value in (
                replay.positions.get(instrument_id, 0) + adjusted[instrument_id],
                replay.reserved.get((instrument_id, 1), 0),
                replay.reserved.get((instrument_id, -1), 0),
            )
        )
        stored = (row["quantity"], row["open_buy_quantity"], row["open_sell_quantity"])
        if told != stored:
            what = f"{account_id} {instrument_id}: {told} by its log, {stored} stored"
            yield Violation(promise="G15", kind="replay", what=what)
    for book in evidence.books:
        if book["account_id"] == account_id and book["open_orders"] != replay.open_orders:
            what = f"{account_id}: {replay.open_orders} open orders by its log, {book['open_orders']} in its book"
            yield Violation(promise="G15", kind="replay", what=what)


def undecided(evidence: Evidence) -> Iterator[str]:
    """What is visibly not decided at the end: orders in doubt, and requests without an outcome."""
    for row in evidence.orders:
        if row["in_doubt"]:
            yield f"order {row['id']} is {row['state']} and in doubt"
    for row in evidence.requests:
        if row["outcome"] == "PENDING":
            yield f"{row['kind']} {row['id']} of order {row['order_id']} has no outcome"


def _placements(evidence: Evidence) -> Iterator[tuple[Asked, Answered]]:
    asked = {one.op: one for one in evidence.asked if one.kind == "place"}
    return ((asked[answer.op], answer) for answer in evidence.answered if answer.op in asked)


def _outside(evidence: Evidence) -> Mapping[tuple[Any, int], str]:
    """Our ids of the orders that were not placed here: they have no orderRef, and a permanent id alone."""
    return {
        (row["account_id"], row["permanent_id"]): str(row["id"])
        for row in evidence.orders
        if row["origin"] == OrderOrigin.EXTERNAL
    }


def _logs(evidence: Evidence) -> Mapping[Any, Sequence[Row]]:
    logs: dict[Any, list[Row]] = defaultdict(list)
    for row in evidence.events:
        logs[row["account_id"]].append(row)
    return logs


def _asks_for(asked: Asked, details: Mapping[str, Any]) -> bool:
    return all(asked.terms.get(name) == details.get(name) for name in _TERMS if name != "limitPrice") and (
        _decimal(asked.terms.get("limitPrice")) == _decimal(details.get("limitPrice"))
    )


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _signed(row: Row) -> Decimal:
    quantity: Decimal = row["quantity"]
    return quantity if row["side"] == "BUY" else -quantity
