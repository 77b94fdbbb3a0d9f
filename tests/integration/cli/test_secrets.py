"""`oms secrets`: rotations that are interrupted go on, and secrets are readable at every instant."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.brokers import credentials
from app.brokers.credentials import change_credentials, open_credentials
from app.core.ids import TenantId
from app.core.messages import AccountKey
from app.flows.identity.rotate_secrets import keys_in_use, rotate_data_keys, rotate_master_key
from app.infra.db import BatchSession, Database
from app.infra.local_secrets import with_own_master_key
from app.infra.settings import Settings, read_settings
from app.infra.system import SystemClock
from app.infra.uow import begin_batch
from app.infra.vault import SecretUnreadableError, Vault, new_master_key
from tests import factories
from tests.command_line import oms

OLD, NEW = new_master_key(), new_master_key()
SECRETS = {"username": "trader", "password": "hunter2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Two tenants with secrets, sealed under the old master key."""

    database: Database
    system_database: Database
    keys: tuple[AccountKey, AccountKey]
    owner: asyncpg.Connection

    async def opened(self, vault: Vault) -> list[dict[str, str]]:
        found = []
        for key in self.keys:
            async with begin_batch(self.database, key.tenant_id) as session:
                found.append(await open_credentials(session, vault, key))
        return found

    async def change(self, vault: Vault, key: AccountKey, **changes: str) -> None:
        async with begin_batch(self.database, key.tenant_id) as session:
            await change_credentials(session, vault, key, changes, SystemClock().now())

    async def stored(self) -> list[bytes]:
        rows = await self.owner.fetch("SELECT sealed FROM broker_credentials ORDER BY tenant_id, account_id, name")
        return [row["sealed"] for row in rows]

    async def versions(self) -> list[int]:
        rows = await self.owner.fetch("SELECT version FROM tenant_data_keys ORDER BY tenant_id, version")
        return [row["version"] for row in rows]


@pytest.fixture
async def sealed(database: Database, system_database: Database, database_url: str) -> AsyncIterator[Sealed]:
    owner = await asyncpg.connect(database_url)
    for table in ("broker_credentials", "tenant_data_keys", "audit_person_keys", "second_factors"):
        await owner.execute(f"DELETE FROM {table}")
    one, other = [await factories.make_account(database, await factories.make_tenant(database)) for _ in range(2)]
    made = Sealed(database=database, system_database=system_database, keys=(one, other), owner=owner)
    for key in made.keys:
        await made.change(Vault.of(f"1:{OLD}"), key, **SECRETS)
    yield made
    for table in ("broker_credentials", "tenant_data_keys", "audit_person_keys", "second_factors"):
        await owner.execute(f"DELETE FROM {table}")
    await owner.close()


async def test_a_new_master_key_leaves_every_ciphertext_as_it_is(sealed: Sealed) -> None:
    before = await sealed.stored()
    both = Vault.of(f"2:{NEW},1:{OLD}")

    done = await rotate_master_key(sealed.database, sealed.system_database, both)
    again = await rotate_master_key(sealed.database, sealed.system_database, both)

    assert (done.rewrapped_keys, again.rewrapped_keys) == (2, 0)
    assert await sealed.stored() == before
    assert await sealed.opened(Vault.of(f"2:{NEW}")) == [SECRETS, SECRETS]
    with pytest.raises(SecretUnreadableError):
        await sealed.opened(Vault.of(f"1:{OLD}"))


async def test_a_rotation_without_the_old_master_key_changes_nothing(sealed: Sealed) -> None:
    with pytest.raises(SecretUnreadableError, match="version 1"):
        await rotate_master_key(sealed.database, sealed.system_database, Vault.of(f"2:{NEW}"))

    found = await keys_in_use(sealed.database, sealed.system_database, Vault.of(f"2:{NEW}"))
    assert (found.by_master_version, list(found.missing)) == ({"1": 2}, ["1"])
    assert await sealed.opened(Vault.of(f"1:{OLD}")) == [SECRETS, SECRETS]


async def test_new_data_keys_seal_everything_anew_and_the_old_ones_go(sealed: Sealed) -> None:
    before, vault = await sealed.stored(), Vault.of(f"1:{OLD}")

    done = await rotate_data_keys(sealed.database, sealed.system_database, vault, SystemClock())

    assert (done.new_keys, done.resealed_secrets) == (2, 4)
    assert await sealed.versions() == [2, 2]
    assert not set(before) & set(await sealed.stored())
    assert await sealed.opened(vault) == [SECRETS, SECRETS]


