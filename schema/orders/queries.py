"""Queries of orders and executions."""

from dataclasses import replace
from datetime import datetime

import strawberry

from app.core.ids import AccountId, OrderId
from app.flows.journal.time_travel import list_orders_as_of, order_as_of
from app.flows.orders.list_orders import count_orders, list_orders
from app.identity.domain import Scope
from app.orders import service as orders
from app.orders.domain.listing import ExecutionFilter
from app.orders.errors import OrderUnknownError
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.pagination import window_of
from schema.base.permissions import scoped
from schema.brokers.types import known_account
from schema.orders.connections import (
    EXECUTION_CURSORS,
    ORDER_CURSORS,
    ExecutionConnection,
    OrderConnection,
    OrderFilter,
    wanted_orders,
)
from schema.orders.types import Order


@strawberry.type
class OrderQuery:
    """Queries of orders and executions."""

    @strawberry.field(
        description="The order, null if the tenant has none of the id. With asOf as it stood at that instant, with its "
        "requests, events and executions of then; null if it had not come yet.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def order(self, info: Info, id: strawberry.ID, as_of: datetime | None = None) -> Order | None:  # noqa: A002
        """The order by id."""
        order_id = OrderId(parse_id(id, "id"))
        if as_of is not None:
            past = await order_as_of(info.context.desk, info.context.principal, order_id, as_of)
            return None if past is None else Order.of_past(past)
        order = await info.context.loaders.orders.load(order_id)
        return None if order is None else Order.of(order)

    @strawberry.field(
        description="The tenant's orders, the newest first. `last`, when given, counts from the oldest. With asOf "
        "those that there were at that instant, as they stood then; the filter is asked of that instant too.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def orders(
        self,
        info: Info,
        filter: OrderFilter | None = None,  # noqa: A002
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        as_of: datetime | None = None,
    ) -> OrderConnection:
        """A page of orders."""
        window = window_of(first=first, after=after, last=last, before=before, read=ORDER_CURSORS.read_id)
        wanted = wanted_orders(filter)
        desk, principal = info.context.desk, info.context.principal

        filtered = replace(wanted.orders, as_of=as_of)

        async def count() -> int:
            return await count_orders(desk, principal, filtered, wanted.symbols)

        if as_of is not None:
            past = await list_orders_as_of(desk, principal, filtered, wanted.symbols, window, as_of)
            return OrderConnection.of(past, window, count)
        page = await list_orders(desk, principal, wanted.orders, wanted.symbols, window)
        return OrderConnection.of(page, window, count)

    @strawberry.field(
        description="The executions that hold, the newest first; of an account, of an order, or of the tenant.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def executions(
        self,
        info: Info,
        account_id: strawberry.ID | None = None,
        order_id: strawberry.ID | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> ExecutionConnection:
        """A page of executions."""
        window = window_of(first=first, after=after, read=EXECUTION_CURSORS.read_id)
        wanted = await _wanted_executions(info, account_id, order_id)
        desk, principal = info.context.desk, info.context.principal

        async def count() -> int:
            async with desk.reading(principal) as session:
                return await orders.count_executions(session, principal.tenant_id, wanted)

        async with desk.reading(principal) as session:
            page = await orders.executions_page(session, principal.tenant_id, wanted, window)
        return ExecutionConnection.of(page, window, count)


async def _wanted_executions(info: Info, account_id: str | None, order_id: str | None) -> ExecutionFilter:
    account: AccountId | None = None
    order: OrderId | None = None
    if account_id is not None:
        account = await known_account(info, account_id, "accountId")
    if order_id is not None:
        order = OrderId(parse_id(order_id, "orderId"))
        if await info.context.loaders.orders.load(order) is None:
            raise OrderUnknownError("orderId")
    return ExecutionFilter(account_id=account, order_id=order)
