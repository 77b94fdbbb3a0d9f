"""The way up, the way down, and the way up again."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from app.infra.migrations import check_drift, downgrade, upgrade
from tests.servers import of_database

_SHAPE = """
  SELECT table_name::text, column_name::text, data_type::text, is_nullable::text FROM information_schema.columns
  WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2
"""
_WALLS = "SELECT tablename::text, policyname::text, roles::text, qual, with_check FROM pg_policies ORDER BY 1, 2"


@pytest.fixture
async def empty_database_url(postgres_url: str) -> AsyncIterator[str]:
    """A database without a table, gone after the test."""
    name = f"oms_test_revisions_{uuid4().hex[:8]}"
    server = await asyncpg.connect(of_database(postgres_url, "postgres"))
    await server.execute(f'CREATE DATABASE "{name}"')
    try:
        yield of_database(postgres_url, name)
    finally:
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await server.close()


async def _read(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_up_down_and_up_again_is_the_same_database(empty_database_url: str) -> None:
    url = empty_database_url

    await asyncio.to_thread(upgrade, url)
    shape, walls = await _read(url, _SHAPE), await _read(url, _WALLS)
    await asyncio.to_thread(downgrade, url, "base")
    below = await _read(url, _SHAPE)
    await asyncio.to_thread(upgrade, url)

    assert len(shape) > 100
    assert below == []
    assert await _read(url, _SHAPE) == shape
    assert await _read(url, _WALLS) == walls
    await asyncio.to_thread(check_drift, url)


async def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    await asyncio.to_thread(upgrade, empty_database_url)
    shape = await _read(empty_database_url, _SHAPE)

    await asyncio.to_thread(upgrade, empty_database_url)

    assert await _read(empty_database_url, _SHAPE) == shape


async def test_of_accounts_that_shared_a_client_id_the_oldest_keeps_it(empty_database_url: str) -> None:
    url = empty_database_url
    await asyncio.to_thread(upgrade, url, "0008")
    owner = await asyncpg.connect(url)
    # Host, port and client id; the fourth is in the way of the first one's market data.
    ways = [("GW", 4002, 7), ("gw", 4002, 7), ("gw", 4001, 7), ("gw", 4002, 1007)]
    accounts = []
    for age, (host, port, client_id) in enumerate(reversed(ways)):
        tenant_id, account_id = uuid4(), uuid4()
        accounts.append(account_id)
        await owner.execute(
            """
            INSERT INTO tenants (id, name, slug, settings, is_active, created_at)
            VALUES ($1, 'Test', $2, '{}', true, now())
            """,
            tenant_id,
            tenant_id.hex,
        )
        await owner.execute(
            """
            INSERT INTO broker_accounts (tenant_id, id, broker, account_number, account_type, base_currency, host, port,
              client_id, is_active, is_paper, created_at)
            VALUES ($1, $2, 'INTERACTIVE_BROKERS', 'DU1', 'MARGIN', 'USD', $3, $4, $5, true, true,
              now() - make_interval(days => $6))
            """,
            tenant_id,
            account_id,
            host,
            port,
            client_id,
            age,
        )
    await owner.close()

    await asyncio.to_thread(upgrade, url)

    shadowed, plain, second, first = accounts
    seats = await _read(url, "SELECT host, port, client_id, account_id FROM gateway_seats ORDER BY 1, 2, 3")
    assert seats == [
        ("gw", 4001, 7, plain),
        ("gw", 4001, 1007, plain),
        ("gw", 4002, 7, first),
        ("gw", 4002, 1007, first),
        ("gw", 4002, 2007, shadowed),
    ]
    assert second not in {seat[3] for seat in seats}
    wanted = await _read(url, "SELECT DISTINCT is_connection_wanted FROM broker_accounts")
    assert wanted == [(True,)]
