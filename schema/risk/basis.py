"""What every risk figure tells of the positions that it is about."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

import strawberry

from app.core.errors import InputError
from app.core.ids import AccountId, InstrumentId
from app.flows.risk.risk_book import BookMode, RiskBook
from app.risk.analytics.book import Unvalued, ValuationGap
from app.risk.analytics.options import ModelGap
from app.risk.analytics.stress import StressMethod
from app.risk.analytics.terms import ClosesGap
from schema.base.context import Info
from schema.base.pagination import PAGE_SIZE, PAGE_SIZE_MAX
from schema.brokers.types import BrokerAccount, load_account
from schema.instruments.types import Instrument, load_instrument

STALE_AFTER_S: Final = 300
ItemT = TypeVar("ItemT")

strawberry.enum(
    ModelGap,
    description="Why an option has no model: its underlying or the price of it is not known, it has run out, or its "
    "price implies no volatility.",
)
strawberry.enum(
    ClosesGap,
    description="Why a history is not used: there is none, it is too short, or it ended long ago.",
)
strawberry.enum(
    StressMethod,
    description="LINEAR by price and rate; REVALUED as an option by its model; DELTA_ONE as an option without a model: "
    "its own price moves by the shock, and volatility does nothing.",
)
strawberry.enum(ValuationGap, description="Why a position is in no figure: it has no price, or no exchange rate.")


@strawberry.type(description="A position that is in no sum, and why.")
class UnvaluedPosition:
    """A position that is in no sum."""

    quantity: Decimal
    currency: str
    gap: ValuationGap
    account_id: strawberry.Private[AccountId]
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def account(self, info: Info) -> BrokerAccount:
        """The trading account."""
        return await load_account(info, self.account_id)

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What is held."""
        return await load_instrument(info, self.instrument_id)

    @classmethod
    def of(cls, one: Unvalued) -> "UnvaluedPosition":
        """The type of the value."""
        held = one.holding
        return cls(
            quantity=held.quantity,
            currency=held.currency,
            gap=one.gap,
            account_id=held.account_id,
            instrument_id=held.instrument_id,
        )


@strawberry.type(
    description="Whose positions a figure is about, in which currency, and how good the prices are. isComplete is "
    "false while a position is in no sum: it stands in unvalued."
)
class RiskBasis:
    """Whose positions a figure is about."""

    currency: str
    mode: BookMode
    at: datetime
    positions: int
    is_complete: bool
    oldest_price_at: datetime | None = strawberry.field(description="When the oldest of the prices was good.")
    are_prices_stale: bool = strawberry.field(description="Whether one of them is older than five minutes.")
    rates_at: datetime | None = strawberry.field(
        description="When the oldest exchange rate used was quoted; null where none was needed."
    )
    are_rates_stale: bool
    held: strawberry.Private[RiskBook]

    @strawberry.field(description="The accounts that are counted.")
    async def accounts(self, info: Info) -> list[BrokerAccount]:
        """The accounts that are counted."""
        return await asyncio.gather(*(load_account(info, one) for one in self.held.account_ids))

    @strawberry.field(description="Accounts that are not counted because of their mode.")
    async def left_out_accounts(self, info: Info) -> list[BrokerAccount]:
        """Those that are not."""
        return await asyncio.gather(*(load_account(info, one) for one in self.held.left_out))

    @strawberry.field(description="The first of the positions without a price or a rate.")
    def unvalued(self, first: int | None = PAGE_SIZE) -> list[UnvaluedPosition]:
        """What is in no sum."""
        return [UnvaluedPosition.of(one) for one in top(self.held.book.unvalued, first)]

    @classmethod
    def of(cls, held: RiskBook) -> "RiskBasis":
        """The type of the value."""
        book, rate, oldest = held.book, held.book.oldest_rate, held.oldest_price
        return cls(
            currency=book.currency,
            mode=held.mode,
            at=book.at,
            positions=len(book.valued) + len(book.unvalued),
            is_complete=not book.unvalued,
            oldest_price_at=oldest,
            are_prices_stale=oldest is not None and (book.at - oldest).total_seconds() > STALE_AFTER_S,
            rates_at=None if rate is None else rate.at,
            are_rates_stale=rate is not None and rate.is_stale(book.at),
            held=held,
        )


def top(found: Sequence[ItemT], first: int | None) -> Sequence[ItemT]:
    """The first of a list. Raises InputError for less than one or too many."""
    count = PAGE_SIZE if first is None else first
    if not 1 <= count <= PAGE_SIZE_MAX:
        raise InputError(f"needs 1 to {PAGE_SIZE_MAX}", path=["first"])
    return found[:count]
