"""`oms secrets rotate`: data keys under a new master key, or secrets under new data keys."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from app.audit import keys_batch
from app.brokers import credentials
from app.core.clock import Clock
from app.core.ids import TenantId, UserId
from app.identity import batch as identity
from app.identity.two_factor import keys
from app.infra.db import Database
from app.infra.uow import Scope, begin, begin_batch, begin_system, reading
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
        for user_id in await _people(database, tenant_id):
            async with begin(database, Scope(user_id=user_id)) as writing:
                done.rewrapped_keys += await keys.rewrap(writing, vault, user_id)
        done.rewrapped_keys += await _rewrap_person_keys(database, vault, tenant_id)
        done.tenants += 1
    return done


async def rotate_data_keys(
    database: Database, system_database: Database, vault: Vault, clock: Clock, only: TenantId | None = None
) -> Rotation:
    """Gives each tenant and person that has secrets a new data key and seals them under it; the older keys go.

    Interrupted, it goes on where it was when it is run again: secrets stay readable at every instant. Raises
    SecretUnreadableError.
    """
    done = Rotation()
    resealed_people: set[UserId] = set()
    for tenant_id in await _all_tenants(system_database) if only is None else [only]:
        for user_id in await _people(database, tenant_id):
            if user_id not in resealed_people:
                resealed_people.add(user_id)
                async with begin(database, Scope(user_id=user_id)) as writing:
                    is_resealed = await keys.reseal(writing, vault, user_id)
                done.new_keys += is_resealed
                done.resealed_secrets += is_resealed
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
    people: dict[UserId, str | None] = {}
    versions: Counter[str] = Counter()
    for tenant_id in await _all_tenants(system_database):
        async with begin_batch(database, tenant_id) as session:
            versions.update(key.wrapped.master_version for key in await tenants.keys(session, tenant_id))
            versions.update(await keys_batch.versions(session, tenant_id))
        for user_id in await _people(database, tenant_id):
            async with reading(database, Scope(user_id=user_id)) as looking:
                people[user_id] = await keys.master_version(looking, user_id)
    versions.update(version for version in people.values() if version is not None)
    found.by_master_version = dict(versions)
    found.missing = sorted(found.by_master_version.keys() - set(vault.versions))
    return found


async def _people(database: Database, tenant_id: TenantId) -> list[UserId]:
    async with begin_batch(database, tenant_id) as session:
        return await identity.people_with_second_factor(session, tenant_id)


async def _rewrap_person_keys(database: Database, vault: Vault, tenant_id: TenantId) -> int:
    rewrapped, after = 0, UUID(int=0)
    while True:
        async with begin_batch(database, tenant_id) as session:
            person_keys = await keys_batch.all_keys(session, tenant_id, after, PERSON_KEYS)
            old = [key for key in person_keys if key.wrapped.master_version != vault.current]
            if old:
                await keys_batch.rewrap(
                    session, [replace(key, wrapped=vault.rewrap(key.wrapped, key.purpose)) for key in old]
                )
        rewrapped += len(old)
        if len(person_keys) < PERSON_KEYS:
            return rewrapped
        after = person_keys[-1].id


async def _all_tenants(system_database: Database) -> list[TenantId]:
    async with begin_system(system_database) as session:
        return await tenants.all_ids(session)
