"""The GraphQL types of stress tests."""

from decimal import Decimal

import strawberry

from app.core.ids import AccountId, InstrumentId
from app.flows.risk.risk_figures import (
    StressAnswer,
)
from app.risk.analytics.options import ModelGap
from app.risk.analytics.stress import StressLine, StressMethod, StressResult
from schema.base.context import Info
from schema.base.pagination import PAGE_SIZE
from schema.brokers.types import BrokerAccount, load_account
from schema.instruments.types import Instrument, load_instrument
from schema.risk.basis import RiskBasis, top


@strawberry.type(description="What a position gains or loses in a scenario.")
class StressedPosition:
    """What a position gains or loses."""

    value: Decimal
    pnl: Decimal
    method: StressMethod
    gap: ModelGap | None = strawberry.field(description="Why an option has no model.")
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
    def of(cls, line: StressLine) -> "StressedPosition":
        """The type of the value."""
        held = line.held.holding
        return cls(
            value=line.held.value,
            pnl=line.pnl,
            method=line.method,
            gap=line.gap,
            account_id=held.account_id,
            instrument_id=held.instrument_id,
        )


@strawberry.type(description="What the positions gain or lose at once in a scenario; pnl below zero is a loss.")
class StressOutcome:
    """What the positions gain or lose in a scenario."""

    name: str
    source: str | None = strawberry.field(description="Where a scenario of the past comes from.")
    price_shock: Decimal
    volatility_shock: Decimal
    pnl: Decimal
    result: strawberry.Private[StressResult]

    @strawberry.field(description="By position, the largest change first.")
    def positions(self, first: int | None = PAGE_SIZE) -> list[StressedPosition]:
        """By position."""
        return [StressedPosition.of(one) for one in top(self.result.lines, first)]


@strawberry.type(description="Positions held against scenarios.")
class StressTest:
    """Positions held against scenarios."""

    basis: RiskBasis
    outcomes: list[StressOutcome]

    @classmethod
    def of(cls, answer: StressAnswer) -> "StressTest":
        """The type of the value."""
        return cls(
            basis=RiskBasis.of(answer.held),
            outcomes=[
                StressOutcome(
                    name=one.scenario.name,
                    source=one.scenario.source,
                    price_shock=one.scenario.price,
                    volatility_shock=one.scenario.volatility,
                    pnl=one.pnl,
                    result=one,
                )
                for one in answer.results
            ],
        )
