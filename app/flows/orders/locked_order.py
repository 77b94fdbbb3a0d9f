"""Orders with their accounts' books locked: where cancels, modifies and approvals begin."""

from collections.abc import Collection

from app.core.ids import OrderId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession
from app.orders.domain.order_file import OrderFile
from app.orders.repository import account_books, order_requests
from app.orders.repository import batch as orders
from app.orders.repository.account_books import Book


async def lock_order(
    session: BatchSession, tenant_id: TenantId, order_id: OrderId
) -> tuple[AccountKey, Book, OrderFile] | None:
    """The order as it stands behind the lock of its account, with its open requests; None if unknown."""
    books, files = await lock_orders(session, tenant_id, [order_id])
    if not files:
        return None
    ((key, book),) = books.items()
    return key, book, files[order_id]


async def lock_orders(
    session: BatchSession, tenant_id: TenantId, order_ids: Collection[OrderId]
) -> tuple[dict[AccountKey, Book], dict[OrderId, OrderFile]]:
    """The orders as they stand behind the locks of their accounts, with their open requests; absent if unknown."""
    seen = await orders.orders_by_id(session, tenant_id, order_ids)
    if not seen:
        return {}, {}
    keys = {AccountKey(tenant_id=tenant_id, account_id=order.account_id) for order in seen.values()}
    books = await account_books.books_for_update(session, keys)
    return books, await read_files(session, tenant_id, seen)


async def read_files(
    session: BatchSession, tenant_id: TenantId, order_ids: Collection[OrderId]
) -> dict[OrderId, OrderFile]:
    """The orders as they stand, with their open requests; the books of their accounts are locked."""
    found = await orders.orders_by_id(session, tenant_id, order_ids)
    files = {order_id: OrderFile(order=order) for order_id, order in found.items()}
    for request in await order_requests.open_requests(session, tenant_id, order_ids):
        files[request.order_id] = files[request.order_id].with_request(request)
    return files
