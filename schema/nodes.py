"""Any node by its id."""

import strawberry

from app.brokers.reconciling import Break as BreakValue
from app.brokers.reconciling import Reconciliation as ReconciliationValue
from app.brokers.viewing import AccountView
from app.core.messages import Instrument as InstrumentValue
from app.flows.audit.read_audit import AuditEntryView
from app.flows.find_thing import Thing, find_thing
from app.flows.halts.view_halts import KillSwitchView
from app.flows.identity.view_identity import Member
from app.identity import domain as identity
from app.identity.domain.members import Invitation as InvitationValue
from app.marketdata.subscriptions_batch import MarketDataSubscription as SubscriptionValue
from app.orders.domain import order as orders
from app.positions.domain import PnlSnapshot as SnapshotValue
from app.positions.domain import Position as PositionValue
from app.positions.domain import PositionAdjustment as AdjustmentValue
from app.risk.halts.domain import Halt as HaltValue
from app.risk.keeping.domain.changes import KeptLimit
from app.tenants.domain import Tenant as TenantValue
from schema.audit.types import AuditEntry
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.node import Node
from schema.base.permissions import signed_in
from schema.brokers.reconciliation import Reconciliation, ReconciliationBreak
from schema.brokers.types import BrokerAccount
from schema.identity.grants import CustomRole
from schema.identity.members import Invitation
from schema.identity.types import ApiKey, Membership, Session, Tenant, User
from schema.instruments.types import Instrument
from schema.marketdata.types import MarketDataSubscription
from schema.orders.types import Execution, Order, OrderRequest
from schema.positions.adjustments import PositionAdjustment
from schema.positions.pnl import PnlSnapshot
from schema.positions.types import Position
from schema.risk.halts import KillSwitch, TradingHalt
from schema.risk.limits import RiskLimit


@strawberry.type
class NodeQuery:
    """Any node by its id."""

    @strawberry.field(
        description="What the id stands for; null for anything that the tenant has not or the credential may not see.",
        extensions=signed_in(),
    )
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002
        """Any node by its id."""
        principal = info.context.principal
        found = await find_thing(info.context.desk, principal, parse_id(id, "id"))
        return None if found is None else _node(found, principal)


def _node(found: Thing, principal: identity.Principal) -> Node:
    match found:
        case HaltValue():
            return TradingHalt.of(found)
        case KillSwitchView():
            return KillSwitch.of(found.kill, found.halt)
        case orders.Order():
            return Order.of(found)
        case orders.Execution():
            return Execution.of(found)
        case orders.OrderRequest():
            return OrderRequest.of(found)
        case PositionValue():
            return Position.of(found)
        case AdjustmentValue():
            return PositionAdjustment.of(found)
        case SnapshotValue():
            return PnlSnapshot.of(found)
        case ReconciliationValue():
            return Reconciliation.of(found)
        case BreakValue():
            return ReconciliationBreak.of(found)
        case InstrumentValue():
            return Instrument.of(found)
        case SubscriptionValue():
            return MarketDataSubscription.of(found)
        case KeptLimit():
            return RiskLimit.of(found)
        case AccountView():
            return BrokerAccount.of(found)
        case AuditEntryView():
            return AuditEntry.of(found)
        case TenantValue():
            return Tenant.of(found)
        case identity.CustomRole():
            return CustomRole.of(found)
        case InvitationValue():
            return Invitation.of(found)
        case identity.User():
            return User.of(found)
        case Member():
            return Membership.of(found)
        case identity.Session():
            return Session.of(found, principal)
        case identity.ApiKey():
            return ApiKey.of(found)
