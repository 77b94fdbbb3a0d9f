"""Orders in doubt and orders of others over GraphQL: what is known, and what may be done."""

from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from app.core.errors import InputError, OmsError
from app.core.ids import OrderId
from app.core.paging import Page, Window
from app.flows.orders import in_doubt
from app.flows.orders.in_doubt import ask_about, count_in_doubt, in_doubt_orders
from app.flows.reconciliation.claim_external import NOTE_LENGTH_MAX, Claim, claim_external
from app.flows.reconciliation.resolve_break import REASON_LENGTH_MAX, declare_order_dead
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, problem_errors, user_errors
from schema.base.ids import parse_id
from schema.base.pagination import Count, Counted, Cursors, page_info, window_of
from schema.base.permissions import scoped
from schema.brokers.reconciliation import ReconciliationBreak
from schema.brokers.types import known_account
from schema.orders.mutations import OrderPayload
from schema.orders.types import Order

DOUBT_CURSORS: Final = Cursors("doubt")


@strawberry.type(description="An order of which nobody knows what the broker holds, with what is known of it.")
class InDoubtOrder:
    """An order in doubt."""

    order: Order
    routed_at: datetime | None = strawberry.field(description="When it was on its way to the broker.")
    last_broker_word: str | None = strawberry.field(description="The type of the newest event that the broker caused.")
    last_broker_word_at: datetime | None
    doubt_since: datetime | None
    doubt_reason: str | None
    sweeps_missed: int = strawberry.field(
        description="How many complete looks have not found it at the broker since it is missing."
    )
    broker_says: JSON | None = strawberry.field(
        description="What the broker said when it was asked for everything; null where it was not asked, or knows it."
    )
    missing: ReconciliationBreak | None = strawberry.field(
        description="The break, where the broker does not know the order. Then declareOrderDead may end it."
    )

    @classmethod
    def of(cls, one: in_doubt.InDoubtOrder) -> "InDoubtOrder":
        """The type of the value."""
        missing, word, doubt = one.missing, one.word, one.doubt
        return cls(
            order=Order.of(one.order),
            routed_at=one.routed_at,
            last_broker_word=None if word is None else word.event.type,
            last_broker_word_at=None if word is None else word.event.occurred_at,
            doubt_since=None if doubt is None else doubt.event.occurred_at,
            doubt_reason=None if doubt is None else doubt.event.reason,
            sweeps_missed=0 if missing is None else missing.looks,
            broker_says=None if missing is None or missing.broker is None else JSON(dict(missing.broker)),
            missing=None if missing is None else ReconciliationBreak.of(missing),
        )


@strawberry.type
class InDoubtOrderEdge:
    """An order in doubt at its place in a list."""

    cursor: str
    node: InDoubtOrder


