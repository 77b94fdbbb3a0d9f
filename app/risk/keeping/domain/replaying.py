"""What a limit would have said of an order that was placed without it, as far as its facts were recorded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from app.core.fix import OrderType, RiskLimitType, RiskOutcome, Side
from app.core.ids import AccountId, OrderId
from app.core.messages import Instrument, OrderTerms, RiskCheck
from app.core.money import ZERO
from app.core.records import replace
from app.risk.domain import (
    AccountFigures,
    AccountMode,
    Activity,
    Conditions,
    Exposure,
    Facts,
    Proposal,
    Reference,
    RiskLimit,
    chain_of,
    conditions_of,
    evaluate,
)
from app.risk.domain.conditions import ConcentrationBasis
from app.risk.domain.facts import fingerprint
from app.risk.domain.pace import MINUTE_S

_TYPE = RiskLimitType
_POSITION: Final = frozenset({"position", "openBuys", "openSells", "adds"})
_NEEDS: Final[dict[RiskLimitType, frozenset[str] | None]] = {
    _TYPE.MAX_ORDER_QUANTITY: frozenset(),
    _TYPE.MAX_ORDER_NOTIONAL: frozenset({"price"}),
    _TYPE.MAX_POSITION_QUANTITY: _POSITION,
    _TYPE.MAX_POSITION_NOTIONAL: _POSITION | {"price"},
    _TYPE.MAX_OPEN_ORDERS: frozenset({"open"}),
    _TYPE.MAX_DAILY_LOSS: frozenset({"dailyPnl", "base"}),
    _TYPE.MAX_DRAWDOWN: frozenset({"equity", "peak", "base"}),
    _TYPE.MAX_CONCENTRATION: _POSITION | {"price", "equity", "base"},
    _TYPE.SYMBOL_WHITELIST: frozenset(),
    _TYPE.SYMBOL_BLACKLIST: frozenset(),
    _TYPE.PRICE_COLLAR: frozenset({"reference"}),
    _TYPE.MAX_ORDERS_PER_MINUTE: frozenset({"placed"}),
    # What these look at is nowhere recorded by itself.
    _TYPE.MAX_LEVERAGE: None,
    _TYPE.MIN_MARGIN_EXCESS: None,
    _TYPE.TRADING_HOURS: None,
    _TYPE.DUPLICATE_ORDER: None,
    _TYPE.WASH_TRADE: None,
    _TYPE.COOLDOWN: None,
    _TYPE.CANCEL_RATE: None,
    _TYPE.ORDER_TO_TRADE_RATIO: None,
}


class Source(StrEnum):
    """Where an answer comes from: RECORDED with the order, REPLAYED from facts that were, or NOT_REPLAYABLE."""

    RECORDED = "RECORDED"
    REPLAYED = "REPLAYED"
    NOT_REPLAYABLE = "NOT_REPLAYABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """An order that was taken, with what was recorded when it was."""

    id: OrderId
    account_id: AccountId
    base_currency: str
    instrument: Instrument
    side: Side
    order_type: OrderType
    terms: OrderTerms
    placed_at: datetime
    checks: tuple[RiskCheck, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the limit said or would have said; is_covered False for an order that it is not held against."""

    source: Source
    is_covered: bool = True
    is_blocked: bool = False
    observed: Decimal | None = None
    message: str = ""


def answer_of(limit: RiskLimit, order: PastOrder) -> Answer:
    """What the limit says of the order: as it was recorded under this version, else replayed through the chain."""
    for check in order.checks:
        if check.limit_id == limit.id and check.limit_version == limit.version:
            return Answer(
                source=Source.RECORDED,
                is_blocked=check.outcome is RiskOutcome.FAILED,
                observed=check.observed,
                message=check.message,
            )
    live = replace(limit, is_shadow=False, is_active=True, effective_from=None, effective_until=None)
    recorded = _recorded(order)
    missing = sorted(_missing(live, order, recorded))
    if missing:
        told = f"not recorded with the order: {', '.join(missing)}"
        return Answer(source=Source.NOT_REPLAYABLE, message=told)
    checks = evaluate(chain_of([live]), *_rebuilt(live, order, recorded))
    if not checks:
        return Answer(source=Source.REPLAYED, is_covered=False)
    [check] = checks
    return Answer(
        source=Source.REPLAYED,
        is_blocked=check.outcome is RiskOutcome.FAILED,
        observed=check.observed,
        message=check.message,
    )


