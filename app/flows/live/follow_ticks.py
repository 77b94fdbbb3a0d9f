"""Live ticks: a snapshot, then the newest tick of each instrument that changed in the window."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.errors import InputError
from app.core.ids import InstrumentId, TenantId
from app.core.messages import Tick
from app.flows.desk import Desk
from app.flows.live.live_table import HEARTBEAT_S, BatchKind
from app.identity.domain import Principal
from app.infra.bus import Gap, Stream
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.instruments.errors import InstrumentUnknownError
from app.marketdata import service as marketdata
from app.marketdata.domain import decode_ticks, ticks_channel

THROTTLE_MS_MIN = 10
THROTTLE_MS_MAX = 60_000
SYMBOLS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class TickUpdate:
    """One batch: numbered from 1, the newest tick of each instrument that changed."""

    kind: BatchKind
    sequence: int
    server_time: datetime
    ticks: tuple[Tick, ...] = ()


async def follow_ticks(
    desk: Desk, principal: Principal, symbols: Sequence[str], throttle_ms: int
) -> AsyncIterator[TickUpdate]:
    """SNAPSHOT, then DELTAs at most every throttle_ms, a HEARTBEAT after five quiet seconds, RESET after a gap.

    Raises InstrumentUnknownError for a symbol that the tenant has not, InputError for a window out of range.
    """
    wanted = await _instruments(desk, principal.tenant_id, symbols)
    if not THROTTLE_MS_MIN <= throttle_ms <= THROTTLE_MS_MAX:
        raise InputError(f"needs {THROTTLE_MS_MIN} to {THROTTLE_MS_MAX}", path=["throttleMs"])
    sequence = 0

    def update(kind: BatchKind, ticks: Sequence[Tick] = ()) -> TickUpdate:
        nonlocal sequence
        sequence += 1
        return TickUpdate(kind=kind, sequence=sequence, server_time=desk.clock.now(), ticks=tuple(ticks))

    async with (
        desk.bus.subscribe(ticks_channel(principal.tenant_id)) as stream,
        desk.markets.hold(principal.tenant_id, sorted(wanted)),
    ):
        yield update(BatchKind.SNAPSHOT, await _snapshot(desk, principal.tenant_id, wanted))
        while True:
            changed, is_gap = await _window(stream, wanted, throttle_ms / 1000)
            if is_gap:
                yield update(BatchKind.RESET)
                yield update(BatchKind.SNAPSHOT, await _snapshot(desk, principal.tenant_id, wanted))
            elif changed:
                yield update(BatchKind.DELTA, list(changed.values()))
            else:
                yield update(BatchKind.HEARTBEAT)


async def _window(
    stream: Stream[bytes], wanted: frozenset[InstrumentId], window_s: float
) -> tuple[dict[InstrumentId, Tick], bool]:
    loop = asyncio.get_running_loop()
    changed: dict[InstrumentId, Tick] = {}
    deadline = loop.time() + HEARTBEAT_S
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                message = await anext(stream)
        except TimeoutError:
            return changed, False
        if isinstance(message, Gap):
            return {}, True
        news = {tick.instrument_id: tick for tick in decode_ticks(message) if tick.instrument_id in wanted}
        if news and not changed:
            deadline = loop.time() + window_s
        changed |= news


async def _instruments(desk: Desk, tenant_id: TenantId, symbols: Sequence[str]) -> frozenset[InstrumentId]:
    if not 0 < len(symbols) <= SYMBOLS_MAX:
        raise InputError(f"needs 1 to {SYMBOLS_MAX} symbols", path=["symbols"])
    for place, symbol in enumerate(symbols):
        if "\x00" in symbol:
            raise InstrumentUnknownError(symbol, "symbols", str(place))
    async with begin_batch(desk.database, tenant_id) as session:
        found = await instruments.find(session, symbols=[(tenant_id, symbol) for symbol in symbols])
    known = {instrument.symbol for _, instrument in found}
    for place, symbol in enumerate(symbols):
        if symbol not in known:
            raise InstrumentUnknownError(symbol, "symbols", str(place))
    return frozenset(instrument.id for _, instrument in found)


async def _snapshot(desk: Desk, tenant_id: TenantId, wanted: frozenset[InstrumentId]) -> list[Tick]:
    return list((await marketdata.reachable_quotes(desk.redis, tenant_id, sorted(wanted))).values())
