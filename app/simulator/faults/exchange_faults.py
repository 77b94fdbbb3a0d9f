"""Faults of what happens on the exchange: held, late rejected, dealt after the end, corrected, busted, assigned."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field as Describe
from pydantic.dataclasses import dataclass

from app.core.errors import Problem
from app.core.fix import Side
from app.simulator.faults.behaviour import Behaviour, Stage
from app.simulator.faults.parameters import STRICT, FaultInputError, Milliseconds, Parameters, Seconds
from app.simulator.faults.wire import ORDER_STATUS, WHY_HELD_OF_STATUS, Message
from app.simulator.orders import Execution, OrderRequest, OrderStatus, SimulatedOrder

if TYPE_CHECKING:
    from app.simulator.session import Session

LOCATING = 404

Price = Annotated[Decimal, Describe(gt=0, lt=1_000_000_000)]
Quantity = Annotated[Decimal, Describe(gt=0, le=1_000_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class LocateParameters(Parameters):
    """Parameters of locate."""

    hold_s: Annotated[Seconds, Describe(description="how long the shares are looked for")] = 1.0
    sides: Annotated[tuple[Literal["BUY", "SELL"], ...], Describe(description="only orders of these sides")] = ()


class Locate(Behaviour[LocateParameters]):
    """A new order is Inactive with whyHeld `locate` for a while (404) and then works as if nothing had been."""

    name = "locate"
    parameters_type = LocateParameters

    def __init__(self, parameters: LocateParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._held: set[int] = set()

    def holds(self, order: SimulatedOrder) -> bool:
        if self.parameters.sides and order.request.side.value not in self.parameters.sides:
            return False
        if not self.covers_order(order) or not self.chance.strikes_now():
            return False
        self._held.add(order.perm_id)
        self.stage.venue.tell_error(order, LOCATING, "Order held while securities are located.")
        self.stage.later(self.parameters.hold_s, lambda: self._let_go(order.perm_id))
        return True

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        if message.perm_id in self._held and message.status in {"PreSubmitted", "Submitted"}:
            message.status = OrderStatus.INACTIVE.value
            if message.kind == ORDER_STATUS:
                message.fields[WHY_HELD_OF_STATUS] = "locate"
        return (message,)

    def end(self) -> None:
        for perm_id in list(self._held):
            self._let_go(perm_id)

    def _let_go(self, perm_id: int) -> None:
        if perm_id in self._held:
            self._held.discard(perm_id)
            self.stage.venue.exchange.release(perm_id)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class LateRejectionParameters(Parameters):
    """Parameters of late-rejection."""

    after_ms: Annotated[Milliseconds, Describe(description="how long the order seems to work")] = 300
    reason: Annotated[str, Describe(description="what 201 says")] = "Rejected by the exchange"


class LateRejection(Behaviour[LateRejectionParameters]):
    """An order that was acknowledged as working is rejected (201) after all."""

    name = "late-rejection"
    parameters_type = LateRejectionParameters

    def __init__(self, parameters: LateRejectionParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._held: set[int] = set()

    def holds(self, order: SimulatedOrder) -> bool:
        if not self.covers_order(order) or not self.chance.strikes_now():
            return False
        self._held.add(order.perm_id)
        self.stage.later(self.parameters.after_ms / 1_000, lambda: self._reject(order.perm_id))
        return True

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        if message.perm_id in self._held and message.status == "PreSubmitted":
            message.status = OrderStatus.SUBMITTED.value
        return (message,)

    def end(self) -> None:
        for perm_id in list(self._held):
            self._reject(perm_id)

    def _reject(self, perm_id: int) -> None:
        self._held.discard(perm_id)
        self.stage.venue.exchange.reject(perm_id, f"Order rejected - reason:{self.parameters.reason}")


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class FillAfterCancelParameters(Parameters):
    """Parameters of fill-after-cancel."""

    quantity: Annotated[Quantity | None, Describe(description="how much deals; all that was left when not given")] = (
        None
    )
    after_ms: Annotated[Milliseconds, Describe(description="how long after the cancel was confirmed")] = 50


class FillAfterCancel(Behaviour[FillAfterCancelParameters]):
    """A cancel is confirmed, and then an execution of the order comes: it dealt before the cancel reached it."""

    name = "fill-after-cancel"
    parameters_type = FillAfterCancelParameters

    def ended(self, order: SimulatedOrder) -> None:
        if self.covers_order(order) and self.chance.strikes_now():
            self.stage.later(self.parameters.after_ms / 1_000, lambda: self._deal(order.perm_id))

    def _deal(self, perm_id: int) -> None:
        exchange = self.stage.venue.exchange
        order = exchange.orders.get(perm_id)
        if order is not None and order.remaining > 0:
            quantity = min(self.parameters.quantity or order.remaining, order.remaining)
            price = order.request.limit_price or exchange.mark(order.request.con_id)
            exchange.deal_after_end(perm_id, quantity, price)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class CorrectionParameters(Parameters):
    """Parameters of correction."""

    price_change: Annotated[Decimal, Describe(gt=-1_000, lt=1_000, description="added to the price")] = Decimal("0.01")
    quantity: Annotated[Quantity | None, Describe(description="the right quantity; unchanged when not given")] = None
    after_ms: Annotated[Milliseconds, Describe(description="how long after the deal")] = 100


class Correction(Behaviour[CorrectionParameters]):
    """An execution is corrected: the same execId with its last digits raised from .01 to .02."""

    name = "correction"
    parameters_type = CorrectionParameters

    def dealt(self, execution: Execution) -> None:
        order = self.stage.venue.exchange.orders[execution.perm_id]
        if self.covers_order(order) and self.chance.strikes_now():
            self.stage.later(self.parameters.after_ms / 1_000, lambda: self._correct(execution))

    def _correct(self, execution: Execution) -> None:
        quantity = self.parameters.quantity or execution.quantity
        price = execution.price + self.parameters.price_change
        if price > 0:
            self.stage.venue.exchange.amend(execution, min(quantity, execution.quantity), price)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class BustParameters(Parameters):
    """Parameters of bust."""

    after_ms: Annotated[Milliseconds, Describe(description="how long after the deal")] = 100


class Bust(Behaviour[BustParameters]):
    """A deal is taken back by the exchange: a correction to a quantity of 0."""

    name = "bust"
    parameters_type = BustParameters

    def dealt(self, execution: Execution) -> None:
        order = self.stage.venue.exchange.orders[execution.perm_id]
        if self.covers_order(order) and self.chance.strikes_now():
            self.stage.later(self.parameters.after_ms / 1_000, lambda: self._bust(execution))

    def _bust(self, execution: Execution) -> None:
        self.stage.venue.exchange.amend(execution, Decimal(0), execution.price)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class AssignmentParameters(Parameters):
    """Parameters of assignment."""

    quantity: Annotated[
        Decimal, Describe(ge=-1_000_000, le=1_000_000, description="what comes into the account; negative leaves it")
    ] = Decimal(100)
    price: Annotated[Price | None, Describe(description="at which price; the market's when not given")] = None
    at_s: Annotated[Seconds, Describe(description="so long from now")] = 0.0


class Assignment(Behaviour[AssignmentParameters]):
    """A position changes overnight without any order or execution, as by an option's assignment."""

    name = "assignment"
    parameters_type = AssignmentParameters

    def begin(self) -> None:
        con_id, account = _place(self.stage, self.parameters)
        self.stage.later(self.parameters.at_s, lambda: self._assign(con_id, account))

    def _assign(self, con_id: int, account: str) -> None:
        if self.parameters.quantity:
            self.chance.strikes += 1
            exchange = self.stage.venue.exchange
            price = self.parameters.price or exchange.mark(con_id)
            exchange.assign(account, con_id, self.parameters.quantity, price)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class OrderByHandParameters(Parameters):
    """Parameters of order-by-hand."""

    side: Annotated[Literal["BUY", "SELL"], Describe(description="which side")] = "BUY"
    quantity: Annotated[Quantity, Describe(description="how much")] = Decimal(100)
    limit_price: Annotated[Price | None, Describe(description="at the market when not given")] = None


