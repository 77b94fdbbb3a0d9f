"""The GraphQL type of positions."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.core.ids import AccountId, InstrumentId
from app.core.messages import Tick
from app.positions import domain
from app.positions.domain import market_value, unrealized_pnl
from schema.base.context import Info
from schema.base.node import Node
from schema.brokers.types import BrokerAccount, load_account
from schema.instruments.types import Instrument, load_instrument


@strawberry.type(
    description="What an account holds of an instrument. Money is in the instrument's currency; quantity is below zero "
    "for a short. Where no price is known yet, it is valued at its average price."
)
class Position(Node):
    """What an account holds of an instrument."""

    quantity: Decimal
    average_price: Decimal
    realized_pnl: Decimal = strawberry.field(description="Before commissions.")
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
        price, multiplier = await self._valuation(info)
        return market_value(self.position, price, multiplier)

    @strawberry.field
    async def unrealized_pnl(self, info: Info) -> Decimal:
        """Profit or loss, were it closed."""
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
            open_buy_quantity=position.open_buy_quantity,
            open_sell_quantity=position.open_sell_quantity,
            updated_at=position.updated_at,
            position=position,
            is_past=is_past,
        )


async def _price(info: Info, instrument_id: InstrumentId) -> Decimal | None:
    tick: Tick | None = await info.context.loaders.quotes.load(instrument_id)
    if tick is None:
        return None
    if tick.last is not None or tick.bid is None or tick.ask is None:
        return tick.last
    return (tick.bid + tick.ask) / 2
