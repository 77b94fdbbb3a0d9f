"""The schema: the root types put together, each of their fields with what it asks of the credential."""

from typing import Final

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition

from schema.approvals.mutations import ApprovalMutation
from schema.approvals.queries import ApprovalQuery
from schema.audit.mutations import AuditMutation
from schema.audit.queries import AuditQuery
from schema.base.permissions import Requirement, Requires, cost_of, describe, requirements
from schema.base.scalars import SCALARS
from schema.brokers.mutations import BrokerMutation
from schema.brokers.queries import BrokerQuery
from schema.brokers.reconciliation_mutations import ReconciliationMutation
from schema.brokers.reconciliation_queries import ReconciliationQuery
from schema.brokers.subscriptions import BrokerSubscription
from schema.compliance.calendars import CalendarMutation, CalendarQuery
from schema.compliance.cases import SurveillanceMutation, SurveillanceQuery
from schema.compliance.list_mutations import RestrictedListMutation
from schema.compliance.list_queries import RestrictedListQuery
from schema.compliance.quality import ExecutionQualityQuery
from schema.compliance.record_exports import OrderRecordExportMutation, OrderRecordExportQuery
from schema.compliance.records import OrderRecordQuery
from schema.compliance.retention import RecordRetentionMutation, RecordRetentionQuery
from schema.compliance.subscriptions import ComplianceSubscription
from schema.identity.account_mutations import AccountMutation
from schema.identity.members import MemberMutation, MemberQuery
from schema.identity.mutations import IdentityMutation
from schema.identity.platform import PlatformMutation, PlatformQuery
from schema.identity.queries import IdentityQuery
from schema.identity.tenants import TenantMutation, TenantQuery
from schema.identity.two_factor import TwoFactorMutation, TwoFactorQuery
from schema.installation import InstallationQuery
from schema.instruments.mutations import InstrumentMutation
from schema.instruments.queries import InstrumentQuery
from schema.marketdata.mutations import MarketDataMutation
from schema.marketdata.queries import MarketDataQuery
from schema.marketdata.streams import StreamSubscription
from schema.marketdata.subscriptions import TickSubscription
from schema.nodes import NodeQuery
from schema.orders.doubts import InDoubtMutation, InDoubtQuery
from schema.orders.explanation import ExplanationQuery
from schema.orders.linked_mutations import LinkedOrderMutation
from schema.orders.mutations import OrderMutation
from schema.orders.preview import PreviewQuery
from schema.orders.queries import OrderQuery
from schema.orders.subscriptions import OrderSubscription
from schema.positions.mutations import PositionMutation
from schema.positions.queries import PositionQuery
from schema.positions.subscriptions import PositionSubscription
from schema.risk.analytics_queries import RiskAnalyticsQuery
from schema.risk.halt_mutations import HaltMutation
from schema.risk.halt_queries import HaltQuery, HaltSubscription
from schema.risk.history_queries import RiskHistoryQuery
from schema.risk.limit_files import RiskLimitFileMutation
from schema.risk.limit_mutations import RiskLimitMutation
from schema.risk.limit_queries import RiskLimitQuery
from schema.risk.limit_trials import RiskTrialMutation, RiskTrialQuery
from schema.risk.monitoring_mutations import RiskMonitoringMutation
from schema.risk.monitoring_queries import RiskMonitoringQuery, RiskMonitoringSubscription
from schema.simulator.faults import SimulatorMutation, SimulatorQuery