class OrderByHand(Behaviour[OrderByHandParameters]):
    """Somebody places an order by hand in TWS: orderId 0, client 0, no orderRef."""

    name = "order-by-hand"
    parameters_type = OrderByHandParameters

    def begin(self) -> None:
        con_id, account = _place(self.stage, self.parameters)
        self.chance.strikes += 1
        parameters = self.parameters
        self.stage.venue.exchange.place_by_hand(
            OrderRequest(
                order_id=0,
                con_id=con_id,
                side=Side(parameters.side),
                quantity=parameters.quantity,
                order_type="MKT" if parameters.limit_price is None else "LMT",
                limit_price=parameters.limit_price,
                account=account,
            )
        )


def _place(stage: Stage, parameters: Parameters) -> tuple[int, str]:
    symbol = parameters.symbol or "AAPL"
    try:
        con_id = stage.venue.directory.by_symbol(symbol).entry.con_id
    except KeyError:
        raise _refused("symbol", f"{symbol} is not listed") from None
    accounts = stage.venue.exchange.accounts
    account = parameters.account or next(iter(accounts))
    if account not in accounts:
        raise _refused("account", f"there is no account {account}")
    return con_id, account


def _refused(name: str, words: str) -> FaultInputError:
    return FaultInputError((Problem(code=FaultInputError.code, message=words, path=("parameters", name)),))
