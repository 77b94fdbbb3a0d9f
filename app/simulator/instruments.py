"""What is dealt besides the shares, funds and pairs of the catalogue, and the price steps of all of it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.core.catalogue import CATALOGUE, CatalogueEntry
from app.core.money import ZERO

ROOT = "ROOT"
"""The type of an entry that nobody can ask for: a price path that futures and an index are derived from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedEntry(CatalogueEntry):
    """An instrument whose quote follows from that of another, by contract id."""

    root_con_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry(DerivedEntry):
    """An index: a level that is told and never dealt. `ratio` is its worth against its root's."""

    ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureEntry(DerivedEntry):
    """A future. `carry_yearly` is what a year to the expiry adds to its root's price, as a fraction of it."""

    family: str
    contract_month: str
    expiry: date
    underlying_con_id: int
    underlying_symbol: str
    underlying_sec_type: str
    carry_yearly: Decimal
    rule_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionEntry(DerivedEntry):
    """An American option on a share or fund, which is its root. `right` is C or P."""

    underlying_symbol: str
    expiry: date
    strike: Decimal
    right: str
    is_on_fund: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRule:
    """The price steps by band: each from its lower edge up to the next one's."""

    rule_id: int
    bands: tuple[tuple[Decimal, Decimal], ...]

    def increment_at(self, price: Decimal) -> Decimal:
        """The step of the band that the price, whatever its sign, lies in."""
        return [step for edge, step in self.bands if edge <= abs(price)][-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureFamily:
    """The contracts of one kind of future. `months` are those that expire, January as 1.

    `expiry_rule` is "third friday" of the contract's month, or "20th before" for the 20th of the month before it.
    """

    symbol: str
    name: str
    exchange: str
    currency: str
    root_con_id: int
    multiplier: Decimal
    tick_size: Decimal
    rule_id: int
    months: tuple[int, ...]
    expiry_rule: str
    contracts_listed: int
    underlying_con_id: int
    underlying_symbol: str
    underlying_sec_type: str
    carry_yearly: Decimal


def _step_rule(rule_id: int, step: str) -> MarketRule:
    return MarketRule(rule_id=rule_id, bands=((ZERO, Decimal(step)),))


SHARES_RULE = _step_rule(26, "0.01")
PAIRS_RULE = _step_rule(239, "0.00005")
YEN_PAIRS_RULE = _step_rule(240, "0.005")
FUND_OPTIONS_RULE = _step_rule(108, "0.01")
SHARE_OPTIONS_RULE = MarketRule(rule_id=109, bands=((ZERO, Decimal("0.01")), (Decimal(3), Decimal("0.05"))))
MARKET_RULES = {
    rule.rule_id: rule
    for rule in (
        SHARES_RULE,
        PAIRS_RULE,
        YEN_PAIRS_RULE,
        FUND_OPTIONS_RULE,
        SHARE_OPTIONS_RULE,
        _step_rule(67, "0.25"),
        _step_rule(32, "0.01"),
        _step_rule(29, "0.1"),
        _step_rule(97, "1"),
    )
}
"""By the id under which contract details name them."""


def rule_of(entry: CatalogueEntry) -> MarketRule:
    """The price steps of an instrument; one of an unknown step has a rule under its contract id."""
    if isinstance(entry, OptionEntry):
        return FUND_OPTIONS_RULE if entry.is_on_fund else SHARE_OPTIONS_RULE
    if isinstance(entry, FutureEntry):
        return MARKET_RULES[entry.rule_id]
    rules = (PAIRS_RULE, YEN_PAIRS_RULE) if entry.instrument_type == "FOREX" else (SHARES_RULE,)
    for rule in rules:
        if rule.increment_at(ZERO) == entry.tick_size:
            return rule
    return MarketRule(rule_id=entry.con_id, bands=((ZERO, entry.tick_size),))


def _pair(symbol: str, name: str, con_id: int, reference_price: str, tick_size: str = "0.00005") -> CatalogueEntry:
    return CatalogueEntry(
        symbol=symbol,
        name=name,
        instrument_type="FOREX",
        exchange="IDEALPRO",
        primary_exchange="IDEALPRO",
        currency=symbol.split(".")[1],
        con_id=con_id,
        tick_size=Decimal(tick_size),
        reference_price=Decimal(reference_price),
    )


def _root(name: str, con_id: int, currency: str, tick_size: str, reference_price: str) -> CatalogueEntry:
    return CatalogueEntry(
        symbol=f"~{name}",
        name=name,
        instrument_type=ROOT,
        primary_exchange="",
        currency=currency,
        con_id=con_id,
        tick_size=Decimal(tick_size),
        reference_price=Decimal(reference_price),
    )


def _index(symbol: str, name: str, exchange: str, currency: str, con_id: int, root_con_id: int) -> IndexEntry:
    return IndexEntry(
        symbol=symbol,
        name=name,
        instrument_type="INDEX",
        exchange=exchange,
        primary_exchange=exchange,
        currency=currency,
        con_id=con_id,
        reference_price=Decimal(0),
        root_con_id=root_con_id,
        ratio=Decimal("0.9985"),
    )


_QUARTERLY, _MONTHLY = (3, 6, 9, 12), tuple(range(1, 13))
_US500, _US100, _DE40, _OIL, _GOLD = range(690_000_001, 690_000_006)

LISTED: tuple[CatalogueEntry, ...] = (
    *CATALOGUE,
    _pair("GBP.USD", "British pound in US dollars", 12087797, "1.26000"),
    _pair("AUD.USD", "Australian dollar in US dollars", 14433401, "0.65000"),
    _pair("USD.JPY", "US dollar in Japanese yen", 15016059, "150.000", "0.005"),
    _pair("USD.CHF", "US dollar in Swiss francs", 12087820, "0.88000"),
    _pair("EUR.GBP", "Euro in British pounds", 12087807, "0.83350"),
)
"""What walks by itself and is dealt."""

ROOTS: tuple[CatalogueEntry, ...] = (
    _root("US500", _US500, "USD", "0.25", "5900"),
    _root("US100", _US100, "USD", "0.25", "20600"),
    _root("DE40", _DE40, "EUR", "1", "19500"),
    _root("OIL", _OIL, "USD", "0.01", "70"),
    _root("GOLD", _GOLD, "USD", "0.1", "2650"),
)
"""What walks by itself and is only derived from."""

INDICES: tuple[IndexEntry, ...] = (
    _index("SPX", "S&P 500 Stock Index", "CBOE", "USD", 416904, _US500),
    _index("NDX", "NASDAQ 100 Stock Index", "NASDAQ", "USD", 416843, _US100),
    _index("DAX", "DAX Performance Index", "EUREX", "EUR", 825711, _DE40),
)

FUTURE_FAMILIES: tuple[FutureFamily, ...] = (
    FutureFamily(
        symbol="ES",
        name="E-mini S&P 500",
        exchange="CME",
        currency="USD",
        root_con_id=_US500,
        multiplier=Decimal(50),
        tick_size=Decimal("0.25"),
        rule_id=67,
        months=_QUARTERLY,
        expiry_rule="third friday",
        contracts_listed=4,
        underlying_con_id=416904,
        underlying_symbol="SPX",
        underlying_sec_type="IND",
        carry_yearly=Decimal("0.035"),
    ),
    FutureFamily(
        symbol="NQ",
        name="E-mini NASDAQ 100",
        exchange="CME",
        currency="USD",
        root_con_id=_US100,
        multiplier=Decimal(20),
        tick_size=Decimal("0.25"),
        rule_id=67,
        months=_QUARTERLY,
        expiry_rule="third friday",
        contracts_listed=4,
        underlying_con_id=416843,
        underlying_symbol="NDX",
        underlying_sec_type="IND",
        carry_yearly=Decimal("0.04"),
    ),
    FutureFamily(
        symbol="DAX",
        name="DAX Future",
        exchange="EUREX",
        currency="EUR",
        root_con_id=_DE40,
        multiplier=Decimal(25),
        tick_size=Decimal(1),
        rule_id=97,
        months=_QUARTERLY,
        expiry_rule="third friday",
        contracts_listed=3,
        underlying_con_id=825711,
        underlying_symbol="DAX",
        underlying_sec_type="IND",
        carry_yearly=Decimal("0.02"),
    ),
    FutureFamily(
        symbol="CL",
        name="Light Sweet Crude Oil",
        exchange="NYMEX",
        currency="USD",
        root_con_id=_OIL,
        multiplier=Decimal(1_000),
        tick_size=Decimal("0.01"),
        rule_id=32,
        months=_MONTHLY,
        expiry_rule="20th before",
        contracts_listed=6,
        underlying_con_id=17340715,
        underlying_symbol="CL",
        underlying_sec_type="IND",
        carry_yearly=Decimal("-0.02"),
    ),
    FutureFamily(
        symbol="GC",
        name="Gold",
        exchange="COMEX",
        currency="USD",
        root_con_id=_GOLD,
        multiplier=Decimal(100),
        tick_size=Decimal("0.1"),
        rule_id=29,
        months=(2, 4, 6, 8, 10, 12),
        expiry_rule="third friday",
        contracts_listed=4,
        underlying_con_id=17340718,
        underlying_symbol="GC",
        underlying_sec_type="IND",
        carry_yearly=Decimal("0.04"),
    ),
)