@strawberry.type(description="What can be asked.")
class Query(
    IdentityQuery,
    TwoFactorQuery,
    MemberQuery,
    TenantQuery,
    PlatformQuery,
    NodeQuery,
    InstrumentQuery,
    MarketDataQuery,
    BrokerQuery,
    OrderQuery,
    ExplanationQuery,
    PreviewQuery,
    PositionQuery,
    ApprovalQuery,
    RiskLimitQuery,
    RiskTrialQuery,
    SimulatorQuery,
    ReconciliationQuery,
    InDoubtQuery,
    AuditQuery,
    RestrictedListQuery,
    CalendarQuery,
    ExecutionQualityQuery,
    OrderRecordQuery,
    OrderRecordExportQuery,
    RecordRetentionQuery,
    SurveillanceQuery,
    InstallationQuery,
    HaltQuery,
    RiskMonitoringQuery,
    RiskAnalyticsQuery,
    RiskHistoryQuery,
):
    """What can be asked."""


@strawberry.type(description="What can be done. What a user can get wrong comes back in the payload's errors.")
class Mutation(
    IdentityMutation,
    TwoFactorMutation,
    MemberMutation,
    TenantMutation,
    PlatformMutation,
    AccountMutation,
    InstrumentMutation,
    MarketDataMutation,
    OrderMutation,
    LinkedOrderMutation,
    PositionMutation,
    ApprovalMutation,
    RiskLimitMutation,
    RiskLimitFileMutation,
    RiskTrialMutation,
    ReconciliationMutation,
    InDoubtMutation,
    BrokerMutation,
    SimulatorMutation,
    AuditMutation,
    RestrictedListMutation,
    CalendarMutation,
    RecordRetentionMutation,
    OrderRecordExportMutation,
    SurveillanceMutation,
    HaltMutation,
    RiskMonitoringMutation,
):
    """What can be done."""


@strawberry.type(description="What can be followed, over graphql-transport-ws.")
class Subscription(
    OrderSubscription,
    PositionSubscription,
    TickSubscription,
    StreamSubscription,
    BrokerSubscription,
    ComplianceSubscription,
    HaltSubscription,
    RiskMonitoringSubscription,
):
    """What can be followed."""


# An operation that does not say what it asks of the credential stops the process here, before it can serve.
ROOTS: Final = (Query, Mutation, Subscription)
REQUIREMENTS: Final = requirements(ROOTS)
_ROOTS: Final = frozenset(root for root, _ in REQUIREMENTS)
describe(ROOTS)

schema: Final = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
)


def ways_in() -> frozenset[str]:
    """The mutations that ask for no credential, by their name in GraphQL."""
    definition = get_object_definition(Mutation, strict=True)
    names = schema.config.name_converter
    return frozenset(
        names.get_graphql_name(field)
        for field in definition.fields
        if not REQUIREMENTS[definition.name, field.python_name].needs_principal
    )


def operation_costs() -> dict[tuple[str, str], int]:
    """What each field of the root types costs by itself, by type and name in GraphQL."""
    names = schema.config.name_converter
    found: dict[tuple[str, str], int] = {}
    for root in ROOTS:
        definition = get_object_definition(root, strict=True)
        for field in definition.fields:
            requirement = REQUIREMENTS[definition.name, field.python_name]
            found[definition.name, names.get_graphql_name(field)] = cost_of(definition.name, requirement)
    return found


def subscription_requirements() -> dict[str, Requirement]:
    """What each subscription asks of the credential, by its name in GraphQL."""
    definition = get_object_definition(Subscription, strict=True)
    names = schema.config.name_converter
    return {
        names.get_graphql_name(field): REQUIREMENTS[definition.name, field.python_name] for field in definition.fields
    }


def field_requirements() -> dict[tuple[str, str], Requirement]:
    """What fields below the root types ask beyond what led to them, by type and name in GraphQL."""
    names = schema.config.name_converter
    found: dict[tuple[str, str], Requirement] = {}
    for kind in schema.schema_converter.type_map.values():
        definition = kind.definition
        if not isinstance(definition, StrawberryObjectDefinition) or definition.name in _ROOTS:
            continue
        for field in definition.fields:
            for asked in field.extensions:
                if isinstance(asked, Requires):
                    found[definition.name, names.get_graphql_name(field)] = asked.requirement
    return found
