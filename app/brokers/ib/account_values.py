"""An account's figures as IB tells them, key by key and currency by currency.

Source: https://interactivebrokers.github.io/tws-api/account_updates.html (the keys),
https://interactivebrokers.github.io/tws-api/account_summary.html ($LEDGER), https://interactivebrokers.github.io/tws-api/pnl.html
"""

from decimal import Decimal, InvalidOperation
from typing import Final

from app.brokers.ib.translate import known
from app.core.messages import AccountValues, CurrencyValues

CURRENCIES_MAX: Final = 64

_OF_ACCOUNT: Final = {
    "TotalCashValue": "cash",
    "NetLiquidation": "equity",
    "BuyingPower": "buying_power",
    "InitMarginReq": "initial_margin",
    "MaintMarginReq": "maintenance_margin",
    "AvailableFunds": "available_funds",
    "ExcessLiquidity": "excess_liquidity",
    "Cushion": "cushion",
    "SMA": "special_memorandum_account",
    "GrossPositionValue": "gross_position_value",
}
_OF_CURRENCY: Final = {
    "CashBalance": "cash",
    "StockMarketValue": "stock_value",
    "NetLiquidationByCurrency": "net_liquidation",
    "RealizedPnL": "realized_pnl",
    "UnrealizedPnL": "unrealized_pnl",
    "ExchangeRate": "exchange_rate",
}
# These tell that the account has the currency. BASE is no currency: the sum of all of them in the base currency.
_HOLDING: Final = frozenset({"CashBalance", "StockMarketValue", "NetLiquidationByCurrency"})


class AccountFigures:
    """What was told of one account so far."""

    def __init__(self) -> None:
        self._of_account: dict[str, Decimal] = {}
        self._of_currency: dict[str, dict[str, Decimal]] = {}
        self._held: set[str] = set()

    @property
    def values(self) -> AccountValues:
        """The figures as they stand."""
        told = tuple(CurrencyValues(currency=one, **self._of_currency[one]) for one in sorted(self._held))
        return AccountValues(by_currency=told, **self._of_account)

    def take(self, key: str, text: str, currency: str) -> bool:
        """Takes a figure; True when it is news. A key that means nothing here is left aside.

        Raises ValueError for a figure that is no number.
        """
        name, of_currency = _OF_ACCOUNT.get(key), _OF_CURRENCY.get(key)
        if name is None and (of_currency is None or not _is_currency(currency)):
            return False
        try:
            number = known(text)
        except InvalidOperation as error:
            raise ValueError(f"account value {key}={text!r}") from error
        if number is None:
            return False
        if name is not None:
            return _put(self._of_account, name, number)
        assert of_currency is not None, "one of the two tables has the key"
        return self._take_in_currency(currency, key, of_currency, number)

    def take_pnl(self, daily: float, unrealized: float, realized: float) -> bool:
        """Takes IB's own profit and loss; True when it is news. What is not worked out yet comes as unset."""
        told = {"daily_pnl": known(daily), "unrealized_pnl": known(unrealized), "realized_pnl": known(realized)}
        news = [_put(self._of_account, name, number) for name, number in told.items() if number is not None]
        return any(news)

    def _take_in_currency(self, currency: str, key: str, name: str, number: Decimal) -> bool:
        if currency not in self._of_currency and len(self._of_currency) >= CURRENCIES_MAX:
            return False
        is_news = _put(self._of_currency.setdefault(currency, {}), name, number)
        if key in _HOLDING and currency not in self._held:
            self._held.add(currency)
            is_news = True
        return is_news


def _put(figures: dict[str, Decimal], name: str, number: Decimal) -> bool:
    if figures.get(name) == number:
        return False
    figures[name] = number
    return True


def _is_currency(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isupper()
