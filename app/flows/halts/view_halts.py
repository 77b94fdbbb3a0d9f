"""tradingHalts, killSwitches: what is halted, what a kill switch has done, and how both go on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.core.ids import HaltId, KillSwitchId
from app.core.paging import Page, Window
from app.flows.desk import Desk
from app.flows.halts.halt_news import changed_halts, halts_channel
from app.identity.domain import Principal
from app.infra.bus import Gap
from app.infra.uow import begin_batch
from app.risk.halts import batch as halts
from app.risk.halts.domain import Halt, KillSwitch
from app.risk.halts.errors import KillSwitchUnknownError

LOOK_S: Final = 0.5
"""How often a kill switch that is followed is looked at: cancels and fills are confirmed one by one, unannounced."""


async def list_halts(
    desk: Desk, principal: Principal, is_active: bool | None, before: datetime | None, limit: int
) -> list[Halt]:
    """Halts set before the instant, the newest first: those in force, those that were released, or all."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await halts.halts_listed(session, principal.tenant_id, is_active, before, limit)


async def list_kill_switches(desk: Desk, principal: Principal, window: Window[UUID]) -> Page[KillSwitch]:
    """A page of kill switches and drills, the newest first."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        ids, has_more = await halts.kill_switches_page(session, principal.tenant_id, window)
        found = await halts.kill_switches_by_ids(session, principal.tenant_id, ids)
    return Page(items=tuple(found[one] for one in ids), has_more=has_more)


async def count_kill_switches(desk: Desk, principal: Principal) -> int:
    """How many there were."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await halts.kill_switches_count(session, principal.tenant_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitchView:
    """A kill switch as far as it has come, and the halt that it set; None for a drill."""

    kill: KillSwitch
    halt: Halt | None


async def view_kill_switch(desk: Desk, principal: Principal, kill_id: KillSwitchId) -> KillSwitchView:
    """The kill switch. Raises KillSwitchUnknownError."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        kill = (await halts.kill_switches_by_ids(session, principal.tenant_id, [kill_id])).get(kill_id)
        if kill is None:
            raise KillSwitchUnknownError("id")
        if kill.halt_id is None:
            return KillSwitchView(kill=kill, halt=None)
        found = await halts.halts_by_ids(session, principal.tenant_id, [kill.halt_id])
    return KillSwitchView(kill=kill, halt=found.get(kill.halt_id))


async def view_halts_of(desk: Desk, principal: Principal, kills: tuple[KillSwitch, ...]) -> dict[HaltId, Halt]:
    """The halts that these kill switches have set, by their ids."""
    wanted = [kill.halt_id for kill in kills if kill.halt_id is not None]
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await halts.halts_by_ids(session, principal.tenant_id, wanted)


async def follow_halts(desk: Desk, principal: Principal) -> AsyncIterator[Halt]:
    """The halts in force, then each that is set or released; where news were missed, those in force again."""
    tenant_id = principal.tenant_id
    async with desk.bus.subscribe(halts_channel(tenant_id)) as stream:
        for halt in await _in_force(desk, principal):
            yield halt
        async for message in stream:
            if isinstance(message, Gap):
                found = await _in_force(desk, principal)
            else:
                wanted = changed_halts(message)
                async with begin_batch(desk.database, tenant_id, accounts=principal.viewable) as session:
                    found = list((await halts.halts_by_ids(session, tenant_id, wanted)).values())
            for halt in found:
                yield halt


async def follow_kill_switch(desk: Desk, principal: Principal, kill_id: KillSwitchId) -> AsyncIterator[KillSwitchView]:
    """The kill switch as it stands, then whenever it has come further, until it is finished.

    Raises KillSwitchUnknownError.
    """
    told: KillSwitchView | None = None
    while True:
        view = await view_kill_switch(desk, principal, kill_id)
        if view != told:
            yield view
        if view.kill.finished_at is not None:
            return
        told = view
        await asyncio.sleep(LOOK_S)


async def _in_force(desk: Desk, principal: Principal) -> list[Halt]:
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await halts.in_force(session, principal.tenant_id)
