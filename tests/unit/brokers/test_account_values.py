"""An account's figures from IB's keys."""

from decimal import Decimal

import pytest

from app.brokers.ib.account_values import CURRENCIES_MAX, AccountFigures
from app.core.messages import AccountValues, CurrencyValues

UNSET = 1.7976931348623157e308


def figures(*told: tuple[str, str, str]) -> AccountValues:
    account = AccountFigures()
    for key, value, currency in told:
        account.take(key, value, currency)
    return account.values


def test_the_account_is_told_in_its_base_currency() -> None:
    values = figures(
        ("NetLiquidation", "1000010.50", "USD"),
        ("TotalCashValue", "900000", "USD"),
        ("AvailableFunds", "800000", "USD"),
        ("ExcessLiquidity", "810000", "USD"),
        ("Cushion", "0.809992", ""),
        ("SMA", "123.45", "USD"),
        ("GrossPositionValue", "100010.50", "USD"),
        ("AccountType", "INDIVIDUAL", ""),
        ("AccountReady", "true", ""),
    )

    assert values == AccountValues(
        equity=Decimal("1000010.50"),
        cash=Decimal(900000),
        available_funds=Decimal(800000),
        excess_liquidity=Decimal(810000),
        cushion=Decimal("0.809992"),
        special_memorandum_account=Decimal("123.45"),
        gross_position_value=Decimal("100010.50"),
    )


def test_the_ledger_of_each_currency_stands_by_itself_and_base_is_none() -> None:
    values = figures(
        ("CashBalance", "900000", "BASE"),
        ("CashBalance", "850000", "USD"),
        ("StockMarketValue", "1000", "USD"),
        ("RealizedPnL", "-12.5", "USD"),
        ("UnrealizedPnL", "40", "USD"),
        ("ExchangeRate", "1.00", "USD"),
        ("NetLiquidationByCurrency", "851000", "USD"),
        ("CashBalance", "-46000.25", "EUR"),
        ("ExchangeRate", "1.0869", "EUR"),
        ("ExchangeRate", "0.0067", "JPY"),
        ("RealizedPnL", "-12.5", "BASE"),
    )

    assert values.by_currency == (
        CurrencyValues(currency="EUR", cash=Decimal("-46000.25"), exchange_rate=Decimal("1.0869")),
        CurrencyValues(
            currency="USD",
            cash=Decimal(850000),
            stock_value=Decimal(1000),
            net_liquidation=Decimal(851000),
            realized_pnl=Decimal("-12.5"),
            unrealized_pnl=Decimal(40),
            exchange_rate=Decimal("1.00"),
        ),
    )


def test_a_figure_told_again_is_no_news() -> None:
    account = AccountFigures()

    assert account.take("CashBalance", "10", "USD") is True
    assert account.take("CashBalance", "10.0", "USD") is False
    assert account.take("CashBalance", "11", "USD") is True


def test_profit_and_loss_that_is_not_worked_out_yet_leaves_what_was_known() -> None:
    account = AccountFigures()

    assert account.take_pnl(12.5, 30.0, UNSET) is True
    assert account.take_pnl(UNSET, 30.0, UNSET) is False

    assert account.values == AccountValues(daily_pnl=Decimal("12.5"), unrealized_pnl=Decimal(30))


def test_a_figure_that_is_no_number_is_told() -> None:
    with pytest.raises(ValueError, match="NetLiquidation"):
        figures(("NetLiquidation", "n/a", "USD"))


def test_the_currencies_have_a_bound() -> None:
    names = [f"{first}{second}X" for first in "ABCDEFGHIJKL" for second in "ABCDEFGHIJKL"]

    values = figures(*(("CashBalance", "1", name) for name in names))

    assert len(values.by_currency) == CURRENCIES_MAX
