"""The GraphQL type of positions."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.core import fx
from app.core.fx import RATE_AGE_MAX
from app.core.ids import AccountId, InstrumentId
from app.core.messages import Tick
from app.marketdata.domain import mark_price
from app.positions import domain
from app.positions.domain import (
    commission_in_base,
    in_base,
    market_value,
    realized_in_base,
    unrealized_pnl,
)
from schema.base.context import Info
from schema.base.node import Node
from schema.brokers.types import BrokerAccount, load_account
from schema.instruments.types import Instrument, load_instrument


@strawberry.type(
    description="What one unit of `base` is worth in `quote`: as quoted, inverted, or across a third currency."
)
class FxRate:
    """An exchange rate."""

    base: str
    quote: str
    rate: Decimal
    at: datetime = strawberry.field(description="When it was quoted; of a cross the older of its two quotes.")
    is_stale: bool = strawberry.field(
        description=f"True when it was quoted more than {RATE_AGE_MAX.seconds} seconds ago: it converts all the same."
    )

    @classmethod
    def of(cls, rate: fx.FxRate, now: datetime) -> "FxRate":
        """The type of the value, as of now."""
        return cls(base=rate.base, quote=rate.quote, rate=rate.rate, at=rate.at, is_stale=rate.is_stale(now))


@strawberry.type(
    description="What an account holds of an instrument. Money is in the instrument's currency, but what is called "
    "Base, which is in the account's base currency; quantity is below zero for a short. Where no price is known yet, "
    "it is valued at its average price."
)
class Position(Node):
    """What an account holds of an instrument."""

    quantity: Decimal
    average_price: Decimal
    realized_pnl: Decimal = strawberry.field(description="Before commissions, in the instrument's currency.")
    realized_pnl_base: Decimal | None = strawberry.field(
        description="Before commissions, in the account's base currency, each part at the rate of its booking; null "
        "while a part had none."
    )
    commission_base: Decimal | None = strawberry.field(
        description="All commissions, in the account's base currency, each at the rate of its booking; null while one "
        "had none."
    )
    open_buy_quantity: Decimal = strawberry.field(description="What open orders may still buy.")
    open_sell_quantity: Decimal = strawberry.field(description="What open orders may still sell.")
    updated_at: datetime
    position: strawberry.Private[domain.Position]
    is_past: strawberry.Private[bool] = False

    @strawberry.field
    async def account(self, info: Info) -> BrokerAccount:
        """The trading account."""
        return await load_account(info, AccountId(self.position.account_id))

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What is held."""
        return await load_instrument(info, self.position.instrument_id)

    @strawberry.field(description="Last trade, else the middle of bid and ask; null before the first quote.")
    async def market_price(self, info: Info) -> Decimal | None:
        """The price it is valued at."""
        return await self._price(info)

    @strawberry.field(description="Signed.")
    async def market_value(self, info: Info) -> Decimal:
        """Its worth."""
        return await self._worth(info)

    @strawberry.field
    async def unrealized_pnl(self, info: Info) -> Decimal:
        """Profit or loss, were it closed."""
        return await self._gain(info)

    @strawberry.field(description="What its money is in, but that called Base.")
    async def currency(self, info: Info) -> str:
        """The instrument's currency."""
        return (await load_instrument(info, self.position.instrument_id)).currency

    @strawberry.field(description="What the money called Base is in.")
    async def base_currency(self, info: Info) -> str:
        """The account's base currency."""
        return (await load_account(info, AccountId(self.position.account_id))).base_currency

    @strawberry.field(
        description="From the instrument's currency to the account's, by which marketValueBase and unrealizedPnlBase "
        "are told; null where none is known, and then they are null too."
    )
    async def fx_rate(self, info: Info) -> FxRate | None:
        """The rate by which it is valued."""
        rate = await self._rate(info)
        return None if rate is None else FxRate.of(rate, info.context.desk.clock.now())

    @strawberry.field(description="Signed, at the present rate.")
    async def market_value_base(self, info: Info) -> Decimal | None:
        """Its worth in base currency."""
        rate = await self._rate(info)
        return in_base(await self._worth(info), None if rate is None else rate.rate)

    @strawberry.field(description="At the present rate.")
    async def unrealized_pnl_base(self, info: Info) -> Decimal | None:
        """Profit or loss in base currency, were it closed."""
        rate = await self._rate(info)
        return in_base(await self._gain(info), None if rate is None else rate.rate)

    async def _rate(self, info: Info) -> fx.FxRate | None:
        if self.is_past:
            return None
        instrument = await load_instrument(info, self.position.instrument_id)
        account = await load_account(info, AccountId(self.position.account_id))
        rates = await info.context.loaders.rates.load(0)
        return rates.find(instrument.currency, account.base_currency, info.context.desk.clock.now())

    async def _worth(self, info: Info) -> Decimal:
        price, multiplier = await self._valuation(info)
        return market_value(self.position, price, multiplier)

    async def _gain(self, info: Info) -> Decimal:
        price, multiplier = await self._valuation(info)
        return unrealized_pnl(self.position, price, multiplier)

    async def _valuation(self, info: Info) -> tuple[Decimal, Decimal]:
        instrument = await load_instrument(info, self.position.instrument_id)
        price = await self._price(info)
        return self.position.average_price if price is None else price, instrument.multiplier

    async def _price(self, info: Info) -> Decimal | None:
        return None if self.is_past else await _price(info, self.position.instrument_id)

    @classmethod
    def of(cls, position: domain.Position, *, is_past: bool = False) -> "Position":
        """The type of the value; one of the past is not valued at the prices of now."""
        return cls(
            id=strawberry.ID(str(position.id)),
            quantity=position.quantity,
            average_price=position.average_price,
            realized_pnl=position.realized_pnl,
            realized_pnl_base=realized_in_base(position),
            commission_base=commission_in_base(position),
            open_buy_quantity=position.open_buy_quantity,
            open_sell_quantity=position.open_sell_quantity,
            updated_at=position.updated_at,
            position=position,
            is_past=is_past,
        )


async def _price(info: Info, instrument_id: InstrumentId) -> Decimal | None:
    tick: Tick | None = await info.context.loaders.quotes.load(instrument_id)
    return None if tick is None else mark_price(tick)
