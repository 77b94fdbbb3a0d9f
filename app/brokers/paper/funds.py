"""Funds: what one account at the paper broker is worth now, and what it would be after an order."""

from datetime import datetime
from decimal import Decimal

from app.brokers.paper.accounts import Figures, PaperAccount, commission_of
from app.brokers.paper.market import PaperMarkets
from app.brokers.paper.news import broker_position
from app.brokers.paper.orders import PaperOrder, PaperState
from app.brokers.paper.rules import Refusal, rejected
from app.brokers.what_if import WhatIfAnswer
from app.core.fix import Side
from app.core.fx import FxRates
from app.core.ids import InstrumentId
from app.core.messages import AccountValues, BrokerPosition, Instrument, OrderTerms


class Funds:
    """The account's books, valued at the markets' marks and at the rates of exchange."""

    def __init__(self, state: PaperState, markets: PaperMarkets) -> None:
        self._markets = markets
        self.rates: FxRates = state.rates
        self.account = PaperAccount(
            base_currency=state.base_currency,
            cash=dict(state.cash),
            positions={held.instrument_id: held for held in state.positions},
            instruments=dict(state.instruments),
        )

    def instrument_of(self, order: PaperOrder) -> Instrument:
        """What an order that was taken deals in."""
        return self.account.instruments[order.contract.instrument_id]

    def held(self) -> set[InstrumentId]:
        """The instruments in which the account has a position."""
        return {one.instrument_id for one in self.account.positions.values() if one.quantity}

    def positions(self) -> tuple[BrokerPosition, ...]:
        """What the account holds."""
        return tuple(broker_position(held) for held in self.account.positions.values() if held.quantity)

    def values(self, now: datetime) -> AccountValues:
        """The account's figures; nothing is told while an exchange rate is not known."""
        figures = self._figures(self.account, now)
        return AccountValues() if figures is None else figures.as_values()

    def commission(self, instrument: Instrument, filled: Decimal, notional: Decimal) -> Decimal:
        """What an order costs in all that dealt this quantity for this sum of prices."""
        return commission_of(instrument.instrument_type, filled, notional * instrument.multiplier)

    def price_of(self, instrument: Instrument, terms: OrderTerms) -> Decimal | None:
        """What an order of these terms is valued at: its price, or the market's where it has none."""
        return terms.limit_price or terms.stop_price or self._markets.mark(instrument.id)

    def preview(self, instrument: Instrument, side: Side, terms: OrderTerms, now: datetime) -> WhatIfAnswer | Refusal:
        """What an order would do if all of it dealt at its price, or at the market's where it has none."""
        price = self.price_of(instrument, terms)
        if price is None:
            return rejected("there is no quote to value the order at")
        pair = self._before_and_after(instrument, side, terms.quantity, price, now)
        if pair is None:
            return rejected("an exchange rate is not known")
        before, after = pair
        return WhatIfAnswer(
            initial_margin_change=after.initial_margin - before.initial_margin,
            maintenance_margin_change=after.maintenance_margin - before.maintenance_margin,
            commission=self.commission(instrument, terms.quantity, terms.quantity * price),
            commission_currency=instrument.currency,
        )

    def refusal_of_margin(self, instrument: Instrument, side: Side, terms: OrderTerms, now: datetime) -> Refusal | None:
        """Why the account does not carry an order, or None when it does."""
        price = self.price_of(instrument, terms)
        if price is None:
            # Without a quote nothing deals either; the first one decides the price.
            return None
        pair = self._before_and_after(instrument, side, terms.quantity, price, now)
        if pair is None:
            return rejected("an exchange rate that the margin needs is not known")
        before, after = pair
        if after.initial_margin > max(before.initial_margin, after.equity):
            return rejected(f"the equity does not carry the initial margin of {after.initial_margin}")
        return None

    def _before_and_after(
        self, instrument: Instrument, side: Side, quantity: Decimal, price: Decimal, now: datetime
    ) -> tuple[Figures, Figures] | None:
        commission = self.commission(instrument, quantity, quantity * price)
        after = self.account.after(instrument, side, quantity, price, commission)
        # Where no quote was seen yet, the order's price is the only one known.
        at_price = {instrument.id: price} if self._markets.mark(instrument.id) is None else {}
        figures = self._figures(self.account, now, at_price), self._figures(after, now, at_price)
        return None if figures[0] is None or figures[1] is None else (figures[0], figures[1])

    def _figures(
        self, account: PaperAccount, now: datetime, at_price: dict[InstrumentId, Decimal] | None = None
    ) -> Figures | None:
        known = at_price or {}

        def mark(instrument_id: InstrumentId) -> Decimal | None:
            return known[instrument_id] if instrument_id in known else self._markets.mark(instrument_id)

        def rate(currency: str) -> Decimal | None:
            found = self.rates.find(currency, self.account.base_currency, now)
            return None if found is None else found.rate

        return account.figures(mark, rate)