@strawberry.type(description="Orders in doubt, the oldest first.")
class InDoubtOrderConnection(Counted):
    """A page of orders in doubt."""

    edges: list[InDoubtOrderEdge]

    @classmethod
    def of(cls, page: Page[in_doubt.InDoubtOrder], window: Window[UUID], count: Count) -> "InDoubtOrderConnection":
        """The page with its cursors."""
        edges = [
            InDoubtOrderEdge(cursor=DOUBT_CURSORS.write(str(one.order.id)), node=InDoubtOrder.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class InDoubtQuery:
    """Queries of orders in doubt."""

    @strawberry.field(
        description="The inbox of orders in doubt, the oldest first; of an account. The broker is asked for them every "
        "two seconds: what stays here waits for a person.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def in_doubt_orders(
        self,
        info: Info,
        account_id: strawberry.ID | None = None,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> InDoubtOrderConnection:
        """A page of orders in doubt."""
        window = window_of(first=first, after=after, last=last, before=before, read=DOUBT_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal
        account = None if account_id is None else await known_account(info, account_id, "accountId")

        async def count() -> int:
            return await count_in_doubt(desk, principal, account)

        return InDoubtOrderConnection.of(await in_doubt_orders(desk, principal, account, window), window, count)


@strawberry.input
class AskAboutOrderInput:
    """Which order the broker is asked about."""

    order_id: strawberry.ID


@strawberry.input
class DeclareOrderDeadInput:
    """Which order is over, and why that is known."""

    order_id: strawberry.ID
    reason: str = strawberry.field(description=f"How it is known, 1 to {REASON_LENGTH_MAX} characters; it is audited.")


@strawberry.input
class ClaimExternalOrderInput:
    """Which order is taken on, and what is said of it."""

    order_id: strawberry.ID
    note: str = strawberry.field(description=f"Why, 1 to {NOTE_LENGTH_MAX} characters; it is kept with the order.")
    metadata: JSON | None = strawberry.field(
        default=None, description="The order's document from now on, such as the strategy that it belongs to."
    )


@strawberry.type
class ClaimExternalOrderPayload:
    """The answer of claimExternalOrder."""

    order: Order | None = None
    is_managed: bool = strawberry.field(default=False, description="Whether it can be canceled and modified from here.")
    unmanaged_because: str | None = strawberry.field(default=None, description="Why it cannot; null where it can.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class InDoubtMutation:
    """Mutations of orders in doubt and of orders that others placed."""

    @strawberry.mutation(
        description="Asks the broker for everything once more, and answers the order as it stands then. Nothing is "
        "sent that could place it anew. RECONCILIATION_FAILED says why the broker could not be asked.",
        extensions=scoped(Scope.MODIFY_ORDERS),
    )
    async def ask_about_order(self, info: Info, input: AskAboutOrderInput) -> OrderPayload:  # noqa: A002
        """Asks the broker."""
        try:
            order_id = OrderId(parse_id(input.order_id, "orderId"))
            order = await ask_about(info.context.desk, info.context.principal, order_id)
        except OmsError as error:
            return OrderPayload(errors=user_errors(error))
        return OrderPayload(order=Order.of(order))

    @strawberry.mutation(
        description="Ends an order in doubt that a complete look of the last five minutes did not find at the broker: "
        "REJECTED where it was never acknowledged, else CANCELED. It is never sent again; should the broker tell of it "
        "after all, its fills are booked.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def declare_order_dead(self, info: Info, input: DeclareOrderDeadInput) -> OrderPayload:  # noqa: A002
        """Ends an order that the broker does not know."""
        try:
            order_id = OrderId(parse_id(input.order_id, "orderId"))
            order = await declare_order_dead(info.context.desk, info.context.principal, order_id, input.reason)
        except OmsError as error:
            return OrderPayload(errors=user_errors(error))
        return OrderPayload(order=Order.of(order))

    @strawberry.mutation(
        description="Takes on an order that was placed outside, in TWS by hand or by another client. It stays EXTERNAL "
        "and bears who claimed it. Where the broker lets this account's session change it, it is managed from here.",
        extensions=scoped(Scope.MODIFY_ORDERS),
    )
    async def claim_external_order(
        self,
        info: Info,
        input: ClaimExternalOrderInput,  # noqa: A002
    ) -> ClaimExternalOrderPayload:
        """Takes on an order of others."""
        try:
            order_id = OrderId(parse_id(input.order_id, "orderId"))
            if input.metadata is not None and not isinstance(input.metadata, dict):
                raise InputError("The metadata is a JSON object.", path=["metadata"])
            claim = Claim(order_id=order_id, note=input.note, metadata=dict(input.metadata or {}))
            done = await claim_external(info.context.desk, info.context.principal, claim)
        except OmsError as error:
            return ClaimExternalOrderPayload(errors=user_errors(error))
        order = None if done.order is None else Order.of(done.order)
        if done.problems:
            return ClaimExternalOrderPayload(order=order, errors=problem_errors(done.problems))
        return ClaimExternalOrderPayload(
            order=order, is_managed=done.unmanaged_because is None, unmanaged_because=done.unmanaged_because
        )
