"""An account's books: cost, gains, cash and commissions, by example and by property."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.core.catalogue import CATALOGUE
from app.core.fix import Side
from app.core.money import rounded
from app.simulator.accounts import Account, commission_of

D = Decimal
AAPL = CATALOGUE[0]
ENTRIES = {entry.con_id: entry for entry in CATALOGUE}


def account() -> Account:
    return Account(account_id="DU1", base_currency="USD", cash={"USD": D(1_000_000)})


def mark_at(price: str) -> "dict[int, Decimal]":
    return {con_id: D(price) if con_id == AAPL.con_id else entry.reference_price for con_id, entry in ENTRIES.items()}


def test_growing_a_position_averages_its_cost() -> None:
    books = account()

    first = books.book(AAPL, Side.BUY, D(100), D(200), D(1))
    second = books.book(AAPL, Side.BUY, D(300), D(220), D(3))

    assert (first, second) == (None, None)
    assert books.holdings[AAPL.con_id].quantity == 400
    assert books.holdings[AAPL.con_id].average_cost == D("215.01")
    assert books.cash == {"USD": D(1_000_000) - 100 * 200 - 300 * 220 - 4}


def test_closing_realises_against_the_cost_and_keeps_the_rest() -> None:
    books = account()
    books.book(AAPL, Side.BUY, D(100), D(200), D(1))

    realized = books.book(AAPL, Side.SELL, D(40), D(210), D(1))

    assert realized == D("398.6")
    assert books.holdings[AAPL.con_id].quantity == 60
    assert books.holdings[AAPL.con_id].average_cost == D("200.01")


def test_turning_around_closes_and_opens_at_the_new_price() -> None:
    books = account()
    books.book(AAPL, Side.BUY, D(100), D(200), D(0))

    realized = books.book(AAPL, Side.SELL, D(150), D(190), D("1.5"))

    assert realized == D(-1_001)
    assert books.holdings[AAPL.con_id].quantity == -50
    assert books.holdings[AAPL.con_id].average_cost == D("189.99")


def test_short_position_gains_when_the_price_falls() -> None:
    books = account()
    books.book(AAPL, Side.SELL, D(100), D(200), D(0))

    figures = books.figures(ENTRIES, mark_at("190").__getitem__)

    assert figures.unrealized == 1_000
    assert figures.net_liquidation == 1_001_000
    assert figures.gross_value == 19_000
    assert figures.initial_margin == 9_500


def test_commission_has_a_minimum_for_the_whole_order() -> None:
    def cost(filled: str) -> Decimal:
        return commission_of(AAPL, filled=D(filled), notional=D(1), per_share=D("0.005"), minimum=D("1.00"))

    assert [cost(filled) for filled in ("1", "200", "201", "1000")] == [D(1), D(1), D("1.005"), D(5)]


TRADES = st.lists(
    st.tuples(
        st.sampled_from(list(Side)),
        st.integers(min_value=1, max_value=500).map(D),
        st.integers(min_value=100, max_value=30_000).map(lambda cents: D(cents) / 100),
        st.integers(min_value=0, max_value=500).map(lambda cents: D(cents) / 100),
    ),
    max_size=20,
)


@given(TRADES, st.integers(min_value=100, max_value=30_000))
def test_worth_is_what_was_paid_in_plus_all_gains(
    trades: list[tuple[Side, Decimal, Decimal, Decimal]], cents: int
) -> None:
    books = account()
    mark = mark_at(str(D(cents) / 100))

    for side, quantity, price, commission in trades:
        books.book(AAPL, side, quantity, price, commission)

    figures = books.figures(ENTRIES, mark.__getitem__)
    quantity = sum((side.sign * quantity for side, quantity, _, _ in trades), D(0))
    paid = sum((side.sign * quantity * price + cost for side, quantity, price, cost in trades), D(0))
    assert figures.net_liquidation == rounded(1_000_000 - paid + quantity * mark[AAPL.con_id])
    assert books.holdings.get(AAPL.con_id) is None or books.holdings[AAPL.con_id].quantity == quantity
    gains = figures.unrealized + figures.realized
    assert abs(gains - (figures.net_liquidation - 1_000_000)) <= D("0.02")
