"""Restricted lists on the way of an order: what they say of it, and how a touch is told to compliance alone."""

from collections.abc import Iterable, Sequence

from app.compliance import restrictions_batch
from app.compliance.domain.restrictions import (
    RestrictedAct,
    Restriction,
    RestrictionAlert,
    RestrictionVerdict,
    judge,
)
from app.core.ids import TenantId
from app.core.messages import AccountKey, Instrument, OrderTerms
from app.core.money import ZERO
from app.core.records import replace
from app.flows.orders.booking import Booking
from app.infra.db import BatchSession
from app.orders.domain.order import Order
from app.risk.domain import Exposure, Proposal, adds_risk


async def restrictions_on(
    session: BatchSession, tenant_id: TenantId, instruments: Iterable[Instrument]
) -> Sequence[Restriction]:
    """The entries of the tenant's lists that name one of the instruments."""
    (found,) = await session.read(restrictions_batch.restrictions_of([(tenant_id, one) for one in instruments]))
    return found.get(tenant_id, ())


def restricted(
    restrictions: Sequence[Restriction],
    booking: Booking,
    act: RestrictedAct,
    order: Order,
    actor: str,
    *proposals: Proposal,
) -> RestrictionVerdict:
    """What the restrictions say of an order, of which these are the legs; the booking writes down what it touched."""
    verdict = judge(
        restrictions,
        proposals[0].instrument,
        at=booking.now,
        adds_risk=any(adds_risk(one, one.exposure.position_quantity) for one in proposals),
    )
    booking.alerts.extend(
        RestrictionAlert(
            tenant_id=order.tenant_id,
            id=booking.ids.new(),
            act=act,
            outcome=verdict.outcome,
            kind=one.kind,
            list_id=one.list_id,
            entry_id=one.entry_id,
            order_id=order.id,
            account_id=order.account_id,
            instrument_id=order.instrument_id,
            acted_by=actor,
            created_at=booking.now,
        )
        for one in verdict.touched
    )
    return verdict


def only_shrinks(before: OrderTerms, after: OrderTerms) -> bool:
    """True for a change that takes nothing but quantity away: no list keeps that back."""
    return after.quantity <= before.quantity and after == replace(before, quantity=after.quantity)


def proposal_of(booking: Booking, key: AccountKey, order: Order, instrument: Instrument) -> Proposal:
    """An order that was reserved and counted before, as lists and halts see it: nothing of them asks for a price."""
    position = booking.position(key, instrument.id)
    return Proposal(
        account_id=key.account_id,
        instrument=instrument,
        side=order.side,
        order_type=order.order_type,
        terms=order.terms,
        adds_quantity=ZERO,
        adds_orders=0,
        reference=None,
        exposure=Exposure(
            position_quantity=position.quantity,
            open_buy_quantity=position.open_buy_quantity,
            open_sell_quantity=position.open_sell_quantity,
            open_orders=booking.books[key].open_orders,
        ),
    )