def _recorded(order: PastOrder) -> Mapping[str, Any]:
    found: dict[str, Any] = {"base": order.base_currency}
    for check in order.checks:
        inputs = dict(check.inputs)
        if check.check is _TYPE.MAX_CONCENTRATION:
            # Its position is an amount.
            inputs.pop("position", None)
        if check.check is _TYPE.MAX_POSITION_NOTIONAL or check.check is _TYPE.MAX_ORDER_NOTIONAL:
            inputs = {"price": inputs["price"]} if "price" in inputs else {}
        if check.check is _TYPE.PRICE_COLLAR:
            inputs.pop("price", None)
        if check.check is _TYPE.MAX_OPEN_ORDERS:
            # What it adds are orders.
            inputs = {"open": inputs.get("open", "0"), "addsOrders": inputs.get("adds", "1")}
        if check.check is _TYPE.MAX_ORDERS_PER_MINUTE and str(inputs.get("windowSeconds")) != str(MINUTE_S):
            inputs = {}
        found |= inputs
    if order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and order.side is Side.BUY:
        found["price"] = str(order.terms.limit_price)
    return found


def _missing(limit: RiskLimit, order: PastOrder, recorded: Mapping[str, Any]) -> Iterator[str]:
    conditions = conditions_of(limit.limit_type, limit.conditions)
    if not isinstance(conditions, Conditions):
        return
    needs = _NEEDS[limit.limit_type]
    if needs is None:
        yield f"what {limit.limit_type.value} looks at"
        return
    if conditions.passes_reducing:
        needs |= _POSITION
    yield from needs - recorded.keys()
    if conditions.modes is not None:
        yield "whether the account was live"
    if limit.currency is not None and limit.currency != _currency(limit, order):
        yield "the exchange rate"
    if limit.limit_type is _TYPE.MAX_CONCENTRATION and order.instrument.currency != order.base_currency:
        yield "the exchange rate"
    if conditions.basis is ConcentrationBasis.GROSS or conditions.window_days is not None:
        yield "the figure that its conditions ask for"
    if limit.limit_type is _TYPE.MAX_ORDERS_PER_MINUTE and (conditions.window_s or MINUTE_S) != MINUTE_S:
        yield "the orders of its window"
    if limit.limit_type is _TYPE.MAX_OPEN_ORDERS and limit.instrument_id is not None:
        yield "the open orders of the instrument"


def _currency(limit: RiskLimit, order: PastOrder) -> str:
    of_orders = (_TYPE.MAX_ORDER_NOTIONAL, _TYPE.MAX_POSITION_NOTIONAL)
    return order.instrument.currency if limit.limit_type in of_orders else order.base_currency


def _rebuilt(limit: RiskLimit, order: PastOrder, recorded: Mapping[str, Any]) -> tuple[Proposal, Facts]:
    def number(key: str) -> Decimal:
        try:
            return Decimal(recorded.get(key, "0"))
        except InvalidOperation:
            return ZERO

    # By what an order is valued at worst is what was recorded as its price.
    price = number("reference" if limit.limit_type is _TYPE.PRICE_COLLAR else "price")
    proposal = Proposal(
        account_id=order.account_id,
        instrument=order.instrument,
        side=order.side,
        order_type=order.order_type,
        terms=order.terms,
        adds_quantity=number("adds") if "adds" in recorded else order.terms.quantity,
        adds_orders=int(number("addsOrders")) if "addsOrders" in recorded else 1,
        reference=Reference(price=price, at=order.placed_at) if price > ZERO else None,
        exposure=Exposure(
            position_quantity=number("position"),
            open_buy_quantity=number("openBuys"),
            open_sell_quantity=number("openSells"),
            open_orders=int(number("open")),
        ),
    )
    same = fingerprint(order.instrument.id, order.side, order.order_type, order.terms)
    activity = Activity(taken=[same] * int(number("placed")))
    figures = AccountFigures(
        mode=AccountMode.LIVE,
        base_currency=order.base_currency,
        equity=number("equity") if "equity" in recorded else None,
        daily_pnl=number("dailyPnl") if "dailyPnl" in recorded else None,
        is_fresh=True,
        is_pnl_fresh=True,
        peaks={None: number("peak")} if "peak" in recorded else {},
    )
    return proposal, Facts(now=order.placed_at, account=figures, activity=activity)
