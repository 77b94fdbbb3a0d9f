"""Mutations of reconciliations: to compare now, and to end a break."""

import strawberry

from app.brokers.reconciling import BreakAction
from app.core.errors import OmsError
from app.core.ids import AccountId, BreakId
from app.flows.reconciliation.reconcile_now import WITHIN_S, reconcile_now
from app.flows.reconciliation.resolve_break import REASON_LENGTH_MAX, Resolution, resolve_break
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import parse_id
from schema.base.permissions import scoped
from schema.brokers.reconciliation import Reconciliation, ReconciliationBreak


@strawberry.input
class ReconcileAccountInput:
    """Whose books."""

    account_id: strawberry.ID


@strawberry.type
class ReconciliationPayload:
    """The answer of reconcileAccount."""

    reconciliation: Reconciliation | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class ResolveBreakInput:
    """How a break ends."""

    break_id: strawberry.ID
    action: BreakAction
    reason: str = strawberry.field(description=f"Why, 1 to {REASON_LENGTH_MAX} characters; it is kept with it.")


@strawberry.type
class ReconciliationBreakPayload:
    """The answer of resolveBreak."""

    reconciliation_break: ReconciliationBreak | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ReconciliationMutation:
    """Mutations of reconciliations."""

    @strawberry.mutation(
        description="Asks the broker for everything, compares it with our books and answers what was found, within "
        f"{WITHIN_S:.0f} s. Trading goes on meanwhile. RECONCILIATION_FAILED says why it could not be done now.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def reconcile_account(self, info: Info, input: ReconcileAccountInput) -> ReconciliationPayload:  # noqa: A002
        """Compares now."""
        try:
            account_id = AccountId(parse_id(input.account_id, "accountId"))
            done = await reconcile_now(info.context.desk, info.context.principal, account_id, "accountId")
        except OmsError as error:
            return ReconciliationPayload(errors=user_errors(error))
        return ReconciliationPayload(reconciliation=Reconciliation.of(done))

    @strawberry.mutation(
        description="Ends a break. What it froze takes orders again, and orders that waited for it leave. It is "
        "audited. BREAK_CHANGED: our position has moved since the evidence; reconcile, and look again.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def resolve_break(self, info: Info, input: ResolveBreakInput) -> ReconciliationBreakPayload:  # noqa: A002
        """Ends a break."""
        try:
            break_id = BreakId(parse_id(input.break_id, "breakId"))
            asked = Resolution(break_id=break_id, action=input.action, reason=input.reason)
            done = await resolve_break(info.context.desk, info.context.principal, asked)
        except OmsError as error:
            return ReconciliationBreakPayload(errors=user_errors(error))
        return ReconciliationBreakPayload(reconciliation_break=ReconciliationBreak.of(done))
