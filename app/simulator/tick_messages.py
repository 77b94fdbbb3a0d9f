"""What the server says on a market data line: prices, sizes, strings, an option's model values, and their frame."""

from datetime import date
from decimal import Decimal

from app.core.matching import MarketState
from app.core.money import ZERO, plain
from app.simulator.directory import ListedContract
from app.simulator.instruments import OptionEntry
from app.simulator.market import Quote
from app.simulator.pricing import greeks_of
from app.simulator.wire import encode, text

_BID, _ASK, _LAST, _HIGH, _LOW, _CLOSE, _OPEN = 1, 2, 4, 6, 7, 9, 14
_BID_SIZE, _ASK_SIZE, _LAST_SIZE, _VOLUME, _LAST_TIME = 0, 3, 5, 8, 45
_DELAYED = {
    _BID: 66,
    _ASK: 67,
    _LAST: 68,
    _BID_SIZE: 69,
    _ASK_SIZE: 70,
    _LAST_SIZE: 71,
    _HIGH: 72,
    _LOW: 73,
    _VOLUME: 74,
    _CLOSE: 75,
    _OPEN: 76,
    _LAST_TIME: 88,
}
_MODEL, _DELAYED_MODEL = 13, 83
_MARK_PRICE, _SHORTABLE, _RT_VOLUME = 37, 46, 48
_PRICE_BASED = 1

GENERIC_TICKS = frozenset(
    {100, 101, 104, 105, 106, 125, 162, 165, 177, 221, 225, 232, 233, 236, 258, 292, 293, 294, 295, 318, 370, 375}
    | {377, 381, 384, 387, 388, 391, 407, 411, 428, 439, 448, 450, 455, 456, 459, 460, 499, 506, 511, 512, 513}
    | {514, 515, 516, 517, 521, 545, 576, 577, 578, 584, 585, 586, 587, 588, 595, 606, 614, 619, 623, 658}
)
"""What a client may ask for on top. Mark price (221, 232), RTVolume (233) and shortability (236) are told, the rest
is taken in silence."""

_EASY_TO_BORROW = "3"


def market_data_type(request_id: int, data_type: int) -> bytes:
    """58: 1 real time, 2 frozen, 3 delayed, 4 delayed and frozen."""
    return encode(58, 1, request_id, data_type)


def tick_request_parameters(request_id: int, listed: ListedContract) -> bytes:
    """81: the smallest price step of a market data line."""
    return encode(81, request_id, plain(listed.rule.bands[0][1]), "a6", 3)


def tick_snapshot_end(request_id: int) -> bytes:
    """57."""
    return encode(57, 1, request_id)


def ticks(
    request_id: int, old: Quote | None, new: Quote, *, is_delayed: bool = False, is_partial: bool = False
) -> bytes:
    """1, 2 and 46: whatever differs between two quotes, or all of the new one; empty when nothing does.

    Of partial data the touch is left out.
    """
    kind = _DELAYED if is_delayed else {number: number for number in _DELAYED}
    frames: list[bytes] = []
    was, now = old.state if old else MarketState(), new.state
    for price_type, size_type, touch, old_touch in (
        (_BID, _BID_SIZE, (now.bid, now.bid_size), (was.bid, was.bid_size)),
        (_ASK, _ASK_SIZE, (now.ask, now.ask_size), (was.ask, was.ask_size)),
        (_LAST, _LAST_SIZE, (now.last, now.last_size), (was.last, was.last_size)),
    ):
        if is_partial and price_type != _LAST:
            continue
        price, size = touch
        if price != old_touch[0]:
            frames.append(_tick_price(request_id, kind[price_type], price, size))
        if touch != old_touch:
            frames.append(encode(2, 6, request_id, kind[size_type], plain(size)))
    if old is None or old.traded_at != new.traded_at:
        frames.append(encode(46, 6, request_id, kind[_LAST_TIME], int(new.traded_at.timestamp())))
    if old is None or old.volume != new.volume:
        frames.append(encode(2, 6, request_id, kind[_VOLUME], plain(new.volume)))
    for price_type, figure, old_figure in (
        (_HIGH, new.day_high, old.day_high if old else None),
        (_LOW, new.day_low, old.day_low if old else None),
        (_CLOSE, new.previous_close, old.previous_close if old else None),
        (_OPEN, new.day_open, old.day_open if old else None),
    ):
        if figure != old_figure:
            frames.append(_tick_price(request_id, kind[price_type], figure, ZERO))
    return b"".join(frames)


def generic_ticks(
    request_id: int, wanted: frozenset[int], listed: ListedContract, old: Quote | None, new: Quote
) -> bytes:
    """1, 45 and 46: the ticks that a client asked for by their numbers, where they are new."""
    frames: list[bytes] = []
    if wanted & {221, 232} and (old is None or old.mark != new.mark):
        frames.append(_tick_price(request_id, _MARK_PRICE, new.mark, ZERO))
    if 236 in wanted and old is None and listed.sec_type == "STK":
        frames.append(encode(45, 6, request_id, _SHORTABLE, _EASY_TO_BORROW))
    if 233 in wanted and (old is None or old.volume != new.volume):
        millis = int(new.traded_at.timestamp() * 1_000)
        figures = (plain(new.mark), plain(new.state.last_size), millis, plain(new.volume), plain(new.mark), "true")
        frames.append(encode(46, 6, request_id, _RT_VOLUME, ";".join(map(str, figures))))
    return b"".join(frames)


def option_model(request_id: int, entry: OptionEntry, root: Quote, day: date, *, is_delayed: bool = False) -> bytes:
    """21: an option's model price, its implied volatility and its greeks."""
    greeks = greeks_of(entry, root.mark, day)
    figures = (
        greeks.volatility,
        greeks.delta,
        greeks.price,
        0.0,
        greeks.gamma,
        greeks.vega,
        greeks.theta,
        float(root.mark),
    )
    tick_type = _DELAYED_MODEL if is_delayed else _MODEL
    return encode(21, request_id, tick_type, _PRICE_BASED, *(format(figure, ".10g") for figure in figures))


def _tick_price(request_id: int, tick_type: int, price: Decimal | None, size: Decimal) -> bytes:
    # TWS says -1 for a side that shows nothing.
    return encode(1, 6, request_id, tick_type, text(price, unset="-1"), plain(size), 0)
