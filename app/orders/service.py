"""Reading orders, their executions, requests and events."""

from collections.abc import Sequence
from uuid import UUID

from app.core.ids import AccountId, ExecutionKey, OrderId, RequestId, TenantId
from app.core.paging import Page, Window
from app.infra.db import ReadSession
from app.orders.domain.listing import ExecutionFilter, OrderFilter
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderRequest
from app.orders.repository import reading


async def orders(session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]) -> dict[OrderId, Order]:
    """The orders by id; absent if the tenant has none of the id."""
    return await reading.orders_by_ids(session, tenant_id, order_ids)


async def page(session: ReadSession, tenant_id: TenantId, wanted: OrderFilter, window: Window[UUID]) -> Page[Order]:
    """The orders of the window, the newest first."""
    return await reading.orders_page(session, tenant_id, wanted, window)


async def fitting(
    session: ReadSession, tenant_id: TenantId, wanted: OrderFilter, order_ids: Sequence[UUID]
) -> list[Order]:
    """Those of the orders that fit the filter, in no order."""
    return await reading.fitting_orders(session, tenant_id, wanted, order_ids)


async def count(session: ReadSession, tenant_id: TenantId, wanted: OrderFilter) -> int:
    """How many orders there are."""
    return await reading.count_orders(session, tenant_id, wanted)


async def counts_at_broker(
    session: ReadSession, tenant_id: TenantId, account_ids: Sequence[AccountId]
) -> dict[AccountId, int]:
    """How many orders of each account were sent and are not over; absent where there is none."""
    return await reading.counts_at_broker(session, tenant_id, account_ids)


async def executions(
    session: ReadSession, tenant_id: TenantId, keys: Sequence[ExecutionKey]
) -> dict[ExecutionKey, Execution]:
    """The executions by id; absent if the tenant has none of the id."""
    return await reading.executions_by_ids(session, tenant_id, keys)


async def executions_page(
    session: ReadSession, tenant_id: TenantId, wanted: ExecutionFilter, window: Window[UUID]
) -> Page[Execution]:
    """The active executions of the window, the newest first."""
    return await reading.executions_page(session, tenant_id, wanted, window)


async def count_executions(session: ReadSession, tenant_id: TenantId, wanted: ExecutionFilter) -> int:
    """How many active executions there are."""
    return await reading.count_executions(session, tenant_id, wanted)


async def executions_of(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[Execution]]:
    """The active executions of each of the orders, the oldest first. Raises OrderHistoryTooLongError."""
    return await reading.executions_of_orders(session, tenant_id, order_ids)


async def requests(
    session: ReadSession, tenant_id: TenantId, request_ids: Sequence[RequestId]
) -> dict[RequestId, OrderRequest]:
    """The cancels and replaces by id; absent if the tenant has none of the id."""
    return await reading.requests_by_ids(session, tenant_id, request_ids)


async def requests_of(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[OrderRequest]]:
    """The cancels and replaces of each of the orders, the oldest first. Raises OrderHistoryTooLongError."""
    return await reading.requests_of_orders(session, tenant_id, order_ids)


async def children_of(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[Order]]:
    """The exits of each of the orders, the oldest first. Raises OrderHistoryTooLongError."""
    return await reading.children_of_orders(session, tenant_id, order_ids)


async def legs_of(session: ReadSession, tenant_id: TenantId, groups: Sequence[str]) -> dict[str, list[Order]]:
    """The orders of each of the groups that share what they deal. Raises OrderHistoryTooLongError."""
    return await reading.legs_of_groups(session, tenant_id, groups)


async def events_of(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[LoggedEvent]]:
    """The events of each of the orders, in their sequence. Raises OrderHistoryTooLongError."""
    return await reading.events_of_orders(session, tenant_id, order_ids)
