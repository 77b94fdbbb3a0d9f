"""What risk figures are asked with, and its bounds."""

from collections.abc import Hashable, Sequence
from decimal import Decimal
from typing import Final, TypeVar

import strawberry

from app.core.currencies import is_currency
from app.core.errors import InputError
from app.core.ids import AccountId, InstrumentId
from app.core.money import ZERO, plain
from app.flows.risk.risk_book import BookMode, BookQuestion
from app.risk.analytics.scenarios import PastFall, past_scenario
from app.risk.analytics.stress import (
    RELATIVE_MIN,
    SCENARIOS_MAX,
    SHOCK_MAX,
    SHOCK_MIN,
    SHOCKS_MAX,
    Scenario,
)
from app.risk.analytics.terms import (
    CONFIDENCE_MAX,
    CONFIDENCE_MIN,
    DAYS_MAX,
    DECAY_MAX,
    DECAY_MIN,
    DEFAULT_CONFIDENCE,
    DEFAULT_DAYS,
    HORIZON_MAX,
    OBSERVATIONS_MIN,
    RATE_MAX,
    RiskTerms,
)
from schema.base.ids import parse_id, parse_ids, storable

NAME_LENGTH_MAX: Final = 100
KeyT = TypeVar("KeyT", bound=Hashable)

strawberry.enum(
    BookMode, description="Which accounts count: those that trade with money, those on paper, or both added up."
)
strawberry.enum(
    PastFall,
    description="A fall of the past: every price falls as the S&P 500 did between two days, every implied volatility "
    "moves as the VIX did where it is known. docs/risk-analytics.md has the table.",
)


@strawberry.input(description="A jump of the price of an instrument, or of the underlying of options on it.")
class InstrumentShockInput:
    """A jump of an instrument."""

    instrument_id: strawberry.ID
    shock: Decimal


@strawberry.input(description="A jump of all prices of a sector, by the name that riskExposure tells.")
class SectorShockInput:
    """A jump of a sector."""

    sector: str
    shock: Decimal


@strawberry.input(description="A jump of a currency against all that are not named.")
class CurrencyShockInput:
    """A jump of a currency."""

    currency: str
    shock: Decimal


@strawberry.input(
    description=f'Jumps relative to what is: "-0.2" is a fall by a fifth. Of prices the narrowest holds: the '
    f"instrument's, its underlying's, its sector's, priceShock. Currency pairs heed neither of the last two. "
    f"Prices from {plain(SHOCK_MIN)}, currencies and volatility from {plain(RELATIVE_MIN)}, all to {plain(SHOCK_MAX)}; "
    f"at most {SHOCKS_MAX} of a kind."
)
class StressScenarioInput:
    """A scenario."""

    name: str
    price_shock: Decimal | None = None
    volatility_shock: Decimal | None = strawberry.field(
        default=None, description="Relative to the implied volatility of each option that has one."
    )
    instrument_shocks: list[InstrumentShockInput] | None = None
    sector_shocks: list[SectorShockInput] | None = None
    currency_shocks: list[CurrencyShockInput] | None = None


def read_question(account_ids: Sequence[str] | None, mode: BookMode | None, currency: str | None) -> BookQuestion:
    """Whose book is asked for. Raises InputError with the path."""
    ids = parse_ids(account_ids, "accountIds")
    if currency is not None and not is_currency(currency):
        raise InputError("This is not the code of a currency.", path=["currency"])
    chosen = None if ids is None else tuple(dict.fromkeys(AccountId(one) for one in ids))
    return BookQuestion(account_ids=chosen, mode=mode, currency=currency)


def read_terms(
    confidence: Decimal | None,
    horizon_days: int | None,
    days: int | None,
    decay: Decimal | None,
    risk_free_rate: Decimal,
) -> RiskTerms:
    """What is asked of the past; null is the default. Raises InputError with the path."""
    horizon = 1 if horizon_days is None else horizon_days
    _within(Decimal(horizon), Decimal(1), Decimal(HORIZON_MAX), "horizonDays")
    if decay is not None:
        _within(decay, DECAY_MIN, DECAY_MAX, "decay")
    level = DEFAULT_CONFIDENCE if confidence is None else confidence
    return RiskTerms(
        confidence=_within(level, CONFIDENCE_MIN, CONFIDENCE_MAX, "confidence"),
        horizon_days=horizon,
        days=read_days(days),
        decay=decay,
        risk_free_rate=risk_free_rate,
    )


