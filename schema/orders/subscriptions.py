"""Subscriptions of orders and executions."""

from collections.abc import AsyncGenerator

import strawberry

from app.core.ids import AccountId
from app.flows.live.follow_live_orders import follow_live_orders
from app.flows.live.follow_orders import follow_executions, follow_order_events
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.ids import parse_id, parse_ids
from schema.base.live import LIVE_TABLE, THROTTLE_MS
from schema.base.permissions import scoped
from schema.orders.connections import OrderFilter, wanted_orders
from schema.orders.live import OrderBatch
from schema.orders.types import Execution, OrderEvent


@strawberry.type
class OrderSubscription:
    """Subscriptions of orders and executions."""

    @strawberry.subscription(
        description="Live order and fill events. With afterSequence, first everything after it from the log, then "
        "live: no gap, no duplicate.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def order_events(
        self, info: Info, account_id: strawberry.ID, after_sequence: int | None = None
    ) -> AsyncGenerator[OrderEvent, None]:
        """Events of an account."""
        account = AccountId(parse_id(account_id, "accountId"))
        async for logged in follow_order_events(info.context.desk, info.context.principal, account, after_sequence):
            yield OrderEvent.of(logged)

    @strawberry.subscription(
        description="The orders that fit the filter, live. An order that leaves the filter is removed. Symbols are "
        "looked up at the start. " + LIVE_TABLE,
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def orders_changed(
        self,
        info: Info,
        filter: OrderFilter | None = None,  # noqa: A002
        throttle_ms: int | None = 200,
    ) -> AsyncGenerator[OrderBatch, None]:
        """The live table of orders."""
        wanted = wanted_orders(filter)
        window_ms = THROTTLE_MS if throttle_ms is None else throttle_ms
        desk, principal = info.context.desk, info.context.principal
        async for update in follow_live_orders(desk, principal, wanted.orders, wanted.symbols, window_ms):
            yield OrderBatch.of(update)

    @strawberry.subscription(
        description="Never conflated: each execution and each correction arrives. Without accountIds, of all accounts "
        "of the tenant. To resume after a lost connection, follow orderEvents with afterSequence.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def executions(
        self, info: Info, account_ids: list[strawberry.ID] | None = None
    ) -> AsyncGenerator[Execution, None]:
        """Executions of accounts."""
        given = parse_ids(account_ids, "accountIds")
        accounts = None if given is None else tuple(AccountId(one) for one in given)
        async for execution in follow_executions(info.context.desk, info.context.principal, accounts):
            yield Execution.of(execution)
