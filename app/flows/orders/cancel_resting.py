"""An order that meets resting ones of its own account: they are canceled, and it waits until they have ended."""

from collections.abc import Mapping
from datetime import datetime

from app.core.ids import Ids, InstrumentId
from app.core.messages import Tick
from app.core.records import replace
from app.flows.orders.cancel_within import cancel_in
from app.flows.orders.follow_waits import settle_waits
from app.flows.orders.place_orders import Intent, place_batch
from app.flows.orders.placement import Placement
from app.flows.orders.pre_trade import Market
from app.infra.db import Database
from app.infra.uow import begin_batch
from app.orders.repository import account_books, waiting
from app.orders.repository import batch as orders
from app.risk import batch as risk


async def place_over_resting(
    database: Database, intent: Intent, quotes: Mapping[InstrumentId, Tick], *, market: Market, now: datetime, ids: Ids
) -> Placement:
    """The order once it is durable, and with it the cancels of what it would meet.

    All is decided anew behind the locks, in one transaction: what meets it no more is left alone, and an order that a
    limit refuses takes nothing along. What was canceled before it left ends here; for what the broker has to cancel
    the order waits.
    """
    principal, key = intent.principal, intent.key
    [instrument] = intent.matches
    async with begin_batch(database, principal.tenant_id, accounts=principal.tradable) as session:
        await risk.lock_washes(session, [(key.tenant_id, instrument.id)])
        await account_books.books_for_update(session, [key])
        [placement] = await place_batch(
            session,
            [intent],
            quotes,
            market=market,
            now=now,
            ids=ids,
            is_walled=principal.tradable is not None,
            cancels_resting=True,
        )
        placed = placement.order
        if placed is None or placed.id != intent.order_id or not placed.waits_for:
            return placement
        await session.write(waiting.wait_for(key.tenant_id, placed.id, placed.waits_for))
        await cancel_in(session, principal, placed.waits_for, now=now, ids=ids)
        await settle_waits(session, key, now=now, ids=ids)
        known = [placed.id, *(one.id for one in placement.linked)]
        stored = await orders.orders_by_id(session, key.tenant_id, known)
    return replace(placement, order=stored[placed.id], linked=tuple(stored[one] for one in known[1:]))
