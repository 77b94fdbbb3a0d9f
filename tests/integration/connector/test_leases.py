"""One connector for an account: leases, their generations, and what an older generation may no longer do."""

from decimal import Decimal

import pytest

from app.brokers import repository as brokers
from app.brokers.domain import ConnectionStatus, Lease
from app.brokers.errors import LeaseLostError
from app.connector.store import AccountStore
from app.core.fix import ConnectionState
from app.core.messages import AccountValues
from app.flows.marketdata.watch_markets import watch_list
from app.infra.db import Database, DatabaseRole
from app.infra.redis import Redis
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import begin_batch, begin_system
from tests.integration.connector.conftest import House

EXPIRED_S = -1.0
LONG_S = 60.0


async def take(database: Database, house: House, holder: str, duration_s: float) -> Lease | None:
    async with begin_batch(database, house.tenant_id) as session:
        return await brokers.take_lease(session, house.tenant_id, house.account.id, holder, duration_s)


def store_of(database: Database, redis: Redis, house: House, lease: Lease) -> AccountStore:
    return AccountStore(
        database=database, redis=redis, account=house.account, lease=lease, clock=SystemClock(), ids=SystemIds()
    )


async def test_a_held_account_is_not_given_twice(database: Database, house: House) -> None:
    first = await take(database, house, "first", LONG_S)
    second = await take(database, house, "second", LONG_S)

    assert first is not None
    assert first.generation == 1
    assert second is None


async def test_a_lease_given_back_is_free_at_once_under_a_new_generation(database: Database, house: House) -> None:
    first = await take(database, house, "first", LONG_S)
    assert first is not None

    async with begin_batch(database, house.tenant_id) as session:
        await brokers.give_lease(session, first)
    second = await take(database, house, "second", LONG_S)

    assert second is not None
    assert second.generation == 2


async def test_a_lease_that_ran_out_is_not_renewed_and_its_holder_writes_nothing_more(
    database: Database, redis: Redis, house: House
) -> None:
    first = await take(database, house, "first", EXPIRED_S)
    second = await take(database, house, "second", LONG_S)
    assert first is not None
    assert second is not None
    old, new = store_of(database, redis, house, first), store_of(database, redis, house, second)

    async with begin_batch(database, house.tenant_id) as session:
        is_renewed = await brokers.renew_lease(session, first, LONG_S)
    with pytest.raises(LeaseLostError):
        await old.show(ConnectionStatus(state=ConnectionState.CONNECTED, is_gate_open=True))
    with pytest.raises(LeaseLostError):
        await old.raise_next_order_id(1_000)

    assert not is_renewed
    assert await new.raise_next_order_id(1) == 1


async def test_order_ids_never_go_back(database: Database, redis: Redis, house: House) -> None:
    lease = await take(database, house, "one", LONG_S)
    assert lease is not None
    store = store_of(database, redis, house, lease)

    raised = [await store.raise_next_order_id(at_least) for at_least in (1, 500, 7)]

    assert raised == [1, 500, 500]


async def test_figures_that_the_broker_did_not_tell_stay(database: Database, redis: Redis, house: House) -> None:
    lease = await take(database, house, "one", LONG_S)
    assert lease is not None
    store = store_of(database, redis, house, lease)

    await store.save_values(AccountValues(cash=Decimal("1000.25"), equity=Decimal(2_000)))
    await store.save_values(AccountValues(equity=Decimal(2_100)))

    async with begin_batch(database, house.tenant_id) as session:
        [row] = await session.fetch("SELECT cash, equity, buying_power FROM account_balances")
    assert (row["cash"], row["equity"], row["buying_power"]) == (Decimal("1000.25"), Decimal(2_100), Decimal(0))


async def test_the_system_role_lists_the_accounts_of_all_tenants(database_url: str, house: House) -> None:
    system = Database(database_url, DatabaseRole.SYSTEM, size=1)
    await system.open()

    async with begin_system(system) as session:
        accounts = await brokers.active_accounts(session, 1_000)
    await system.close()

    assert house.account in accounts


async def test_watched_are_the_instruments_that_the_broker_knows(
    database: Database, redis: Redis, house: House
) -> None:
    watched = await watch_list(database, redis, house.tenant_id, SystemClock().now(), 100)

    assert {contract.symbol: contract.instrument_id for contract in watched.contracts} == house.instruments
    assert watched.left_out == ()
