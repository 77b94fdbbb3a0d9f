"""Exchange rates from the quotes of currency pairs, kept so that they outlive Redis, and read for showing amounts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from app.core.fx import FxRate, FxRates
from app.core.ids import InstrumentId, TenantId
from app.core.messages import Instrument, Tick
from app.identity.domain import Principal
from app.infra.db import Database
from app.infra.redis import Redis
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata import batch as marketdata_batch
from app.marketdata import service as marketdata
from app.marketdata.domain import mark_price

PAIRS_MAX = 200


class RateSource(Protocol):
    """Where rates are read from: what is stored, and the quotes."""

    @property
    def database(self) -> Database:
        """The tenant's database."""
        ...

    @property
    def redis(self) -> Redis:
        """The quotes."""
        ...


async def keep_rates(database: Database, redis: Redis, tenant_id: TenantId, now: datetime) -> FxRates:
    """Stores what the quotes of the tenant's currency pairs say, and answers all rates that are known.

    Without Redis nothing is stored, and the last known rates are the answer.
    """
    async with begin_batch(database, tenant_id) as session:
        pairs = await instruments.currency_pairs(session, tenant_id, PAIRS_MAX)
        known = await marketdata_batch.known_rates(session, tenant_id)
    quoted = await _quoted(redis, tenant_id, pairs)
    rates = FxRates([*known, *quoted])
    held = {(one.base, one.quote): one.at for one in known}
    news = [one for one in quoted if held.get((one.base, one.quote)) != one.at]
    if news:
        async with begin_batch(database, tenant_id) as session:
            await marketdata_batch.keep_rates(session, tenant_id, news, now)
    return rates


async def rates_now(desk: RateSource, principal: Principal) -> FxRates:
    """The rates that are known: of quotes in Redis and of those last stored the newer ones."""
    async with begin_batch(desk.database, principal.tenant_id) as session:
        pairs = await instruments.currency_pairs(session, principal.tenant_id, PAIRS_MAX)
        known = await marketdata_batch.known_rates(session, principal.tenant_id)
    return FxRates([*known, *await _quoted(desk.redis, principal.tenant_id, pairs)])


def rates_of(pairs: Iterable[Instrument], quotes: Mapping[InstrumentId, Tick]) -> list[FxRate]:
    """What the quotes of currency pairs say: the middle of bid and ask, else the last price."""
    found = []
    for pair in pairs:
        tick = quotes.get(pair.id)
        price = None if tick is None else mark_price(tick, prefers_middle=True)
        if tick is not None and price is not None and price > 0:
            found.append(FxRate(base=pair.symbol.split(".")[0], quote=pair.currency, rate=price, at=tick.time))
    return found


async def _quoted(redis: Redis, tenant_id: TenantId, pairs: Sequence[Instrument]) -> list[FxRate]:
    return rates_of(pairs, await marketdata.reachable_quotes(redis, tenant_id, [pair.id for pair in pairs]))
