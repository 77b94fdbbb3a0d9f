"""`oms secrets`: making a master key, seeing which are needed, and rotating what seals brokers' credentials."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

from app.flows.identity.rotate_secrets import KeysInUse, Rotation, keys_in_use, rotate_data_keys, rotate_master_key
from app.infra.db import Database, DatabaseRole
from app.infra.local_secrets import with_own_master_key
from app.infra.reach import reachable_postgres
from app.infra.settings import load_settings
from app.infra.system import SystemClock
from app.infra.vault import Vault, new_master_key

AnswerT = TypeVar("AnswerT")


def generate(version: str) -> None:
    """Print a new entry of OMS_MASTER_KEY: put it before the others.

    Raises: MasterKeyError for a version that is none.
    """
    entry = f"{version}:{new_master_key()}"
    Vault.of(entry)
    print(entry)


def show(*, as_json: bool) -> None:
    """Print which versions of the master key wrap data keys.

    Raises: UnavailableError when the database does not answer.
    """
    found: KeysInUse = asyncio.run(_with_databases(keys_in_use))
    if as_json:
        print(json.dumps(asdict(found)))
        return
    print(f"the current master key is version {found.current}")
    for version, count in sorted(found.by_master_version.items()):
        missing = "  MISSING from OMS_MASTER_KEY" if version in found.missing else ""
        print(f"version {version} wraps {count} data keys{missing}")


def rotate(*, has_data_keys: bool, as_json: bool) -> None:
    """Wrap all data keys by the current master key, or seal all secrets under new data keys.

    Raises: UnavailableError when the database does not answer, SecretUnreadableError when a key that is still needed
    is not in OMS_MASTER_KEY.
    """

    async def data_keys(database: Database, system_database: Database, vault: Vault) -> Rotation:
        return await rotate_data_keys(database, system_database, vault, SystemClock())

    done: Rotation = asyncio.run(_with_databases(data_keys if has_data_keys else rotate_master_key))
    if as_json:
        print(json.dumps(asdict(done)))
    elif has_data_keys:
        print(f"{done.tenants} tenants: {done.new_keys} new data keys, {done.resealed_secrets} secrets sealed anew")
    else:
        print(f"{done.tenants} tenants: {done.rewrapped_keys} data keys wrapped anew")


async def _with_databases(work: Callable[[Database, Database, Vault], Awaitable[AnswerT]]) -> AnswerT:
    settings = with_own_master_key(load_settings())
    url = await reachable_postgres(settings)
    database = Database(url, DatabaseRole.APP, size=1)
    system_database = Database(url, DatabaseRole.SYSTEM, size=1)
    try:
        for one in (database, system_database):
            await one.open()
        return await work(database, system_database, Vault.of(settings.master_key.get_secret_value()))
    finally:
        await database.close()
        await system_database.close()
