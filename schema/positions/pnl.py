"""The GraphQL types of profit and loss."""

from datetime import date, datetime
from decimal import Decimal

import strawberry

from app.core.ids import AccountId, InstrumentId
from app.flows.positions.view_pnl import DayPnl
from app.positions import domain
from app.positions.errors import RateMissingError
from schema.base.context import Info
from schema.base.node import Node
from schema.brokers.types import BrokerAccount, load_account
from schema.instruments.types import Instrument, load_instrument


@strawberry.type(description="Profit and loss of one instrument, in the currency of the summary.")
class InstrumentPnl:
    """Profit and loss of one instrument."""

    realized: Decimal
    unrealized: Decimal = strawberry.field(description="How the unrealized changed since the day began.")
    commission: Decimal
    net: Decimal
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What was traded."""
        return await load_instrument(info, self.instrument_id)


@strawberry.type(description="What could not be told in the currency of the summary, in the instrument's own.")
class UnconvertedPnl:
    """Profit and loss of an instrument without a rate."""

    currency: str
    realized: Decimal
    unrealized: Decimal
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What was traded."""
        return await load_instrument(info, self.instrument_id)


@strawberry.type(
    description="Profit and loss since the trading day began. What was booked counts on the day of its booking: a late "
    "commission or a correction of an earlier day is of today. A sum that lacks an exchange rate is not told: to ask "
    "for it is answered with FX_RATE_MISSING, isComplete is false, and what is missing stands in unconverted."
)
class PnlSummary:
    """Profit and loss of the day."""

    date: date
    since: datetime = strawberry.field(description="When the trading day began: midnight in OMS_TRADING_TIMEZONE.")
    currency: str = strawberry.field(description="The account's base currency; of several accounts the oldest one's.")
    is_complete: bool
    missing_rates: list[str] = strawberry.field(description="Currencies that had no rate to the summary's.")
    rates_at: datetime | None = strawberry.field(
        description="When the oldest exchange rate used was quoted; null where none was needed."
    )
    are_rates_stale: bool
    by_instrument: list[InstrumentPnl] = strawberry.field(
        description="Every instrument that was traded or held; without those in unconverted."
    )
    unconverted: list[UnconvertedPnl]
    total: strawberry.Private[domain.Pnl]

    @strawberry.field(description="Before commissions.")
    def realized(self) -> Decimal:
        """What was realized."""
        return self._told(self.total.realized)

    @strawberry.field(description="How the unrealized changed since the day's opening mark.")
    def unrealized(self) -> Decimal:
        """The change of the unrealized."""
        return self._told(self.total.unrealized)

    @strawberry.field(description="What was charged; above zero is a cost.")
    def commission(self) -> Decimal:
        """What was charged."""
        return self._told(self.total.commission)

    @strawberry.field(description="realized + unrealized - commission.")
    def net(self) -> Decimal:
        """What is left."""
        return self._told(self.total.net)

    def _told(self, figure: Decimal | None) -> Decimal:
        if figure is None:
            raise RateMissingError(self.currency, self.missing_rates)
        return figure

    @classmethod
    def of(cls, found: DayPnl, now: datetime) -> "PnlSummary":
        """The type of the value, as of now."""
        rate = found.oldest_rate
        return cls(
            date=found.day,
            since=found.since,
            currency=found.currency,
            is_complete=found.total.net is not None,
            missing_rates=found.missing,
            rates_at=None if rate is None else rate.at,
            are_rates_stale=rate is not None and rate.is_stale(now),
            by_instrument=[one for part in found.parts if (one := _instrument_pnl(part)) is not None],
            unconverted=[
                UnconvertedPnl(
                    currency=part.currency,
                    realized=part.realized_local,
                    unrealized=part.unrealized_local,
                    instrument_id=part.instrument_id,
                )
                for part in found.parts
                if part.pnl.net is None
            ],
            total=found.total,
        )


@strawberry.type(
    description="An account's profit and loss since its beginning as it stood at an instant, in its base currency."
)
class PnlSnapshot(Node):
    """Profit and loss at an instant."""

    at: datetime
    realized: Decimal
    unrealized: Decimal
    commission: Decimal
    net: Decimal = strawberry.field(description="realized + unrealized - commission.")
    equity: Decimal = strawberry.field(description="The broker's own figure; zero until it has told one.")
    drawdown: Decimal = strawberry.field(description="How far equity lay below its highest so far; never below zero.")
    is_day_end: bool = strawberry.field(description="True for the one taken when a trading day ended.")
    account_id: strawberry.Private[AccountId]

    @strawberry.field
    async def account(self, info: Info) -> BrokerAccount:
        """The trading account."""
        return await load_account(info, self.account_id)

    @classmethod
    def of(cls, snapshot: domain.PnlSnapshot) -> "PnlSnapshot":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(snapshot.id)),
            at=snapshot.at,
            realized=snapshot.realized,
            unrealized=snapshot.unrealized,
            commission=snapshot.commission,
            net=snapshot.net,
            equity=snapshot.equity,
            drawdown=snapshot.drawdown,
            is_day_end=snapshot.is_day_end,
            account_id=snapshot.account_id,
        )


def _instrument_pnl(part: domain.InstrumentPnl) -> InstrumentPnl | None:
    pnl = part.pnl
    if pnl.realized is None or pnl.unrealized is None or pnl.commission is None or pnl.net is None:
        return None
    return InstrumentPnl(
        realized=pnl.realized,
        unrealized=pnl.unrealized,
        commission=pnl.commission,
        net=pnl.net,
        instrument_id=part.instrument_id,
    )
