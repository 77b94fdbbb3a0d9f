"""closePosition and reversePosition: an order by what it is to do to a position, and the exits that make way for it."""

from collections.abc import Mapping
from decimal import Decimal

from app.core.errors import UnavailableError
from app.core.fix import LinkRole, OrderType, Side
from app.core.ids import InstrumentId, OrderId, PositionId
from app.core.messages import AccountKey, Aim, NewOrder, OrderTerms, Tick
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.hands import Hands
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.orders.booking import Booking
from app.flows.orders.cancel_within import cancel_in
from app.flows.orders.follow_closes import Closes
from app.flows.orders.follow_links import family_files
from app.flows.orders.place_orders import Intent, place_batch
from app.flows.orders.placement import Placement
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, PUT_OFF, BatchSession
from app.infra.uow import begin_batch
from app.orders.domain.aiming import closing_side, takes_all
from app.orders.domain.closing import covering
from app.orders.domain.order import Order
from app.orders.domain.order_file import OrderFile
from app.orders.domain.placing import form_problems, problem
from app.orders.errors import OrderProblem
from app.orders.repository import account_books, closes, order_requests
from app.orders.repository import batch as orders
from app.positions import batch as held
from app.positions import service as positions
from app.positions.domain import Position
from app.risk import batch as risk


async def aim_at_position(
    desk: Desk, principal: Principal, position_id: PositionId, client_order_id: str, aim: Aim
) -> Placement:
    """The market order that closes or reverses the position, once it is durable.

    Its side and quantity are decided with the account's book locked, so that a fill in between is counted. Working
    orders that cover the whole of the position are canceled in the same transaction, and as much of the order as they
    may still deal waits until they have ended. Raises UnavailableError when the database does not answer.
    """
    async with desk.acting(principal) as session:
        found = await positions.positions(session, principal.tenant_id, [position_id])
    if position_id not in found:
        return Placement(order=None, problems=(problem(OrderProblem.POSITION_NOT_FOUND, "positionId"),))
    return await aim_at(desk, principal, found[position_id], client_order_id, aim)


async def aim_at(desk: Hands, principal: Principal, position: Position, client_order_id: str, aim: Aim) -> Placement:
    """The same for a position that was read. Raises UnavailableError when the database does not answer."""
    new = NewOrder(
        account_id=position.account_id,
        client_order_id=client_order_id,
        # The aim decides both when the order is taken.
        side=Side.BUY,
        order_type=OrderType.MARKET,
        terms=OrderTerms(quantity=Decimal(1) if aim.quantity is None else aim.quantity),
        instrument_id=position.instrument_id,
        aim=aim,
    )
    problems = form_problems(new)
    if problems:
        return Placement(order=None, problems=problems)
    try:
        intent = await desk.intake.intent(principal, new)
        quotes = await desk.intake.quotes([intent])
        async with begin_batch(desk.database, principal.tenant_id, accounts=principal.tradable) as session:
            placement = await _take(session, desk, intent, position.instrument_id, quotes)
    except (*CONNECTION_LOST, *PUT_OFF) as error:
        raise UnavailableError("the order store does not answer; send the order again under its key") from error
    if placement.order is not None:
        await hint(desk.redis, LANES, OUTBOX)
    return placement


async def _take(
    session: BatchSession,
    desk: Hands,
    intent: Intent,
    instrument_id: InstrumentId,
    quotes: Mapping[InstrumentId, Tick],
) -> Placement:
    key, aim = intent.key, intent.new.aim
    assert aim is not None, "an order of this flow aims at a position"
    await risk.lock_washes(session, [(key.tenant_id, instrument_id)])
    await account_books.books_for_update(session, [key])
    position = (await held.positions_of(session, {(key, instrument_id)})).get((key, instrument_id))
    files: dict[OrderId, OrderFile] = {}
    making_way: list[Order] = []
    if position is not None and takes_all(aim, position.quantity):
        side = closing_side(position.quantity)
        making_way = await closes.orders_in_the_way(session, key, instrument_id, side)
        files = await _with_families(session, key, making_way)
        covered = covering(files.values(), frozenset(order.id for order in making_way), side)
        intent = replace(intent, new=replace(intent.new, aim=replace(aim, covered=covered)))
    [placement] = await place_batch(
        session,
        [intent],
        quotes,
        market=desk.intake.market,
        now=desk.clock.now(),
        ids=desk.ids,
        is_walled=intent.principal.tradable is not None,
    )
    placed = placement.order
    if placed is None or placed.id != intent.order_id or not placed.waits_for_others:
        return placement
    marked = [placed.id, *(order.id for order in making_way)]
    await session.write([closes.make_way(key.tenant_id, marked, placed.id)])
    canceled = [*marked[1:], *_open_entries(making_way, files)]
    await cancel_in(session, intent.principal, canceled, now=desk.clock.now(), ids=desk.ids)
    await _go(session, desk, key, placed)
    stored = await orders.orders_by_id(session, key.tenant_id, [placed.id])
    return replace(placement, order=stored[placed.id])


async def _with_families(session: BatchSession, key: AccountKey, found: list[Order]) -> dict[OrderId, OrderFile]:
    files = {order.id: OrderFile(order=order) for order in found}
    linked = [order for order in found if order.link_role is not None]
    if linked:
        files |= {file.order.id: file for file in await family_files(session, key, linked)}
    if files:
        for request in await order_requests.open_requests(session, key.tenant_id, files):
            files[request.order_id] = files[request.order_id].with_request(request)
    return files


def _open_entries(making_way: list[Order], files: Mapping[OrderId, OrderFile]) -> list[OrderId]:
    # What a bracket would still open would have no exits.
    parents = {order.parent_id for order in making_way if order.parent_id is not None}
    return [
        file.order.id
        for file in files.values()
        if file.order.id in parents and file.order.link_role is LinkRole.ENTRY and not file.order.state.is_terminal
    ]


async def _go(session: BatchSession, desk: Hands, key: AccountKey, close: Order) -> None:
    place = (key, close.instrument_id)
    booking = Booking(
        books=await account_books.books_for_update(session, [key]),
        positions=await held.positions_of(session, {place}),
        ids=desk.ids,
        now=desk.clock.now(),
    )
    waiting = await Closes.of(session, key, [close.id])
    await waiting.settle(session, {}, booking)
    await booking.write(session)
