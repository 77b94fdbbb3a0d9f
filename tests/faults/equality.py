"""Our books held against the simulator's own at the end of a soak: orders, executions and positions, all equal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.catalogue import CatalogueEntry
from app.core.fix import OrderState, OrderType, Side
from app.core.money import ZERO
from app.simulator.accounts import Account, Holding
from app.simulator.orders import ORDER_TYPES, TIMES_IN_FORCE, Execution, OrderStatus, SimulatedOrder
from app.simulator.store import SavedState
from tests.faults.evidence import Evidence, Row

_REVISION_FIRST = 1
_NEVER_TAKEN = frozenset({OrderState.REJECTED, OrderState.CANCELED, OrderState.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not the same in both books. subject is order, execution, position or break."""

    subject: str
    kind: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the comparison looks at: our evidence, and each account's number and simulator as it saved itself.

    assigned are the accounts and symbols of which the broker changed the holding without an order. breaks are those
    that the reconciliations found.
    """

    evidence: Evidence
    simulators: Mapping[UUID, tuple[str, SavedState]]
    catalogue: Mapping[int, CatalogueEntry]
    assigned: frozenset[tuple[UUID, str]] = frozenset()
    breaks: Sequence[Row] = ()


@dataclass(slots=True, kw_only=True)
class Compared:
    """What was compared and what differed."""

    orders: int = 0
    working: int = 0
    external: int = 0
    executions: int = 0
    revised: int = 0
    positions: int = 0
    costs: int = 0
    assigned: int = 0
    breaks: int = 0
    differences: list[Difference] = field(default_factory=list)

    def count(self, subject: str) -> int:
        """How many differences are about this."""
        return sum(one.subject == subject for one in self.differences)


def compare(books: Books) -> Compared:
    """Everything in which the two sides differ."""
    told = Compared(assigned=len(books.assigned), breaks=len(books.breaks))
    for account_id, (number, whole) in books.simulators.items():
        # A simulator may keep other accounts beside it.
        state = _of_account(whole, number)
        told.differences += _orders(books, account_id, state, told)
        told.differences += _executions(books, account_id, state, told)
        told.differences += _positions(books, account_id, state, told)
    told.differences += _false_alarms(books)
    return told


def _of_account(state: SavedState, number: str) -> SavedState:
    return replace(
        state,
        accounts=tuple(one for one in state.accounts if one.account_id == number),
        orders=tuple(one for one in state.orders if one.request.account == number),
        executions=tuple(one for one in state.executions if one.account == number),
    )


def _orders(books: Books, account_id: UUID, state: SavedState, told: Compared) -> Iterator[Difference]:
    mine = [row for row in books.evidence.orders if row["account_id"] == account_id]
    by_ref = {str(row["id"]): row for row in mine}
    by_name = {row["permanent_id"]: row for row in mine if row["permanent_id"]}
    contracts = _contracts(books)
    found: set[Any] = set()
    for order in state.orders:
        told.orders += 1
        told.working += not order.status.is_terminal
        told.external += not order.request.order_ref
        row = by_ref.get(order.request.order_ref) or (None if order.request.order_ref else by_name.get(order.perm_id))
        if row is None:
            name = order.request.order_ref or "without orderRef"
            yield _order("unknown to us", f"{order.perm_id} ({name}) is {order.status} at the broker, and not here")
            continue
        if row["id"] in found:
            yield _order("twice", f"{row['id']} is at the broker more than once, again as {order.perm_id}")
        found.add(row["id"])
        yield from _order_differences(row, order, contracts)
    for row in mine:
        if row["id"] not in found and not _may_be_absent(row):
            yield _order("unknown to the broker", f"{row['id']} is {row['state']} here, and not at the broker")


def _may_be_absent(row: Row) -> bool:
    if row["in_doubt"]:
        return False
    # Exits wait here for the first fill of their entry; what was never acknowledged may have ended without the broker.
    is_waiting_exit = row["state"] == OrderState.HELD and row["parent_id"] is not None
    return is_waiting_exit or (row["state"] in _NEVER_TAKEN and row["permanent_id"] is None)


def _order_differences(row: Row, order: SimulatedOrder, contracts: Mapping[Any, int]) -> Iterator[Difference]:
    name = row["id"]
    if row["in_doubt"]:
        yield _order("in doubt", f"{name} is {row['state']} and in doubt here, {order.status} at the broker")
    if row["state"] not in _states_of(order):
        yield _order("state", f"{name} is {row['state']} here, {order.status} at the broker")
    if row["permanent_id"] != order.perm_id:
        yield _order("permanent id", f"{name} is {row['permanent_id']} here, {order.perm_id} at the broker")
    facts: dict[str, tuple[Any, Any]] = {
        "filled quantity": (row["filled_quantity"], order.filled),
        "average price": (row["average_fill_price"] or ZERO, order.average_price),
        "commission": (row["commission"], order.commission),
        "side": (row["side"], order.request.side),
        "contract": (contracts[row["instrument_id"]], order.request.con_id),
    }
    if not order.status.is_terminal:
        facts |= _terms(row, order)
    for fact, (ours, theirs) in facts.items():
        if ours != theirs:
            yield _order(fact, f"{name} has {fact} {ours} here, {theirs} at the broker")


def _states_of(order: SimulatedOrder) -> set[OrderState]:
    if order.status is OrderStatus.INACTIVE:
        return {OrderState.REJECTED}
    if order.status is OrderStatus.FILLED:
        # Filled until a deal was taken back or lowered: it works no longer and is not whole.
        return {OrderState.CANCELED if order.remaining > 0 else OrderState.FILLED}
    if order.status is OrderStatus.CANCELLED:
        return {OrderState.EXPIRED if order.completed_status == "Expired" else OrderState.CANCELED}
    if order.status is OrderStatus.PENDING_CANCEL:
        return {OrderState.PENDING_CANCEL}
    return {OrderState.PARTIALLY_FILLED if order.filled else OrderState.ACCEPTED}


def _terms(row: Row, order: SimulatedOrder) -> dict[str, tuple[Any, Any]]:
    request = order.request
    kind = ORDER_TYPES[request.order_type]
    told: dict[str, tuple[Any, Any]] = {
        "quantity": (row["quantity"], request.quantity),
        "order type": (row["order_type"], kind),
        "time in force": (row["time_in_force"], TIMES_IN_FORCE[request.time_in_force]),
    }
    if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}:
        told["limit price"] = (row["limit_price"], request.limit_price)
    if kind in {OrderType.STOP, OrderType.STOP_LIMIT}:
        told["stop price"] = (row["stop_price"], request.aux_price)
    if kind is OrderType.TRAILING_STOP:
        told["trailing amount"] = (row["trailing_amount"], request.aux_price)
    return told


def _executions(books: Books, account_id: UUID, state: SavedState, told: Compared) -> Iterator[Difference]:
    contracts = _contracts(books)
    ours: dict[str, Row] = {}
    for row in books.evidence.executions:
        if row["account_id"] == account_id and not row["is_superseded"]:
            if row["execution_root"] in ours:
                yield _execution("twice", f"{row['execution_id']} counts beside another revision of itself")
            ours[row["execution_root"]] = row
    theirs = {root_of(one): one for one in sorted(state.executions, key=revision_of)}
    refs = {order.perm_id: order.request.order_ref for order in state.orders}
    names = {row["id"]: row["permanent_id"] for row in books.evidence.orders}
    for root, one in theirs.items():
        told.executions += 1
        told.revised += revision_of(one) > _REVISION_FIRST
        if root not in ours:
            yield _execution("missing", f"{one.execution_id} of {refs.get(one.perm_id)!r} is not in our ledger")
            continue
        row = ours[root]
        facts: dict[str, tuple[Any, Any]] = {
            "id": (row["execution_id"], one.execution_id),
            "quantity": (row["quantity"], one.quantity),
            "price": (row["price"], one.price),
            "side": (row["side"], one.side),
            "contract": (contracts[row["instrument_id"]], one.con_id),
            "commission": (row["commission"], one.commission),
            "order": (names.get(row["order_id"]), one.perm_id),
        }
        for fact, (mine, yours) in facts.items():
            if mine != yours:
                yield _execution(fact, f"{one.execution_id} has {fact} {mine} here, {yours} at the broker")
    for root in ours.keys() - theirs.keys():
        yield _execution("invented", f"{ours[root]['execution_id']} is in our ledger and not at the broker")


def _positions(books: Books, account_id: UUID, state: SavedState, told: Compared) -> Iterator[Difference]:
    contracts = _contracts(books)
    ours = {
        contracts[row["instrument_id"]]: row["quantity"]
        for row in books.evidence.positions
        if row["account_id"] == account_id
    }
    [account] = state.accounts
    for con_id in sorted(ours.keys() | account.holdings.keys()):
        holding = account.holdings.get(con_id, Holding())
        told.positions += 1
        symbol = books.catalogue[con_id].symbol
        held = ours.get(con_id, ZERO)
        if held != holding.quantity:
            what = f"{account.account_id} holds {held} {symbol} here, {holding.quantity} at the broker"
            yield Difference(subject="position", kind="quantity", what=what)
            continue
        # What was assigned has a cost that none of our executions tells.
        if (account_id, symbol) in books.assigned:
            continue
        told.costs += 1
        cost = _average_cost(books, account_id, con_id, state)
        if cost != holding.average_cost:
            what = f"{account.account_id} {symbol} cost {cost} by our ledger, {holding.average_cost} at the broker"
            yield Difference(subject="position", kind="average cost", what=what)


def _average_cost(books: Books, account_id: UUID, con_id: int, state: SavedState) -> Decimal:
    """What our ledger makes of it in the simulator's convention: commissions count into what opening cost.

    The simulator takes a corrected execution back when the correction comes and books it anew, so the order of its
    books is taken from it; quantities, prices and commissions are ours.
    """
    mine = {row["execution_id"]: row for row in books.evidence.executions if row["account_id"] == account_id}
    account = Account(account_id="ours", base_currency="USD", cash={})
    entry = books.catalogue[con_id]
    before: dict[str, Row] = {}
    for one in state.executions:
        row = mine.get(one.execution_id)
        if one.con_id != con_id or row is None:
            continue
        side = Side(row["side"])
        earlier = before.get(row["execution_root"])
        if earlier is not None and earlier["quantity"]:
            opposite = Side.SELL if side is Side.BUY else Side.BUY
            account.book(entry, opposite, earlier["quantity"], earlier["price"], -earlier["cost"])
        # A revision that another took the place of is not asked for what it cost.
        cost = one.commission if row["is_superseded"] and row["commission"] is None else row["commission"] or ZERO
        if row["quantity"]:
            account.book(entry, side, row["quantity"], row["price"], cost)
        before[row["execution_root"]] = {**row, "cost": cost}
    return account.holdings.get(con_id, Holding()).average_cost


def _false_alarms(books: Books) -> Iterator[Difference]:
    symbols = {row["id"]: row["symbol"] for row in books.evidence.instruments}
    for row in books.breaks:
        symbol = symbols.get(row["instrument_id"], "")
        if row["kind"] == "POSITION_QUANTITY" and (row["account_id"], symbol) not in books.assigned:
            what = f"{row['id']} of {symbol}, which executions alone have moved: {row['ours']}, {row['broker']}"
            yield Difference(subject="break", kind="false alarm", what=what)
        elif row["kind"] == "POSITION_QUANTITY" and row["state"] == "OPEN":
            yield Difference(subject="break", kind="open", what=f"{row['id']} of {symbol} was not settled")


def root_of(execution: Execution) -> str:
    """The part of its id that all its revisions share."""
    return execution.execution_id.rpartition(".")[0]


def revision_of(execution: Execution) -> int:
    """Which revision it is, from 1."""
    return int(execution.execution_id.rpartition(".")[2])


def _contracts(books: Books) -> dict[Any, int]:
    return {
        row["id"]: int(row["broker_contract_id"]) for row in books.evidence.instruments if row["broker_contract_id"]
    }


def _order(kind: str, what: str) -> Difference:
    return Difference(subject="order", kind=kind, what=what)


def _execution(kind: str, what: str) -> Difference:
    return Difference(subject="execution", kind=kind, what=what)
