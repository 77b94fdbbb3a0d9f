"""Queries of risk figures."""

from decimal import Decimal
from typing import Final

import strawberry

from app.core.ids import InstrumentId
from app.flows.risk.risk_book import BookMode
from app.flows.risk.risk_figures import concentration, correlations_of, risk_exposure, stress_test, value_at_risk
from app.identity.domain import Scope
from app.risk.analytics.scenarios import PastFall
from app.risk.analytics.terms import DEFAULT_CONFIDENCE, DEFAULT_DAYS, NAMES_MAX
from schema.base.context import Info
from schema.base.ids import bounded, parse_ids
from schema.base.permissions import scoped
from schema.risk.analytics_inputs import (
    StressScenarioInput,
    read_days,
    read_question,
    read_rate,
    read_scenarios,
    read_terms,
)
from schema.risk.exposure import RiskExposure
from schema.risk.stress import StressTest
from schema.risk.structure import Correlations, RiskConcentration
from schema.risk.value_at_risk import ValueAtRisk

_COST: Final = 50
_COST_OF_HISTORY: Final = 200
_WHOSE: Final = (
    "Of the accounts named, or of all that the credential sees; with mode those that trade with money, on paper, or "
    "both. Without mode of all accounts those with money count, or those on paper where there are no others; accounts "
    "of both kinds by name are RISK_MODES_MIXED. In currency, or the base currency of the oldest account. "
)


@strawberry.type
class RiskAnalyticsQuery:
    """Queries of risk figures."""

    @strawberry.field(
        description="What is held long and short, by currency, sector, instrument and account, with the greeks of "
        f"options. {_WHOSE}riskFreeRate is per year, 0 if not given.",
        extensions=scoped(Scope.VIEW_POSITIONS, cost=_COST),
    )
    async def risk_exposure(
        self,
        info: Info,
        account_ids: list[strawberry.ID] | None = None,
        mode: BookMode | None = None,
        currency: str | None = None,
        risk_free_rate: Decimal | None = None,
    ) -> RiskExposure:
        """What is held long and short."""
        asked, rate = read_question(account_ids, mode, currency), read_rate(risk_free_rate)
        return RiskExposure.of(await risk_exposure(info.context.desk, info.context.principal, asked, rate))

    @strawberry.field(
        description="Value at risk and expected shortfall of what is held, from daily closes that are kept: see bars. "
        f"{_WHOSE}confidence 0.8 to 0.999, horizonDays 1 to 60 (more than one by the root of time), days 30 to 1000 "
        "past ones at most. With decay the parametric figure weighs newer days more (RiskMetrics: 0.94).",
        extensions=scoped(Scope.VIEW_POSITIONS, cost=_COST_OF_HISTORY),
    )
    async def value_at_risk(
        self,
        info: Info,
        account_ids: list[strawberry.ID] | None = None,
        mode: BookMode | None = None,
        currency: str | None = None,
        confidence: Decimal | None = DEFAULT_CONFIDENCE,
        horizon_days: int | None = 1,
        days: int | None = DEFAULT_DAYS,
        decay: Decimal | None = None,
        risk_free_rate: Decimal | None = None,
    ) -> ValueAtRisk:
        """What may be lost."""
        asked = read_question(account_ids, mode, currency)
        terms = read_terms(confidence, horizon_days, days, decay, read_rate(risk_free_rate))
        return ValueAtRisk.of(await value_at_risk(info.context.desk, info.context.principal, asked, terms))

    @strawberry.field(
        description=f"What is held, in scenarios: of one's own, and of the past. {_WHOSE}Options are valued again by "
        "Black and Scholes where their price implies a volatility.",
        extensions=scoped(Scope.VIEW_POSITIONS, cost=_COST_OF_HISTORY),
    )
    async def stress_test(
        self,
        info: Info,
        scenarios: list[StressScenarioInput] | None = None,
        past: list[PastFall] | None = None,
        account_ids: list[strawberry.ID] | None = None,
        mode: BookMode | None = None,
        currency: str | None = None,
        risk_free_rate: Decimal | None = None,
    ) -> StressTest:
        """What is held, in scenarios."""
        asked, rate = read_question(account_ids, mode, currency), read_rate(risk_free_rate)
        read = read_scenarios(scenarios, past)
        return StressTest.of(await stress_test(info.context.desk, info.context.principal, asked, read, rate))

    @strawberry.field(
        description=f"How daily returns go together: of at most {NAMES_MAX} instruments, or of the largest that are "
        f"held. {_WHOSE}days 30 to 1000 past ones at most.",
        extensions=scoped(Scope.VIEW_POSITIONS, cost=_COST_OF_HISTORY),
    )
    async def correlations(
        self,
        info: Info,
        instrument_ids: list[strawberry.ID] | None = None,
        account_ids: list[strawberry.ID] | None = None,
        mode: BookMode | None = None,
        currency: str | None = None,
        days: int | None = DEFAULT_DAYS,
    ) -> Correlations:
        """How daily returns go together."""
        asked = read_question(account_ids, mode, currency)
        if instrument_ids is not None:
            bounded(instrument_ids, "instrumentIds", count_max=NAMES_MAX)
        named = parse_ids(instrument_ids, "instrumentIds")
        chosen = None if named is None else [InstrumentId(one) for one in named]
        answer = await correlations_of(
            info.context.desk, info.context.principal, asked, chosen, read_days(days), NAMES_MAX
        )
        return Correlations.of(answer)

    @strawberry.field(
        description=f"How much of what is held hangs on single instruments, sectors and currencies. {_WHOSE}".strip(),
        extensions=scoped(Scope.VIEW_POSITIONS, cost=_COST),
    )
    async def concentration(
        self,
        info: Info,
        account_ids: list[strawberry.ID] | None = None,
        mode: BookMode | None = None,
        currency: str | None = None,
    ) -> RiskConcentration:
        """How much hangs on single names."""
        asked = read_question(account_ids, mode, currency)
        return RiskConcentration.of(await concentration(info.context.desk, info.context.principal, asked))
