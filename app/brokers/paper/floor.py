"""The floor: open orders stand in the books of their instruments or wait outside, and deal with the quotes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from app.brokers.paper.funds import Funds
from app.brokers.paper.market import PaperMarket, PaperMarkets
from app.brokers.paper.orders import PaperOrder
from app.brokers.paper.register import Register
from app.brokers.paper.rules import OPENING_WAIT, PaperTerms, is_at_once, opening_of
from app.brokers.paper.timetable import NEVER, PaperTimetable
from app.core.fix import TimeInForce
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
from app.core.messages import Instrument, Tick
from app.core.money import ZERO


class Floor:
    """Lets the register's open orders deal, and books what they dealt."""

    def __init__(self, terms: PaperTerms, register: Register, funds: Funds, markets: PaperMarkets) -> None:
        self._register = register
        self._funds = funds
        self._markets = markets
        self._timetable = PaperTimetable(terms)
        self._due_at = register.now

    def take(self, order: PaperOrder, instrument: Instrument) -> None:
        """Let an order that was admitted work from now on."""
        self._register.open[order.permanent_id] = order
        self._schedule(order, instrument)
        self._register.tell(order)
        if self._register.is_group_done(order):
            self._register.cancel(order, EndReason.CANCELED.value)
        elif self._is_dealt(order):
            self._enter(order)
        elif is_at_once(order.terms):
            self._register.cancel(order, EndReason.NOT_FILLED_AT_ONCE.value)
        else:
            self._register.wait(order)

    def change(self, order: PaperOrder, instrument: Instrument) -> None:
        """Let the order's new terms hold where it stands."""
        self._schedule(order, instrument)
        is_waiting = order.permanent_id in self._register.waiting
        if not is_waiting and self._is_dealt(order):
            self._replace_in_book(order)
            return
        if not is_waiting:
            self._withdraw(order)
        self._register.tell(order)
        if self._is_dealt(order):
            self._work(order)

    def take_out(self, order: PaperOrder, reason: EndReason) -> None:
        """End an open order, wherever it stands."""
        if order.permanent_id in self._register.waiting:
            self._register.cancel(order, reason.value)
        else:
            self._follow(self._market(order).book.cancel(str(order.permanent_id), reason))

    def see(self, tick: Tick) -> None:
        """Take the newest quote of an instrument; orders that it reaches deal."""
        now, register = self._register.now, self._register
        market = self._markets[tick.instrument_id]
        self._follow(market.see(tick, now))
        if not market.is_fresh(now):
            return
        for order in self._waiting_for_opening(tick):
            del register.waiting[order.permanent_id], register.for_opening[order.permanent_id]
            # As much as the opening shows, and the rest ends.
            self._follow(market.book.place(order.for_book(TimeInForce.IOC)))

    def pass_time(self) -> None:
        """Do what has come to its time: orders end, sessions begin and end, quotes become too old."""
        now = self._register.now
        for market in self._markets.values():
            self._follow(market.refresh(now))
        if now < self._due_at:
            return
        for order in list(self._register.open.values()):
            if order.ends_at is not None and order.ends_at <= now:
                self.take_out(order, EndReason.EXPIRED)
            elif order.permanent_id in self._register.waiting:
                if self._is_dealt(order):
                    self._work(order)
            elif not self._is_dealt(order):
                self._withdraw(order)
        self._due_at = min((self._next_moment(order) for order in self._register.open.values()), default=NEVER)

    def _schedule(self, order: PaperOrder, instrument: Instrument) -> None:
        order.ends_at = self._timetable.end_of(order, instrument, self._register.now)
        self._due_at = min(self._due_at, self._next_moment(order))

    def _is_dealt(self, order: PaperOrder) -> bool:
        return self._timetable.is_dealt(order, self._funds.instrument_of(order), self._register.now)

    def _next_moment(self, order: PaperOrder) -> datetime:
        return self._timetable.next_moment(order, self._funds.instrument_of(order), self._register.now)

    def _market(self, order: PaperOrder) -> PaperMarket:
        return self._markets[order.contract.instrument_id]

    def _waiting_for_opening(self, tick: Tick) -> list[PaperOrder]:
        return [
            order
            for order in self._register.for_opening.values()
            if order.contract.instrument_id == tick.instrument_id
            and opening_of(order) <= tick.time <= self._register.now < opening_of(order) + OPENING_WAIT
        ]

    def _enter(self, order: PaperOrder) -> None:
        market = self._market(order)
        self._follow(market.refresh(self._register.now))
        self._follow(market.book.place(order.for_book()))

    def _work(self, order: PaperOrder) -> None:
        del self._register.waiting[order.permanent_id]
        self._enter(order)

    def _withdraw(self, order: PaperOrder) -> None:
        self._market(order).book.cancel(str(order.permanent_id))
        self._register.waiting[order.permanent_id] = order

    def _replace_in_book(self, order: PaperOrder) -> None:
        market = self._market(order)
        self._follow(market.refresh(self._register.now))
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

    def _follow(self, events: Iterable[BookEvent]) -> None:
        for event in events:
            order = self._register.orders[int(event.order_key)]
            match event:
                case OrderFilled():
                    self._deal_in_group(order, event)
                case OrderTriggered():
                    order.is_triggered = True
                    self._register.changed(order)
                case StopTrailed():
                    order.trail_stop = event.stop_price
                    self._register.changed(order)
                case OrderReplaced():
                    self._register.tell(order)
                case OrderEnded():
                    self._register.cancel(order, event.reason.value)
                case RequestRefused():
                    raise AssertionError(f"the book does not agree about order {order.permanent_id}: {event.reason}")

    def _deal_in_group(self, order: PaperOrder, fill: OrderFilled) -> None:
        # Two of a group may meet the market in one look of the book: what the first dealt is gone for the second.
        quantity = min(fill.quantity, order.leaves_quantity)
        if not order.is_open or quantity <= ZERO:
            return
        before = order.leaves_quantity
        self._deal(order, quantity, fill)
        for other in self._register.others_of_group(order):
            left = other.leaves_quantity * order.leaves_quantity / before
            lot = self._funds.instrument_of(other).lot_size
            lots = (left / lot).to_integral_value(rounding=ROUND_CEILING)
            self._lower(other, other.filled + lots * lot)

    def _lower(self, order: PaperOrder, quantity: Decimal) -> None:
        if quantity == order.terms.quantity:
            return
        book, key = self._market(order).book, str(order.permanent_id)
        held = book.order(key)
        if quantity <= order.filled:
            if held is not None:
                book.cancel(key)
            self._register.cancel(order, EndReason.CANCELED.value)
            return
        order.terms = replace(order.terms, quantity=quantity)
        if held is not None and held.filled_quantity < quantity:
            self._replace_in_book(order)
        else:
            if held is not None:
                book.cancel(key)
            self._register.tell(order)

    def _deal(self, order: PaperOrder, quantity: Decimal, fill: OrderFilled) -> None:
        instrument, market = self._funds.instrument_of(order), self._market(order)
        assert market.tick is not None, "a deal takes from a quote"
        market.dealt(order.side, quantity)
        order.filled += quantity
        order.notional += quantity * fill.price
        whole = self._funds.commission(instrument, order.filled, order.notional)
        commission, order.commission = whole - order.commission, whole
        account = self._funds.account
        realized = account.book(instrument, order.side, quantity, fill.price, commission)
        execution = self._register.add_execution(
            order,
            instrument,
            quantity=quantity,
            price=fill.price,
            commission=commission,
            realized=realized,
            is_maker=fill.is_maker,
            quoted_at=market.tick.time,
            position=account.positions[instrument.id],
        )
        if not order.leaves_quantity:
            self._register.fill(order)
        self._register.tell(order)
        self._register.tell_cost(execution)
