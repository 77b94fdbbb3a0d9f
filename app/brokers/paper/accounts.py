"""A paper account's money: cash by currency, positions with their cost, commissions, margin and what it is worth."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from app.brokers.paper.orders import PaperPosition
from app.core.fix import InstrumentType, Side
from app.core.ids import InstrumentId
from app.core.messages import AccountValues, Instrument
from app.core.money import ZERO, rounded

BUYING_POWER_FACTOR = Decimal(4)
_FULL = (Decimal(1), Decimal(1))
_MARGIN = {
    InstrumentType.STOCK: (Decimal("0.50"), Decimal("0.25")),
    InstrumentType.ETF: (Decimal("0.50"), Decimal("0.25")),
    InstrumentType.FOREX: (Decimal("0.03"), Decimal("0.03")),
    InstrumentType.FUTURE: (Decimal("0.10"), Decimal("0.08")),
}
_CENT = Decimal("0.01")

Mark = Callable[[InstrumentId], Decimal | None]
"""The price at which a position is valued; None while no quote was seen."""

Rate = Callable[[str], Decimal | None]
"""What one unit of a currency is worth in the base currency; None where nothing tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionPlan:
    """What one kind of instrument costs: per unit and as a part of the value, with a minimum for each order."""

    per_unit: Decimal = ZERO
    of_value: Decimal = ZERO
    minimum: Decimal = ZERO


COMMISSIONS = {
    InstrumentType.STOCK: CommissionPlan(per_unit=Decimal("0.005"), minimum=Decimal(1)),
    InstrumentType.ETF: CommissionPlan(per_unit=Decimal("0.005"), minimum=Decimal(1)),
    InstrumentType.OPTION: CommissionPlan(per_unit=Decimal("0.65"), minimum=Decimal(1)),
    InstrumentType.FUTURE: CommissionPlan(per_unit=Decimal("0.85")),
    InstrumentType.FOREX: CommissionPlan(of_value=Decimal("0.00002"), minimum=Decimal(2)),
    InstrumentType.CRYPTO: CommissionPlan(of_value=Decimal("0.0018"), minimum=Decimal("1.75")),
    InstrumentType.BOND: CommissionPlan(of_value=Decimal("0.001"), minimum=Decimal(1)),
    InstrumentType.INDEX: CommissionPlan(),
}


def commission_of(instrument_type: InstrumentType, filled: Decimal, value: Decimal) -> Decimal:
    """What an order has cost in all once `filled` units worth `value` are dealt, in the instrument's currency."""
    plan = COMMISSIONS[instrument_type]
    return rounded(max(plan.minimum, filled * plan.per_unit + value * plan.of_value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """An account's worth in its base currency."""

    cash: Decimal
    equity: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal

    def as_values(self) -> AccountValues:
        """As a broker tells them."""
        return AccountValues(
            cash=self.cash,
            equity=self.equity,
            buying_power=max(ZERO, self.equity - self.initial_margin) * BUYING_POWER_FACTOR,
            initial_margin=self.initial_margin,
            maintenance_margin=self.maintenance_margin,
        )


@dataclass(slots=True, kw_only=True)
class PaperAccount:
    """One account's books."""

    base_currency: str
    cash: dict[str, Decimal]
    positions: dict[InstrumentId, PaperPosition] = field(default_factory=dict)
    instruments: dict[InstrumentId, Instrument] = field(default_factory=dict)

    def book(
        self, instrument: Instrument, side: Side, quantity: Decimal, price: Decimal, commission: Decimal
    ) -> Decimal | None:
        """Book an execution. Returns what it realised after commission, None when it only opened or grew a position."""
        signed = side.sign * quantity
        self.instruments[instrument.id] = instrument
        self._add_cash(instrument.currency, -signed * price * instrument.multiplier - commission)
        if instrument.instrument_type is InstrumentType.FOREX:
            self._add_cash(_bought_by(instrument), signed)
        assert instrument.contract_id is not None, "an order that was taken names a contract"
        held = self.positions.setdefault(
            instrument.id,
            PaperPosition(instrument_id=instrument.id, contract_id=instrument.contract_id, symbol=instrument.symbol),
        )
        closing = min(quantity, abs(held.quantity)) if held.quantity * signed < 0 else ZERO
        opening = quantity - closing
        commission_each = commission / quantity
        realized = None
        if closing:
            direction = 1 if held.quantity > 0 else -1
            gain = (price - held.average_cost) * closing * direction * instrument.multiplier
            realized = rounded(gain - commission_each * closing)
            held.realized += realized
        if opening:
            before = ZERO if closing else abs(held.quantity)
            cost = price + side.sign * commission_each / instrument.multiplier
            held.average_cost = rounded((before * held.average_cost + opening * cost) / (before + opening))
        held.quantity += signed
        if not held.quantity:
            held.average_cost = ZERO
        return realized

    def figures(self, mark: Mark, rate: Rate) -> Figures | None:
        """The account's worth; None while the rate of a currency that it holds is not known.

        A position without a quote is valued at what it cost.
        """
        cash = stock_value = initial = maintenance = ZERO
        for currency, amount in self.cash.items():
            if amount:
                worth = rate(currency)
                if worth is None:
                    return None
                cash += amount * worth
        for held in self.positions.values():
            if not held.quantity:
                continue
            instrument = self.instruments[held.instrument_id]
            worth = rate(instrument.currency)
            if worth is None:
                return None
            price = mark(held.instrument_id)
            price = held.average_cost if price is None else price
            value = held.quantity * price * instrument.multiplier * worth
            of_initial, of_maintenance = _MARGIN.get(instrument.instrument_type, _FULL)
            initial += abs(value) * of_initial
            maintenance += abs(value) * of_maintenance
            # What a currency pair moved is in the balances of cash already.
            if instrument.instrument_type is not InstrumentType.FOREX:
                stock_value += value
        return Figures(
            cash=_cents(cash),
            equity=_cents(cash + stock_value),
            initial_margin=_cents(initial),
            maintenance_margin=_cents(maintenance),
        )

    def after(
        self, instrument: Instrument, side: Side, quantity: Decimal, price: Decimal, commission: Decimal
    ) -> "PaperAccount":
        """A copy of the account after such an execution."""
        copy = PaperAccount(
            base_currency=self.base_currency,
            cash=dict(self.cash),
            positions={
                held.instrument_id: PaperPosition(
                    instrument_id=held.instrument_id,
                    contract_id=held.contract_id,
                    symbol=held.symbol,
                    quantity=held.quantity,
                    average_cost=held.average_cost,
                    realized=held.realized,
                )
                for held in self.positions.values()
            },
            instruments=dict(self.instruments),
        )
        copy.book(instrument, side, quantity, price, commission)
        return copy

    def _add_cash(self, currency: str, amount: Decimal) -> None:
        self.cash[currency] = rounded(self.cash.get(currency, ZERO) + amount)


def _bought_by(pair: Instrument) -> str:
    return pair.symbol.split(".")[0]


def _cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT, rounding=ROUND_HALF_EVEN)
