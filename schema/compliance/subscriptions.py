"""Subscriptions of compliance."""

from collections.abc import AsyncGenerator

import strawberry

from app.flows.compliance.follow_compliance import follow_alerts, follow_cases
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.permissions import scoped
from schema.compliance.cases import SurveillanceCase
from schema.compliance.list_types import RestrictionAlert


@strawberry.type
class ComplianceSubscription:
    """Subscriptions of compliance."""

    @strawberry.subscription(
        description="Each case of surveillance as it is opened; what was missed is in surveillanceCases.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def surveillance_case_opened(self, info: Info) -> AsyncGenerator[SurveillanceCase, None]:
        """New cases."""
        async for case in follow_cases(info.context.desk, info.context.principal):
            yield SurveillanceCase.of(case)

    @strawberry.subscription(
        description="Each touch of a restricted name as it happens; what was missed is in restrictionAlerts.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def restriction_alert_added(self, info: Info) -> AsyncGenerator[RestrictionAlert, None]:
        """New alerts."""
        async for alert in follow_alerts(info.context.desk, info.context.principal):
            yield RestrictionAlert.of(alert)
