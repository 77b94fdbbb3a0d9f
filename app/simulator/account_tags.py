"""An account's figures under the tags that TWS gives them."""

from collections.abc import Mapping
from decimal import Decimal

from app.core.catalogue import CatalogueEntry
from app.core.money import ZERO, plain
from app.simulator.accounts import BUYING_POWER_FACTOR, Account, Mark

BASE = "BASE"
AccountTag = tuple[str, str, str]
"""Tag, value, currency."""


def account_tags(account: Account, entries: Mapping[int, CatalogueEntry], mark: Mark) -> list[AccountTag]:
    """Every figure of the account, then its balances by currency."""
    figures = account.figures(entries, mark)
    base = account.base_currency
    cushion = figures.excess / figures.net_liquidation if figures.net_liquidation else ZERO
    amounts = {
        "NetLiquidation": figures.net_liquidation,
        "TotalCashValue": figures.cash,
        "SettledCash": figures.cash,
        "AccruedCash": ZERO,
        "BuyingPower": max(ZERO, figures.available * BUYING_POWER_FACTOR),
        "EquityWithLoanValue": figures.net_liquidation,
        "PreviousDayEquityWithLoanValue": account.day_start_equity,
        "GrossPositionValue": figures.gross_value,
        "InitMarginReq": figures.initial_margin,
        "MaintMarginReq": figures.maintenance_margin,
        "AvailableFunds": figures.available,
        "ExcessLiquidity": figures.excess,
        "FullInitMarginReq": figures.initial_margin,
        "FullMaintMarginReq": figures.maintenance_margin,
        "FullAvailableFunds": figures.available,
        "FullExcessLiquidity": figures.excess,
        "UnrealizedPnL": figures.unrealized,
        "RealizedPnL": figures.realized,
    }
    tags: list[AccountTag] = [
        ("AccountReady", "true", ""),
        ("AccountType", "INDIVIDUAL", ""),
        ("Currency", base, base),
        ("Cushion", plain(_six_decimals(cushion)), ""),
        *((tag, plain(amount), base) for tag, amount in amounts.items()),
        ("CashBalance", plain(figures.cash), BASE),
        ("TotalCashBalance", plain(figures.cash), BASE),
        ("StockMarketValue", plain(figures.stock_value), BASE),
        ("NetLiquidationByCurrency", plain(figures.net_liquidation), BASE),
    ]
    for currency, amount in account.cash.items():
        rate = account.rate(currency, entries, mark)
        tags += [
            ("CashBalance", plain(amount), currency),
            ("TotalCashBalance", plain(amount), currency),
            ("ExchangeRate", plain(_six_decimals(rate)), currency),
        ]
    return tags


def _six_decimals(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.000001"))
