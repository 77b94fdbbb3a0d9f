"""The two IB client libraries, unmodified, and how a test waits for what they should come to see."""

import asyncio
import importlib
import warnings
from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any

from app.core.catalogue import CATALOGUE
from app.simulator.server import Simulator

LIBRARIES = ("ib_insync", "ib_async")
TIMEOUT_S = 5.0


def load(name: str) -> ModuleType:
    """The library. Its event package asks for a loop at import, which Python 3.12 warns about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(name)


def quiet(simulator: Simulator) -> None:
    """Stop the walk and show AAPL at 229.99 x 230.01, a thousand each, last 230."""
    simulator.pause_market()
    simulator.set_quote("AAPL", bid=Decimal("229.99"), ask=Decimal("230.01"), last=Decimal("230.00"))


async def until(condition: Callable[[], Any], what: str) -> None:
    """Give the loop its turns until the condition holds; fails, saying what was awaited, after TIMEOUT_S."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TIMEOUT_S
    while not condition():
        assert loop.time() < deadline, f"still waiting for {what}"
        await asyncio.sleep(0.002)


class Desk:
    """One connected client: the library's IB object and the errors it was told."""

    def __init__(self, library: ModuleType, port: int) -> None:
        self.library = library
        self.port = port
        self.ib: Any = library.IB()
        self.errors: list[tuple[int, int, str]] = []
        self.ib.errorEvent += self._note
        self.ib.client.MaxRequests = 0

    def _note(self, request_id: int, code: int, message: str, _contract: object) -> None:
        self.errors.append((request_id, code, message))

    async def connect(self, client_id: int = 1) -> None:
        """Connect and synchronise, as the library does it."""
        await self.ib.connectAsync("127.0.0.1", self.port, clientId=client_id, timeout=TIMEOUT_S)

    def stock(self, symbol: str = "AAPL") -> Any:
        """A stock, with its contract id where the symbol is one of the catalogue's."""
        con_id = next((entry.con_id for entry in CATALOGUE if entry.symbol == symbol), 0)
        return self.library.Stock(symbol, "SMART", "USD", conId=con_id)

    def place(self, order: Any, symbol: str = "AAPL") -> Any:
        """The trade of a new order."""
        return self.ib.placeOrder(self.stock(symbol), order)

    def codes(self) -> list[int]:
        """The error codes so far, without the farms' notices."""
        return [code for _, code, _ in self.errors if code not in {2104, 2106, 2158}]
