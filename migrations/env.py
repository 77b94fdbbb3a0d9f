"""Alembic's environment: our metadata, one connection, a bounded wait for locks."""

import asyncio
from importlib import import_module
from pathlib import Path

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.infra.tables import metadata

LOCK_TIMEOUT_MS = 5_000

_ROOT = Path(__file__).parents[1]
for model in sorted((_ROOT / "app").rglob("models.py")):
    import_module(".".join(model.relative_to(_ROOT).with_suffix("").parts))


def run(connection: Connection) -> None:
    """Brings the database of the connection to the wanted revision, in one transaction."""
    context.configure(
        connection=connection, target_metadata=metadata, compare_type=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        connection.execute(text(f"SET lock_timeout = {LOCK_TIMEOUT_MS}"))
        context.run_migrations()


async def run_online() -> None:
    """Connects to the address of the configuration and migrates."""
    url = context.config.attributes["database_url"]
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


asyncio.run(run_online())
