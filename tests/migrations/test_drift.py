"""Models and migrations say the same."""

import asyncio

from app.infra.migrations import check_drift


async def test_the_migrated_database_is_what_the_models_describe(database_url: str) -> None:
    await asyncio.to_thread(check_drift, database_url)
