"""What open orders may cost at worst, and whom an order may meet, as they are read for the checks."""

from dataclasses import replace
from decimal import Decimal

from app.core.fix import Side
from app.flows.orders.replace_order import replace_order
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange
from app.orders.repository.resting import open_in, worst_prices
from tests import factories
from tests.integration.flows.conftest import Trader


async def test_the_worst_price_is_that_of_any_open_order_at_its_live_or_its_pending_terms(trader: Trader) -> None:
    tenant_id, instruments = trader.key.tenant_id, trader.instruments
    other = await factories.make_account(trader.desk.database, tenant_id)
    raised = await trader.placed(limit_price="100")
    await trader.placed(limit_price="110")
    await trader.placed(side=Side.SELL, limit_price="190")
    await trader.placed("MSFT", limit_price=None)
    await trader.placed("MSFT", limit_price="300")
    done = await trader.placed(limit_price="900")
    await trader.claim()
    await trader.report(*map(trader.acknowledged, (raised, done)))
    await trader.report(trader.execution(done, "100", "900"))
    change = OrderChange(order_id=raised.id, limit_price=Decimal(150))
    assert (await replace_order(trader.desk, trader.principal, change)).problems == ()
    of_others = replace(trader.order(limit_price="500"), account_id=other.account_id)
    assert (await trader.desk.intake.submit(trader.principal, of_others)).problems == ()

    async with begin_batch(trader.desk.database, tenant_id) as session:
        mine, both = await session.read(worst_prices([trader.key]), worst_prices([trader.key, other]))

    aapl, msft = instruments["AAPL"].id, instruments["MSFT"].id
    assert mine == {
        (trader.key, aapl, Side.BUY): (Decimal(150), True),
        (trader.key, aapl, Side.SELL): (Decimal(190), True),
        (trader.key, msft, Side.BUY): (Decimal(300), False),
    }
    assert both == mine | {(other, aapl, Side.BUY): (Decimal(500), True)}


async def test_orders_are_read_of_the_sides_that_are_asked_for(trader: Trader) -> None:
    place = (trader.key.tenant_id, trader.instruments["AAPL"].id)
    buying = await trader.placed(limit_price="100")
    selling = await trader.placed(side=Side.SELL, limit_price="190")
    await trader.placed("MSFT", limit_price="100")

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        found = await session.read(
            open_in([(*place, Side.BUY)]), open_in([(*place, Side.SELL)]), open_in([(*place, side) for side in Side])
        )

    assert [{one.id for one in orders} for orders in found] == [{buying.id}, {selling.id}, {buying.id, selling.id}]
