"""`oms secrets rotate`: data keys under a new master key, or secrets under new data keys, tenant by tenant."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from app.audit import keys_batch
from app.brokers import credentials
from app.core.clock import Clock
from app.core.ids import TenantId
from app.infra.db import Database
from app.infra.uow import begin_batch, begin_system
from app.infra.vault import Vault
from app.tenants import batch as tenants

PERSON_KEYS: Final = 500


@dataclass(slots=True, kw_only=True)
class Rotation:
    """What a rotation did: over how many tenants, and how many keys and secrets it changed."""

    tenants: int = 0
    rewrapped_keys: int = 0
    new_keys: int = 0
    resealed_secrets: int = 0


@dataclass(slots=True, kw_only=True)
class KeysInUse:
    """How many data keys each version of the master key wraps; missing are versions that are not in OMS_MASTER_KEY."""

    current: str
    by_master_version: dict[str, int] = field(default_factory=dict)
    missing: Sequence[str] = ()


async def rotate_master_key(database: Database, system_database: Database, vault: Vault) -> Rotation:
    """Wraps every data key by the current master key. Interrupted, it goes on where it was when it is run again.

    Raises SecretUnreadableError where an older master key that is still needed is not here.
    """
    done = Rotation()
    for tenant_id in await _all_tenants(system_database):
        async with begin_batch(database, tenant_id) as session:
            done.rewrapped_keys += await credentials.rewrap_keys(session, vault, tenant_id)
        done.rewrapped_keys += await _rewrap_person_keys(database, vault, tenant_id)
        done.tenants += 1
    return done


async def rotate_data_keys(
    database: Database, system_database: Database, vault: Vault, clock: Clock, only: TenantId | None = None
) -> Rotation:
    """Gives each tenant that has secrets a new data key and seals them under it; the older keys go.

    Interrupted, it goes on where it was when it is run again: secrets stay readable at every instant. Raises
    SecretUnreadableError.
    """
    done = Rotation()
    for tenant_id in await _all_tenants(system_database) if only is None else [only]:
        async with begin_batch(database, tenant_id) as session:
            done.new_keys += await credentials.begin_new_key(session, vault, tenant_id, clock.now())
        while True:
            async with begin_batch(database, tenant_id) as session:
                resealed = await credentials.reseal_some(session, vault, tenant_id)
            done.resealed_secrets += resealed
            if not resealed:
                break
        done.tenants += 1
    return done


async def keys_in_use(database: Database, system_database: Database, vault: Vault) -> KeysInUse:
    """Which versions of the master key are needed."""
    found = KeysInUse(current=vault.current)
    for tenant_id in await _all_tenants(system_database):
        async with begin_batch(database, tenant_id) as session:
            for key in await tenants.keys(session, tenant_id):
                version = key.wrapped.master_version
                found.by_master_version[version] = found.by_master_version.get(version, 0) + 1
            for version, count in (await keys_batch.versions(session, tenant_id)).items():
                found.by_master_version[version] = found.by_master_version.get(version, 0) + count
    found.missing = sorted(found.by_master_version.keys() - set(vault.versions))
    return found


async def _rewrap_person_keys(database: Database, vault: Vault, tenant_id: TenantId) -> int:
    rewrapped, after = 0, UUID(int=0)
    while True:
        async with begin_batch(database, tenant_id) as session:
            keys = await keys_batch.all_keys(session, tenant_id, after, PERSON_KEYS)
            old = [key for key in keys if key.wrapped.master_version != vault.current]
            if old:
                await keys_batch.rewrap(
                    session, [replace(key, wrapped=vault.rewrap(key.wrapped, key.purpose)) for key in old]
                )
        rewrapped += len(old)
        if len(keys) < PERSON_KEYS:
            return rewrapped
        after = keys[-1].id


async def _all_tenants(system_database: Database) -> list[TenantId]:
    async with begin_system(system_database) as session:
        return await tenants.all_ids(session)
