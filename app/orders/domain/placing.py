"""Whether an order can be taken: its form, its grid of price and quantity, and the hash of what it asks."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import orjson

from app.core.allocation import allocation_document
from app.core.documents import is_storable
from app.core.errors import Problem
from app.core.fix import OrderType, Side, TimeInForce
from app.core.ids import InstrumentId
from app.core.messages import Instrument, NewOrder, OcoLeg, OrderTerms
from app.core.money import ZERO, is_multiple, plain
from app.core.records import replace
from app.orders.errors import MEANING, OrderProblem

CLIENT_ORDER_ID_LENGTH_MAX = 64
METADATA_BYTES_MAX = 4096
METADATA_DEPTH_MAX = 16
QUANTITY_MAX = Decimal(10**9)
PRICE_MAX = Decimal(10**8)

_CLIENT_ORDER_ID = re.compile(rf"[!-~]{{1,{CLIENT_ORDER_ID_LENGTH_MAX}}}", re.ASCII)
_NAME = re.compile(r"[ -~]{1,64}", re.ASCII)
_ROUTABLE_TYPES = frozenset(
    {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP}
)
_AT_ONE_MOMENT = frozenset({TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG})
_COMMON = frozenset({("timeInForce",), ("expiresAt",)})
EXPIRY_AHEAD_MAX = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class _PriceRule:
    takes_limit: bool
    takes_stop: bool
    takes_trail: bool


_PRICES = {
    OrderType.MARKET: _PriceRule(False, False, False),
    OrderType.LIMIT: _PriceRule(True, False, False),
    OrderType.STOP: _PriceRule(False, True, False),
    OrderType.STOP_LIMIT: _PriceRule(True, True, False),
    OrderType.TRAILING_STOP: _PriceRule(False, False, True),
}


def problem(code: OrderProblem, *path: str, message: str | None = None) -> Problem:
    """A problem with its documented meaning, or a more precise sentence."""
    return Problem(code=code.value, message=message or MEANING[code], path=path)


def form_problems(new: NewOrder) -> tuple[Problem, ...]:
    """What is wrong with an order whatever the instrument; empty when nothing is."""
    return tuple(_form_problems(new))


def grid_problems(terms: OrderTerms, instrument: Instrument) -> tuple[Problem, ...]:
    """What lies off the instrument's lot or tick. Refused, never rounded."""
    return tuple(_grid_problems(terms, instrument))


def linked_grid_problems(new: NewOrder, instrument: Instrument) -> tuple[Problem, ...]:
    """What of the exits or of the second leg lies off the instrument's tick."""
    exits = ((new.take_profit, "takeProfit"), (new.stop_loss, "stopLoss"))
    problems = [
        one for price, field in exits if price is not None and (one := _off_band(price, instrument, field)) is not None
    ]
    if new.oco is not None:
        problems += [replace(one, path=("legs", "1", *one.path)) for one in _grid_problems(new.oco.terms, instrument)]
    return tuple(problems)


def terms_problems(order_type: OrderType, terms: OrderTerms) -> tuple[Problem, ...]:
    """What is wrong with quantity, prices and time in force for the order type."""
    return tuple(_terms_problems(order_type, terms))


def expiry_problem(terms: OrderTerms, now: datetime) -> Problem | None:
    """Why a good-till-date order cannot be taken at this moment; None when it can, and for all other orders."""
    expires_at = terms.expires_at
    if expires_at is None or now < expires_at.replace(microsecond=0) <= now + EXPIRY_AHEAD_MAX:
        return None
    return problem(OrderProblem.EXPIRY_INVALID, "expiresAt")


def post_only_problem(side: Side, limit_price: Decimal, *, bid: Decimal | None, ask: Decimal | None) -> Problem | None:
    """Why a post-only order is refused against a fresh quote, whose prices are None where it is missing or stale."""
    touch = ask if side is Side.BUY else bid
    if touch is None:
        return problem(OrderProblem.POST_ONLY_NO_QUOTE, "postOnly")
    if (limit_price - touch) * side.sign >= ZERO:
        return problem(OrderProblem.POST_ONLY_WOULD_TAKE, "limitPrice")
    return None


