"""What the connector's integration tests share: real PostgreSQL and Redis, a tenant with an account, a simulator."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal

import asyncpg
import pytest

from app.brokers.domain import BrokerAccount
from app.core.catalogue import CATALOGUE
from app.core.fix import BrokerKind
from app.core.ids import AccountId, InstrumentId, TenantId
from app.infra.db import Database, DatabaseRole
from app.infra.redis import Redis, open_redis
from app.infra.system import SystemClock, SystemIds
from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.brokers.conftest import ACCOUNT
from tests.contract.simulator.raw import RawClients


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator whose market stands still: AAPL at 187.40 to 187.42, 1,000 on either side. History is paced."""
    running = Simulator(SimulatorConfig(port=0, is_history_paced=True))
    await running.start()
    running.pause_market()
    running.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"))
    yield running
    await running.stop()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database as a tenant's processes see it."""
    opened = Database(database_url, DatabaseRole.APP, size=4)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def redis(redis_url: str, redis_prefix: str) -> AsyncIterator[Redis]:
    """Redis under the prefix of this worker."""
    opened = await open_redis(redis_url, redis_prefix)
    yield opened
    await opened.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A tenant with one account at the simulator and the catalogue's instruments."""

    tenant_id: TenantId
    account: BrokerAccount
    instruments: dict[str, InstrumentId]


@pytest.fixture
async def house(database_url: str, simulator: Simulator) -> AsyncIterator[House]:
    """A house of its own for a test, whose account is the only one that a connector finds to be connected."""
    ids, now = SystemIds(), SystemClock().now()
    tenant_id, account_id = TenantId(ids.new()), AccountId(ids.new())
    account = BrokerAccount(
        tenant_id=tenant_id,
        id=account_id,
        broker=BrokerKind.INTERACTIVE_BROKERS,
        account_number=ACCOUNT,
        base_currency="USD",
        host="127.0.0.1",
        port=simulator.port,
        client_id=7,
        is_paper=True,
    )
    instruments = {entry.symbol: InstrumentId(ids.new()) for entry in CATALOGUE}
    owner = await asyncpg.connect(database_url)
    await owner.execute("UPDATE broker_accounts SET is_active = false WHERE is_active")
    await owner.execute(
        "INSERT INTO tenants (id, name, slug, settings, is_active, created_at) VALUES ($1, 'Test', $2, '{}', true, $3)",
        tenant_id,
        f"t{tenant_id.hex}",
        now,
    )
    await owner.execute(
        """
        INSERT INTO broker_accounts (tenant_id, id, broker, account_number, account_type, base_currency, host, port,
          client_id, is_active, is_paper, created_at)
        VALUES ($1, $2, 'INTERACTIVE_BROKERS', $3, 'MARGIN', 'USD', '127.0.0.1', $4, 7, true, true, $5)
        """,
        tenant_id,
        account_id,
        ACCOUNT,
        simulator.port,
        now,
    )
    await owner.execute("INSERT INTO account_books VALUES ($1, $2, 0, 0)", tenant_id, account_id)
    await owner.executemany(
        """
        INSERT INTO instruments (tenant_id, id, symbol, name, exchange, currency, instrument_type, multiplier,
          tick_size, lot_size, broker_contract_id, contract_details, is_active, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '{}', true, $12)
        """,
        [
            (
                tenant_id,
                instruments[entry.symbol],
                entry.symbol,
                entry.name,
                entry.exchange,
                entry.currency,
                entry.instrument_type,
                entry.multiplier,
                entry.tick_size,
                entry.lot_size,
                str(entry.con_id),
                now,
            )
            for entry in CATALOGUE
        ],
    )
    yield House(tenant_id=tenant_id, account=account, instruments=instruments)
    await owner.execute("UPDATE broker_accounts SET is_active = false WHERE tenant_id = $1", tenant_id)
    await owner.close()


@pytest.fixture
async def raw() -> AsyncIterator[RawClients]:
    """Clients of the bare wire, beside the connector."""
    clients = RawClients()
    yield clients
    await clients.close()
