"""node: what an id stands for, among all that the principal may see."""

import contextlib
from uuid import UUID

from app.brokers import breaks_batch
from app.brokers import reconciliations_batch as reconciliations
from app.brokers import viewing as brokers
from app.brokers.reconciling import Break, Reconciliation
from app.brokers.viewing import AccountView
from app.core.ids import (
    AccountId,
    AdjustmentId,
    BreakId,
    ExecutionKey,
    HaltId,
    InstrumentId,
    KillSwitchId,
    LimitId,
    OrderId,
    PositionId,
    ReconciliationId,
    RequestId,
    SnapshotId,
)
from app.core.messages import Instrument
from app.flows.audit.read_audit import AuditEntryView, audit_entry
from app.flows.desk import Desk
from app.flows.halts.view_halts import KillSwitchView, view_kill_switch
from app.flows.identity.view_identity import (
    Member,
    find_member,
    find_role_or_invitation,
    view_api_keys,
    view_self,
    view_sessions,
)
from app.identity.domain import ApiKey, CustomRole, Principal, Scope, Session, User
from app.identity.domain.members import Invitation
from app.infra.uow import begin_batch
from app.instruments import service as instruments
from app.marketdata import subscriptions_batch
from app.marketdata.subscriptions_batch import MarketDataSubscription
from app.orders import service as orders
from app.orders.domain.order import Execution, Order, OrderRequest
from app.positions import adjustments_batch, pnl_batch
from app.positions import service as positions
from app.positions.domain import PnlSnapshot, Position, PositionAdjustment
from app.risk.halts import batch as halts
from app.risk.halts.domain import Halt
from app.risk.halts.errors import KillSwitchUnknownError
from app.risk.keeping import repository as limits
from app.risk.keeping.domain.changes import KeptLimit
from app.tenants.domain import Tenant

Thing = (
    Order
    | Execution
    | OrderRequest
    | Position
    | PositionAdjustment
    | PnlSnapshot
    | Reconciliation
    | Break
    | Instrument
    | MarketDataSubscription
    | AccountView
    | KeptLimit
    | Tenant
    | User
    | Member
    | CustomRole
    | Invitation
    | Session
    | ApiKey
    | AuditEntryView
    | Halt
    | KillSwitchView
)


async def find_thing(desk: Desk, principal: Principal, wanted: UUID) -> Thing | None:
    """What the tenant has under the id and the principal may see; None for anything else, all alike."""
    return (
        await _find_traded(desk, principal, wanted)
        or await _find_person(desk, principal, wanted)
        or await _find_entry(desk, principal, wanted)
    )


async def _find_entry(desk: Desk, principal: Principal, wanted: UUID) -> Thing | None:
    if not principal.has(Scope.VIEW_AUDIT):
        return None
    return await audit_entry(desk.database, desk.vault, principal, wanted)


async def _find_traded(desk: Desk, principal: Principal, wanted: UUID) -> Thing | None:
    tenant_id = principal.tenant_id
    async with desk.reading(principal) as session:
        if principal.has(Scope.VIEW_ORDERS):
            found: Thing | None = (
                (await orders.orders(session, tenant_id, [OrderId(wanted)])).get(OrderId(wanted))
                or (await orders.executions(session, tenant_id, [ExecutionKey(wanted)])).get(ExecutionKey(wanted))
                or (await orders.requests(session, tenant_id, [RequestId(wanted)])).get(RequestId(wanted))
                or (await brokers.accounts_by_ids(session, tenant_id, [AccountId(wanted)])).get(AccountId(wanted))
            )
            found = found or next(iter(await limits.limits_by_ids(session, tenant_id, [LimitId(wanted)])), None)
            found = found or await _find_halt(desk, principal, wanted)
            if found is not None:
                return found
        if principal.has(Scope.VIEW_POSITIONS):
            held = await positions.positions(session, tenant_id, [PositionId(wanted)])
            if held:
                return held[PositionId(wanted)]
            async with begin_batch(desk.database, tenant_id, accounts=principal.viewable) as batch:
                booked: Thing | None = await adjustments_batch.by_id(
                    batch, tenant_id, AdjustmentId(wanted)
                ) or await pnl_batch.snapshot_by_id(batch, tenant_id, SnapshotId(wanted))
                booked = booked or await breaks_batch.break_by_id(batch, tenant_id, BreakId(wanted))
                if booked is None:
                    compared = await reconciliations.by_ids(batch, tenant_id, [ReconciliationId(wanted)])
                    booked = next(iter(compared), None)
            if booked is not None:
                return booked
        if principal.has(Scope.VIEW_MARKET_DATA):
            known = await instruments.instruments(session, tenant_id, [InstrumentId(wanted)])
            if known:
                return known[InstrumentId(wanted)]
            async with begin_batch(desk.database, tenant_id, accounts=principal.viewable) as batch:
                return await subscriptions_batch.by_id(batch, tenant_id, wanted)
    return None


async def _find_halt(desk: Desk, principal: Principal, wanted: UUID) -> Thing | None:
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        halt = (await halts.halts_by_ids(session, principal.tenant_id, [wanted])).get(HaltId(wanted))
    if halt is not None:
        return halt
    with contextlib.suppress(KillSwitchUnknownError):
        return await view_kill_switch(desk, principal, KillSwitchId(wanted))
    return None


async def _find_person(desk: Desk, principal: Principal, wanted: UUID) -> Thing | None:
    viewer = await view_self(desk.door, principal)
    if viewer.tenant.id == wanted:
        return viewer.tenant
    found = next((one for one in viewer.memberships if wanted in (one.membership.id, one.user.id)), None)
    if found is None and principal.has(Scope.MANAGE_MEMBERS):
        found = await find_member(desk.door, principal, wanted)
    if found is not None:
        return found if found.membership.id == wanted else found.user
    if principal.has(Scope.MANAGE_MEMBERS):
        offered = await find_role_or_invitation(desk.door, principal, wanted)
        if offered is not None:
            return offered
    for key in await view_api_keys(desk.door, principal):
        if key.id == wanted:
            return key
    return next((one for one in await view_sessions(desk.door, principal) if one.id == wanted), None)
