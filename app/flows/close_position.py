"""closePosition and reversePosition: an order by what it is to do to a position, through the door of all orders."""

from decimal import Decimal

from app.core.fix import OrderType, Side
from app.core.ids import PositionId
from app.core.messages import Aim, NewOrder, OrderTerms
from app.flows.desk import Desk
from app.flows.place_orders import Placement
from app.identity.domain import Principal
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem
from app.positions import service as positions


async def aim_at_position(
    desk: Desk, principal: Principal, position_id: PositionId, client_order_id: str, aim: Aim
) -> Placement:
    """The market order that closes or reverses the position, once it is durable.

    Its side and quantity are decided when the order is taken, with the account's book locked, so that a fill in
    between is counted. Raises UnavailableError when the database does not answer.
    """
    async with desk.reading(principal) as session:
        found = await positions.positions(session, principal.tenant_id, [position_id])
    if position_id not in found:
        return Placement(order=None, problems=(problem(OrderProblem.POSITION_NOT_FOUND, "positionId"),))
    position = found[position_id]
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
    return await desk.intake.submit(principal, new)
