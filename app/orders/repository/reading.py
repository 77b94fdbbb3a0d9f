"""The SQL of reading orders and what belongs to them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, func, select

from app.core.fix import TERMINAL_STATES, OrderState
from app.core.ids import AccountId, ExecutionKey, OrderId, RequestId, TenantId
from app.core.paging import Page, Window, page_of
from app.infra.db import ReadSession
from app.infra.tables import metadata
from app.orders import models
from app.orders.domain.linking import in_family_order
from app.orders.domain.listing import ExecutionFilter, OrderFilter
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderRequest
from app.orders.errors import OrderHistoryTooLongError
from app.orders.repository.rows import event_from_row, execution_from_row, order_from_row, request_from_row

HISTORY_MAX: Final = 10_000
_ORDERS = metadata.tables[models.OrderRow.__tablename__]
_EXECUTIONS = metadata.tables[models.ExecutionRow.__tablename__]
_REQUESTS = metadata.tables[models.OrderRequestRow.__tablename__]
_EVENTS = metadata.tables[models.OrderEventRow.__tablename__]
# Written as the index of the open orders has it, in the order of the enumeration.
_OVER = [state.value for state in OrderState if state in TERMINAL_STATES]


async def orders_by_ids(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, Order]:
    """The orders by id; absent if the tenant has none of the id."""
    statement = select(_ORDERS).where(_ORDERS.c.tenant_id == tenant_id, _ORDERS.c.id.in_(order_ids))
    found = (order_from_row(row) for row in await _rows(session, statement))
    return {order.id: order for order in found}


async def orders_page(
    session: ReadSession, tenant_id: TenantId, wanted: OrderFilter, window: Window[UUID]
) -> Page[Order]:
    """The orders of the window, the newest first."""
    rows = await _newest_first(session, _ORDERS, _order_conditions(tenant_id, wanted), window)
    return page_of([order_from_row(row) for row in rows], window)


async def fitting_orders(
    session: ReadSession, tenant_id: TenantId, wanted: OrderFilter, order_ids: Sequence[UUID]
) -> list[Order]:
    """Those of the orders that fit the filter, in no order."""
    statement = select(_ORDERS).where(*_order_conditions(tenant_id, wanted), _ORDERS.c.id.in_(order_ids))
    return [order_from_row(row) for row in await _rows(session, statement)]


async def counts_at_broker(
    session: ReadSession, tenant_id: TenantId, account_ids: Sequence[AccountId]
) -> dict[AccountId, int]:
    """How many orders of each account were sent and are not over; absent where there is none."""
    statement = (
        select(_ORDERS.c.account_id, func.count())
        .where(
            _ORDERS.c.tenant_id == tenant_id,
            _ORDERS.c.account_id.in_(account_ids),
            _ORDERS.c.broker_order_id.is_not(None),
            _ORDERS.c.state.not_in(_OVER),
        )
        .group_by(_ORDERS.c.account_id)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def count_orders(session: ReadSession, tenant_id: TenantId, wanted: OrderFilter) -> int:
    """How many orders there are."""
    return await _count(session, _ORDERS, _order_conditions(tenant_id, wanted))


async def executions_by_ids(
    session: ReadSession, tenant_id: TenantId, keys: Sequence[ExecutionKey]
) -> dict[ExecutionKey, Execution]:
    """The executions by id; absent if the tenant has none of the id."""
    statement = select(_EXECUTIONS).where(_EXECUTIONS.c.tenant_id == tenant_id, _EXECUTIONS.c.id.in_(keys))
    found = (execution_from_row(row) for row in await _rows(session, statement))
    return {execution.id: execution for execution in found}


async def executions_page(
    session: ReadSession, tenant_id: TenantId, wanted: ExecutionFilter, window: Window[UUID]
) -> Page[Execution]:
    """The active executions of the window, the newest first."""
    rows = await _newest_first(session, _EXECUTIONS, _execution_conditions(tenant_id, wanted), window)
    return page_of([execution_from_row(row) for row in rows], window)


async def count_executions(session: ReadSession, tenant_id: TenantId, wanted: ExecutionFilter) -> int:
    """How many active executions there are."""
    return await _count(session, _EXECUTIONS, _execution_conditions(tenant_id, wanted))


async def executions_of_orders(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[Execution]]:
    """The active executions of each of the orders, the oldest first. Raises OrderHistoryTooLongError."""
    conditions = [_EXECUTIONS.c.order_id.in_(order_ids), _EXECUTIONS.c.is_superseded.is_(False)]
    rows = await _history(session, _EXECUTIONS, tenant_id, conditions, _EXECUTIONS.c.id)
    found: dict[OrderId, list[Execution]] = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append(execution_from_row(row))
    return found


async def requests_by_ids(
    session: ReadSession, tenant_id: TenantId, request_ids: Sequence[RequestId]
) -> dict[RequestId, OrderRequest]:
    """The requests by id; absent if the tenant has none of the id."""
    statement = select(_REQUESTS).where(_REQUESTS.c.tenant_id == tenant_id, _REQUESTS.c.id.in_(request_ids))
    found = (request_from_row(row) for row in await _rows(session, statement))
    return {request.id: request for request in found}


async def requests_of_orders(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[OrderRequest]]:
    """The cancels and replaces of each of the orders, the oldest first. Raises OrderHistoryTooLongError."""
    rows = await _history(session, _REQUESTS, tenant_id, [_REQUESTS.c.order_id.in_(order_ids)], _REQUESTS.c.id)
    found: dict[OrderId, list[OrderRequest]] = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append(request_from_row(row))
    return found


async def children_of_orders(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[Order]]:
    """The exits of each of the orders, the oldest first. Raises OrderHistoryTooLongError."""
    rows = await _history(session, _ORDERS, tenant_id, [_ORDERS.c.parent_id.in_(order_ids)], _ORDERS.c.id)
    found: dict[OrderId, list[Order]] = defaultdict(list)
    for row in rows:
        found[row["parent_id"]].append(order_from_row(row))
    return {parent_id: in_family_order(children) for parent_id, children in found.items()}


async def legs_of_groups(session: ReadSession, tenant_id: TenantId, groups: Sequence[str]) -> dict[str, list[Order]]:
    """The orders of each of the groups, the oldest first. Raises OrderHistoryTooLongError."""
    rows = await _history(session, _ORDERS, tenant_id, [_ORDERS.c.oca_group.in_(groups)], _ORDERS.c.id)
    found: dict[str, list[Order]] = defaultdict(list)
    for row in rows:
        found[row["oca_group"]].append(order_from_row(row))
    return {group: in_family_order(legs) for group, legs in found.items()}


async def events_of_orders(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[LoggedEvent]]:
    """The events of each of the orders, in their sequence. Raises OrderHistoryTooLongError."""
    rows = await _history(session, _EVENTS, tenant_id, [_EVENTS.c.order_id.in_(order_ids)], _EVENTS.c.sequence)
    found: dict[OrderId, list[LoggedEvent]] = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append(event_from_row(row))
    return found


def _order_conditions(tenant_id: TenantId, wanted: OrderFilter) -> list[ColumnElement[bool]]:
    c = _ORDERS.c
    conditions: list[ColumnElement[bool]] = [c.tenant_id == tenant_id]
    if wanted.account_ids is not None:
        conditions.append(c.account_id.in_(wanted.account_ids))
    if wanted.instrument_ids is not None:
        conditions.append(c.instrument_id.in_(wanted.instrument_ids))
    state = c.state if wanted.as_of is None else _state_at(wanted.as_of)
    if wanted.as_of is not None:
        conditions.append(c.created_at <= wanted.as_of)
    if wanted.states is not None:
        conditions.append(state.in_([one.value for one in wanted.states]))
    if wanted.sides is not None:
        conditions.append(c.side.in_([side.value for side in wanted.sides]))
    if wanted.client_order_id is not None:
        conditions.append(c.client_order_id == wanted.client_order_id)
    if wanted.created_after is not None:
        conditions.append(c.created_at >= wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(c.created_at < wanted.created_before)
    if wanted.is_open is not None:
        conditions.append(state.not_in(_OVER) if wanted.is_open else state.in_(_OVER))
    return conditions


def _state_at(at: datetime) -> ColumnElement[str]:
    return (
        select(_EVENTS.c.to_state)
        .where(
            _EVENTS.c.tenant_id == _ORDERS.c.tenant_id,
            _EVENTS.c.order_id == _ORDERS.c.id,
            _EVENTS.c.recorded_at <= at,
        )
        .order_by(_EVENTS.c.sequence.desc())
        .limit(1)
        .correlate(_ORDERS)
        .scalar_subquery()
    )


def _execution_conditions(tenant_id: TenantId, wanted: ExecutionFilter) -> list[ColumnElement[bool]]:
    c = _EXECUTIONS.c
    conditions: list[ColumnElement[bool]] = [c.tenant_id == tenant_id, c.is_superseded.is_(False)]
    if wanted.account_id is not None:
        conditions.append(c.account_id == wanted.account_id)
    if wanted.order_id is not None:
        conditions.append(c.order_id == wanted.order_id)
    return conditions


async def _newest_first(
    session: ReadSession, table: Table, conditions: Sequence[ColumnElement[bool]], window: Window[UUID]
) -> Sequence[Any]:
    # Ids are UUIDv7: their order is the order of creation.
    key = table.c.id
    statement = select(table).where(*conditions)
    if window.after is not None:
        statement = statement.where(key < window.after)
    if window.before is not None:
        statement = statement.where(key > window.before)
    statement = statement.order_by(key if window.is_from_end else key.desc()).limit(window.size + 1)
    return await _rows(session, statement)


async def _count(session: ReadSession, table: Table, conditions: Sequence[ColumnElement[bool]]) -> int:
    statement = select(func.count()).select_from(table).where(*conditions)
    return int((await session.execute(statement)).scalar_one())


async def _history(
    session: ReadSession,
    table: Table,
    tenant_id: TenantId,
    conditions: Sequence[ColumnElement[bool]],
    order: ColumnElement[Any],
) -> Sequence[Any]:
    statement = select(table).where(table.c.tenant_id == tenant_id, *conditions).order_by(order).limit(HISTORY_MAX + 1)
    rows = await _rows(session, statement)
    if len(rows) > HISTORY_MAX:
        raise OrderHistoryTooLongError(HISTORY_MAX)
    return rows


async def _rows(session: ReadSession, statement: Select[Any]) -> Sequence[Any]:
    rows: Sequence[Any] = (await session.execute(statement)).mappings().all()
    return rows
