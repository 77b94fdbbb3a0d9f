"""quote, quotes: the newest known values, from Redis, and how the lines stand that they come over."""

import contextlib
from collections.abc import Sequence

from app.core.errors import UnavailableError
from app.core.ids import InstrumentId
from app.core.messages import Tick
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.redis import REDIS_LOST
from app.marketdata import service as marketdata
from app.marketdata.lines import LineStatus


async def read_quotes(
    desk: Desk, principal: Principal, instrument_ids: Sequence[InstrumentId]
) -> dict[InstrumentId, Tick]:
    """The newest tick of each of these instruments that has one. Raises UnavailableError when Redis is away."""
    try:
        return await marketdata.read_quotes(desk.redis, principal.tenant_id, list(instrument_ids))
    except REDIS_LOST as error:
        raise UnavailableError("market data is not available at the moment") from error


async def read_lines(
    desk: Desk, principal: Principal, instrument_ids: Sequence[InstrumentId]
) -> dict[InstrumentId, LineStatus]:
    """How the line of each of these instruments stands. Raises UnavailableError when Redis is away."""
    try:
        return await marketdata.read_lines(desk.redis, principal.tenant_id, list(instrument_ids))
    except REDIS_LOST as error:
        raise UnavailableError("market data is not available at the moment") from error


async def want_markets(desk: Desk, principal: Principal, instrument_ids: Sequence[InstrumentId]) -> None:
    """Note that somebody reads these markets, so that a line is held for them; without Redis it goes unnoted."""
    with contextlib.suppress(*REDIS_LOST):
        await marketdata.want(desk.redis, principal.tenant_id, instrument_ids, desk.clock.now())
