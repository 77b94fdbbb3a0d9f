"""An order against the newest quote: what it would meet there, and what that forbids."""

from datetime import datetime, timedelta
from decimal import Decimal

from app.core.errors import Problem
from app.core.fix import Side
from app.core.messages import NewOrder, OrderTerms, Tick
from app.orders.domain.placing import post_only_problem, problem
from app.orders.errors import OrderProblem
from app.risk.domain import Reference

REFERENCE_AGE_MAX = timedelta(seconds=60)


def reference_price(quote: Tick | None, side: Side, now: datetime) -> Reference | None:
    """The price that an order of the side would meet, else the last; None when the quote is missing or stale."""
    if quote is None or not _is_fresh(quote, now):
        return None
    price = last_price(quote, side)
    return None if price is None else Reference(price=price, at=quote.time)


def last_price(quote: Tick | None, side: Side) -> Decimal | None:
    """The price that an order of the side would have met when the quote was told, however long ago; None without."""
    return None if quote is None else (quote.ask if side is Side.BUY else quote.bid) or quote.last or None


def beyond_zero_problem(new: NewOrder, quote: Tick | None, now: datetime) -> Problem | None:
    """Why an order whose stop trails at or below zero is refused; None when none does."""
    legs: list[tuple[Side, OrderTerms, tuple[str, ...]]] = [(new.side, new.terms, ())]
    if new.oco is not None:
        legs.append((new.oco.side, new.oco.terms, ("legs", "1")))
    for side, terms, path in legs:
        if terms.trailing_amount is None or side is not Side.SELL:
            continue
        price = reference_price(quote, side, now)
        if price is not None and terms.trailing_amount >= price.price:
            message = "the stop would stand at or below zero"
            return problem(OrderProblem.PRICE_INVALID, *path, "trailingAmount", message=message)
    return None


def taking_problem(side: Side, terms: OrderTerms, quote: Tick | None, now: datetime) -> Problem | None:
    """Why a post-only order with these terms is refused against the newest quote; None when it would rest."""
    assert terms.limit_price is not None, "only limit orders are post-only"
    if quote is None or not _is_fresh(quote, now):
        return post_only_problem(side, terms.limit_price, bid=None, ask=None)
    return post_only_problem(side, terms.limit_price, bid=quote.bid, ask=quote.ask)


def _is_fresh(quote: Tick, now: datetime) -> bool:
    # What a clock that runs ahead has stamped would never grow old.
    return abs(now - quote.time) <= REFERENCE_AGE_MAX
