"""The paper broker's venue: commands, quotes and time come in, changes to store and reports to tell come out.

Pure. Nothing may be told before it is stored.
"""

from collections.abc import Iterable
from datetime import datetime

from app.brokers.paper.floor import Floor
from app.brokers.paper.funds import Funds
from app.brokers.paper.market import PaperMarkets
from app.brokers.paper.news import Outcome
from app.brokers.paper.orders import PaperExecution, PaperOrder, PaperState, PaperStatus
from app.brokers.paper.register import Register
from app.brokers.paper.rules import (
    OPEN_ORDERS_MAX,
    PaperTerms,
    Refusal,
    not_canceled,
    not_replaced,
    problem_of_terms,
    rejected,
)
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.fix import OrderType
from app.core.fx import FxRates
from app.core.ids import InstrumentId
from app.core.matching import EndReason
from app.core.messages import AccountValues, BrokerPosition, BrokerReport, Instrument, LaneCommand, LaneKind, Tick


class PaperVenue:
    """One account's orders and money at the paper broker. client_id is the account's, as reports name it."""

    def __init__(self, state: PaperState, terms: PaperTerms, *, client_id: int, now: datetime) -> None:
        markets = PaperMarkets(terms.quote_age_max, state.dealt_until)
        self._register = Register(state, client_id=client_id, now=now)
        self._funds = Funds(state, markets)
        self._floor = Floor(terms, self._register, self._funds, markets)

    @property
    def orders(self) -> Iterable[PaperOrder]:
        """The open orders and those that ended lately."""
        return self._register.orders.values()

    @property
    def executions(self) -> Iterable[PaperExecution]:
        """The late deals, the oldest first."""
        return self._register.executions

    @property
    def next_order_id(self) -> int:
        """The lowest number that names no order yet."""
        return self._register.next_order_id

    @property
    def instruments_in_use(self) -> set[InstrumentId]:
        """Whose quotes matter: those of open orders and of positions."""
        return self._funds.held() | {order.contract.instrument_id for order in self._register.open.values()}

    def take_rates(self, rates: FxRates) -> None:
        """Value the account at these rates of exchange from now on."""
        self._funds.rates = rates

    def take(self, command: LaneCommand, instrument: Instrument | None, now: datetime) -> None:
        """Do what a claimed command says. The instrument is None where the house has none of that id."""
        self._register.now = now
        order = self._register.of_number(command.broker_order_id)
        if command.kind is LaneKind.CANCEL:
            refusal = not_canceled(order, command.broker_order_id)
            if refusal is not None:
                self._register.refuse(command, refusal)
            elif order is not None:
                self._floor.take_out(order, EndReason.CANCELED)
        elif order is not None:
            self._take_again(order, command, instrument)
        elif command.kind is LaneKind.REPLACE:
            self._register.refuse(command, not_replaced(f"order {command.broker_order_id} is not found", 135))
        else:
            self._place(command, instrument)

    def see(self, tick: Tick, now: datetime) -> None:
        """Take the newest quote of an instrument; orders that it reaches deal."""
        self._register.now = now
        self._floor.see(tick)

    def pass_time(self, now: datetime) -> None:
        """Do what has come to its time: orders end, sessions begin and end, quotes become too old."""
        self._register.now = now
        self._floor.pass_time()

    def preview(self, asked: WhatIf, instrument: Instrument, now: datetime) -> WhatIfAnswer | Refusal:
        """What the order would do if all of it dealt at its price, or at the market's where it has none."""
        self._register.now = now
        problem = problem_of_terms(instrument, asked.side, asked.order_type, asked.terms, now)
        if problem is not None:
            return rejected(problem[1], problem[0])
        return self._funds.preview(instrument, asked.side, asked.terms, now)

    def values(self) -> AccountValues:
        """The account's figures; nothing is told while an exchange rate is not known."""
        return self._funds.values(self._register.now)

    def positions(self) -> tuple[BrokerPosition, ...]:
        """What the account holds."""
        return self._funds.positions()

    def status_of(self, order: PaperOrder) -> BrokerReport:
        """How an order stands, as it is told when somebody asks."""
        return self._register.status_of(order)

    def dealt_reports(self) -> list[BrokerReport]:
        """The late deals with what they cost, the oldest first."""
        return self._register.dealt_reports()

    def taken(self) -> Outcome:
        """What happened since this was last asked."""
        return self._register.taken(self._funds.account.cash)

    def _place(self, command: LaneCommand, instrument: Instrument | None) -> None:
        order = self._register.admit(command)
        if instrument is None:
            self._register.reject(order, rejected("there is no such instrument", 200))
            return
        refusal = self._refusal_of_new(command, instrument)
        if refusal is not None:
            self._register.reject(order, refusal)
            return
        self._funds.account.instruments[instrument.id] = instrument
        self._floor.take(order, instrument)

    def _refusal_of_new(self, command: LaneCommand, instrument: Instrument) -> Refusal | None:
        now, terms = self._register.now, command.terms
        problem = problem_of_terms(instrument, command.side, command.order_type, terms, now)
        if problem is not None:
            return rejected(problem[1], problem[0])
        if len(self._register.open) >= OPEN_ORDERS_MAX:
            return rejected("there are too many open orders")
        return self._funds.refusal_of_margin(instrument, command.side, terms, now)

    def _take_again(self, order: PaperOrder, command: LaneCommand, instrument: Instrument | None) -> None:
        is_same_order = order.order_id == command.order_id
        if not is_same_order or (order.side, order.order_type) != (command.side, command.order_type):
            self._register.refuse(command, rejected("the order id belongs to another order", 103))
        elif command.kind is LaneKind.PLACE and (not order.is_open or order.terms == command.terms):
            # Written once more by somebody who did not hear the answer: it is the same order.
            self._register.tell_again(order)
        elif order.status is PaperStatus.FILLED:
            self._register.refuse(command, not_replaced("a filled order cannot be modified", 104))
        elif not order.is_open:
            self._register.refuse(command, not_replaced("the order is over", 161))
        else:
            self._modify(order, command, instrument)

    def _modify(self, order: PaperOrder, command: LaneCommand, instrument: Instrument | None) -> None:
        if instrument is None:
            self._register.refuse(command, not_replaced("there is no such instrument", 200))
            return
        refusal = self._refusal_of_change(order, command, instrument)
        if refusal is not None:
            self._register.refuse(command, refusal)
            return
        old = order.terms
        # The stop stays where it trailed to, unless it is moved or gets another distance.
        if order.order_type is OrderType.TRAILING_STOP:
            told = command.terms.stop_price if command.terms.stop_price != old.stop_price else None
            is_same_trail = command.terms.trailing_amount == old.trailing_amount
            order.trail_stop = told or (order.trail_stop if is_same_trail else None)
        order.terms = command.terms
        self._floor.change(order, instrument)

    def _refusal_of_change(self, order: PaperOrder, command: LaneCommand, instrument: Instrument) -> Refusal | None:
        problem = problem_of_terms(instrument, order.side, order.order_type, command.terms, self._register.now)
        if problem is not None:
            return not_replaced(problem[1], problem[0])
        if command.terms.quantity <= order.filled:
            return not_replaced("the quantity is already filled", 201)
        return None
