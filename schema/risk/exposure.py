"""The GraphQL types of exposure and of the greeks of options."""

from collections.abc import Sequence
from decimal import Decimal

import strawberry

from app.core.ids import AccountId, InstrumentId
from app.flows.risk.risk_figures import (
    ExposureAnswer,
)
from app.risk.analytics import exposure as domain
from app.risk.analytics.options import BookGreeks, ModelGap
from schema.base.context import Info
from schema.base.pagination import PAGE_SIZE
from schema.brokers.types import BrokerAccount, load_account
from schema.instruments.types import Instrument, load_instrument
from schema.risk.basis import RiskBasis, top


@strawberry.type(description="Long and short, both at or above zero; gross is their sum, net long - short.")
class Exposure:
    """What is held long and short."""

    gross: Decimal
    net: Decimal
    long: Decimal
    short: Decimal
    positions: int

    @classmethod
    def of(cls, one: domain.Exposure) -> "Exposure":
        """The type of the value."""
        return cls(gross=one.gross, net=one.net, long=one.long, short=one.short, positions=one.positions)


@strawberry.type(description="Exposure by a name: a currency, or a sector, null where the broker names none.")
class NamedExposure:
    """Exposure by a name."""

    name: str | None
    exposure: Exposure


@strawberry.type(description="Exposure in an instrument.")
class InstrumentExposure:
    """Exposure in an instrument."""

    exposure: Exposure
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What is held."""
        return await load_instrument(info, self.instrument_id)


@strawberry.type(description="Exposure of an account.")
class AccountExposure:
    """Exposure of an account."""

    exposure: Exposure
    account_id: strawberry.Private[AccountId]

    @strawberry.field
    async def account(self, info: Info) -> BrokerAccount:
        """The trading account."""
        return await load_account(info, self.account_id)


@strawberry.type(
    description="Greeks of the options on one underlying, in the currency of the basis: delta is the value of the "
    "underlying that moves alike, gamma what one per cent of its price adds to that, vega the gain for one point of "
    "volatility, theta the gain by one day passing."
)
class OptionGreeks:
    """Greeks of the options on one underlying."""

    delta: Decimal
    gamma: Decimal
    vega: Decimal
    theta: Decimal
    underlying_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def underlying(self, info: Info) -> Instrument:
        """What the options are on."""
        return await load_instrument(info, self.underlying_id)

    @classmethod
    def of(cls, one: BookGreeks) -> "OptionGreeks":
        """The type of the value."""
        return cls(delta=one.delta, gamma=one.gamma, vega=one.vega, theta=one.theta, underlying_id=one.underlying_id)


@strawberry.type(description="An option that counts with a delta of one to its own price, and why.")
class UnmodelledOption:
    """An option without a model."""

    gap: ModelGap
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """The option."""
        return await load_instrument(info, self.instrument_id)


@strawberry.type(description="What is held at this moment, in one currency; lists begin with the largest gross.")
class RiskExposure:
    """What is held at this moment."""

    basis: RiskBasis
    total: Exposure
    answer: strawberry.Private[ExposureAnswer]

    @strawberry.field(
        description="A currency pair is long in one currency and short in the other, so these may sum up to more than "
        "the total. Cash is not counted."
    )
    def by_currency(self, first: int | None = PAGE_SIZE) -> list[NamedExposure]:
        """By currency."""
        found: list[tuple[str | None, domain.Exposure]] = list(self.answer.exposure.by_currency.items())
        return _named(found, first)

    @strawberry.field(description="By industry, as the broker names it; of a derivative that of what it is on.")
    def by_sector(self, first: int | None = PAGE_SIZE) -> list[NamedExposure]:
        """By sector."""
        return _named(list(self.answer.exposure.by_sector.items()), first)

    @strawberry.field
    def by_instrument(self, first: int | None = PAGE_SIZE) -> list[InstrumentExposure]:
        """By instrument."""
        found = top(list(self.answer.exposure.by_instrument.items()), first)
        return [InstrumentExposure(exposure=Exposure.of(one), instrument_id=key) for key, one in found]

    @strawberry.field
    def by_account(self, first: int | None = PAGE_SIZE) -> list[AccountExposure]:
        """By account."""
        found = top(list(self.answer.exposure.by_account.items()), first)
        return [AccountExposure(exposure=Exposure.of(one), account_id=key) for key, one in found]

    @strawberry.field(description="Of the options whose volatility their price implies, the largest delta first.")
    def greeks(self, first: int | None = PAGE_SIZE) -> list[OptionGreeks]:
        """Greeks of options."""
        return [OptionGreeks.of(one) for one in top(self.answer.greeks, first)]

    @strawberry.field(description="Options without greeks.")
    def unmodelled(self, first: int | None = PAGE_SIZE) -> list[UnmodelledOption]:
        """Options without greeks."""
        return unmodelled_of(list(self.answer.gaps.items()), first)

    @classmethod
    def of(cls, answer: ExposureAnswer) -> "RiskExposure":
        """The type of the value."""
        return cls(basis=RiskBasis.of(answer.held), total=Exposure.of(answer.exposure.total), answer=answer)


def unmodelled_of(gaps: Sequence[tuple[InstrumentId, ModelGap]], first: int | None) -> list[UnmodelledOption]:
    """The first of the options without a model."""
    return [UnmodelledOption(gap=gap, instrument_id=key) for key, gap in top(gaps, first)]


def _named(found: Sequence[tuple[str | None, domain.Exposure]], first: int | None) -> list[NamedExposure]:
    return [NamedExposure(name=key, exposure=Exposure.of(one)) for key, one in top(found, first)]
