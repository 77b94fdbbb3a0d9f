"""The simulated accounts: cash by currency, positions with their cost, commissions, margin and the figures of a day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from app.core.catalogue import CatalogueEntry
from app.core.fix import Side
from app.core.money import ZERO, rounded
from app.core.records import replace
from app.simulator.instruments import OptionEntry

INITIAL_MARGIN = {
    "STOCK": Decimal("0.50"),
    "ETF": Decimal("0.50"),
    "FOREX": Decimal("0.03"),
    "FUTURE": Decimal("0.08"),
    "OPTION": Decimal(1),
}
MAINTENANCE_MARGIN = {
    "STOCK": Decimal("0.25"),
    "ETF": Decimal("0.25"),
    "FOREX": Decimal("0.03"),
    "FUTURE": Decimal("0.07"),
    "OPTION": Decimal(1),
}
SHORT_OPTION_MARGIN = Decimal("0.20")
"""What an option sold short needs of the worth of its strike, beyond its own."""
BUYING_POWER_FACTOR = Decimal(4)
FOREX_COMMISSION_RATE = Decimal("0.00002")
FOREX_COMMISSION_MIN = Decimal("2.00")
FUTURE_COMMISSION = Decimal("2.25")
OPTION_COMMISSION = Decimal("0.65")
OPTION_COMMISSION_MIN = Decimal("1.00")
_CENT = Decimal("0.01")
_COMMISSION_STEP = Decimal("0.0001")

Mark = Callable[[int], Decimal]
"""The price at which the position of a contract id is valued."""


@dataclass(slots=True, kw_only=True)
class Holding:
    """A position. Average cost is per unit and, as at Interactive Brokers, includes what opening it cost.

    `day_cost` is what the day's gain is counted from: what the position was worth when the day began, and what was
    paid for it since.
    """

    quantity: Decimal = ZERO
    average_cost: Decimal = ZERO
    realized: Decimal = ZERO
    day_cost: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFigures:
    """An account's worth in its base currency."""

    cash: Decimal
    stock_value: Decimal
    option_value: Decimal
    futures_gain: Decimal
    net_liquidation: Decimal
    gross_value: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    unrealized: Decimal
    realized: Decimal

    @property
    def available(self) -> Decimal:
        """What may still be used to open positions."""
        return self.net_liquidation - self.initial_margin

    @property
    def excess(self) -> Decimal:
        """What is left before positions would be liquidated."""
        return self.net_liquidation - self.maintenance_margin


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """An account's worth in one currency, in that currency; `rate` is what one unit of it is in the base currency."""

    rate: Decimal
    cash: Decimal = ZERO
    stock_value: Decimal = ZERO
    option_value: Decimal = ZERO
    futures_gain: Decimal = ZERO
    unrealized: Decimal = ZERO
    realized: Decimal = ZERO

    @property
    def worth(self) -> Decimal:
        """Cash and positions together."""
        return self.cash + self.stock_value + self.option_value + self.futures_gain

    def plus(self, other: "LedgerLine") -> "LedgerLine":
        """This line and another's amounts at the other's rate."""
        return LedgerLine(
            rate=self.rate,
            cash=self.cash + other.cash * other.rate,
            stock_value=self.stock_value + other.stock_value * other.rate,
            option_value=self.option_value + other.option_value * other.rate,
            futures_gain=self.futures_gain + other.futures_gain * other.rate,
            unrealized=self.unrealized + other.unrealized * other.rate,
            realized=self.realized + other.realized * other.rate,
        )


