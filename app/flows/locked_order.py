"""An order with its account's book locked: where a cancel and a modify begin."""

from app.core.ids import OrderId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession
from app.orders.domain.reports import OrderFile
from app.orders.repository import account_books, order_requests
from app.orders.repository import batch as orders
from app.orders.repository.account_books import Book


async def lock_order(
    session: BatchSession, tenant_id: TenantId, order_id: OrderId
) -> tuple[AccountKey, Book, OrderFile] | None:
    """The order as it stands behind the lock of its account, with its open requests; None if unknown."""
    seen = (await orders.orders_by_id(session, tenant_id, [order_id])).get(order_id)
    if seen is None:
        return None
    key = AccountKey(tenant_id=tenant_id, account_id=seen.account_id)
    books = await account_books.books_for_update(session, [key])
    return key, books[key], await read_file(session, tenant_id, order_id)


async def read_file(session: BatchSession, tenant_id: TenantId, order_id: OrderId) -> OrderFile:
    """The order as it stands, with its open requests; the book of its account is locked."""
    file = OrderFile(order=(await orders.orders_by_id(session, tenant_id, [order_id]))[order_id])
    for request in await order_requests.open_requests(session, tenant_id, [order_id]):
        file = file.with_request(request)
    return file
