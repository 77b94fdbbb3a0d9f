"""The paper broker's floor: orders meet quotes, and everything that happens is a change to store and a report to tell.

Pure: time, commands and quotes come in, changes and reports come out. Nothing may be told before it is stored.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from app.brokers.paper.accounts import Figures, PaperAccount, commission_of
from app.brokers.paper.market import PaperMarket
from app.brokers.paper.news import News, Outcome, broker_position
from app.brokers.paper.orders import PaperExecution, PaperOrder, PaperState, PaperStatus
from app.brokers.paper.rules import (
    OPEN_ORDERS_MAX,
    OPENING_WAIT,
    PaperTerms,
    Refusal,
    is_at_once,
    not_canceled,
    not_replaced,
    opening_of,
    problem_of_terms,
    rejected,
)
from app.brokers.paper.telling import commission_report, execution_report, fault_report, refusal_report, status_report
from app.brokers.paper.timetable import NEVER, PaperTimetable, is_for_opening
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.fix import OrderType, Side, TimeInForce
from app.core.fx import FxRates
from app.core.ids import InstrumentId
from app.core.matching import (
    BookEvent,
    EndReason,
    OrderEnded,
    OrderFilled,
    OrderReplaced,
    OrderTriggered,
    RequestRefused,
    StopTrailed,
)
from app.core.messages import AccountValues, BrokerPosition, BrokerReport, Instrument, LaneCommand, LaneKind, Tick
from app.core.money import ZERO

HISTORY_MAX = 20_000
"""How many ended orders, and how many executions, are told to whoever asks; the books keep them all."""


class PaperVenue:
    """One account's orders and money at the paper broker. client_id is the account's, as reports name it."""

    def __init__(self, state: PaperState, terms: PaperTerms, *, client_id: int, now: datetime) -> None:
        self._terms = terms
        self._client_id = client_id
        self._now = now
        self._account = PaperAccount(
            base_currency=state.base_currency,
            cash=dict(state.cash),
            positions={held.instrument_id: held for held in state.positions},
            instruments=dict(state.instruments),
        )
        self.rates: FxRates = state.rates
        self._orders = {order.permanent_id: order for order in state.orders}
        self._by_number = {order.broker_order_id: order for order in state.orders}
        self._open = {order.permanent_id: order for order in state.orders if order.is_open}
        self._done_groups = {
            order.oca_group for order in state.orders if order.oca_group and order.status is PaperStatus.FILLED
        }
        self._executions = list(state.executions)
        self._dealt_until = dict(state.dealt_until)
        self._markets: dict[InstrumentId, PaperMarket] = {}
        self._waiting = dict(self._open)
        self._for_opening = {name: one for name, one in self._open.items() if is_for_opening(one)}
        self._timetable = PaperTimetable(terms)
        self._due_at = now
        self._last_permanent_id = state.last_permanent_id
        self._last_execution_number = state.last_execution_number
        self.next_order_id = state.next_order_id
        self._news = News()

    @property
    def orders(self) -> Iterable[PaperOrder]:
        """The open orders and those that ended lately."""
        return self._orders.values()

    @property
    def executions(self) -> Iterable[PaperExecution]:
        """The late deals, the oldest first."""
        return self._executions

    @property
    def instruments_in_use(self) -> set[InstrumentId]:
        """Whose quotes matter: those of open orders and of positions."""
        held = {one.instrument_id for one in self._account.positions.values() if one.quantity}
        return held | {order.contract.instrument_id for order in self._open.values()}

    def take(self, command: LaneCommand, instrument: Instrument | None, now: datetime) -> None:
        """Do what a claimed command says. The instrument is None where the house has none of that id."""
        self._now = now
        order = self._by_number.get(command.broker_order_id)
        if command.kind is LaneKind.CANCEL:
            refusal = not_canceled(order, command.broker_order_id)
            if refusal is not None:
                self._refuse(command, refusal)
            elif order is not None:
                self._take_out(order, EndReason.CANCELED)
        elif order is not None:
            self._take_again(order, command, instrument)
        elif command.kind is LaneKind.REPLACE:
            self._refuse(command, not_replaced(f"order {command.broker_order_id} is not found", 135))
        else:
            self._place(command, instrument)

    def see(self, tick: Tick, now: datetime) -> None:
        """Take the newest quote of an instrument; orders that it reaches deal."""
        self._now = now
        market = self._market(tick.instrument_id)
        self._follow(market.see(tick, now))
        if not market.is_fresh(now):
            return
        for order in self._waiting_for_opening(tick):
            del self._waiting[order.permanent_id], self._for_opening[order.permanent_id]
            # As much as the opening shows, and the rest ends.
            self._follow(market.book.place(order.for_book(TimeInForce.IOC)))

    def pass_time(self, now: datetime) -> None:
        """Do what has come to its time: orders end, sessions begin and end, quotes become too old."""
        self._now = now
        for market in self._markets.values():
            self._follow(market.refresh(now))
        if now < self._due_at:
            return
        for order in list(self._open.values()):
            if order.ends_at is not None and order.ends_at <= now:
                self._take_out(order, EndReason.EXPIRED)
            elif order.permanent_id in self._waiting:
                if self._is_dealt(order):
                    self._work(order)
            elif not self._is_dealt(order):
                self._withdraw(order)
        self._due_at = min((self._next_moment(order) for order in self._open.values()), default=NEVER)

    def preview(self, asked: WhatIf, instrument: Instrument, now: datetime) -> WhatIfAnswer | Refusal:
        """What the order would do if all of it dealt at its price, or at the market's where it has none."""
        self._now = now
        problem = problem_of_terms(instrument, asked.side, asked.order_type, asked.terms, now)
        if problem is not None:
            return rejected(problem[1], problem[0])
        price = asked.terms.limit_price or asked.terms.stop_price or self._mark(instrument.id)
        if price is None:
            return rejected("there is no quote to value the order at")
        quantity = asked.terms.quantity
        commission = self._commission(instrument, quantity, quantity * price)
        pair = self._before_and_after(instrument, asked.side, quantity, price)
        if pair is None:
            return rejected("an exchange rate is not known")
        before, after = pair
        return WhatIfAnswer(
            initial_margin_change=after.initial_margin - before.initial_margin,
            maintenance_margin_change=after.maintenance_margin - before.maintenance_margin,
            commission=commission,
            commission_currency=instrument.currency,
        )

    def values(self) -> AccountValues:
        """The account's figures; nothing is told while an exchange rate is not known."""
        figures = self._account.figures(self._mark, self._rate)
        return AccountValues() if figures is None else figures.as_values()

    def positions(self) -> tuple[BrokerPosition, ...]:
        """What the account holds."""
        return tuple(broker_position(held) for held in self._account.positions.values() if held.quantity)

    def status_of(self, order: PaperOrder) -> BrokerReport:
        """How an order stands, as it is told when somebody asks."""
        if order.status is PaperStatus.REJECTED:
            return refusal_report(order, self._client_id)
        return status_report(order, self._client_id, self._now)

    def dealt_reports(self) -> list[BrokerReport]:
        """The late deals with what they cost, the oldest first."""
        reports: list[BrokerReport] = []
        for execution in self._executions:
            reports += [execution_report(execution, self._client_id), commission_report(execution)]
        return reports

    def taken(self) -> Outcome:
        """What happened since this was last asked."""
        news, self._news = self._news, News()
        outcome = news.outcome(
            self._account.cash,
            last_permanent_id=self._last_permanent_id,
            last_execution_number=self._last_execution_number,
            next_order_id=self.next_order_id,
        )
        self._forget()
        return outcome

    def _forget(self) -> None:
        del self._executions[:-HISTORY_MAX]
        over = len(self._orders) - len(self._open) - HISTORY_MAX
        if over <= 0:
            return
        for order in [one for one in self._orders.values() if not one.is_open][:over]:
            del self._orders[order.permanent_id], self._by_number[order.broker_order_id]

    def _place(self, command: LaneCommand, instrument: Instrument | None) -> None:
        self._last_permanent_id += 1
        self.next_order_id = max(self.next_order_id, command.broker_order_id + 1)
        order = PaperOrder(
            permanent_id=self._last_permanent_id,
            broker_order_id=command.broker_order_id,
            order_id=command.order_id,
            contract=command.contract,
            side=command.side,
            order_type=command.order_type,
            terms=command.terms,
            outside_regular_hours=command.outside_regular_hours,
            oca_group=command.oca_group,
            placed_at=self._now,
            trail_stop=command.terms.stop_price if command.order_type is OrderType.TRAILING_STOP else None,
        )
        self._orders[order.permanent_id] = self._by_number[order.broker_order_id] = order
        refusal = self._refusal_of_new(command, instrument)
        if refusal is not None or instrument is None:
            assert refusal is not None, "an instrument that is not known is refused"
            self._finish(order, PaperStatus.REJECTED, refusal.message, refusal.code)
            self._news.reports.append(refusal_report(order, self._client_id))
            return
        self._account.instruments[instrument.id] = instrument
        self._open[order.permanent_id] = order
        order.ends_at = self._timetable.end_of(order, instrument, self._now)
        self._due_at = min(self._due_at, self._next_moment(order))
        self._tell(order)
        if order.oca_group in self._done_groups and order.oca_group is not None:
            self._end(order, EndReason.CANCELED)
        elif self._is_dealt(order):
            self._enter(order)
        elif is_at_once(order.terms):
            self._end(order, EndReason.NOT_FILLED_AT_ONCE)
        else:
            self._waiting[order.permanent_id] = order
            if is_for_opening(order):
                self._for_opening[order.permanent_id] = order

    def _refusal_of_new(self, command: LaneCommand, instrument: Instrument | None) -> Refusal | None:
        if instrument is None:
            return rejected("there is no such instrument", 200)
        terms = command.terms
        problem = problem_of_terms(instrument, command.side, command.order_type, terms, self._now)
        if problem is not None:
            return rejected(problem[1], problem[0])
        if len(self._open) >= OPEN_ORDERS_MAX:
            return rejected("there are too many open orders")
        price = terms.limit_price or terms.stop_price or self._mark(instrument.id)
        if price is None:
            # Without a quote nothing deals either; the first one decides the price.
            return None
        pair = self._before_and_after(instrument, command.side, terms.quantity, price)
        if pair is None:
            return rejected("an exchange rate that the margin needs is not known")
        before, after = pair
        if after.initial_margin > max(before.initial_margin, after.equity):
            return rejected(f"the equity does not carry the initial margin of {after.initial_margin}")
        return None

    def _take_again(self, order: PaperOrder, command: LaneCommand, instrument: Instrument | None) -> None:
        is_same_order = order.order_id == command.order_id
        if not is_same_order or (order.side, order.order_type) != (command.side, command.order_type):
            self._refuse(command, rejected("the order id belongs to another order", 103))
        elif command.kind is LaneKind.PLACE and (not order.is_open or order.terms == command.terms):
            # Written once more by somebody who did not hear the answer: it is the same order.
            self._news.reports.append(self.status_of(order))
        elif order.status is PaperStatus.FILLED:
            self._refuse(command, not_replaced("a filled order cannot be modified", 104))
        elif not order.is_open:
            self._refuse(command, not_replaced("the order is over", 161))
        else:
            self._modify(order, command, instrument)

    def _modify(self, order: PaperOrder, command: LaneCommand, instrument: Instrument | None) -> None:
        if instrument is None:
            self._refuse(command, not_replaced("there is no such instrument", 200))
            return
        problem = problem_of_terms(instrument, order.side, order.order_type, command.terms, self._now)
        if problem is not None:
            self._refuse(command, not_replaced(problem[1], problem[0]))
            return
        if command.terms.quantity <= order.filled:
            self._refuse(command, not_replaced("the quantity is already filled", 201))
            return
        old = order.terms
        # The stop stays where it trailed to, unless it is moved or gets another distance.
        if order.order_type is OrderType.TRAILING_STOP:
            told = command.terms.stop_price if command.terms.stop_price != old.stop_price else None
            is_same_trail = command.terms.trailing_amount == old.trailing_amount
            order.trail_stop = told or (order.trail_stop if is_same_trail else None)
        order.terms = command.terms
        order.ends_at = self._timetable.end_of(order, instrument, self._now)
        self._due_at = min(self._due_at, self._next_moment(order))
        if order.permanent_id in self._waiting or not self._is_dealt(order):
            if order.permanent_id not in self._waiting:
                self._withdraw(order)
            self._tell(order)
            if self._is_dealt(order):
                self._work(order)
            return
        self._replace_in_book(order)

    def _replace_in_book(self, order: PaperOrder) -> None:
        market = self._market(order.contract.instrument_id)
        self._follow(market.refresh(self._now))
        terms = order.for_book()
        self._follow(
            market.book.replace(
                terms.order_key,
                quantity=terms.quantity,
                limit_price=terms.limit_price,
                stop_price=terms.stop_price,
                trailing_amount=terms.trailing_amount,
                time_in_force=terms.time_in_force,
            )
        )

    def _refuse(self, command: LaneCommand, refusal: Refusal) -> None:
        self._news.reports.append(fault_report(command, refusal, self._client_id, self._now))

    def _market(self, instrument_id: InstrumentId) -> PaperMarket:
        market = self._markets.get(instrument_id)
        if market is None:
            market = self._markets[instrument_id] = PaperMarket(
                age_max=self._terms.quote_age_max, dealt_until=self._dealt_until.get(instrument_id)
            )
        return market

    def _mark(self, instrument_id: InstrumentId) -> Decimal | None:
        market = self._markets.get(instrument_id)
        return None if market is None else market.mark

    def _rate(self, currency: str) -> Decimal | None:
        found = self.rates.find(currency, self._account.base_currency, self._now)
        return None if found is None else found.rate

    def _before_and_after(
        self, instrument: Instrument, side: Side, quantity: Decimal, price: Decimal
    ) -> tuple[Figures, Figures] | None:
        commission = self._commission(instrument, quantity, quantity * price)
        after = self._account.after(instrument, side, quantity, price, commission)
        mark = self._mark(instrument.id)

        def valued(instrument_id: InstrumentId) -> Decimal | None:
            return price if instrument_id == instrument.id and mark is None else self._mark(instrument_id)

        figures = self._account.figures(valued, self._rate), after.figures(valued, self._rate)
        return None if figures[0] is None or figures[1] is None else (figures[0], figures[1])

    def _commission(self, instrument: Instrument, filled: Decimal, notional: Decimal) -> Decimal:
        return commission_of(instrument.instrument_type, filled, notional * instrument.multiplier)

    def _is_dealt(self, order: PaperOrder) -> bool:
        return self._timetable.is_dealt(order, self._instrument(order), self._now)

    def _next_moment(self, order: PaperOrder) -> datetime:
        return self._timetable.next_moment(order, self._instrument(order), self._now)

    def _instrument(self, order: PaperOrder) -> Instrument:
        return self._account.instruments[order.contract.instrument_id]

    def _waiting_for_opening(self, tick: Tick) -> list[PaperOrder]:
        return [
            order
            for order in self._for_opening.values()
            if order.contract.instrument_id == tick.instrument_id
            and opening_of(order) <= tick.time <= self._now < opening_of(order) + OPENING_WAIT
        ]

    def _enter(self, order: PaperOrder) -> None:
        market = self._market(order.contract.instrument_id)
        self._follow(market.refresh(self._now))
        self._follow(market.book.place(order.for_book()))

    def _work(self, order: PaperOrder) -> None:
        del self._waiting[order.permanent_id]
        self._enter(order)

    def _withdraw(self, order: PaperOrder) -> None:
        self._market(order.contract.instrument_id).book.cancel(str(order.permanent_id))
        self._waiting[order.permanent_id] = order

    def _take_out(self, order: PaperOrder, reason: EndReason) -> None:
        if order.permanent_id in self._waiting:
            self._end(order, reason)
        else:
            self._follow(self._market(order.contract.instrument_id).book.cancel(str(order.permanent_id), reason))

    def _follow(self, events: Iterable[BookEvent]) -> None:
        for event in events:
            order = self._orders[int(event.order_key)]
            match event:
                case OrderFilled():
                    self._deal_in_group(order, event)
                case OrderTriggered():
                    order.is_triggered = True
                    self._news.changed(order)
                case StopTrailed():
                    order.trail_stop = event.stop_price
                    self._news.changed(order)
                case OrderReplaced():
                    self._tell(order)
                case OrderEnded():
                    self._end(order, event.reason)
                case RequestRefused():
                    raise AssertionError(f"the book does not agree about order {order.permanent_id}: {event.reason}")

    def _deal_in_group(self, order: PaperOrder, fill: OrderFilled) -> None:
        # Two of a group may meet the market in one look of the book: what the first dealt is gone for the second.
        quantity = min(fill.quantity, order.leaves_quantity)
        if not order.is_open or quantity <= ZERO:
            return
        before = order.leaves_quantity
        self._deal(order, quantity, fill)
        if order.oca_group is None:
            return
        for other in [one for one in self._open.values() if one.oca_group == order.oca_group and one is not order]:
            left = other.leaves_quantity * order.leaves_quantity / before
            lot = self._instrument(other).lot_size
            lots = (left / lot).to_integral_value(rounding=ROUND_CEILING)
            self._lower(other, other.filled + lots * lot)

    def _lower(self, order: PaperOrder, quantity: Decimal) -> None:
        if quantity == order.terms.quantity:
            return
        book, key = self._market(order.contract.instrument_id).book, str(order.permanent_id)
        held = book.order(key)
        if quantity <= order.filled:
            if held is not None:
                book.cancel(key)
            self._end(order, EndReason.CANCELED)
            return
        order.terms = replace(order.terms, quantity=quantity)
        if held is not None and held.filled_quantity < quantity:
            self._replace_in_book(order)
        else:
            if held is not None:
                book.cancel(key)
            self._tell(order)

    def _deal(self, order: PaperOrder, quantity: Decimal, fill: OrderFilled) -> None:
        instrument, market = self._instrument(order), self._market(order.contract.instrument_id)
        assert market.tick is not None, "a deal takes from a quote"
        assert instrument.contract_id is not None, "an order that was taken names a contract"
        market.dealt(order.side, quantity)
        order.filled += quantity
        order.notional += quantity * fill.price
        whole = self._commission(instrument, order.filled, order.notional)
        commission, order.commission = whole - order.commission, whole
        realized = self._account.book(instrument, order.side, quantity, fill.price, commission)
        self._last_execution_number += 1
        execution = PaperExecution(
            number=self._last_execution_number,
            permanent_id=order.permanent_id,
            broker_order_id=order.broker_order_id,
            order_id=order.order_id,
            instrument_id=instrument.id,
            contract_id=instrument.contract_id,
            side=order.side,
            quantity=quantity,
            price=fill.price,
            commission=commission,
            currency=instrument.currency,
            realized_pnl=realized,
            is_maker=fill.is_maker,
            quoted_at=market.tick.time,
            executed_at=self._now,
        )
        self._executions.append(execution)
        self._news.dealt(execution, self._account.positions[instrument.id])
        self._news.reports.append(execution_report(execution, self._client_id))
        if not order.leaves_quantity:
            if order.oca_group is not None:
                self._done_groups.add(order.oca_group)
            self._finish(order, PaperStatus.FILLED, None)
        self._tell(order)
        self._news.reports.append(commission_report(execution))

    def _end(self, order: PaperOrder, reason: EndReason) -> None:
        self._finish(order, PaperStatus.CANCELED, reason.value)
        self._tell(order)

    def _finish(self, order: PaperOrder, status: PaperStatus, reason: str | None, code: int | None = None) -> None:
        order.status, order.reason, order.refusal_code, order.ended_at = status, reason, code, self._now
        self._open.pop(order.permanent_id, None)
        self._waiting.pop(order.permanent_id, None)
        self._for_opening.pop(order.permanent_id, None)
        self._news.changed(order)

    def _tell(self, order: PaperOrder) -> None:
        self._news.changed(order)
        self._news.reports.append(status_report(order, self._client_id, self._now))
