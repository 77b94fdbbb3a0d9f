"""Which instrument an order means: short-lived memories in front of the table."""

import time
from collections.abc import Callable, Iterable

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Instrument, NewOrder
from app.infra.db import BatchSession, Database
from app.infra.expiring import ExpiringCache
from app.infra.uow import begin_intake
from app.instruments import batch as instruments

MEMORY_S = 5.0
MEMORY_MAX = 50_000

_Name = tuple[TenantId, InstrumentId | str]


class InstrumentDirectory:
    """Instruments by id or symbol, as they were at most MEMORY_S ago."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: ExpiringCache[_Name, tuple[Instrument, ...]] = ExpiringCache(life_s=MEMORY_S, size_max=MEMORY_MAX)

    async def matches(self, tenant_id: TenantId, new: NewOrder) -> tuple[Instrument, ...]:
        """The instruments of the tenant that the order may mean: none, the one, or several of the same symbol."""
        if new.instrument_id is not None:
            instrument_id = new.instrument_id
            return await self._known.get((tenant_id, instrument_id), lambda: self._by_id(tenant_id, instrument_id))
        symbol = new.symbol or ""
        found = await self._known.get((tenant_id, symbol), lambda: self._by_symbol(tenant_id, symbol))
        if new.exchange is None:
            return found
        return tuple(instrument for instrument in found if instrument.exchange == new.exchange)

    async def _by_id(self, tenant_id: TenantId, instrument_id: InstrumentId) -> tuple[Instrument, ...]:
        async with begin_intake(self._database, [tenant_id]) as session:
            found = await instruments.find(session, ids=[(tenant_id, instrument_id)])
        return tuple(instrument for _, instrument in found)

    async def _by_symbol(self, tenant_id: TenantId, symbol: str) -> tuple[Instrument, ...]:
        async with begin_intake(self._database, [tenant_id]) as session:
            found = await instruments.find(session, symbols=[(tenant_id, symbol)])
        return tuple(instrument for _, instrument in found)


class InstrumentMemory:
    """The instruments that an account trades, as they were at most MEMORY_S ago."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: dict[tuple[TenantId, InstrumentId], tuple[float, Instrument]] = {}

    async def by_ids(
        self, session: BatchSession, tenant_id: TenantId, ids: Iterable[InstrumentId]
    ) -> dict[InstrumentId, Instrument]:
        """The instruments of these ids; those that are not remembered are read in one statement."""
        now = self._monotonic()
        found: dict[InstrumentId, Instrument] = {}
        missing: list[tuple[TenantId, InstrumentId]] = []
        for instrument_id in ids:
            known = self._known.get((tenant_id, instrument_id))
            if known is not None and now - known[0] < MEMORY_S:
                found[instrument_id] = known[1]
            else:
                missing.append((tenant_id, instrument_id))
        if missing:
            if len(self._known) > MEMORY_MAX:
                self._known.clear()
            for _, instrument in await instruments.find(session, ids=missing):
                self._known[tenant_id, instrument.id] = (now, instrument)
                found[instrument.id] = instrument
        return found
