"""The GraphQL types of value at risk."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import strawberry

from app.core.ids import InstrumentId
from app.flows.risk.risk_figures import (
    ValueAtRiskAnswer,
)
from app.risk.analytics.terms import ClosesGap
from schema.base.context import Info
from schema.base.pagination import PAGE_SIZE
from schema.instruments.types import Instrument, load_instrument
from schema.risk.basis import RiskBasis, top
from schema.risk.exposure import UnmodelledOption, unmodelled_of

if TYPE_CHECKING:
    from app.risk.analytics import assessment


@strawberry.type(description="Losses above zero; or both null, and the reason in words.")
class RiskFigure:
    """A value at risk and an expected shortfall."""

    value_at_risk: Decimal | None
    expected_shortfall: Decimal | None
    reason: str | None

    @classmethod
    def of(cls, one: "assessment.RiskFigure") -> "RiskFigure":
        """The type of the value."""
        return cls(value_at_risk=one.value_at_risk, expected_shortfall=one.expected_shortfall, reason=one.reason)


@strawberry.type(
    description="What a position adds. The components of all positions sum up to the figure, but for rounding; one "
    "below zero makes it smaller."
)
class RiskContribution:
    """What a position adds."""

    value: Decimal
    component_value_at_risk: Decimal | None = strawberry.field(description="To the parametric value at risk.")
    marginal_value_at_risk: Decimal | None = strawberry.field(
        description="What one more unit of money in it would add to the parametric value at risk."
    )
    component_expected_shortfall: Decimal | None = strawberry.field(description="To the historical expected shortfall.")
    is_modelled: bool = strawberry.field(description="True for an option that stands for its delta in the underlying.")
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What is held."""
        return await load_instrument(info, self.instrument_id)

    @classmethod
    def of(cls, one: "assessment.RiskContribution") -> "RiskContribution":
        """The type of the value."""
        return cls(
            value=one.line.value,
            component_value_at_risk=one.component_var,
            marginal_value_at_risk=one.marginal_var,
            component_expected_shortfall=one.component_shortfall,
            is_modelled=one.line.is_modelled,
            instrument_id=one.line.instrument_id,
        )


@strawberry.type(description="A position that is in no figure for want of history; days is how many closes were found.")
class UncoveredPosition:
    """A position without history."""

    value: Decimal
    gap: ClosesGap
    days: int
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What is held."""
        return await load_instrument(info, self.instrument_id)

    @classmethod
    def of(cls, one: "assessment.Uncovered") -> "UncoveredPosition":
        """The type of the value."""
        return cls(value=one.line.value, gap=one.gap, days=one.days, instrument_id=one.line.instrument_id)


@strawberry.type(
    description="What may be lost on what is held now, by what its prices did before. Read docs/risk-analytics.md for "
    "what these figures assume."
)
class ValueAtRisk:
    """What may be lost on what is held now."""

    basis: RiskBasis
    confidence: Decimal
    horizon_days: int
    observations: int = strawberry.field(description="How many daily returns were found that all positions share.")
    first_day: date | None = strawberry.field(description="The day of the first of them.")
    last_day: date | None
    carried_forward: int = strawberry.field(
        description="How many closes were missing on a day that others had, and taken from the day before."
    )
    historical: RiskFigure = strawberry.field(description="By historical simulation.")
    parametric: RiskFigure = strawberry.field(description="By variance and covariance, as if returns were normal.")
    gross: Decimal = strawberry.field(description="What is held, signs aside.")
    covered_gross: Decimal = strawberry.field(description="The part of it that the figures are about.")
    is_complete: bool = strawberry.field(
        description="False while a position is in no figure, or a rate counts as constant."
    )
    constant_currencies: list[str] = strawberry.field(
        description="Currencies whose rate has no history: they count as if they had not moved."
    )
    answer: strawberry.Private[ValueAtRiskAnswer]

    @strawberry.field(description="What each position adds, the largest first.")
    def contributions(self, first: int | None = PAGE_SIZE) -> list[RiskContribution]:
        """What each position adds."""
        return [RiskContribution.of(one) for one in top(self.answer.assessment.contributions, first)]

    @strawberry.field(description="Positions without enough history, the largest first.")
    def uncovered(self, first: int | None = PAGE_SIZE) -> list[UncoveredPosition]:
        """Positions without history."""
        return [UncoveredPosition.of(one) for one in top(self.answer.assessment.uncovered, first)]

    @strawberry.field(description="Options that count with a delta of one to their own price.")
    def unmodelled(self, first: int | None = PAGE_SIZE) -> list[UnmodelledOption]:
        """Options without a model."""
        return unmodelled_of(list(self.answer.gaps.items()), first)

    @classmethod
    def of(cls, answer: ValueAtRiskAnswer) -> "ValueAtRisk":
        """The type of the value."""
        found, basis = answer.assessment, RiskBasis.of(answer.held)
        return cls(
            basis=basis,
            confidence=found.terms.confidence,
            horizon_days=found.terms.horizon_days,
            observations=found.observations,
            first_day=found.first_day,
            last_day=found.last_day,
            carried_forward=found.filled,
            historical=RiskFigure.of(found.historical),
            parametric=RiskFigure.of(found.parametric),
            gross=found.gross,
            covered_gross=found.covered_gross,
            is_complete=basis.is_complete and not found.uncovered and not found.constant_currencies,
            constant_currencies=list(found.constant_currencies),
            answer=answer,
        )
