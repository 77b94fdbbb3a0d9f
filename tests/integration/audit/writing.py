"""Random logs: entries as flows write them, sealed by a sealer, and tampered with by the owner of the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import asyncpg

from app.audit import service as audit
from app.audit.domain import AuditEntry, Link
from app.audit.reading_batch import links
from app.core.ids import TenantId
from app.flows.audit.seal_audit import Sealer
from app.identity.domain import Principal
from app.infra.db import Database
from app.infra.settings import DEVELOPMENT_MASTER_KEY
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import begin_batch
from app.infra.vault import Vault
from tests import factories

IDS = SystemIds()
VAULT = Vault.of(DEVELOPMENT_MASTER_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A tenant that acts, and the databases that its log goes through."""

    tenant_id: TenantId
    principal: Principal
    database: Database
    sealer_database: Database

    async def write(self, entries: Sequence[AuditEntry]) -> None:
        """Writes the entries down in one transaction."""
        async with begin_batch(self.database, self.tenant_id) as session:
            await session.write([audit.record_batch(entries)])

    async def write_random(self, count: int, random: Random) -> None:
        """Writes random entries down, some in one transaction and some in several."""
        entries = [random_entry(self.principal, random) for _ in range(count)]
        while entries:
            taken = random.randint(1, 7)
            await self.write(entries[:taken])
            entries = entries[taken:]

    async def seal(self, *, batch: int = 500) -> None:
        """Seals all that waits, of this tenant and of any other."""
        sealer = Sealer(self.sealer_database, VAULT, SystemClock(), IDS, batch=batch, lease_s=60)
        while await sealer.seal_once():
            pass
        await sealer.stand_down()

    async def links(self) -> list[Link]:
        """The whole chain."""
        async with begin_batch(self.database, self.tenant_id) as session:
            return await links(session, self.tenant_id, 0, 2**62, 100_000)


async def make_house(database: Database, sealer_database: Database) -> House:
    """A new tenant with a member."""
    tenant_id = await factories.make_tenant(database)
    return House(
        tenant_id=tenant_id,
        principal=await factories.make_principal(database, tenant_id),
        database=database,
        sealer_database=sealer_database,
    )


def random_entry(principal: Principal, random: Random) -> AuditEntry:
    """An entry of the kind that flows make, with values that are hard to write down the same way twice."""
    words = ["order", "limit", "ключ", "\U0001f511", 'a"b\\c\n', "", "\u2028", "e\u0301"]
    values: list[dict[str, Any] | None] = [
        None,
        {},
        {"quantity": str(random.randint(1, 10**9)), random.choice(words): random.choice(words)},
        {"z": 1, "a": [1, {"b": None, "ä": True}], "\U0001f600": 2**60, "\uff5e": 0.1},
        {"email": "person@example.com", "first_name": "Ann", "deep": [{"ipAddress": "192.0.2.7"}]},
    ]
    acting = replace(principal, actor="system:test") if random.random() < 0.3 else principal
    return audit.entry(
        acting,
        f"{random.choice(['order', 'user', 'limit'])}.changed",
        "thing",
        None if random.random() < 0.2 else random.choice(words),
        entry_id=IDS.new(),
        now=datetime.now(UTC),
        old=random.choice(values),
        new=random.choice(values),
    )


async def as_owner(database_url: str, sql: str, *parameters: Any) -> str:
    """Runs a statement as the superuser that owns the tables: nothing in the database stops it."""
    connection = await asyncpg.connect(database_url)
    try:
        return str(await connection.execute(sql, *parameters))
    finally:
        await connection.close()
