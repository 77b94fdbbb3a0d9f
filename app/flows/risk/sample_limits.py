"""Keeps how full limits were, minute by minute: beside the monitor, and not within its looks."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from app.core.clock import Clock
from app.core.ids import TenantId
from app.flows.risk.measure_risk import Measured
from app.infra.db import Database
from app.infra.outages import known_as, tell
from app.infra.uow import begin_batch, begin_system
from app.risk.history import samples_batch
from app.risk.history.domain.sampling import Sampling
from app.tenants import batch as tenants

log = logging.getLogger("oms.risk")

STORE_EVERY_S: Final = 2.0
PRUNED_AT_ONCE: Final = 5_000


@dataclass(slots=True, kw_only=True)
class LimitSampler:
    """What the monitor saw, and what of it is to be stored: one statement for each tenant and minute."""

    database: Database
    clock: Clock
    _samplings: dict[TenantId, Sampling] = field(default_factory=dict)
    _is_failing: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def see(self, tenant_id: TenantId, measured: Measured) -> None:
        """Takes what a look of the monitor has measured."""
        self._samplings.setdefault(tenant_id, Sampling()).see(measured.utilisations, measured.now)

    async def run_forever(self) -> None:
        """Stores minutes that are over until it is cancelled; a database that is away is waited for."""
        while True:
            await asyncio.sleep(STORE_EVERY_S)
            await self.store_due()

    async def store_due(self) -> int:
        """Stores the minutes that are over; how many samples. What cannot be stored is tried again."""
        async with self._turn:
            return await self._store_due()

    async def _store_due(self) -> int:
        now, stored = self.clock.now(), 0
        for tenant_id, sampling in list(self._samplings.items()):
            sampling.turn(now)
            try:
                stored += await self._store(tenant_id, sampling)
                self._is_failing = False
            except Exception as error:
                # The monitor must go on, and the other tenants too: these minutes wait.
                if not self._is_failing or known_as(error) is None:
                    tell(log, f"utilisation of tenant {tenant_id} is not kept", error)
                self._is_failing = True
            if sampling.is_idle:
                del self._samplings[tenant_id]
        return stored

    async def hand_over(self) -> None:
        """Stores what there is, the minute that runs too, and forgets it: another process goes on."""
        for sampling in self._samplings.values():
            sampling.end()
        if self._samplings:
            await self.store_due()
        for sampling in self._samplings.values():
            sampling.forget()

    async def _store(self, tenant_id: TenantId, sampling: Sampling) -> int:
        stored = 0
        while (over := sampling.take()) is not None:
            try:
                if over.samples:
                    async with begin_batch(self.database, tenant_id) as session:
                        await session.write([samples_batch.store(tenant_id, over.samples)])
            except BaseException:
                sampling.put_back(over)
                raise
            sampling.keep(over)
            stored += len(over.samples)
        return stored


async def prune_samples(database: Database, system_database: Database, now: datetime, days: int) -> int:
    """Deletes the samples that are older than so many days, of every tenant; how many."""
    before, pruned = now - timedelta(days=days), 0
    async with begin_system(system_database) as session:
        tenant_ids = await tenants.all_ids(session)
    for tenant_id in tenant_ids:
        while True:
            async with begin_batch(database, tenant_id) as session:
                gone = await samples_batch.prune(session, tenant_id, before, PRUNED_AT_ONCE)
            pruned += gone
            if gone < PRUNED_AT_ONCE:
                break
    return pruned
