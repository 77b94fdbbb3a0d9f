"""bars, ticks, quoteSnapshot: the past of a market, and its present without a line held for it.

Bars are kept per tenant: what a broker tells is for whom it is entitled to it.
"""

from datetime import datetime
from typing import Final

from app.brokers.inquiries import AskBars, AskTicks, Bars, MarketSnapshot, PastTick, PastTicks, TakeSnapshot
from app.core.bars import Bar
from app.core.errors import InputError, UnavailableError
from app.core.fix import BarInterval
from app.core.messages import Instrument, Tick
from app.flows.brokers.inquire import inquire
from app.flows.desk import Desk
from app.flows.orders.claim_orders import contract_of
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST
from app.infra.uow import begin_batch
from app.instruments import service as instruments
from app.instruments.errors import ContractMissingError
from app.marketdata import bars_batch
from app.marketdata.bars import BARS_MAX, TimeRange, length_of, missing, pieces, settled, widened
from app.marketdata.errors import HistoryTooLongError

HISTORY_WITHIN_S: Final = 35.0
"""Longer than a connector waits for its pace and for the broker together."""

TICKS_MAX: Final = 1_000


async def read_bars(
    desk: Desk, principal: Principal, symbol: str, interval: BarInterval, start: datetime, end: datetime
) -> list[Bar]:
    """The bars that begin from start on and before end, as far as there are any yet; the newest may not be whole.

    The broker is asked for what is not kept, and what will not change any more is kept. Raises InputError for a range
    that is none, HistoryTooLongError, InstrumentUnknownError, InstrumentSeveralError, ContractMissingError, what
    `inquire` raises, HistoryPacedError among it, and UnavailableError when the database does not answer.
    """
    if start >= end:
        raise InputError("The end lies after the start.", path=["end"])
    if (end - start) / length_of(interval) > BARS_MAX:
        raise HistoryTooLongError(BARS_MAX)
    instrument, now = await _dealt(desk, principal, symbol, None), desk.clock.now()
    if start >= now:
        return []
    asked = widened(TimeRange(start=start, end=end), interval)
    told = TimeRange(start=asked.start, end=min(asked.end, now.replace(microsecond=0)))
    if told.start >= told.end:
        return []
    try:
        async with begin_batch(desk.database, principal.tenant_id) as session:
            key = (principal.tenant_id, instrument.id, interval)
            ranges = await bars_batch.kept_ranges(session, *key, told)
            kept = await bars_batch.kept_bars(session, *key, told)
    except CONNECTION_LOST as error:
        raise UnavailableError("bars cannot be read at the moment") from error
    absent = missing(told, ranges)
    # Where a stretch is not wholly kept, its bars are told anew.
    found = {bar.time: bar for bar in kept if not any(one.start <= bar.time < one.end for one in absent)}
    for piece in pieces(absent, interval):
        for bar in await _ask(desk, principal, instrument, interval, piece):
            found[bar.time] = bar
    return [found[time] for time in sorted(found)]


async def read_ticks(
    desk: Desk, principal: Principal, symbol: str, *, after: datetime | None, before: datetime | None, count: int
) -> list[Tick]:
    """Trades of the past, or quotes of what has none: the first after an instant, else the last before another.

    Raises InputError with the path, and what read_bars raises.
    """
    if not 1 <= count <= TICKS_MAX:
        raise InputError(f"needs 1 to {TICKS_MAX}", path=["first"])
    if after is not None and before is not None and after >= before:
        raise InputError("The end lies after the start.", path=["before"])
    instrument = await _dealt(desk, principal, symbol, None)
    asked = AskTicks(
        contract=contract_of(instrument),
        start=after,
        end=before if after is not None else before or desk.clock.now(),
        count=count,
    )
    found = await inquire(desk, principal, asked, PastTicks, within_s=HISTORY_WITHIN_S)
    return [_tick(instrument, one) for one in found.ticks]


async def take_snapshot(desk: Desk, principal: Principal, symbol: str, exchange: str | None) -> tuple[Instrument, Tick]:
    """The market at this moment, asked of the broker; no line is held for it. Raises what read_bars raises."""
    instrument = await _dealt(desk, principal, symbol, exchange)
    shown = await inquire(desk, principal, TakeSnapshot(contract=contract_of(instrument)), MarketSnapshot)
    tick = Tick(
        instrument_id=instrument.id,
        symbol=instrument.symbol,
        bid=shown.bid,
        bid_size=shown.bid_size,
        ask=shown.ask,
        ask_size=shown.ask_size,
        last=shown.last,
        last_size=shown.last_size,
        volume=shown.volume,
        high=shown.high,
        low=shown.low,
        previous_close=shown.previous_close,
        time=shown.time,
    )
    return instrument, tick


async def _dealt(desk: Desk, principal: Principal, symbol: str, exchange: str | None) -> Instrument:
    async with desk.reading(principal) as session:
        instrument = await instruments.named(session, principal.tenant_id, symbol, exchange)
    if instrument.contract_id is None:
        raise ContractMissingError("symbol")
    return instrument


async def _ask(
    desk: Desk, principal: Principal, instrument: Instrument, interval: BarInterval, piece: TimeRange
) -> list[Bar]:
    asked = AskBars(contract=contract_of(instrument), interval=interval, start=piece.start, end=piece.end)
    told = await inquire(desk, principal, asked, Bars, within_s=HISTORY_WITHIN_S)
    kept = settled(told.bars, piece, told.whole_until, interval)
    if kept is not None:
        try:
            async with begin_batch(desk.database, principal.tenant_id) as session:
                await bars_batch.keep(session, principal.tenant_id, instrument.id, interval, kept.span, kept.bars)
        except CONNECTION_LOST as error:
            raise UnavailableError("bars cannot be kept at the moment") from error
    return list(told.bars)


def _tick(instrument: Instrument, one: PastTick) -> Tick:
    return Tick(
        instrument_id=instrument.id,
        symbol=instrument.symbol,
        bid=one.bid,
        bid_size=one.bid_size,
        ask=one.ask,
        ask_size=one.ask_size,
        last=one.last,
        last_size=one.last_size,
        time=one.time,
    )
