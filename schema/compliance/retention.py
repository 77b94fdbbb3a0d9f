"""Retention of what compliance writes down, over GraphQL."""

from datetime import datetime

import strawberry

from app.compliance.domain import retention as domain
from app.compliance.domain.retention import KEEP_DAYS_DEFAULT, KEEP_DAYS_MIN
from app.core.errors import OmsError
from app.flows.compliance.record_retention import record_retention, set_record_retention
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.permissions import scoped

_DAYS = f"At least {KEEP_DAYS_MIN}, five years; {KEEP_DAYS_DEFAULT}, seven years, where nothing was set."


@strawberry.type(
    description="How long the tenant keeps what compliance has written down. Orders, executions and events are kept "
    "for good, and with them the records of orders."
)
class RecordRetention:
    """How long records are kept."""

    alert_days: int = strawberry.field(description="Touches of restricted names.")
    case_days: int = strawberry.field(description="Surveillance cases with their notes, from their closing on.")
    set_by: str | None = strawberry.field(description="Null: the default.")
    set_at: datetime | None

    @classmethod
    def of(cls, rule: domain.RecordRetention) -> "RecordRetention":
        """The type of the value."""
        return cls(alert_days=rule.alert_days, case_days=rule.case_days, set_by=rule.set_by, set_at=rule.set_at)


@strawberry.input
class SetRecordRetentionInput:
    """How long records are to be kept."""

    alert_days: int = strawberry.field(description=_DAYS)
    case_days: int = strawberry.field(description=_DAYS)


@strawberry.type
class RecordRetentionPayload:
    """The rule as it is now, or what was wrong."""

    retention: RecordRetention | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class RecordRetentionQuery:
    """Queries of retention."""

    @strawberry.field(
        description="How long the tenant keeps alerts and closed cases.", extensions=scoped(Scope.VIEW_AUDIT)
    )
    async def record_retention(self, info: Info) -> RecordRetention:
        """The rule of retention."""
        return RecordRetention.of(await record_retention(info.context.desk, info.context.principal))


@strawberry.type
class RecordRetentionMutation:
    """Mutations of retention."""

    @strawberry.mutation(
        description="Sets how long alerts and closed cases are kept. Older ones are deleted by night.",
        extensions=scoped(Scope.ADMIN_TENANT, step_up=True),
    )
    async def set_record_retention(self, info: Info, input: SetRecordRetentionInput) -> RecordRetentionPayload:  # noqa: A002
        """Sets the rule."""
        desk, principal = info.context.desk, info.context.principal
        try:
            rule = await set_record_retention(desk, principal, input.alert_days, input.case_days)
        except OmsError as error:
            return RecordRetentionPayload(errors=user_errors(error))
        return RecordRetentionPayload(retention=RecordRetention.of(rule))
