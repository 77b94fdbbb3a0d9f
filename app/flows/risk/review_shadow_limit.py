"""riskShadowReport: what a limit would have blocked of the orders that were taken lately."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.brokers import viewing
from app.brokers.viewing import AccountView
from app.core.errors import InputError
from app.core.fix import RejectOrigin
from app.core.ids import AccountId, InstrumentId, LimitId, TenantId
from app.core.messages import Instrument, LookStep
from app.core.paging import Window
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.db import ReadSession
from app.instruments import service as instruments
from app.orders import service as orders
from app.orders.domain.listing import OrderFilter
from app.orders.domain.order import Order
from app.risk.keeping import repository
from app.risk.keeping.domain.changes import KeptLimit
from app.risk.keeping.domain.replaying import Answer, PastOrder, Source, answer_of
from app.risk.keeping.errors import LimitUnknownError

DAYS_MAX: Final = 30
ORDERS_MAX: Final = 5_000
SHOWN_MAX: Final = 200
_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedOrder:
    """An order that the limit said no to, or would have."""

    order: Order
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowReport:
    """What a limit would have blocked since an instant.

    orders are those that were looked at, is_whole False where there were more of them. refused_anyway were refused by
    other limits. Of the rest, recorded and replayed have an answer and not_replayable have none, for the reasons in
    `why_not`, by how many orders. blocked counts, of which the newest are shown.
    """

    kept: KeptLimit
    since: datetime
    orders: int
    is_whole: bool
    refused_anyway: int
    not_covered: int
    recorded: int
    replayed: int
    not_replayable: int
    why_not: dict[str, int]
    blocked: int
    shown: tuple[BlockedOrder, ...]


async def review_shadow_limit(desk: Desk, principal: Principal, limit_id: LimitId, *, days: int) -> ShadowReport:
    """The report on a limit, a shadow or not. Raises LimitUnknownError, InputError, WholeTenantError."""
    principal.require_whole_tenant()
    if not 1 <= days <= DAYS_MAX:
        raise InputError(f"A report goes back from 1 to {DAYS_MAX} days.", path=["days"])
    tenant_id, since = principal.tenant_id, desk.clock.now() - timedelta(days=days)
    async with desk.reading(principal) as session:
        found = await repository.limits_by_ids(session, tenant_id, [limit_id])
        if not found:
            raise LimitUnknownError("limitId")
        [kept] = found
        looked_at, is_whole = await _orders(session, tenant_id, kept, since)
        taken = [one for one in looked_at if one.reject_origin is not RejectOrigin.OMS]
        answers = await _answers(session, tenant_id, kept, taken)
    by_source = {source: [one for one in answers if one[1].source is source] for source in Source}
    why_not: dict[str, int] = {}
    for _, answer in by_source[Source.NOT_REPLAYABLE]:
        why_not[answer.message] = why_not.get(answer.message, 0) + 1
    blocked = [BlockedOrder(order=order, answer=answer) for order, answer in answers if answer.is_blocked]
    return ShadowReport(
        kept=kept,
        since=since,
        orders=len(looked_at),
        is_whole=is_whole,
        refused_anyway=len(looked_at) - len(taken),
        not_covered=sum(not answer.is_covered for _, answer in answers),
        recorded=len(by_source[Source.RECORDED]),
        replayed=sum(answer.is_covered for _, answer in by_source[Source.REPLAYED]),
        not_replayable=len(by_source[Source.NOT_REPLAYABLE]),
        why_not=why_not,
        blocked=len(blocked),
        shown=tuple(blocked[:SHOWN_MAX]),
    )


async def _orders(
    session: ReadSession, tenant_id: TenantId, kept: KeptLimit, since: datetime
) -> tuple[list[Order], bool]:
    limit = kept.limit
    wanted = OrderFilter(
        account_ids=None if limit.account_id is None else (limit.account_id,),
        instrument_ids=None if limit.instrument_id is None else (limit.instrument_id,),
        created_after=since,
    )
    found: list[Order] = []
    window: Window[UUID] = Window(size=_PAGE)
    while len(found) < ORDERS_MAX:
        page = await orders.page(session, tenant_id, wanted, window)
        found += page.items
        if not page.has_more:
            return found, True
        window = Window(size=_PAGE, after=page.items[-1].id)
    return found, False


async def _answers(
    session: ReadSession, tenant_id: TenantId, kept: KeptLimit, taken: list[Order]
) -> list[tuple[Order, Answer]]:
    known = await instruments.instruments(session, tenant_id, sorted({one.instrument_id for one in taken}))
    accounts = await viewing.accounts_by_ids(session, tenant_id, sorted({one.account_id for one in taken}))
    return [(one, answer_of(kept.limit, _past(one, known, accounts))) for one in taken]


def _past(order: Order, known: dict[InstrumentId, Instrument], accounts: dict[AccountId, AccountView]) -> PastOrder:
    return PastOrder(
        id=order.id,
        account_id=order.account_id,
        base_currency=accounts[order.account_id].base_currency,
        instrument=known[order.instrument_id],
        side=order.side,
        order_type=order.order_type,
        terms=order.terms,
        placed_at=order.created_at,
        # A staged order may have been refused its release any number of times, and gone later.
        checks=tuple(one for one in order.risk_checks if one.look is None or one.look.step is not LookStep.RELEASE),
    )
