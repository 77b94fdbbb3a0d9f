"""The instruments that the demo tenant and the simulator are both seeded with."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One well-known instrument with its real identity at Interactive Brokers.

    `symbol` is the name a trader types (`AAPL`, `EUR.USD`); `con_id` is IB's contract id. `tick_size` is the smallest
    price step, `lot_size` the smallest quantity step, `multiplier` the worth of one unit per unit of price.
    `reference_price` is where a simulated market starts, in `currency`.
    """

    symbol: str
    name: str
    instrument_type: str
    """STOCK, ETF or FOREX."""
    exchange: str = "SMART"
    primary_exchange: str
    currency: str = "USD"
    con_id: int
    tick_size: Decimal = Decimal("0.01")
    lot_size: Decimal = Decimal("1")
    multiplier: Decimal = Decimal("1")
    reference_price: Decimal


def _stock(symbol: str, name: str, primary_exchange: str, con_id: int, reference_price: str) -> CatalogueEntry:
    return CatalogueEntry(
        symbol=symbol,
        name=name,
        instrument_type="STOCK",
        primary_exchange=primary_exchange,
        con_id=con_id,
        reference_price=Decimal(reference_price),
    )


def _etf(symbol: str, name: str, primary_exchange: str, con_id: int, reference_price: str) -> CatalogueEntry:
    return CatalogueEntry(
        symbol=symbol,
        name=name,
        instrument_type="ETF",
        primary_exchange=primary_exchange,
        con_id=con_id,
        reference_price=Decimal(reference_price),
    )


CATALOGUE: tuple[CatalogueEntry, ...] = (
    _stock("AAPL", "Apple Inc.", "NASDAQ", 265598, "230.00"),
    _stock("MSFT", "Microsoft Corporation", "NASDAQ", 272093, "430.00"),
    _stock("NVDA", "NVIDIA Corporation", "NASDAQ", 4815747, "140.00"),
    _stock("AMZN", "Amazon.com, Inc.", "NASDAQ", 3691937, "200.00"),
    _stock("GOOGL", "Alphabet Inc. Class A", "NASDAQ", 208813719, "175.00"),
    _stock("META", "Meta Platforms, Inc.", "NASDAQ", 107113386, "560.00"),
    _stock("TSLA", "Tesla, Inc.", "NASDAQ", 76792991, "340.00"),
    _stock("JPM", "JPMorgan Chase & Co.", "NYSE", 1520593, "245.00"),
    _etf("SPY", "SPDR S&P 500 ETF Trust", "ARCA", 756733, "590.00"),
    _etf("QQQ", "Invesco QQQ Trust", "NASDAQ", 320227571, "505.00"),
    _etf("IWM", "iShares Russell 2000 ETF", "ARCA", 9579970, "235.00"),
    CatalogueEntry(
        symbol="SAP",
        name="SAP SE",
        instrument_type="STOCK",
        primary_exchange="IBIS",
        currency="EUR",
        con_id=14204,
        reference_price=Decimal("220.00"),
    ),
    CatalogueEntry(
        symbol="EUR.USD",
        name="Euro in US dollars",
        instrument_type="FOREX",
        exchange="IDEALPRO",
        primary_exchange="IDEALPRO",
        con_id=12087792,
        tick_size=Decimal("0.00005"),
        reference_price=Decimal("1.05000"),
    ),
)
"""Ordered as a watch list shows them: stocks, funds, a stock in another currency, the pair that converts it."""