def read_days(days: int | None) -> int:
    """Over how many past days at most. Raises InputError with the path."""
    found = DEFAULT_DAYS if days is None else days
    _within(Decimal(found), Decimal(OBSERVATIONS_MIN), Decimal(DAYS_MAX), "days")
    return found


def read_rate(rate: Decimal | None) -> Decimal:
    """The risk-free rate per year. Raises InputError with the path."""
    return ZERO if rate is None else _within(rate, -RATE_MAX, RATE_MAX, "riskFreeRate")


def read_scenarios(scenarios: Sequence[StressScenarioInput] | None, past: Sequence[PastFall] | None) -> list[Scenario]:
    """What the book is held against. Raises InputError with the path."""
    given, falls = list(scenarios or ()), list(dict.fromkeys(past or ()))
    if not given and not falls:
        raise InputError("Name a scenario, of your own or of the past.", path=["scenarios"])
    if len(given) + len(falls) > SCENARIOS_MAX:
        raise InputError(f"At most {SCENARIOS_MAX} at once.", path=["scenarios"])
    own = [_scenario(one, "scenarios", str(place)) for place, one in enumerate(given)]
    return [*own, *(past_scenario(one) for one in falls)]


def _scenario(given: StressScenarioInput, *path: str) -> Scenario:
    name = storable(given.name, *path, "name").strip()
    if not 1 <= len(name) <= NAME_LENGTH_MAX:
        raise InputError(f"needs 1 to {NAME_LENGTH_MAX} characters", path=[*path, "name"])
    price = ZERO if given.price_shock is None else _price(given.price_shock, *path, "priceShock")
    volatility = given.volatility_shock
    if volatility is not None:
        _within(volatility, RELATIVE_MIN, SHOCK_MAX, *path, "volatilityShock")
    instruments = [
        (
            InstrumentId(parse_id(one.instrument_id, *path, "instrumentShocks", str(place), "instrumentId")),
            _price(one.shock, *path, "instrumentShocks", str(place), "shock"),
        )
        for place, one in enumerate(_bounded(given.instrument_shocks, *path, "instrumentShocks"))
    ]
    sectors = [
        (
            storable(one.sector, *path, "sectorShocks", str(place), "sector"),
            _price(one.shock, *path, "sectorShocks", str(place), "shock"),
        )
        for place, one in enumerate(_bounded(given.sector_shocks, *path, "sectorShocks"))
    ]
    currencies = []
    for place, shock in enumerate(_bounded(given.currency_shocks, *path, "currencyShocks")):
        at = (*path, "currencyShocks", str(place))
        if not is_currency(shock.currency):
            raise InputError("This is not the code of a currency.", path=[*at, "currency"])
        currencies.append((shock.currency, _within(shock.shock, RELATIVE_MIN, SHOCK_MAX, *at, "shock")))
    return Scenario(
        name=name,
        price=price,
        by_sector=_once(sectors, *path, "sectorShocks"),
        by_instrument=_once(instruments, *path, "instrumentShocks"),
        by_currency=_once(currencies, *path, "currencyShocks"),
        volatility=volatility or ZERO,
    )


ShockT = TypeVar("ShockT")


def _bounded(given: list[ShockT] | None, *path: str) -> list[ShockT]:
    shocks = given or []
    if len(shocks) > SHOCKS_MAX:
        raise InputError(f"At most {SHOCKS_MAX} at once.", path=path)
    return shocks


def _once(shocks: Sequence[tuple[KeyT, Decimal]], *path: str) -> dict[KeyT, Decimal]:
    found: dict[KeyT, Decimal] = {}
    for place, (key, shock) in enumerate(shocks):
        if key in found:
            raise InputError("This is named already.", path=[*path, str(place)])
        found[key] = shock
    return found


def _price(shock: Decimal, *path: str) -> Decimal:
    return _within(shock, SHOCK_MIN, SHOCK_MAX, *path)


def _within(value: Decimal, lowest: Decimal, highest: Decimal, *path: str) -> Decimal:
    if not lowest <= value <= highest:
        raise InputError(f"needs {plain(lowest)} to {plain(highest)}", path=path)
    return value
