"""An account's figures under the tags that TWS gives them."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from app.core.catalogue import CatalogueEntry
from app.core.money import ZERO, plain
from app.simulator.accounts import BUYING_POWER_FACTOR, Account, LedgerLine, Mark

BASE = "BASE"
AccountTag = tuple[str, str, str]
"""Tag, value, currency."""

_REG_T = Decimal("0.5")
_NOTHING_HELD = (
    "AccruedCash",
    "AccruedDividend",
    "CorporateBondMarketValue",
    "Cryptocurrency",
    "FundValue",
    "FutureOptionValue",
    "FxCashBalance",
    "IssuerOptionValue",
    "MoneyMarketFundValue",
    "MutualFundValue",
    "NetDividend",
    "TBillValue",
    "TBondValue",
    "WarrantValue",
)
LEDGER = "$LEDGER"


def account_tags(account: Account, entries: Mapping[int, CatalogueEntry], mark: Mark) -> list[AccountTag]:
    """Every figure of the account, then its balances by currency."""
    figures = account.figures(entries, mark)
    base = account.base_currency
    has_worth = bool(figures.net_liquidation)
    cushion = figures.excess / figures.net_liquidation if has_worth else ZERO
    leverage = figures.gross_value / figures.net_liquidation if has_worth else ZERO
    margins = {
        "InitMarginReq": figures.initial_margin,
        "MaintMarginReq": figures.maintenance_margin,
        "AvailableFunds": figures.available,
        "ExcessLiquidity": figures.excess,
    }
    amounts = {
        "NetLiquidation": figures.net_liquidation,
        "TotalCashValue": figures.cash,
        "SettledCash": figures.cash,
        "AccruedCash": ZERO,
        "BuyingPower": max(ZERO, figures.available * BUYING_POWER_FACTOR),
        "EquityWithLoanValue": figures.net_liquidation,
        "PreviousDayEquityWithLoanValue": account.day_start_equity,
        "GrossPositionValue": figures.gross_value,
        "RegTEquity": figures.net_liquidation,
        "RegTMargin": figures.gross_value * _REG_T,
        "SMA": figures.net_liquidation - figures.gross_value * _REG_T,
        **margins,
        **{f"Full{name}": amount for name, amount in margins.items()},
        **{f"LookAhead{name}": amount for name, amount in margins.items()},
    }
    tags: list[AccountTag] = [
        ("AccountCode", account.account_id, ""),
        ("AccountReady", "true", ""),
        ("AccountType", "INDIVIDUAL", ""),
        ("Currency", base, base),
        ("Cushion", plain(_six_decimals(cushion)), ""),
        ("Leverage", plain(_six_decimals(leverage)), ""),
        ("LookAheadNextChange", "0", ""),
        ("HighestSeverity", "0", ""),
        ("DayTradesRemaining", "-1", ""),
        *((f"DayTradesRemainingT+{day}", "-1", "") for day in range(1, 5)),
        *((tag, plain(amount), base) for tag, amount in amounts.items()),
    ]
    lines = account.ledger(entries, mark)
    for currency, line in ((BASE, _in_base(lines.values())), *lines.items()):
        tags += _ledger_tags(currency, line)
    return tags


def chosen(tags: Iterable[AccountTag], wanted: frozenset[str]) -> list[AccountTag]:
    """The figures that an account summary asks for: tags by name, balances by `$LEDGER`, `$LEDGER:ALL` or a currency.

    `All` is every one of them.
    """
    tags = list(tags)
    ledgers = {name.partition(":")[2] or BASE for name in wanted if name.startswith(LEDGER)}
    currencies = {currency for _, _, currency in tags} if "ALL" in ledgers else ledgers
    return [
        (tag, value, currency)
        for tag, value, currency in tags
        if tag in wanted or "All" in wanted or (tag in LEDGER_TAGS and currency in currencies)
    ]


def _in_base(lines: Iterable[LedgerLine]) -> LedgerLine:
    total = LedgerLine(rate=Decimal(1))
    for line in lines:
        total = total.plus(line)
    return total


def _ledger_tags(currency: str, line: LedgerLine) -> list[AccountTag]:
    amounts = {
        "CashBalance": line.cash,
        "TotalCashBalance": line.cash,
        "StockMarketValue": line.stock_value,
        "OptionMarketValue": line.option_value,
        "FuturesPNL": line.futures_gain,
        "NetLiquidationByCurrency": line.worth,
        "UnrealizedPnL": line.unrealized,
        "RealizedPnL": line.realized,
        **dict.fromkeys(_NOTHING_HELD, ZERO),
    }
    return [
        ("RealCurrency", currency, currency),
        *((tag, plain(_six_decimals(amount)), currency) for tag, amount in amounts.items()),
        ("ExchangeRate", plain(_six_decimals(line.rate)), currency),
    ]


def _six_decimals(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.000001"))


LEDGER_TAGS = frozenset({tag for tag, _, _ in _ledger_tags(BASE, LedgerLine(rate=Decimal(1)))})
