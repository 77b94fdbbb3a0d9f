"""What an opening deals, at one price and as far as the market shows size, and what is said of orders that wait."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.core.fix import Side
from app.core.matching import OrderFilled
from app.core.money import ZERO, plain
from app.simulator.directory import ListedContract
from app.simulator.market import Quote
from app.simulator.orders import OrderRequest, SimulatedOrder
from app.simulator.rules import ORDER_MESSAGE, Refusal


def opening_fills(orders: Iterable[SimulatedOrder], quote: Quote) -> Iterator[OrderFilled]:
    """What orders for the opening deal at the price that the market opens at: market orders first, then by limit."""
    price = quote.mark
    left = {Side.BUY: quote.state.ask_size, Side.SELL: quote.state.bid_size}
    for order in sorted(orders, key=_rank):
        side, limit = order.request.side, _limit(order)
        quantity = min(order.remaining, left[side])
        if quantity > ZERO and (limit is None or (limit - price) * side.sign >= ZERO):
            left[side] -= quantity
            yield OrderFilled(order_key=str(order.perm_id), quantity=quantity, price=price, is_maker=False)


def waiting_notice(request: OrderRequest, listed: ListedContract, starts_at: datetime) -> Refusal:
    """What TWS says of an order whose session is yet to begin; the order is taken all the same."""
    asked = f"{request.side} {plain(request.quantity)} {listed.symbol} {listed.entry.primary_exchange}"
    until = f"{starts_at.astimezone(ZoneInfo(listed.hours.zone)):%Y-%m-%d %H:%M:%S} {listed.hours.zone}"
    message = f"Order Message:\n{asked}\nWarning: your order will not be placed at the exchange until {until}"
    return Refusal(code=ORDER_MESSAGE, message=message)


def _limit(order: SimulatedOrder) -> Decimal | None:
    return order.for_book().limit_price


def _rank(order: SimulatedOrder) -> tuple[bool, Decimal, int]:
    limit = _limit(order)
    return limit is not None, ZERO if limit is None else -limit * order.request.side.sign, order.perm_id