def terms_hash(new: NewOrder, instrument_id: InstrumentId) -> bytes:
    """SHA-256 of all that the client asked for: the same key with another hash is a conflict."""
    document: list[Any] = [
        str(new.account_id),
        str(instrument_id),
        new.client_order_id,
        new.side.value,
        new.order_type.value,
        terms_document(new.terms),
        new.post_only,
        new.outside_regular_hours,
        None if new.take_profit is None else plain(new.take_profit),
        None if new.stop_loss is None else plain(new.stop_loss),
        new.metadata,
    ]
    if new.aim is not None:
        # What the position asks for changes with it, what the client asked for does not.
        document[3:6] = ["", "", {}]
        document.append([new.aim.kind.value, _plain_or_none(new.aim.quantity)])
    if new.oco is not None:
        document.append([new.oco.side.value, new.oco.order_type.value, terms_document(new.oco.terms)])
    if new.allocation is not None:
        document.append(["allocation", allocation_document(new.allocation)])
    if new.is_staged:
        document.append(["staged", new.release_at.isoformat() if new.release_at else None])
    return hashlib.sha256(_hashed(document, has_metadata=bool(new.metadata))).digest()


def terms_document(terms: OrderTerms) -> dict[str, str | None]:
    """The terms as a JSON document in camel case, numbers as plain decimals."""
    return {
        "quantity": plain(terms.quantity),
        "limitPrice": _plain_or_none(terms.limit_price),
        "stopPrice": _plain_or_none(terms.stop_price),
        "trailingAmount": _plain_or_none(terms.trailing_amount),
        "timeInForce": terms.time_in_force.value,
        "expiresAt": terms.expires_at.isoformat() if terms.expires_at else None,
    }


def terms_from_document(document: Mapping[str, Any]) -> OrderTerms:
    """The terms of such a document."""
    expires_at = document.get("expiresAt")
    return OrderTerms(
        quantity=Decimal(document["quantity"]),
        limit_price=_decimal_or_none(document["limitPrice"]),
        stop_price=_decimal_or_none(document["stopPrice"]),
        trailing_amount=_decimal_or_none(document["trailingAmount"]),
        time_in_force=TimeInForce(document["timeInForce"]),
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
    )


