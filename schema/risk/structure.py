"""The GraphQL types of correlation and concentration."""

from decimal import Decimal

import strawberry

from app.core.ids import InstrumentId
from app.flows.risk.risk_figures import (
    ConcentrationAnswer,
    CorrelationAnswer,
)
from app.risk.analytics.concentration import Concentration
from app.risk.analytics.terms import ClosesGap
from schema.base.context import Info
from schema.base.pagination import PAGE_SIZE
from schema.instruments.types import Instrument, load_instrument
from schema.risk.basis import RiskBasis, top


@strawberry.type(description="A row of a matrix: values in the order of its instruments, null where one did not move.")
class CorrelationRow:
    """A row of a matrix."""

    values: list[Decimal | None]
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """The instrument of the row."""
        return await load_instrument(info, self.instrument_id)


@strawberry.type(description="An instrument that is in no matrix for want of history.")
class UncorrelatedInstrument:
    """An instrument without history."""

    gap: ClosesGap
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """The instrument."""
        return await load_instrument(info, self.instrument_id)


@strawberry.type(
    description="Correlations of daily returns, each in its own currency: the rows in the order of the columns. "
    "Without rows, reason says why."
)
class Correlations:
    """Correlations of daily returns."""

    observations: int
    reason: str | None
    rows: list[CorrelationRow]
    left_out: list[UncorrelatedInstrument]

    @classmethod
    def of(cls, answer: CorrelationAnswer) -> "Correlations":
        """The type of the value."""
        rows = zip(answer.instrument_ids, answer.matrix, strict=False)
        return cls(
            observations=answer.observations,
            reason=answer.reason,
            rows=[CorrelationRow(values=list(values), instrument_id=one) for one, values in rows],
            left_out=[UncorrelatedInstrument(gap=gap, instrument_id=one) for one, gap in answer.left_out.items()],
        )


@strawberry.type(description="A share of the whole: of what is long less what is short in a name, signs then aside.")
class InstrumentShare:
    """The share of an instrument."""

    value: Decimal
    share: Decimal
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What is held."""
        return await load_instrument(info, self.instrument_id)


@strawberry.type(description="A share of the whole by a name; null where the broker names none.")
class NamedShare:
    """The share of a name."""

    name: str | None
    value: Decimal
    share: Decimal


@strawberry.type(
    description="How much hangs on single names. herfindahl is the sum of the squares of the shares, 1/n for n equal "
    "ones and 1 for a single one; effectiveNames how many equal ones would be as concentrated. Null of nothing."
)
class ConcentrationFigures:
    """How much hangs on single names."""

    herfindahl: Decimal | None
    effective_names: Decimal | None
    largest_share: Decimal | None
    names: int

    @classmethod
    def of(
        cls, one: "Concentration[InstrumentId] | Concentration[str | None] | Concentration[str]"
    ) -> "ConcentrationFigures":
        """The type of the value."""
        return cls(
            herfindahl=one.herfindahl,
            effective_names=one.effective_names,
            largest_share=None if one.largest is None else one.largest.share,
            names=len(one.shares),
        )


@strawberry.type(description="How much of what is held hangs on single instruments, sectors and currencies.")
class RiskConcentration:
    """How much hangs on single names."""

    basis: RiskBasis
    by_instrument: ConcentrationFigures
    by_sector: ConcentrationFigures
    by_currency: ConcentrationFigures
    answer: strawberry.Private[ConcentrationAnswer]

    @strawberry.field(description="The largest first.")
    def instruments(self, first: int | None = PAGE_SIZE) -> list[InstrumentShare]:
        """The shares of instruments."""
        found = top(self.answer.by_instrument.shares, first)
        return [InstrumentShare(value=one.value, share=one.share, instrument_id=one.key) for one in found]

    @strawberry.field(description="The largest first.")
    def sectors(self, first: int | None = PAGE_SIZE) -> list[NamedShare]:
        """The shares of sectors."""
        found = top(self.answer.by_sector.shares, first)
        return [NamedShare(name=one.key, value=one.value, share=one.share) for one in found]

    @strawberry.field(description="The largest first.")
    def currencies(self, first: int | None = PAGE_SIZE) -> list[NamedShare]:
        """The shares of currencies."""
        found = top(self.answer.by_currency.shares, first)
        return [NamedShare(name=one.key, value=one.value, share=one.share) for one in found]

    @classmethod
    def of(cls, answer: ConcentrationAnswer) -> "RiskConcentration":
        """The type of the value."""
        return cls(
            basis=RiskBasis.of(answer.held),
            by_instrument=ConcentrationFigures.of(answer.by_instrument),
            by_sector=ConcentrationFigures.of(answer.by_sector),
            by_currency=ConcentrationFigures.of(answer.by_currency),
            answer=answer,
        )
