"""What a paper account's session needs of the house: durable books, instruments and quotes."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from app.brokers.paper.orders import PaperChanges, PaperState
from app.core.fx import FxRates
from app.core.ids import InstrumentId
from app.core.messages import Instrument, Tick


class PaperLedger(Protocol):
    """One account's books. Whoever opened them last is the only one who may write."""

    async def open(self) -> PaperState:
        """Begin a session: what the books hold. Raises BrokerAccountUnknownError, BrokerUnreachableError."""
        ...

    async def save(self, changes: PaperChanges) -> None:
        """Store changes in one transaction, however long the database is away.

        Raises BrokerDisconnectedError when a later session has opened the books.
        """
        ...

    async def instruments(self, ids: Iterable[InstrumentId]) -> dict[InstrumentId, Instrument]:
        """The instruments of these ids; absent where there is none."""
        ...

    async def rates(self) -> FxRates:
        """The exchange rates that are known."""
        ...


class PaperQuotes(Protocol):
    """The tenant's live quotes."""

    async def newest(self, ids: Iterable[InstrumentId]) -> list[Tick]:
        """The newest quote of each of these that has one; none while they cannot be read."""
        ...

    def stream(self) -> AbstractAsyncContextManager[AsyncIterator[list[Tick] | None]]:
        """Every window's changes; None where some may be missing."""
        ...
