"""The matching engine: examples of each order's behaviour, and properties over random sequences."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.fix import OrderType, Side, TimeInForce
from app.core.matching import (
    BookEvent,
    BookOrder,
    EndReason,
    MarketState,
    OrderBook,
    OrderEnded,
    OrderFilled,
    OrderReplaced,
    OrderTriggered,
    RefusalReason,
    RequestRefused,
    StopTrailed,
)

D = Decimal


def market(bid: str, ask: str, *, size: str = "100", last: str | None = None) -> MarketState:
    return MarketState(
        bid=D(bid),
        bid_size=D(size),
        ask=D(ask),
        ask_size=D(size),
        last=D(last) if last else None,
        last_size=D(1),
    )


def limit(key: str, side: Side, quantity: str, price: str, tif: TimeInForce = TimeInForce.DAY) -> BookOrder:
    return BookOrder(
        order_key=key,
        side=side,
        order_type=OrderType.LIMIT,
        quantity=D(quantity),
        limit_price=D(price),
        time_in_force=tif,
    )


def at_market(key: str, side: Side, quantity: str, tif: TimeInForce = TimeInForce.DAY) -> BookOrder:
    return BookOrder(order_key=key, side=side, order_type=OrderType.MARKET, quantity=D(quantity), time_in_force=tif)


def fill(key: str, quantity: str, price: str, *, is_maker: bool = False) -> OrderFilled:
    return OrderFilled(order_key=key, quantity=D(quantity), price=D(price), is_maker=is_maker)


def book_at(state: MarketState) -> OrderBook:
    book = OrderBook()
    book.update(state)
    return book


def test_market_order_takes_the_displayed_size_and_waits_for_more() -> None:
    book = book_at(market("99", "100", size="30"))

    first = book.place(at_market("a", Side.BUY, "50"))
    second = book.update(market("99", "101", size="30"))

    assert first == (fill("a", "30", "100"),)
    assert second == (fill("a", "20", "101"),)
    assert len(book) == 0


def test_marketable_limit_deals_at_the_better_market_price() -> None:
    book = book_at(market("99", "100"))

    events = book.place(limit("a", Side.BUY, "10", "105"))

    assert events == (fill("a", "10", "100"),)


def test_resting_limit_deals_at_its_own_price_when_the_market_comes_through() -> None:
    book = book_at(market("99", "100"))
    assert book.place(limit("a", Side.BUY, "10", "98")) == ()

    events = book.update(market("95", "96"))

    assert events == (fill("a", "10", "98", is_maker=True),)


def test_better_price_goes_first_then_earlier_time() -> None:
    book = book_at(market("99", "100"))
    for key, price in (("late-best", "98"), ("first", "97"), ("second", "97")):
        book.place(limit(key, Side.BUY, "10", price))

    events = book.update(market("90", "97", size="15"))

    assert events == (fill("late-best", "10", "98", is_maker=True), fill("first", "5", "97", is_maker=True))


def test_lower_quantity_keeps_the_place_in_time_and_a_higher_one_loses_it() -> None:
    book = book_at(market("99", "100"))
    for key in ("a", "b", "c"):
        book.place(limit(key, Side.SELL, "10", "101"))

    book.replace("a", quantity=D(12), limit_price=D(101), time_in_force=TimeInForce.DAY)
    book.replace("b", quantity=D(5), limit_price=D(101), time_in_force=TimeInForce.DAY)
    events = book.update(market("101", "102", size="100"))

    assert [event.order_key for event in events if isinstance(event, OrderFilled)] == ["b", "c", "a"]


def test_replace_to_a_marketable_price_deals_at_once() -> None:
    book = book_at(market("99", "100"))
    book.place(limit("a", Side.BUY, "10", "98"))

    events = book.replace("a", quantity=D(10), limit_price=D(100), time_in_force=TimeInForce.DAY)

    assert events == (OrderReplaced(order_key="a"), fill("a", "10", "100"))


def test_replace_below_what_is_filled_is_refused_and_changes_nothing() -> None:
    book = book_at(market("99", "100", size="30"))
    book.place(limit("a", Side.BUY, "50", "100"))
    before = book.order("a")

    events = book.replace("a", quantity=D(30), limit_price=D(100), time_in_force=TimeInForce.DAY)

    assert events == (RequestRefused(order_key="a", reason=RefusalReason.QUANTITY_NOT_ABOVE_FILLED),)
    assert book.order("a") == before


def test_stop_waits_for_the_last_trade_and_deals_as_market() -> None:
    book = book_at(market("99", "100", last="99"))
    stop = BookOrder(order_key="s", side=Side.BUY, order_type=OrderType.STOP, quantity=D(10), stop_price=D(102))
    assert book.place(stop) == ()

    assert book.update(market("101", "103", last="101")) == ()
    events = book.update(market("101", "103", last="102"))

    assert events == (OrderTriggered(order_key="s"), fill("s", "10", "103"))


def test_stop_limit_rests_at_its_limit_once_triggered() -> None:
    book = book_at(market("99", "100", last="99"))
    book.place(
        BookOrder(
            order_key="s",
            side=Side.SELL,
            order_type=OrderType.STOP_LIMIT,
            quantity=D(10),
            stop_price=D(98),
            limit_price=D(97),
        )
    )

    triggered = book.update(market("96", "98", last="97"))
    filled = book.update(market("97", "98", last="97"))

    assert triggered == (OrderTriggered(order_key="s"),)
    assert filled == (fill("s", "10", "97", is_maker=True),)


def test_stop_beyond_the_last_trade_is_set_off_on_arrival() -> None:
    book = book_at(market("99", "100", last="100"))

    events = book.place(
        BookOrder(order_key="s", side=Side.BUY, order_type=OrderType.STOP, quantity=D(1), stop_price=D(100))
    )

    assert events == (OrderTriggered(order_key="s"), fill("s", "1", "100"))


def test_immediate_or_cancel_ends_with_its_remainder() -> None:
    book = book_at(market("99", "100", size="30"))

    events = book.place(limit("a", Side.BUY, "50", "100", TimeInForce.IOC))

    assert events == (
        fill("a", "30", "100"),
        OrderEnded(order_key="a", leaves_quantity=D(20), reason=EndReason.NOT_FILLED_AT_ONCE),
    )


def test_fill_or_kill_deals_whole_or_not_at_all() -> None:
    book = book_at(market("99", "100", size="30"))

    killed = book.place(at_market("a", Side.BUY, "31", TimeInForce.FOK))
    filled = book.place(at_market("b", Side.BUY, "30", TimeInForce.FOK))

    assert killed == (OrderEnded(order_key="a", leaves_quantity=D(31), reason=EndReason.NOT_FILLED_AT_ONCE),)
    assert filled == (fill("b", "30", "100"),)


def trailing(key: str, side: Side, amount: str) -> BookOrder:
    return BookOrder(
        order_key=key, side=side, order_type=OrderType.TRAILING_STOP, quantity=D(10), trailing_amount=D(amount)
    )


def test_trailing_stop_follows_the_last_trade_and_never_back() -> None:
    book = OrderBook()
    book.update(market("9.99", "10.01", last="10"))

    assert book.place(trailing("t", Side.SELL, "1")) == (StopTrailed(order_key="t", stop_price=D(9)),)
    assert book.update(market("10.99", "11.01", last="11")) == (StopTrailed(order_key="t", stop_price=D(10)),)
    assert book.update(market("10.49", "10.51", last="10.5")) == ()
    assert book.update(market("9.98", "10.02", last="10")) == (
        OrderTriggered(order_key="t"),
        OrderFilled(order_key="t", quantity=D(10), price=D("9.98"), is_maker=False),
    )


def test_trailing_stop_waits_for_the_first_trade_and_can_be_changed_and_cancelled() -> None:
    book = OrderBook()

    assert book.place(trailing("t", Side.BUY, "1")) == ()
    assert book.update(market("9.99", "10.01", last="10")) == (StopTrailed(order_key="t", stop_price=D(11)),)
    changed = book.replace("t", quantity=D(5), trailing_amount=D(2), time_in_force=TimeInForce.GTC)
    assert changed == (OrderReplaced(order_key="t"), StopTrailed(order_key="t", stop_price=D(12)))
    ended = OrderEnded(order_key="t", leaves_quantity=D(5), reason=EndReason.CANCELED)
    assert book.cancel("t") == (ended,)
    assert book.update(market("9.99", "10.01", last="20")) == ()


@given(
    st.sampled_from(list(Side)),
    st.integers(1, 20),
    st.lists(st.integers(50, 150), min_size=1, max_size=40),
)
def test_trailing_stop_deals_at_the_first_turn_of_its_distance(side: Side, amount: int, prices: list[int]) -> None:
    book = OrderBook()
    book.place(trailing("t", side, str(amount)))
    best: int | None = None

    for price in prices:
        best = price if best is None else min(best, price) if side is Side.BUY else max(best, price)
        events = book.update(market(str(price), str(price), last=str(price)))
        has_turned = (price - best) * side.sign >= amount
        assert any(isinstance(event, OrderTriggered) for event in events) == has_turned
        if has_turned:
            assert len(book) == 0
            return
        order = book.order("t")
        assert order is not None
        assert order.stop_price == D(best) + side.sign * amount


def test_order_is_taken_out_for_the_reason_that_is_named() -> None:
    book = book_at(market("99", "100"))
    book.place(limit("day", Side.BUY, "10", "90"))
    book.place(limit("gtc", Side.BUY, "10", "90", TimeInForce.GTC))

    events = book.cancel("day", EndReason.EXPIRED)

    assert events == (OrderEnded(order_key="day", leaves_quantity=D(10), reason=EndReason.EXPIRED),)
    assert book.order("day") is None
    assert book.order("gtc") is not None


def test_cancel_after_a_partial_fill_leaves_the_rest_undealt() -> None:
    book = book_at(market("99", "100", size="30"))
    book.place(at_market("a", Side.BUY, "50"))

    events = book.cancel("a")

    assert events == (OrderEnded(order_key="a", leaves_quantity=D(20), reason=EndReason.CANCELED),)
    assert book.cancel("a") == (RequestRefused(order_key="a", reason=RefusalReason.UNKNOWN_ORDER),)


def test_stored_order_returns_with_what_it_has_behind_it() -> None:
    book = OrderBook()
    book.place(
        BookOrder(
            order_key="s",
            side=Side.BUY,
            order_type=OrderType.STOP_LIMIT,
            quantity=D(10),
            stop_price=D(102),
            limit_price=D(103),
            filled_quantity=D(4),
            is_triggered=True,
        )
    )

    events = book.update(market("99", "101", last="100"))

    assert events == (fill("s", "6", "103", is_maker=True),)


PRICES = st.integers(min_value=90, max_value=110).map(D)
SIZES = st.integers(min_value=0, max_value=40).map(D)
QUANTITIES = st.integers(min_value=1, max_value=60).map(D)


@st.composite
def markets(draw: st.DrawFn) -> MarketState:
    bid = draw(PRICES)
    return MarketState(
        bid=draw(st.sampled_from([None, bid])),
        bid_size=draw(SIZES),
        ask=draw(st.sampled_from([None, bid + draw(st.integers(min_value=1, max_value=3))])),
        ask_size=draw(SIZES),
        last=draw(st.one_of(st.none(), PRICES)),
    )


@st.composite
def orders(draw: st.DrawFn, key: str) -> BookOrder:
    order_type = draw(st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT]))
    return BookOrder(
        order_key=key,
        side=draw(st.sampled_from(list(Side))),
        order_type=order_type,
        quantity=draw(QUANTITIES),
        limit_price=draw(PRICES) if order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None,
        stop_price=draw(PRICES) if order_type in {OrderType.STOP, OrderType.STOP_LIMIT} else None,
        time_in_force=draw(st.sampled_from([TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])),
    )


class Witness:
    """Watches a book from outside and keeps its own account of every order."""

    def __init__(self) -> None:
        self.book = OrderBook()
        self.market = MarketState()
        self.terms: dict[str, BookOrder] = {}
        self.dealt: dict[str, Decimal] = defaultdict(lambda: D(0))
        self.closed: set[str] = set()
        self.taken: dict[Side, Decimal] = {Side.BUY: D(0), Side.SELL: D(0)}

    def show(self, state: MarketState) -> None:
        self.market = state
        self.taken = {Side.BUY: D(0), Side.SELL: D(0)}
        self.see(self.book.update(state))

    def see(self, events: tuple[BookEvent, ...]) -> None:
        for event in events:
            if isinstance(event, OrderFilled):
                self._see_fill(event)
            elif isinstance(event, OrderEnded):
                assert event.order_key not in self.closed
                assert self.dealt[event.order_key] + event.leaves_quantity == self.terms[event.order_key].quantity
                self.closed.add(event.order_key)
        self._see_rest()

    def _see_fill(self, event: OrderFilled) -> None:
        terms = self.terms[event.order_key]
        assert event.order_key not in self.closed
        assert event.quantity > 0
        self.dealt[event.order_key] += event.quantity
        assert self.dealt[event.order_key] <= terms.quantity
        if self.dealt[event.order_key] == terms.quantity:
            self.closed.add(event.order_key)
        self.taken[terms.side] += event.quantity
        displayed = self.market.ask_size if terms.side is Side.BUY else self.market.bid_size
        assert self.taken[terms.side] <= displayed
        if terms.limit_price is not None:
            assert terms.side.sign * (terms.limit_price - event.price) >= 0
        touch = self.market.ask if terms.side is Side.BUY else self.market.bid
        assert touch is not None
        assert event.price == (terms.limit_price if event.is_maker else touch)

    def _see_rest(self) -> None:
        assert len(self.book) == len(self.terms) - len(self.closed)
        for key, terms in self.terms.items():
            resting = self.book.order(key)
            assert (resting is None) == (key in self.closed)
            if resting is None:
                continue
            if resting.is_waiting:
                last = self.market.last
                assert resting.stop_price is not None
                assert last is None or terms.side.sign * (resting.stop_price - last) > 0
                continue
            assert resting.filled_quantity == self.dealt[key]
            assert resting.time_in_force not in {TimeInForce.IOC, TimeInForce.FOK}
            touch = self.market.ask if terms.side is Side.BUY else self.market.bid
            displayed = self.market.ask_size if terms.side is Side.BUY else self.market.bid_size
            is_marketable = touch is not None and (
                terms.limit_price is None or terms.side.sign * (terms.limit_price - touch) >= 0
            )
            assert not (is_marketable and self.taken[terms.side] < displayed)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_book_never_overfills_never_deals_worse_than_the_limit_and_never_sleeps_on_size(data: st.DataObject) -> None:
    witness = Witness()

    for step in range(data.draw(st.integers(min_value=1, max_value=25))):
        match data.draw(st.sampled_from(["show", "place", "place", "place", "replace", "cancel"])):
            case "show":
                witness.show(data.draw(markets()))
            case "place":
                order = data.draw(orders(str(step)))
                witness.terms[order.order_key] = order
                witness.see(witness.book.place(order))
            case "cancel" if witness.terms:
                witness.see(witness.book.cancel(data.draw(st.sampled_from(sorted(witness.terms)))))
            case "replace" if witness.terms:
                _replace_one(witness, data)
            case _:
                pass


def _replace_one(witness: Witness, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(witness.terms)))
    old = witness.book.order(key)
    if old is None:
        return
    quantity = data.draw(QUANTITIES)
    limit_price = data.draw(PRICES) if old.limit_price is not None else None
    stop_price = data.draw(PRICES) if old.stop_price is not None and not old.is_triggered else old.stop_price
    before = witness.terms[key]
    if quantity > old.filled_quantity:
        witness.terms[key] = BookOrder(
            order_key=key,
            side=old.side,
            order_type=old.order_type,
            quantity=quantity,
            limit_price=limit_price,
            stop_price=stop_price,
            time_in_force=old.time_in_force,
        )

    events = witness.book.replace(
        key, quantity=quantity, limit_price=limit_price, stop_price=stop_price, time_in_force=old.time_in_force
    )

    if quantity <= old.filled_quantity:
        assert events == (RequestRefused(order_key=key, reason=RefusalReason.QUANTITY_NOT_ABOVE_FILLED),)
        assert witness.terms[key] == before
    witness.see(events)
