"""The connector takes commands off an account's lane: the intent to send is durable before a byte is written."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.brokers import batch as brokers
from app.brokers.domain import Lease
from app.brokers.errors import LeaseLostError
from app.core.fix import OrderState, RequestOutcome
from app.core.ids import InstrumentId, OrderId, RequestId
from app.core.messages import (
    AccountKey,
    BrokerReport,
    Contract,
    Instrument,
    LaneCommand,
    LaneKind,
    NotFoundReport,
    OrderAddress,
    StatusReport,
)
from app.flows.instrument_directory import InstrumentMemory
from app.infra.db import BatchSession, Write
from app.orders.domain.order import Order, OrderRequest
from app.orders.repository import account_books, lanes, order_requests
from app.orders.repository import batch as orders
from app.orders.repository.lanes import LaneEntry

_AFTER_CONNECT = (LaneKind.CANCEL,)
_WITH_OPEN_GATE = tuple(LaneKind)


async def claim_orders(
    session: BatchSession,
    lease: Lease,
    client_id: int,
    *,
    limit: int,
    now: datetime,
    memory: InstrumentMemory | None = None,
) -> list[LaneCommand]:
    """The next commands of the account, each claimed once; new orders and modifies only while the gate is open.

    The account's book is not locked, so that orders come in meanwhile: a command is claimed by being taken out of the
    lane, and who wants it back has to take it out first. Raises LeaseLostError when the lease's generation is not the
    newest: another connector has the account.
    """
    key = AccountKey(tenant_id=lease.tenant_id, account_id=lease.account_id)
    if not await lanes.has_lane(session, key):
        return []
    kinds = _WITH_OPEN_GATE if await brokers.is_gate_open(session, key) else _AFTER_CONNECT
    taken = await lanes.take_lane(session, key, kinds, limit)
    if not taken:
        return []
    placed = [order.id for entry, order in taken if entry.kind is LaneKind.PLACE and _is_unsent(order)]
    first = await brokers.take_order_ids(session, key, lease.generation, len(placed))
    if first is None:
        raise LeaseLostError("the lease was taken over")
    claims = {order_id: first + place for place, order_id in enumerate(placed)}
    writes: list[Write] = []
    if claims:
        writes.append(lanes.store_claims(key, list(claims.items()), client_id, lease.generation))
    request_ids = [entry.request_id for entry, _ in taken if entry.request_id is not None]
    requests: dict[RequestId, OrderRequest] = {}
    if request_ids:
        requests = await order_requests.requests_by_id(session, key.tenant_id, request_ids)
        writes.append(order_requests.mark_sent(key.tenant_id, request_ids, now))
    await session.write(writes)
    contracts = await contracts_of(session, key, (order for _, order in taken), memory)
    return [
        command
        for entry, order in taken
        if (command := _command(entry, order, claims, requests, contracts)) is not None
    ]


async def orders_not_told(
    session: BatchSession, lease: Lease, told: Sequence[BrokerReport], now: datetime
) -> list[NotFoundReport]:
    """The orders that the broker should know and did not tell of in a complete and applied snapshot.

    Call it at the start of a session, before anything is written over it. What is claimed and was never acknowledged
    may have been lost on the way: `commands_after_sync` writes that again.
    """
    key = AccountKey(tenant_id=lease.tenant_id, account_id=lease.account_id)
    await account_books.books_for_update(session, [key])
    addresses = [report.address for report in told if isinstance(report, StatusReport)]
    order_ids = {address.order_id for address in addresses}
    permanent_ids = {address.permanent_id for address in addresses}
    places = {(address.client_id, address.broker_order_id) for address in addresses}
    return [
        NotFoundReport(address=OrderAddress(order_id=order.id), occurred_at=now)
        for order in await orders.unsettled_orders(session, key)
        if order.state is not OrderState.ROUTED
        and order.id not in order_ids
        and (order.permanent_id is None or order.permanent_id not in permanent_ids)
        and (order.broker_client_id, order.broker_order_id) not in places
    ]


async def commands_after_sync(session: BatchSession, lease: Lease) -> list[LaneCommand]:
    """What is to be written again after a complete synchronisation, under the same order ids.

    Orders that were claimed and that the broker does not know were lost on the way; the same order id makes a
    second copy impossible. Cancels without an outcome are asked again, and modifies of orders that are not in doubt.
    Source: guarantees G2; the broker takes a known id of the same client as the same order.
    """
    key = AccountKey(tenant_id=lease.tenant_id, account_id=lease.account_id)
    await account_books.books_for_update(session, [key])
    if await brokers.take_order_ids(session, key, lease.generation, 0) is None:
        raise LeaseLostError("the lease was taken over")
    unsettled = await orders.unsettled_orders(session, key)
    contracts = await contracts_of(session, key, unsettled)
    pending = await order_requests.open_requests(session, key.tenant_id, [order.id for order in unsettled])
    commands = [
        _place_command(order, order.broker_order_id, contracts[order.instrument_id])
        for order in unsettled
        if order.state is OrderState.ROUTED and order.broker_order_id is not None
    ]
    by_id = {order.id: order for order in unsettled}
    for request in pending:
        order = by_id[request.order_id]
        is_sent = request.sent_at is not None and not _would_place_anew(order, request)
        if is_sent and order.broker_order_id is not None:
            commands.append(_request_command(order, request, order.broker_order_id, contracts[order.instrument_id]))
    return commands


async def contracts_of(
    session: BatchSession, key: AccountKey, wanted: Iterable[Order], memory: InstrumentMemory | None = None
) -> dict[InstrumentId, Contract]:
    """The contracts of the orders' instruments."""
    ids = {order.instrument_id for order in wanted}
    found = await (memory or InstrumentMemory()).by_ids(session, key.tenant_id, ids)
    return {instrument_id: contract_of(instrument) for instrument_id, instrument in found.items()}