def _hashed(document: list[Any], *, has_metadata: bool) -> bytes:
    if not has_metadata:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    # Hashes are kept with orders: the encoder that is quicker writes numbers and letters of metadata otherwise.
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _decimal_or_none(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _form_problems(new: NewOrder) -> Iterator[Problem]:
    if _CLIENT_ORDER_ID.fullmatch(new.client_order_id) is None:
        yield problem(OrderProblem.CLIENT_ORDER_ID_INVALID, "clientOrderId")
    if (new.instrument_id is None) == (new.symbol is None):
        yield problem(OrderProblem.INSTRUMENT_REQUIRED, "instrumentId")
    elif new.symbol is not None and _NAME.fullmatch(new.symbol) is None:
        yield problem(OrderProblem.INSTRUMENT_NOT_FOUND, "symbol")
    if new.exchange is not None and _NAME.fullmatch(new.exchange) is None:
        yield problem(OrderProblem.INSTRUMENT_NOT_FOUND, "exchange")
    if new.order_type not in _ROUTABLE_TYPES:
        yield problem(OrderProblem.ORDER_TYPE_UNSUPPORTED, "orderType")
    if new.outside_regular_hours and new.terms.time_in_force is TimeInForce.OPG:
        yield problem(OrderProblem.OUTSIDE_HOURS_UNSUITED, "outsideRegularHours")
    if new.post_only and not _may_be_post_only(new):
        yield problem(OrderProblem.POST_ONLY_UNSUITED, "postOnly")
    if new.take_profit is not None or new.stop_loss is not None:
        yield from _exit_problems(new)
    if new.oco is not None:
        yield from _oco_problems(new, new.oco)
    if new.release_at is not None and not new.is_staged:
        yield problem(OrderProblem.RELEASE_TIME_INVALID, "releaseAt")
    if new.metadata and not is_sound(new.metadata):
        yield problem(OrderProblem.METADATA_INVALID, "metadata")
    yield from _terms_problems(new.order_type, new.terms)


def _may_be_post_only(new: NewOrder) -> bool:
    rests = new.terms.time_in_force in (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD)
    return new.order_type is OrderType.LIMIT and rests and new.oco is None and not new.is_staged


def is_sound(metadata: Mapping[str, Any]) -> bool:
    """True for a document that an order may carry."""
    if not is_storable(metadata, depth_max=METADATA_DEPTH_MAX, nodes_max=METADATA_BYTES_MAX):
        return False
    return len(json.dumps(metadata)) <= METADATA_BYTES_MAX


def _exit_problems(new: NewOrder) -> Iterator[Problem]:
    for price, field in ((new.take_profit, "takeProfit"), (new.stop_loss, "stopLoss")):
        if price is not None and not ZERO < price <= PRICE_MAX:
            yield problem(OrderProblem.PRICE_INVALID, field)
    # From the exit that loses to the one that wins, prices climb for a buy and fall for a sell.
    entry = new.terms.limit_price or new.terms.stop_price
    ladder = [(new.stop_loss, "stopLoss"), (entry, "takeProfit"), (new.take_profit, "takeProfit")]
    steps = [(price, field) for price, field in ladder if price is not None and price > ZERO]
    for (lower, field), (higher, next_field) in pairwise(steps):
        if (higher - lower) * new.side.sign <= ZERO:
            yield problem(OrderProblem.EXIT_PRICE_CROSSED, field if field == "stopLoss" else next_field)


def _oco_problems(new: NewOrder, leg: OcoLeg) -> Iterator[Problem]:
    if OrderType.MARKET in (new.order_type, leg.order_type):
        yield problem(OrderProblem.OCO_LEGS_INVALID, "legs")
    if leg.order_type not in _ROUTABLE_TYPES:
        yield problem(OrderProblem.ORDER_TYPE_UNSUPPORTED, "legs", "1", "orderType")
    if leg.terms.time_in_force is TimeInForce.OPG:
        # Of two orders that meet in one opening, both may deal before the broker can lower either.
        yield problem(OrderProblem.OCO_LEGS_INVALID, "timeInForce")
    told = {(one.code, one.path) for one in _terms_problems(new.order_type, new.terms)}
    for one in _terms_problems(leg.order_type, leg.terms):
        # What the legs have in common is told once.
        if one.path != ("quantity",) and (one.path not in _COMMON or (one.code, one.path) not in told):
            yield replace(one, path=("legs", "1", *one.path))


def _off_band(price: Decimal, instrument: Instrument, field: str) -> Problem | None:
    band = instrument.band_at(price)
    if is_multiple(price, band.increment):
        return None
    reach = f" from {plain(band.lowest)} on" if band.lowest > ZERO else ""
    message = f"the price must be a multiple of {plain(band.increment)}{reach}"
    return problem(OrderProblem.PRICE_OFF_TICK, field, message=message)


def _terms_problems(order_type: OrderType, terms: OrderTerms) -> Iterator[Problem]:
    if not ZERO < terms.quantity <= QUANTITY_MAX:
        yield problem(OrderProblem.QUANTITY_INVALID, "quantity")
    rule = _PRICES[order_type]
    yield from _price_problems(rule.takes_limit, terms.limit_price, "limitPrice")
    yield from _price_problems(rule.takes_stop, terms.stop_price, "stopPrice")
    yield from _price_problems(rule.takes_trail, terms.trailing_amount, "trailingAmount")
    if terms.expires_at is not None and terms.time_in_force is not TimeInForce.GTD:
        yield problem(OrderProblem.EXPIRY_UNEXPECTED, "expiresAt")
    if terms.expires_at is None and terms.time_in_force is TimeInForce.GTD:
        yield problem(OrderProblem.EXPIRY_REQUIRED, "expiresAt")
    if terms.time_in_force in _AT_ONE_MOMENT and order_type not in (OrderType.MARKET, OrderType.LIMIT):
        yield problem(OrderProblem.TIME_IN_FORCE_MISMATCH, "timeInForce")


def _price_problems(is_taken: bool, price: Decimal | None, field: str) -> Iterator[Problem]:
    if price is None:
        if is_taken:
            yield problem(OrderProblem.PRICE_REQUIRED, field)
    elif not is_taken:
        yield problem(OrderProblem.PRICE_UNEXPECTED, field)
    elif not ZERO < price <= PRICE_MAX:
        yield problem(OrderProblem.PRICE_INVALID, field)


def _grid_problems(terms: OrderTerms, instrument: Instrument) -> Iterator[Problem]:
    if not is_multiple(terms.quantity, instrument.lot_size):
        yield problem(
            OrderProblem.QUANTITY_OFF_LOT,
            "quantity",
            message=f"the quantity must be a multiple of {plain(instrument.lot_size)}",
        )
    for price, field in ((terms.limit_price, "limitPrice"), (terms.stop_price, "stopPrice")):
        off = None if price is None else _off_band(price, instrument, field)
        if off is not None:
            yield off
    # A distance lies in no band: the stop that follows takes its own price.
    if terms.trailing_amount is not None and not is_multiple(terms.trailing_amount, instrument.tick_size):
        message = f"the amount must be a multiple of {plain(instrument.tick_size)}"
        yield problem(OrderProblem.PRICE_OFF_TICK, "trailingAmount", message=message)
