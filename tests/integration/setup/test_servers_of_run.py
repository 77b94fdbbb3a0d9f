"""The fixtures that every other test stands on."""

import asyncpg
from redis.asyncio import Redis


async def test_the_workers_database_is_migrated_and_its_own(database_url: str, worker_name: str) -> None:
    connection = await asyncpg.connect(database_url)

    revision = await connection.fetchval("select version_num from alembic_version")
    name = await connection.fetchval("select current_database()")
    await connection.close()

    assert revision
    assert name.endswith(f"_{worker_name}")


async def test_redis_answers_under_the_workers_prefix(redis_url: str, redis_prefix: str, worker_name: str) -> None:
    async with Redis.from_url(redis_url) as client:
        await client.set(f"{redis_prefix}word", "kept")
        answer = await client.get(f"{redis_prefix}word")

    assert answer == b"kept"
    assert worker_name in redis_prefix
