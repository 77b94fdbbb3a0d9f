"""subscribeMarketData, unsubscribeMarketData: standing wishes for an instrument's market data."""

from datetime import datetime
from uuid import UUID

from app.audit import service as audit
from app.core.errors import UnavailableError
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, BatchSession
from app.infra.uow import begin_batch
from app.instruments import service as instruments
from app.marketdata import subscriptions_batch as subscriptions
from app.marketdata.errors import SubscriptionsTooManyError, SubscriptionUnknownError
from app.marketdata.subscriptions_batch import SUBSCRIPTIONS_MAX, MarketDataSubscription


async def subscribe_market_data(
    desk: Desk, principal: Principal, symbol: str, exchange: str | None
) -> MarketDataSubscription:
    """The active subscription of the instrument: a new one, or the one that it has.

    Raises InstrumentUnknownError, InstrumentSeveralError, SubscriptionsTooManyError, and UnavailableError when the
    database does not answer.
    """
    async with desk.reading(principal) as reading:
        instrument = await instruments.named(reading, principal.tenant_id, symbol, exchange)
    new = MarketDataSubscription(
        id=desk.ids.new(),
        instrument_id=instrument.id,
        is_active=True,
        created_by=principal.actor,
        created_at=desk.clock.now(),
    )
    tenant_id = principal.tenant_id
    try:
        async with begin_batch(desk.database, tenant_id) as session:
            held = await subscriptions.active_of(session, tenant_id, instrument.id)
            if held is not None:
                return held
            if len(await subscriptions.active(session, tenant_id)) >= SUBSCRIPTIONS_MAX:
                raise SubscriptionsTooManyError(SUBSCRIPTIONS_MAX)
            if await subscriptions.insert_missing(session, tenant_id, new):
                await _record(desk, session, principal, "market_data.subscribe", new, new.created_at)
                return new
            # Another call stored one at the same moment.
            held = await subscriptions.active_of(session, tenant_id, instrument.id)
            assert held is not None, "it was in the way"
            return held
    except CONNECTION_LOST as error:
        raise UnavailableError("the subscription may not be stored; subscribe again") from error


async def unsubscribe_market_data(desk: Desk, principal: Principal, subscription_id: UUID) -> MarketDataSubscription:
    """The subscription, which is no longer active; to end it twice answers the same.

    Raises SubscriptionUnknownError, and UnavailableError when the database does not answer.
    """
    tenant_id, now = principal.tenant_id, desk.clock.now()
    try:
        async with begin_batch(desk.database, tenant_id) as session:
            has_ended = await subscriptions.end(session, tenant_id, subscription_id, now)
            found = await subscriptions.by_id(session, tenant_id, subscription_id)
            if found is None:
                raise SubscriptionUnknownError
            if has_ended:
                await _record(desk, session, principal, "market_data.unsubscribe", found, now)
            return found
    except CONNECTION_LOST as error:
        raise UnavailableError("the subscription may not be ended; unsubscribe again") from error


async def list_subscriptions(desk: Desk, principal: Principal) -> list[MarketDataSubscription]:
    """The tenant's active subscriptions, the oldest first."""
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await subscriptions.active(session, principal.tenant_id)


async def _record(
    desk: Desk,
    session: BatchSession,
    principal: Principal,
    action: str,
    subscription: MarketDataSubscription,
    now: datetime,
) -> None:
    entry = audit.entry(
        principal,
        action,
        "MarketDataSubscription",
        subscription.id,
        entry_id=desk.ids.new(),
        now=now,
        new={"instrumentId": str(subscription.instrument_id), "isActive": subscription.is_active},
    )
    await session.write([audit.record_batch([entry])])
