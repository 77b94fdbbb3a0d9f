"""Pages of orders and executions, and the filter of orders."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry

from app.core.fix import OrderState, Side
from app.core.ids import AccountId, InstrumentId
from app.core.paging import Page, Window
from app.flows.journal.time_travel import PastOrder
from app.orders.domain import listing
from app.orders.domain import order as domain
from schema.base.ids import bounded, parse_ids, storable
from schema.base.pagination import Count, Counted, Cursors, page_info
from schema.orders.types import Execution, Order

ORDER_CURSORS: Final = Cursors("order")
EXECUTION_CURSORS: Final = Cursors("execution")


@strawberry.input(description="Conditions that all hold; one left out or null asks nothing, an empty list fits none.")
class OrderFilter:
    """Which orders."""

    account_ids: list[strawberry.ID] | None = None
    instrument_ids: list[strawberry.ID] | None = None
    symbols: list[str] | None = None
    states: list[OrderState] | None = None
    sides: list[Side] | None = None
    client_order_id: str | None = None
    created_after: datetime | None = strawberry.field(default=None, description="From this instant on.")
    created_before: datetime | None = strawberry.field(default=None, description="Before this instant.")
    is_open: bool | None = strawberry.field(default=None, description="True: not over yet.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOrders:
    """A filter as the rooms take it: what orders know, and the symbols that instruments know."""

    orders: listing.OrderFilter
    symbols: tuple[str, ...] | None


def wanted_orders(given: OrderFilter | None) -> WantedOrders:
    """The filter as the rooms take it. Raises InputError with the path."""
    if given is None:
        return WantedOrders(orders=listing.OrderFilter(), symbols=None)
    accounts = parse_ids(given.account_ids, "filter", "accountIds")
    instruments = parse_ids(given.instrument_ids, "filter", "instrumentIds")
    if given.client_order_id is not None:
        storable(given.client_order_id, "filter", "clientOrderId")
    return WantedOrders(
        orders=listing.OrderFilter(
            account_ids=None if accounts is None else tuple(AccountId(one) for one in accounts),
            instrument_ids=None if instruments is None else tuple(InstrumentId(one) for one in instruments),
            states=None if given.states is None else tuple(given.states),
            sides=None if given.sides is None else tuple(given.sides),
            client_order_id=given.client_order_id,
            created_after=given.created_after,
            created_before=given.created_before,
            is_open=given.is_open,
        ),
        symbols=None if given.symbols is None else tuple(bounded(given.symbols, "filter", "symbols")),
    )


@strawberry.type
class OrderEdge:
    """An order at its place in a list."""

    cursor: str
    node: Order


@strawberry.type(description="Orders, the newest first.")
class OrderConnection(Counted):
    """A page of orders."""

    edges: list[OrderEdge]

    @classmethod
    def of(cls, page: Page[domain.Order] | Page[PastOrder], window: Window[UUID], count: Count) -> "OrderConnection":
        """The page with its cursors."""
        nodes = [Order.of_past(one) if isinstance(one, PastOrder) else Order.of(one) for one in page.items]
        edges = [OrderEdge(cursor=ORDER_CURSORS.write(node.id), node=node) for node in nodes]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class ExecutionEdge:
    """An execution at its place in a list."""

    cursor: str
    node: Execution


@strawberry.type(description="Executions that hold, the newest first.")
class ExecutionConnection(Counted):
    """A page of executions."""

    edges: list[ExecutionEdge]

    @classmethod
    def of(cls, page: Page[domain.Execution], window: Window[UUID], count: Count) -> "ExecutionConnection":
        """The page with its cursors."""
        edges = [
            ExecutionEdge(cursor=EXECUTION_CURSORS.write(str(one.id)), node=Execution.of(one)) for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)
