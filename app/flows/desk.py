"""What a process works with: built once at its start, handed to every flow."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.brokers.domain import Gateway
from app.core.clock import Clock
from app.core.ids import Ids
from app.flows.audit.keep_audit import signatures_of
from app.flows.brokers.ask_broker import BrokerDesk
from app.flows.brokers.simulator_desk import SimulatorDesk
from app.flows.identity.door import Door, open_door
from app.flows.identity.operation_rates import OperationLimits, OperationRates
from app.flows.journal.event_feed import EventFeeds
from app.flows.marketdata.hold_markets import MarketHolds
from app.flows.orders.order_intake import OrderIntake
from app.flows.risk.risk_desk import RiskDesk
from app.identity.domain import Principal
from app.infra.bus import Bus
from app.infra.db import Database, DatabaseRole, ReadSession
from app.infra.rates import RateLimiter
from app.infra.redis import Redis, open_redis
from app.infra.settings import Settings
from app.infra.sharing import Sharing
from app.infra.signing import Signatures
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import Scope, reading
from app.infra.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one process has: database, Redis, bus, door, order intake, the way to ask a broker, rate limits, clock,
    ids, what its followers share, and the risk figures of the last second.

    trading_timezone is where a trading day begins at midnight; gateways are those that accounts may be reached
    through, and vault seals their secrets; signatures are those of the audit log's heads; simulator is the bundled
    one, None in production. opened_at is when the process began to serve.
    """

    database: Database
    redis: Redis
    bus: Bus
    door: Door
    intake: OrderIntake
    broker: BrokerDesk
    events: EventFeeds
    markets: MarketHolds
    rates: OperationRates
    tables: Sharing
    risk: RiskDesk
    clock: Clock
    ids: Ids
    trading_timezone: ZoneInfo
    gateways: frozenset[Gateway]
    vault: Vault
    signatures: Signatures
    simulator: SimulatorDesk | None
    opened_at: datetime

    def reading(self, principal: Principal) -> AbstractAsyncContextManager[ReadSession]:
        """One transaction that reads the rows of the principal's tenant, of the accounts that it may see."""
        return reading(self.database, Scope(tenant_id=principal.tenant_id, accounts=principal.viewable))

    def acting(self, principal: Principal) -> AbstractAsyncContextManager[ReadSession]:
        """The same of the accounts that it may trade: what an act begins with, so that others are unknown to it."""
        return reading(self.database, Scope(tenant_id=principal.tenant_id, accounts=principal.tradable))


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """The desk of a process that serves clients, connected; everything is given back when the block ends.

    Raises UnavailableError when PostgreSQL or Redis does not answer.
    """
    assert settings.database_url is not None, "the addresses are known once the servers run"
    assert settings.redis_url is not None, "the addresses are known once the servers run"
    clock, ids = SystemClock(), SystemIds()
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url, DatabaseRole.APP)
        intake_database = Database(settings.database_url, DatabaseRole.INTAKE, size=2, keeps_plans=True)
        for one in (database, intake_database):
            stack.push_async_callback(one.close)
            await one.open()
        if settings.environment != "test":
            await database.check_durability()
        redis = await open_redis(settings.redis_url, settings.redis_prefix)
        stack.push_async_callback(redis.close)
        bus = await stack.enter_async_context(Bus(settings.redis_url, settings.redis_prefix))
        vault = Vault.of(settings.master_key.get_secret_value())
        token_secret = settings.token_secret.get_secret_value()
        door = open_door(
            database,
            token_secret=token_secret,
            vault=vault,
            clock=clock,
            ids=ids,
            previous_token_secrets=settings.previous_token_keys,
            redis=redis,
            is_registration_open=settings.registration == "open",
        )
        stack.callback(door.close)
        await stack.enter_async_context(door.refusals)
        intake = await stack.enter_async_context(OrderIntake(intake_database, database, redis, clock, ids))
        broker = await stack.enter_async_context(BrokerDesk(redis, bus, ids))
        events = await stack.enter_async_context(EventFeeds(bus, database, intake_database))
        markets = await stack.enter_async_context(MarketHolds(redis, clock, ids))
        limiter = await stack.enter_async_context(RateLimiter(redis))
        yield Desk(
            database=database,
            redis=redis,
            bus=bus,
            door=door,
            intake=intake,
            broker=broker,
            events=events,
            markets=markets,
            rates=OperationRates(limiter, OperationLimits.of(settings)),
            tables=Sharing(),
            risk=RiskDesk(),
            clock=clock,
            ids=ids,
            trading_timezone=ZoneInfo(settings.trading_timezone),
            gateways=settings.gateways,
            vault=vault,
            signatures=signatures_of(settings),
            simulator=SimulatorDesk.of(settings),
            opened_at=clock.now(),
        )
