"""What the checks are decided on besides the order: the account's figures, what is open, what has just happened."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.core.fix import OrderType, Side
from app.core.fx import FxRates
from app.core.ids import AccountId, InstrumentId, OrderId
from app.core.messages import OrderTerms
from app.core.money import ZERO, plain
from app.risk.domain.conditions import AccountMode
from app.risk.domain.proposal import good_price

FIGURES_AGE_MAX: Final = timedelta(minutes=5)
"""The broker's figures are stale when they are older, unless it has been connected since and would tell of news."""
BROKER_LAG: Final = timedelta(minutes=3)
"""How late the broker counts an execution in its figures: it tells them anew every three minutes.

Source: https://interactivebrokers.github.io/tws-api/account_updates.html
"""


class Fact(StrEnum):
    """What has to be read for a check that not every tenant has."""

    ACCOUNT = "ACCOUNT"
    PEAK = "PEAK"
    EXPOSURE = "EXPOSURE"
    RATES = "RATES"
    RESTING = "RESTING"
    OPEN_HERE = "OPEN_HERE"
    ACTIVITY = "ACTIVITY"
    CALENDAR = "CALENDAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFigures:
    """What the broker says of an account, in its base currency; None where it did not tell.

    is_fresh is whether it told lately or would have told. peaks has the highest equity that was recorded, by the days
    that were looked back, None for all; an account without a record has none.
    """

    mode: AccountMode
    base_currency: str
    equity: Decimal | None = None
    daily_pnl: Decimal | None = None
    excess_liquidity: Decimal | None = None
    gross_position_value: Decimal | None = None
    is_fresh: bool = False
    is_pnl_fresh: bool = False
    peaks: Mapping[int | None, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureLine:
    """What of one instrument the broker's figures do not have yet: open orders, and what was dealt since.

    dealt is by how many units the position has grown, sign aside. A price is the worst of the open orders of the side,
    None where one of them has none and no quote is known; it is not asked for where nothing is open.
    """

    currency: str
    multiplier: Decimal
    position_quantity: Decimal
    open_buy_quantity: Decimal = ZERO
    open_sell_quantity: Decimal = ZERO
    buy_price: Decimal | None = None
    sell_price: Decimal | None = None
    dealt: Decimal = ZERO
    dealt_price: Decimal | None = None

    def added(self, buys: Decimal = ZERO, sells: Decimal = ZERO, price: Decimal | None = None) -> Decimal | None:
        """The money, in the instrument's currency, that may still be added to the account's positions; None unknown.

        Units on either side that only make the position smaller add nothing. buys and sells are those of an order at
        this price besides.
        """
        held = abs(self.position_quantity)
        long = abs(self.position_quantity + self.open_buy_quantity + buys) - held
        short = abs(self.position_quantity - self.open_sell_quantity - sells) - held
        units, money = max(long, short), ZERO
        if units > 0:
            known: list[Decimal] = []
            for one, is_asked, adds in (
                (self.buy_price, self.open_buy_quantity > 0, long > 0),
                (self.sell_price, self.open_sell_quantity > 0, short > 0),
                (price, buys > 0, long > 0),
                (price, sells > 0, short > 0),
            ):
                good = good_price(one) if is_asked else None
                if good is not None:
                    known.append(good)
                elif is_asked and adds:
                    # What only makes the position smaller needs no price.
                    return None
            if not known:
                return None
            money = units * max(known)
        if self.dealt > 0:
            dealt_price = good_price(self.dealt_price)
            if dealt_price is None:
                return None
            money += self.dealt * dealt_price
        return money * self.multiplier


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """An order that works or may still work, in any account of the tenant. price is its limit, None without one.

    gives_way: it may be canceled in favour of a newer one.
    """

    order_id: OrderId
    account_id: AccountId
    instrument_id: InstrumentId
    family: OrderId
    side: Side
    price: Decimal | None
    is_stop: bool
    gives_way: bool = True


Fingerprint = str
"""What makes two orders of an account the same. Text, for many are compared for each order."""


def fingerprint(instrument_id: InstrumentId, side: Side, order_type: OrderType, terms: OrderTerms) -> Fingerprint:
    """The fingerprint of an order with these terms."""
    figures = (terms.quantity, terms.limit_price, terms.stop_price, terms.trailing_amount)
    told = " ".join("-" if one is None else plain(one) for one in figures)
    return f"{instrument_id.hex} {side.value} {order_type.value} {told}"


@dataclass(slots=True)
class Activity:
    """What has happened in an account lately, each list in the order of time.

    released has when orders left that had waited, each with when it was placed. taken are the orders of a transaction
    that is still on, and let_go when those were placed that it lets go: neither is in the log yet.
    """

    orders: deque[tuple[datetime, Fingerprint]] = field(default_factory=deque)
    changes: deque[datetime] = field(default_factory=deque)
    cancels: deque[datetime] = field(default_factory=deque)
    executions: deque[datetime] = field(default_factory=deque)
    last_loss_at: datetime | None = None
    last_reject_at: datetime | None = None
    last_fill_at: datetime | None = None
    released: deque[tuple[datetime, datetime]] = field(default_factory=deque)
    taken: list[Fingerprint] = field(default_factory=list)
    let_go: list[datetime] = field(default_factory=list)

    def orders_since(self, since: datetime) -> int:
        """How many orders were placed after the instant, or left after it; one that did both counts once."""
        found = len(self.taken) + sum(placed_at <= since for placed_at in self.let_go)
        for left_at, placed_at in reversed(self.released):
            if left_at <= since:
                break
            found += placed_at <= since
        if self.orders and self.orders[0][0] > since:
            return found + len(self.orders)
        for at, _ in reversed(self.orders):
            if at <= since:
                break
            found += 1
        return found

    def same_since(self, since: datetime, of: Fingerprint) -> int:
        """How many of the same terms were placed after the instant."""
        found = self.taken.count(of)
        for at, one in reversed(self.orders):
            if at <= since:
                break
            found += one == of
        return found

    def of_transaction(self) -> "Activity":
        """What a transaction counts on from: the same past, and nothing taken."""
        return Activity(
            orders=self.orders,
            changes=self.changes,
            cancels=self.cancels,
            executions=self.executions,
            last_loss_at=self.last_loss_at,
            last_reject_at=self.last_reject_at,
            last_fill_at=self.last_fill_at,
            released=self.released,
        )

    def begin(self, before: datetime) -> None:
        """Forgets what lies before the instant."""
        while self.orders and self.orders[0][0] < before:
            self.orders.popleft()
        while self.released and self.released[0][0] < before:
            self.released.popleft()
        for instants in (self.changes, self.cancels, self.executions):
            while instants and instants[0] < before:
                instants.popleft()


def count_since(instants: deque[datetime], since: datetime) -> int:
    """How many instants lie after this one; they are in the order of time."""
    if instants and instants[0] > since:
        return len(instants)
    found = 0
    for at in reversed(instants):
        if at <= since:
            break
        found += 1
    return found


NO_RATES: Final = FxRates()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the chain of one account is decided on at an instant. A part that no limit in force needs is left out.

    open_here is how many orders the account has open in the order's instrument.
    """

    now: datetime
    account: AccountFigures | None = None
    lines: Mapping[InstrumentId, ExposureLine] = field(default_factory=dict)
    rates: FxRates = NO_RATES
    resting: tuple[Resting, ...] = ()
    activity: Activity | None = None
    open_here: int | None = None

    def converted(self, amount: Decimal, base: str, quote: str) -> Decimal | None:
        """The amount in another currency; None without a fresh rate."""
        if base == quote:
            return amount
        rate = self.rates.find(base, quote, self.now)
        return None if rate is None or rate.is_stale(self.now) else amount * rate.rate
