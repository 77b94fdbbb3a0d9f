"""What a future, an index or an option shows while its root shows a quote: a function of the two and of the day."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from app.core.matching import MarketState
from app.core.money import ZERO
from app.core.records import replace
from app.simulator.directory import Directory
from app.simulator.instruments import DerivedEntry, FutureEntry, IndexEntry, OptionEntry, rule_of
from app.simulator.market import Quote

INTEREST_RATE = 0.04
_VOLATILITY = 0.28
_SMILE = 0.15
_DAYS_OF_YEAR = 365
_SIZE_DIVISOR = 100
_HALF_SPREAD = Decimal("0.01")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """An option's model values: volatility and rates by the year, theta by the day, vega for a hundredth."""

    price: float
    volatility: float
    delta: float
    gamma: float
    vega: float
    theta: float


def derived_quote(entry: DerivedEntry, root: Quote, day: date) -> Quote:
    """What the instrument shows on a day while its root shows this."""
    value = value_of(entry, day)
    is_falling = isinstance(entry, OptionEntry) and entry.right == "P"
    high, low = (root.day_low, root.day_high) if is_falling else (root.day_high, root.day_low)
    return Quote(
        state=_state(entry, root.state, value, is_falling=is_falling),
        volume=ZERO if isinstance(entry, IndexEntry) else root.volume // _SIZE_DIVISOR,
        day_open=value(root.day_open),
        day_high=value(high),
        day_low=value(low),
        previous_close=value(root.previous_close),
        traded_at=root.traded_at,
    )


class Pricer:
    """The market's source for whatever does not walk by itself."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def root_of(self, con_id: int) -> int:
        """The contract id that the instrument's price follows. Raises KeyError for one that follows none."""
        entry = self._directory[con_id].entry
        if not isinstance(entry, DerivedEntry):
            raise KeyError(con_id)
        return entry.root_con_id

    def follows(self, con_id: int, root_con_id: int) -> bool:
        """True when the instrument's price follows that of the other."""
        entry = self._directory[con_id].entry
        return isinstance(entry, DerivedEntry) and entry.root_con_id == root_con_id

    def quote(self, con_id: int, root: Quote, day: date) -> Quote:
        """What the instrument shows on a day while its root shows this."""
        entry = self._directory[con_id].entry
        assert isinstance(entry, DerivedEntry)
        return derived_quote(entry, root, day)


def value_of(entry: DerivedEntry, day: date) -> Callable[[Decimal], Decimal]:
    """The instrument's worth on a day by its root's price, on its price grid."""
    match entry:
        case IndexEntry():
            return lambda root: (root * entry.ratio).quantize(_CENT, rounding=ROUND_HALF_EVEN)
        case FutureEntry():
            years = Decimal(max(0, (entry.expiry - day).days)) / _DAYS_OF_YEAR
            factor = 1 + entry.carry_yearly * years
            return lambda root: on_grid(entry, root * factor, ROUND_HALF_EVEN)
        case OptionEntry():
            # A model's value, not money: it becomes exact with its rounding to the grid.
            return lambda root: on_grid(entry, Decimal(greeks_of(entry, root, day).price), ROUND_HALF_EVEN)
        case _:
            raise AssertionError(f"nothing derives {entry.symbol}")


def on_grid(entry: DerivedEntry, price: Decimal, rounding: str) -> Decimal:
    """The price at the steps of the instrument's market rule."""
    step = rule_of(entry).increment_at(price)
    return (price / step).to_integral_value(rounding=rounding) * step


def greeks_of(entry: OptionEntry, root: Decimal, day: date) -> Greeks:
    """The option's model values by Black and Scholes (1973), with a volatility that smiles."""
    spot, strike = float(root), float(entry.strike)
    years = max((entry.expiry - day).days + 0.5, 0.0) / _DAYS_OF_YEAR
    sign = 1 if entry.right == "C" else -1
    if years <= 0 or spot <= 0:
        intrinsic = max(0.0, sign * (spot - strike))
        return Greeks(
            price=intrinsic, volatility=_VOLATILITY, delta=float(sign * (intrinsic > 0)), gamma=0, vega=0, theta=0
        )
    volatility = _VOLATILITY + _SMILE * abs(math.log(spot / strike))
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (INTEREST_RATE + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    discount = math.exp(-INTEREST_RATE * years)
    density = math.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
    price = sign * (spot * _normal(sign * d1) - strike * discount * _normal(sign * d2))
    decay = -spot * density * volatility / (2 * math.sqrt(years))
    carry = sign * INTEREST_RATE * strike * discount * _normal(sign * d2)
    return Greeks(
        # An American option is worth no less than what exercise brings.
        price=max(price, sign * (spot - strike), 0.0),
        volatility=volatility,
        delta=sign * _normal(sign * d1),
        gamma=density / (spot * spread),
        vega=spot * density * math.sqrt(years) / 100,
        theta=(decay - carry) / _DAYS_OF_YEAR,
    )


def _state(
    entry: DerivedEntry, root: MarketState, value: Callable[[Decimal], Decimal], *, is_falling: bool
) -> MarketState:
    last = None if root.last is None else value(root.last)
    if isinstance(entry, IndexEntry):
        return MarketState(last=last)
    state = MarketState(last=last, last_size=max(Decimal(1), root.last_size // _SIZE_DIVISOR))
    below, above = (root.ask, root.bid) if is_falling else (root.bid, root.ask)
    sizes = (root.ask_size, root.bid_size) if is_falling else (root.bid_size, root.ask_size)
    bid_size, ask_size = (max(Decimal(1), size // _SIZE_DIVISOR) for size in sizes)
    if below is not None:
        bid = value(below)
        if isinstance(entry, OptionEntry):
            bid = on_grid(entry, bid * (1 - _HALF_SPREAD), ROUND_FLOOR)
        if bid > ZERO:
            state = replace(state, bid=bid, bid_size=bid_size)
    if above is not None:
        ask = value(above)
        if isinstance(entry, OptionEntry):
            ask = on_grid(entry, ask * (1 + _HALF_SPREAD), ROUND_CEILING)
        if state.bid is not None and ask <= state.bid:
            ask = state.bid + rule_of(entry).increment_at(state.bid)
        ask = max(ask, rule_of(entry).increment_at(ZERO))
        state = replace(state, ask=ask, ask_size=ask_size)
    return state


def _normal(value: float) -> float:
    return (1 + math.erf(value / math.sqrt(2))) / 2
