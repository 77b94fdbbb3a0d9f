"""The connector takes commands off an account's lane: the intent to send is durable before a byte is written."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from app.brokers import batch as brokers
from app.brokers.domain import Lease
from app.brokers.errors import LeaseLostError
from app.core.ids import Ids, InstrumentId, OrderId, RequestId
from app.core.messages import (
    AccountKey,
    BrokerReport,
    Contract,
    Instrument,
    LaneCommand,
    LaneKind,
    NotFoundReport,
)
from app.flows.halts.refuse_halted import refuse_halted
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.infra.db import BatchSession, Write
from app.orders.domain import claiming
from app.orders.domain.order import Order, OrderRequest
from app.orders.repository import account_books, lanes, order_requests
from app.orders.repository import batch as orders
from app.orders.repository.lanes import LaneEntry, LaneHolds

CANCELS_MAX: Final = 256
"""Cancels of one claim; they do not wait for room, which is kept back for them."""


async def claim_orders(
    session: BatchSession,
    lease: Lease,
    client_id: int,
    *,
    limit: int,
    now: datetime,
    ids: Ids,
    memory: InstrumentMemory | None = None,
) -> list[LaneCommand]:
    """The next commands of the account, each claimed once: cancels first, whatever stands before them in the lane,
    then new orders and modifies up to the limit, only while the gate is open.

    The account's book is not locked, so that orders come in meanwhile: a command is claimed by being taken out of the
    lane, and who wants it back has to take it out first. Where a halt is in force the book is locked, and what the halt
    keeps out is refused and not claimed. A halt that commits after this has looked for one is not seen: what was
    claimed is to be written at once, or to be looked at again by `still_wanted`. Raises LeaseLostError when the lease's
    generation is not the newest: another connector has the account.
    """
    key = AccountKey(tenant_id=lease.tenant_id, account_id=lease.account_id)
    holds, has_open_gate, is_halted = await session.read(
        lanes.lane_holds(key), brokers.has_open_gate(key), brokers.has_halts(key)
    )
    memory = memory or InstrumentMemory()
    takes_new = holds is not LaneHolds.NOTHING and has_open_gate and limit > 0
    if takes_new and is_halted:
        # Before anything is taken: the book's lock comes first, as for everybody who takes something out of the lane.
        takes_new = await refuse_halted(session, key, limit, now=now, ids=ids, memory=memory)
    taken: list[tuple[LaneEntry, Order]] = []
    if holds is LaneHolds.CANCELS:
        taken += await lanes.take_cancels(session, key, CANCELS_MAX)
    if takes_new:
        taken += await lanes.take_lane(session, key, limit)
    if not taken:
        return []
    placed = [
        order.id for entry, order in taken if entry.kind is LaneKind.PLACE and claiming.waits_to_be_claimed(order)
    ]
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
    return claiming.doubts(await orders.unsettled_orders(session, key), told, now)


async def orders_at_broker(session: BatchSession, lease: Lease, *, only_in_doubt: bool) -> list[Order]:
    """The claimed orders that are not over, or those of them that are in doubt: what sweeps look for."""
    key = AccountKey(tenant_id=lease.tenant_id, account_id=lease.account_id)
    return await orders.unsettled_orders(session, key, only_in_doubt=only_in_doubt)


async def commands_after_sync(session: BatchSession, lease: Lease) -> list[LaneCommand]:
    """What is to be written again after a complete synchronisation, under the same order ids.

    Raises LeaseLostError.
    """
    key = AccountKey(tenant_id=lease.tenant_id, account_id=lease.account_id)
    await account_books.books_for_update(session, [key])
    if await brokers.take_order_ids(session, key, lease.generation, 0) is None:
        raise LeaseLostError("the lease was taken over")
    unsettled = await orders.unsettled_orders(session, key)
    contracts = await contracts_of(session, key, unsettled)
    pending = await order_requests.open_requests(session, key.tenant_id, [order.id for order in unsettled])
    return claiming.resent_commands(unsettled, pending, contracts)


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
        underlying_symbol=instrument.underlying_symbol,
    )


def _command(
    entry: LaneEntry,
    order: Order,
    claims: dict[OrderId, int],
    requests: dict[RequestId, OrderRequest],
    contracts: dict[InstrumentId, Contract],
) -> LaneCommand | None:
    claimed = claims.get(order.id)
    number = claimed if entry.kind is LaneKind.PLACE else order.broker_order_id or claimed
    request = None if entry.request_id is None else requests[entry.request_id]
    return claiming.claimed_command(entry.kind, order, request, number, contracts[order.instrument_id])