@dataclass(slots=True, kw_only=True)
class Account:
    """One account's books."""

    account_id: str
    base_currency: str
    cash: dict[str, Decimal]
    holdings: dict[int, Holding] = field(default_factory=dict)
    day_start_equity: Decimal = ZERO

    def book(
        self, entry: CatalogueEntry, side: Side, quantity: Decimal, price: Decimal, commission: Decimal
    ) -> Decimal | None:
        """Book an execution. Returns what it realised after commission, None when it only opened or grew a position."""
        signed = side.sign * quantity
        value = signed * price * entry.multiplier
        is_future = entry.instrument_type == "FUTURE"
        if not is_future:
            self._add_cash(entry.currency, -value - commission)
        if entry.instrument_type == "FOREX":
            self._add_cash(entry.symbol.split(".")[0], signed)

        holding = self.holdings.setdefault(entry.con_id, Holding())
        holding.day_cost += value + commission
        closing = min(quantity, abs(holding.quantity)) if holding.quantity * signed < 0 else ZERO
        opening = quantity - closing
        commission_each = commission / quantity
        realized = None
        if closing:
            gain = (price - holding.average_cost) * closing * (1 if holding.quantity > 0 else -1) * entry.multiplier
            realized = rounded(gain - commission_each * closing)
            holding.realized += realized
            if is_future:
                # A future is not paid for: what it gained is, and its commissions with it, when it is closed.
                self._add_cash(entry.currency, realized)
        if opening:
            held = ZERO if closing else abs(holding.quantity)
            cost = price + side.sign * commission_each / entry.multiplier
            holding.average_cost = rounded((held * holding.average_cost + opening * cost) / (held + opening))
        holding.quantity += signed
        if not holding.quantity:
            holding.average_cost = ZERO
        return realized

    def figures(self, entries: Mapping[int, CatalogueEntry], mark: Mark) -> AccountFigures:
        """The account's worth at these marks."""
        rates = self._rates(entries, mark)
        cash = sum((amount * rates[currency] for currency, amount in self.cash.items()), ZERO)
        stock_value = option_value = futures_gain = gross_value = initial = maintenance = unrealized = realized = ZERO
        for con_id, holding in self.holdings.items():
            entry = entries[con_id]
            rate = rates[entry.currency]
            price = mark(con_id)
            value = holding.quantity * price * entry.multiplier * rate
            gain = holding.quantity * (price - holding.average_cost) * entry.multiplier * rate
            short = SHORT_OPTION_MARGIN * short_option_worth(entry, holding.quantity) * rate
            initial += abs(value) * INITIAL_MARGIN[entry.instrument_type] + short
            maintenance += abs(value) * MAINTENANCE_MARGIN[entry.instrument_type] + short
            unrealized += gain
            realized += holding.realized * rate
            match entry.instrument_type:
                case "FOREX":
                    # A currency position is already in the cash balances.
                    continue
                case "FUTURE":
                    futures_gain += gain
                case "OPTION":
                    option_value += value
                    gross_value += abs(value)
                case _:
                    stock_value += value
                    gross_value += abs(value)
        return AccountFigures(
            cash=_cents(cash),
            stock_value=_cents(stock_value),
            option_value=_cents(option_value),
            futures_gain=_cents(futures_gain),
            net_liquidation=_cents(cash + stock_value + option_value + futures_gain),
            gross_value=_cents(gross_value),
            initial_margin=_cents(initial),
            maintenance_margin=_cents(maintenance),
            unrealized=_cents(unrealized),
            realized=_cents(realized),
        )

    def ledger(self, entries: Mapping[int, CatalogueEntry], mark: Mark) -> dict[str, LedgerLine]:
        """The account's worth by currency: those of its cash, its base currency and whatever it holds."""
        rates = self._rates(entries, mark)
        lines = {self.base_currency: LedgerLine(rate=Decimal(1))}
        lines |= {currency: LedgerLine(rate=rates[currency], cash=amount) for currency, amount in self.cash.items()}
        for con_id, holding in self.holdings.items():
            entry, price = entries[con_id], mark(con_id)
            line = lines.setdefault(entry.currency, LedgerLine(rate=rates[entry.currency]))
            value = holding.quantity * price * entry.multiplier
            gain = holding.quantity * (price - holding.average_cost) * entry.multiplier
            kind = entry.instrument_type
            lines[entry.currency] = replace(
                line,
                stock_value=line.stock_value + (value if kind in {"STOCK", "ETF"} else ZERO),
                option_value=line.option_value + (value if kind == "OPTION" else ZERO),
                futures_gain=line.futures_gain + (gain if kind == "FUTURE" else ZERO),
                unrealized=line.unrealized + gain,
                realized=line.realized + holding.realized,
            )
        return lines

    def begin_day(self, entries: Mapping[int, CatalogueEntry], mark: Mark) -> None:
        """Start the day's gains from zero."""
        for con_id, holding in self.holdings.items():
            holding.realized = ZERO
            holding.day_cost = holding.quantity * mark(con_id) * entries[con_id].multiplier
        self.day_start_equity = self.figures(entries, mark).net_liquidation

    def _add_cash(self, currency: str, amount: Decimal) -> None:
        self.cash[currency] = rounded(self.cash.get(currency, ZERO) + amount)

    def _rates(self, entries: Mapping[int, CatalogueEntry], mark: Mark) -> dict[str, Decimal]:
        rates = {self.base_currency: Decimal(1)}
        for entry in entries.values():
            if entry.instrument_type != "FOREX":
                continue
            foreign = entry.symbol.split(".")[0]
            if entry.currency == self.base_currency:
                rates[foreign] = mark(entry.con_id)
            elif foreign == self.base_currency:
                rates[entry.currency] = 1 / mark(entry.con_id)
        return rates


def commission_of(
    entry: CatalogueEntry, *, filled: Decimal, notional: Decimal, per_share: Decimal, minimum: Decimal
) -> Decimal:
    """What an order has cost in all once `filled` units worth `notional` are dealt."""
    if entry.instrument_type == "FUTURE":
        whole = filled * FUTURE_COMMISSION
    elif entry.instrument_type == "OPTION":
        whole = max(OPTION_COMMISSION_MIN, filled * OPTION_COMMISSION)
    elif entry.instrument_type == "FOREX":
        whole = max(FOREX_COMMISSION_MIN, notional * FOREX_COMMISSION_RATE)
    else:
        whole = max(minimum, filled * per_share)
    return whole.quantize(_COMMISSION_STEP, rounding=ROUND_HALF_EVEN)


def short_option_worth(entry: CatalogueEntry, quantity: Decimal) -> Decimal:
    """What the strikes of options sold short come to; zero for any other position."""
    if not isinstance(entry, OptionEntry) or quantity >= 0:
        return ZERO
    return -quantity * entry.strike * entry.multiplier


def _cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT, rounding=ROUND_HALF_EVEN)