async def test_an_interrupted_rotation_goes_on_and_begins_no_other(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, reseal, calls = Vault.of(f"1:{OLD}"), credentials.reseal_some, 0
    monkeypatch.setattr(credentials, "RESEALED_AT_ONCE", 1)

    async def interrupted(session: BatchSession, vault: Vault, tenant_id: TenantId) -> int:
        nonlocal calls
        calls += tenant_id == sealed.keys[0].tenant_id
        if calls == 2:
            raise ConnectionAbortedError
        return await reseal(session, vault, tenant_id)

    monkeypatch.setattr(credentials, "reseal_some", interrupted)
    with pytest.raises(ConnectionAbortedError):
        await rotate_data_keys(sealed.database, sealed.system_database, vault, SystemClock())
    in_between = await sealed.opened(vault)
    # Whoever sets a secret now seals it under the new key.
    await sealed.change(vault, sealed.keys[0], totp="seed")
    monkeypatch.setattr(credentials, "reseal_some", reseal)

    done = await rotate_data_keys(sealed.database, sealed.system_database, vault, SystemClock())

    assert in_between == [SECRETS, SECRETS]
    assert (done.new_keys, done.resealed_secrets) == (1, 3)
    assert await sealed.versions() == [2, 2]
    assert await sealed.opened(vault) == [{**SECRETS, "totp": "seed"}, SECRETS]


async def test_what_was_swapped_between_rows_or_tenants_does_not_open(sealed: Sealed) -> None:
    vault, (one, other) = Vault.of(f"1:{OLD}"), sealed.keys
    fields = "tenant_id = $1 AND account_id = $2 AND name = $3"
    rows = {
        (key.account_id, name): await sealed.owner.fetchval(
            f"SELECT sealed FROM broker_credentials WHERE {fields}", key.tenant_id, key.account_id, name
        )
        for key in sealed.keys
        for name in SECRETS
    }

    for moved in (rows[one.account_id, "username"], rows[other.account_id, "password"]):
        await sealed.owner.execute(
            f"UPDATE broker_credentials SET sealed = $4 WHERE {fields}",
            one.tenant_id,
            one.account_id,
            "password",
            moved,
        )
        with pytest.raises(SecretUnreadableError):
            await sealed.opened(vault)


async def test_a_data_key_of_another_tenant_does_not_open(sealed: Sealed) -> None:
    one, other = sealed.keys

    await sealed.owner.execute(
        """
        UPDATE tenant_data_keys SET wrapped = (SELECT wrapped FROM tenant_data_keys WHERE tenant_id = $2)
        WHERE tenant_id = $1
        """,
        one.tenant_id,
        other.tenant_id,
    )

    with pytest.raises(SecretUnreadableError):
        await sealed.opened(Vault.of(f"1:{OLD}"))


async def test_the_command_rotates_and_says_what_is_needed(sealed: Sealed, state_dir: Path, database_url: str) -> None:
    made = await oms("secrets", "generate", "--version", "2", folder=state_dir)
    both = {"OMS_DATABASE_URL": database_url, "OMS_MASTER_KEY": f"{made.out.strip()},1:{OLD}"}

    before = await oms("secrets", "show", "--json", folder=state_dir, **both)
    rotated = await oms("secrets", "rotate", "--json", folder=state_dir, **both)
    after = await oms("secrets", "show", folder=state_dir, **both)
    without = await oms("secrets", "rotate", folder=state_dir, **{**both, "OMS_MASTER_KEY": f"3:{NEW}"})

    assert json.loads(before.out) == {"current": "2", "by_master_version": {"1": 2}, "missing": []}
    assert json.loads(rotated.out)["rewrapped_keys"] == 2
    assert after.out == "the current master key is version 2\nversion 2 wraps 2 data keys\n"
    assert (without.code, without.out) == (1, "")
    assert without.error == "oms: version 2 of the master key is not in OMS_MASTER_KEY\n"
    assert await sealed.opened(Vault.of(made.out.strip())) == [SECRETS, SECRETS]


def test_a_development_installation_makes_one_master_key_and_keeps_it(
    monkeypatch: pytest.MonkeyPatch, state_dir: Path
) -> None:
    monkeypatch.chdir(state_dir)
    monkeypatch.setenv("OMS_STATE_DIR", str(state_dir))
    settings: Settings = read_settings(os.environ, Path(".env"))

    first, second = with_own_master_key(settings), with_own_master_key(settings)

    assert settings.is_master_key_public
    assert not first.is_master_key_public
    assert first.master_key == second.master_key
    assert (state_dir / "master-key").stat().st_mode & 0o777 == 0o600
    given = settings.model_copy(update={"master_key": SecretStr(f"1:{NEW}")})
    assert with_own_master_key(given) is given
