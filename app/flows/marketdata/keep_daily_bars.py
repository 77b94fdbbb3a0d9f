"""Daily bars of what a tenant holds, fetched ahead: risk figures stand on a past that nobody has to ask for first."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from app.brokers.errors import HistoryPacedError, InquiryRefusedError
from app.brokers.inquiries import AskBars, Bars, Inquired
from app.core.fix import BarInterval
from app.core.ids import InstrumentId, TenantId
from app.core.messages import Instrument
from app.flows.orders.claim_orders import contract_of
from app.flows.positions.fx_rates import PAIRS_MAX
from app.infra.db import BatchSession, Database
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata import bars_batch
from app.marketdata.bars import TimeRange, floor, missing, pieces, settled, settled_until
from app.positions import holdings_batch

log = logging.getLogger(__name__)

KEPT_FOR: Final = timedelta(days=3 * 365)
HELD_MAX: Final = 2_000
ASKED_AT_ONCE: Final = 10
REFUSED_FOR: Final = timedelta(hours=12)


class DailyBars:
    """Keeps the daily bars of a tenant's instruments up to date. What a broker refuses is left alone for a while."""

    def __init__(self, database: Database, tenant_id: TenantId) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._refused: dict[InstrumentId, datetime] = {}

    @staticmethod
    def wanted(now: datetime) -> TimeRange:
        """The days that are kept."""
        day = BarInterval.DAY_1
        return TimeRange(start=floor(now - KEPT_FOR, day), end=settled_until(now, day))

    async def keep(self, broker: Inquired, now: datetime) -> int:
        """Asks for the days that are missing of what is held, of what options in the book are on, and of currency
        pairs, for some instruments at a time; for how many.

        Stops for now when history is paced. Raises what the broker's session raises, but for a refusal.
        """
        wanted = self.wanted(now)
        self._refused = {one: until for one, until in self._refused.items() if until > now}
        async with begin_batch(self._database, self._tenant_id) as session:
            due = await self._due(session, wanted)
        asked = 0
        for instrument in due:
            try:
                await self._fetch(broker, instrument, wanted)
            except InquiryRefusedError as error:
                self._refused[instrument.id] = now + REFUSED_FOR
                log.info("no daily bars of %s: %s", instrument.symbol, error.message)
            except HistoryPacedError:
                break
            asked += 1
        return asked

    async def _due(self, session: BatchSession, wanted: TimeRange) -> Sequence[Instrument]:
        tenant_id = self._tenant_id
        held = await holdings_batch.held_instruments(session, tenant_id, HELD_MAX)
        pairs = [one.id for one in await instruments.currency_pairs(session, tenant_id, PAIRS_MAX)]
        places = [one for one in (*held, *pairs) if one not in self._refused]
        due = await bars_batch.not_kept(session, tenant_id, BarInterval.DAY_1, places, wanted, ASKED_AT_ONCE)
        found = await instruments.find(session, ids=[(tenant_id, one) for one in due])
        return [instrument for _, instrument in found if instrument.contract_id is not None]

    async def _fetch(self, broker: Inquired, instrument: Instrument, wanted: TimeRange) -> None:
        place = (self._tenant_id, instrument.id, BarInterval.DAY_1)
        async with begin_batch(self._database, self._tenant_id) as session:
            kept = await bars_batch.kept_ranges(session, *place, wanted)
        for piece in pieces(missing(wanted, kept), BarInterval.DAY_1):
            asked = AskBars(
                contract=contract_of(instrument), interval=BarInterval.DAY_1, start=piece.start, end=piece.end
            )
            told = await broker.inquire(asked)
            assert isinstance(told, Bars), "it answers what it was asked"
            whole = settled(told.bars, piece, told.whole_until, asked.interval)
            if whole is None:
                continue
            async with begin_batch(self._database, self._tenant_id) as session:
                await bars_batch.keep(session, *place, whole.span, whole.bars)
