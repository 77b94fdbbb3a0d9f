"""Mutations of the audit log: its retention, and the erasure of a person."""

import strawberry

from app.audit.domain import KEEP_DAYS_MIN
from app.core.errors import OmsError
from app.core.ids import UserId
from app.flows.audit.keep_retention import set_audit_retention
from app.flows.tenants.erase_person import erase_person
from app.identity.domain import Scope
from schema.audit.types import AuditRetention, AuditRetentionPayload, ErasePersonPayload
from schema.base.context import Info
from schema.base.errors import user_errors
from schema.base.ids import parse_id, storable
from schema.base.permissions import scoped


@strawberry.input
class SetAuditRetentionInput:
    """How long the log is to be kept."""

    keep_days: int | None = strawberry.field(
        description=f"At least {KEEP_DAYS_MIN}, five years; null keeps everything."
    )


@strawberry.input
class ErasePersonInput:
    """Who is to be forgotten."""

    user_id: strawberry.ID
    reason: str = strawberry.field(description="For the audit log; name no person here.")


@strawberry.type
class AuditMutation:
    """Mutations of the audit log."""

    @strawberry.mutation(
        description="Sets how long entries are kept. Older ones are pruned by night, if the installation signs heads.",
        extensions=scoped(Scope.ADMIN_TENANT, step_up=True),
    )
    async def set_audit_retention(self, info: Info, input: SetAuditRetentionInput) -> AuditRetentionPayload:  # noqa: A002
        """Sets the rule."""
        try:
            rule = await set_audit_retention(info.context.desk, info.context.principal, input.keep_days)
        except OmsError as error:
            return AuditRetentionPayload(retention=None, errors=user_errors(error))
        return AuditRetentionPayload(retention=AuditRetention.of(rule), errors=[])

    @strawberry.mutation(
        description="Ends a person's membership for good and erases what tells of them: names, addresses, telephone "
        "numbers, agents. Orders, executions and the acts in the audit log stay, under an id that leads nowhere. It "
        "cannot be undone, and nobody erases themselves.",
        extensions=scoped(Scope.ADMIN_TENANT, step_up=True),
    )
    async def erase_person(self, info: Info, input: ErasePersonInput) -> ErasePersonPayload:  # noqa: A002
        """Erases a person."""
        try:
            user_id = UserId(parse_id(input.user_id, "userId"))
            reason = storable(input.reason, "reason")
            done = await erase_person(info.context.desk, info.context.principal, user_id, reason)
        except OmsError as error:
            return ErasePersonPayload(erased_keys=0, erased_profile=False, errors=user_errors(error))
        return ErasePersonPayload(erased_keys=done.keys, erased_profile=done.has_profile, errors=[])
