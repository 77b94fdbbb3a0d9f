"""Queries and subscriptions of halts and kill switches."""

from collections.abc import AsyncGenerator
from datetime import datetime

import strawberry

from app.core.errors import InputError
from app.core.ids import KillSwitchId
from app.flows.halts.view_halts import (
    count_kill_switches,
    follow_halts,
    follow_kill_switch,
    list_halts,
    list_kill_switches,
    view_halts_of,
    view_kill_switch,
)
from app.identity.domain import Scope
from app.risk.halts.errors import KillSwitchUnknownError
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.pagination import PAGE_SIZE, PAGE_SIZE_MAX, window_of
from schema.base.permissions import scoped
from schema.risk.halts import KILL_SWITCH_CURSORS, KillSwitch, KillSwitchConnection, TradingHalt


@strawberry.type
class HaltQuery:
    """Queries of halts."""

    @strawberry.field(
        description="Halts of trading, the newest first: those in force, those that were released with active: false, "
        "all with null. A list has 1 to 500; haltedBefore leads to older ones.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def trading_halts(
        self, info: Info, active: bool | None = True, first: int | None = 50, halted_before: datetime | None = None
    ) -> list[TradingHalt]:
        """Halts of trading."""
        size = PAGE_SIZE if first is None else first
        if not 1 <= size <= PAGE_SIZE_MAX:
            raise InputError(f"A list has 1 to {PAGE_SIZE_MAX} items.", path=["first"])
        found = await list_halts(info.context.desk, info.context.principal, active, halted_before, size)
        return [TradingHalt.of(one) for one in found]

    @strawberry.field(
        description="A kill switch and how far it has come; null for one that the tenant has not.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def kill_switch(self, info: Info, id: strawberry.ID) -> KillSwitch | None:  # noqa: A002
        """A kill switch."""
        kill_id = KillSwitchId(parse_id(id, "id"))
        try:
            view = await view_kill_switch(info.context.desk, info.context.principal, kill_id)
        except KillSwitchUnknownError:
            return None
        return KillSwitch.of(view.kill, view.halt)

    @strawberry.field(
        description="Activations of the kill switch and drills, the newest first.", extensions=scoped(Scope.VIEW_ORDERS)
    )
    async def kill_switches(
        self,
        info: Info,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> KillSwitchConnection:
        """A page of kill switches."""
        window = window_of(first=first, after=after, last=last, before=before, read=KILL_SWITCH_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal

        async def count() -> int:
            return await count_kill_switches(desk, principal)

        page = await list_kill_switches(desk, principal, window)
        return KillSwitchConnection.of(page, await view_halts_of(desk, principal, page.items), window, count)


@strawberry.type
class HaltSubscription:
    """Subscriptions of halts."""

    @strawberry.subscription(
        description="The halts in force, then each that is set or released.", extensions=scoped(Scope.VIEW_ORDERS)
    )
    async def trading_halts(self, info: Info) -> AsyncGenerator[TradingHalt, None]:
        """Halts as they come and go."""
        async for halt in follow_halts(info.context.desk, info.context.principal):
            yield TradingHalt.of(halt)

    @strawberry.subscription(
        description="A kill switch as it stands, then whenever it has come further, until it is finished. An error of "
        "the code KILL_SWITCH_NOT_FOUND ends it for one that the tenant has not.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def kill_switch_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[KillSwitch, None]:  # noqa: A002
        """A kill switch as it goes on."""
        kill_id = KillSwitchId(parse_id(id, "id"))
        async for view in follow_kill_switch(info.context.desk, info.context.principal, kill_id):
            yield KillSwitch.of(view.kill, view.halt)