def contract_of(instrument: Instrument) -> Contract:
    """What the broker knows the instrument by."""
    assert instrument.contract_id is not None, "only instruments with a contract are traded"
    return Contract(
        instrument_id=instrument.id,
        contract_id=instrument.contract_id,
        symbol=instrument.symbol,
        instrument_type=instrument.instrument_type,
        exchange=instrument.exchange,
        currency=instrument.currency,
    )


def _is_unsent(order: Order) -> bool:
    return order.state is OrderState.ROUTED and not order.was_claimed


def _would_place_anew(order: Order, request: OrderRequest) -> bool:
    # New terms under an id that the broker may not know are a new order to it.
    return order.in_doubt and request.terms is not None


def _command(
    entry: LaneEntry,
    order: Order,
    claims: dict[OrderId, int],
    requests: dict[RequestId, OrderRequest],
    contracts: dict[InstrumentId, Contract],
) -> LaneCommand | None:
    contract = contracts[order.instrument_id]
    if entry.kind is LaneKind.PLACE:
        broker_order_id = claims.get(order.id)
        return None if broker_order_id is None else _place_command(order, broker_order_id, contract)
    broker_order_id = order.broker_order_id or claims.get(order.id)
    if order.state.is_terminal or broker_order_id is None or entry.request_id is None:
        return None
    if requests[entry.request_id].outcome is not RequestOutcome.PENDING:
        return None
    if _would_place_anew(order, requests[entry.request_id]):
        return None
    return _request_command(order, requests[entry.request_id], broker_order_id, contract)


def _place_command(order: Order, broker_order_id: int, contract: Contract) -> LaneCommand:
    return LaneCommand(
        kind=LaneKind.PLACE,
        order_id=order.id,
        request_id=None,
        broker_order_id=broker_order_id,
        contract=contract,
        side=order.side,
        order_type=order.order_type,
        terms=order.terms,
        outside_regular_hours=order.outside_regular_hours,
        oca_group=order.oca_group,
    )


def _request_command(order: Order, request: OrderRequest, broker_order_id: int, contract: Contract) -> LaneCommand:
    return LaneCommand(
        kind=LaneKind.CANCEL if request.terms is None else LaneKind.REPLACE,
        order_id=order.id,
        request_id=request.id,
        broker_order_id=broker_order_id,
        contract=contract,
        side=order.side,
        order_type=order.order_type,
        terms=request.terms or order.terms,
        outside_regular_hours=order.outside_regular_hours,
        oca_group=order.oca_group,
    )
