"""Which instrument an order means: a short-lived memory in front of the table, outside any order's transaction."""

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Instrument, NewOrder
from app.infra.db import Database
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
