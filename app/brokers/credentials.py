"""Credentials of accounts: sealed where they come in, opened by processes of the house alone."""

from collections.abc import Mapping
from datetime import datetime

from app.brokers import credentials_batch as sealed
from app.brokers.credentials_batch import SealedCredential
from app.core.ids import AccountId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession
from app.infra.vault import DataKey, Vault
from app.tenants import batch as tenants
from app.tenants.batch import StoredKey, key_purpose

RESEALED_AT_ONCE = 100


async def change_credentials(
    session: BatchSession, vault: Vault, key: AccountKey, changes: Mapping[str, str | None], now: datetime
) -> None:
    """Seals the secrets of the account by name, in place of those it has; None takes one away."""
    removed = [name for name, secret in changes.items() if secret is None]
    if removed:
        await sealed.remove_credentials(session, key, removed)
    given = {name: secret for name, secret in changes.items() if secret is not None}
    if not given:
        return
    stored, data_key = await _newest(session, vault, key.tenant_id, now)
    await sealed.put_credentials(
        session,
        key.tenant_id,
        [
            _sealed(data_key, key.tenant_id, key.account_id, name, secret, stored.version)
            for name, secret in given.items()
        ],
        now,
    )


async def open_credentials(session: BatchSession, vault: Vault, key: AccountKey) -> dict[str, str]:
    """The secrets of the account by name. Raises SecretUnreadableError."""
    keys = {one.version: vault.data_key(one.wrapped, one.purpose) for one in await tenants.keys(session, key.tenant_id)}
    return {
        one.name: _opened(keys[one.key_version], key.tenant_id, one)
        for one in await sealed.credentials_of(session, key)
    }


async def rewrap_keys(session: BatchSession, vault: Vault, tenant_id: TenantId) -> int:
    """Wraps the tenant's data keys by the current master key; what they seal stays as it is. How many were changed.

    Raises SecretUnreadableError where the master key of a version is not here.
    """
    old = [
        one for one in await tenants.keys_for_update(session, tenant_id) if one.wrapped.master_version != vault.current
    ]
    for one in old:
        again = vault.rewrap(one.wrapped, one.purpose)
        await tenants.rewrap_key(session, StoredKey(tenant_id=tenant_id, version=one.version, wrapped=again))
    return len(old)


async def begin_new_key(session: BatchSession, vault: Vault, tenant_id: TenantId, now: datetime) -> bool:
    """Makes a new data key; False where a tenant has no key, or still has secrets under an older than its newest one.

    Those are resealed under the newest first: a rotation that was interrupted goes on and begins no other.
    """
    keys = await tenants.keys_for_update(session, tenant_id)
    if not keys or await sealed.sealed_under_older(session, tenant_id, keys[-1].version, 1):
        return False
    _, stored = _new_key(vault, tenant_id, keys[-1].version + 1)
    await tenants.insert_key(session, stored, now)
    return True


async def reseal_some(session: BatchSession, vault: Vault, tenant_id: TenantId) -> int:
    """Seals some secrets of older data keys under the newest one; when none is left the older keys go.

    How many were resealed: call it until that is 0. Raises SecretUnreadableError.
    """
    keys = await tenants.keys_for_update(session, tenant_id)
    if not keys:
        return 0
    newest = keys[-1]
    old = await sealed.sealed_under_older(session, tenant_id, newest.version, RESEALED_AT_ONCE)
    if not old:
        for one in keys[:-1]:
            await tenants.delete_key(session, one)
        return 0
    opened = {one.version: vault.data_key(one.wrapped, one.purpose) for one in keys}
    again = [
        _sealed(
            opened[newest.version],
            tenant_id,
            one.account_id,
            one.name,
            _opened(opened[one.key_version], tenant_id, one),
            newest.version,
        )
        for one in old
    ]
    await sealed.reseal_credentials(session, tenant_id, again)
    return len(again)


async def _newest(session: BatchSession, vault: Vault, tenant_id: TenantId, now: datetime) -> tuple[StoredKey, DataKey]:
    stored = await tenants.newest_key(session, tenant_id)
    if stored is None:
        data_key, first = _new_key(vault, tenant_id, 1)
        await tenants.insert_key(session, first, now)
        return first, data_key
    return stored, vault.data_key(stored.wrapped, stored.purpose)


def _new_key(vault: Vault, tenant_id: TenantId, version: int) -> tuple[DataKey, StoredKey]:
    data_key, wrapped = vault.new_data_key(key_purpose(tenant_id, version))
    return data_key, StoredKey(tenant_id=tenant_id, version=version, wrapped=wrapped)


def _sealed(
    data_key: DataKey, tenant_id: TenantId, account_id: AccountId, name: str, secret: str, version: int
) -> SealedCredential:
    text = data_key.seal(secret, *_place(tenant_id, account_id, name, version))
    return SealedCredential(account_id=account_id, name=name, key_version=version, sealed=text)


def _opened(data_key: DataKey, tenant_id: TenantId, one: SealedCredential) -> str:
    return data_key.open(one.sealed, *_place(tenant_id, one.account_id, one.name, one.key_version))


def _place(tenant_id: TenantId, account_id: AccountId, name: str, version: int) -> tuple[str, ...]:
    return "broker_credentials", str(tenant_id), str(account_id), name, str(version)
