"""What is stored, turned into the facts that the chain is decided on."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from app.brokers.figures_batch import AccountStanding
from app.core.fix import BrokerKind, OrderType, Side
from app.core.ids import AccountId, InstrumentId, TenantId
from app.core.messages import Tick
from app.core.money import ZERO
from app.flows.orders.quoted import reference_price
from app.infra.redis import Redis
from app.marketdata import service as marketdata
from app.orders.domain.order import Order
from app.orders.repository.resting import OpenOrder, WorstPrices, family_of
from app.positions.exposure_batch import OpenExposure
from app.risk.domain import AccountFigures, AccountMode, ExposureLine, Resting
from app.risk.domain.facts import FIGURES_AGE_MAX

_STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_LIMITS: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


def account_figures(
    standing: AccountStanding, now: datetime, peaks: Mapping[int | None, Decimal] | None = None
) -> AccountFigures:
    """The broker's figures as the chain takes them; peaks are those of the equity."""
    is_sim = standing.broker is BrokerKind.PAPER
    return AccountFigures(
        mode=AccountMode.SIM if is_sim else AccountMode.PAPER if standing.is_paper else AccountMode.LIVE,
        base_currency=standing.base_currency,
        equity=standing.equity,
        daily_pnl=standing.daily_pnl,
        excess_liquidity=standing.excess_liquidity,
        gross_position_value=standing.gross_position_value,
        is_fresh=_is_fresh(standing.updated_at, standing, now),
        is_pnl_fresh=_is_fresh(standing.pnl_at, standing, now),
        peaks=peaks or {},
    )


def _is_fresh(told_at: datetime | None, standing: AccountStanding, now: datetime) -> bool:
    if told_at is None:
        return False
    # A broker that is connected tells what changes: what it told since then holds until it tells anew.
    since = standing.connected_since
    return now - told_at <= FIGURES_AGE_MAX or (since is not None and told_at >= since - FIGURES_AGE_MAX)


async def more_quotes(
    redis: Redis, known: Mapping[InstrumentId, Tick], exposures: list[OpenExposure], prices: WorstPrices
) -> Mapping[InstrumentId, Tick]:
    """The quotes that are known, and those of what is open without a price of its own.

    That is rare: only then are quotes asked for behind the locks.
    """
    missing: dict[TenantId, set[InstrumentId]] = {}
    for one in exposures:
        sides = [
            side
            for side, quantity in ((Side.BUY, one.open_buy_quantity), (Side.SELL, one.open_sell_quantity))
            if quantity and not prices.get((one.key, one.instrument_id, side), (None, False))[1]
        ]
        if sides and one.instrument_id not in known:
            missing.setdefault(one.key.tenant_id, set()).add(one.instrument_id)
    found: dict[InstrumentId, Tick] = dict(known) if missing else {}
    for tenant_id, instrument_ids in missing.items():
        found |= await marketdata.reachable_quotes(redis, tenant_id, sorted(instrument_ids))
    return found or known


def exposure_line(
    one: OpenExposure, prices: WorstPrices, quotes: Mapping[InstrumentId, Tick], now: datetime
) -> ExposureLine:
    """What of a position the broker's figures do not have yet, at the prices of its open orders."""

    def price(side: Side) -> Decimal | None:
        own, is_priced = prices.get((one.key, one.instrument_id, side), (None, False))
        reference = reference_price(quotes.get(one.instrument_id), side, now)
        if reference is None or (is_priced and side is Side.BUY):
            return own if is_priced else None
        return reference.price if own is None else max(own, reference.price)

    dealt = max(abs(one.quantity) - abs(one.quantity_then), ZERO)
    mark = reference_price(quotes.get(one.instrument_id), Side.BUY, now)
    return ExposureLine(
        currency=one.currency,
        multiplier=one.multiplier,
        position_quantity=one.quantity,
        open_buy_quantity=one.open_buy_quantity,
        open_sell_quantity=one.open_sell_quantity,
        buy_price=price(Side.BUY) if one.open_buy_quantity else None,
        sell_price=price(Side.SELL) if one.open_sell_quantity else None,
        dealt=dealt,
        dealt_price=one.average_price if mark is None else max(mark.price, one.average_price),
    )


def resting_order(order: Order) -> Resting:
    """An order that was taken just now, as others may meet it."""
    return Resting(
        order_id=order.id,
        account_id=order.account_id,
        instrument_id=order.instrument_id,
        family=family_of(order),
        side=order.side,
        price=order.terms.limit_price if order.order_type in _LIMITS else None,
        is_stop=order.order_type in _STOPS,
        gives_way=order.gives_way,
    )


def resting_of(other: OpenOrder) -> Resting:
    """An open order, as others may meet it."""
    return Resting(
        order_id=other.id,
        account_id=AccountId(other.account_id),
        instrument_id=other.instrument_id,
        family=other.family,
        side=other.side,
        price=other.limit_price if other.order_type in _LIMITS else None,
        is_stop=other.order_type in _STOPS,
        gives_way=other.gives_way,
    )
