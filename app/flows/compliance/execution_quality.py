"""executionQuality: how well the orders of a time were executed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from app.compliance.domain.execution_quality import GroupQuality, MeasuredOrder, QualityGroup, report
from app.core.arrival import arrival_from_document
from app.core.errors import InputError
from app.core.fix import OrderType, Side
from app.core.ids import AccountId
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.uow import begin_batch
from app.orders.repository.measured import dealt_orders

ORDERS_MAX: Final = 20_000
SPAN_MAX: Final = timedelta(days=366)
YEAR_MIN: Final = 2000
YEAR_MAX: Final = 2099


async def execution_quality(
    desk: Desk,
    principal: Principal,
    *,
    account_id: AccountId | None,
    after: datetime,
    before: datetime,
    by: Sequence[QualityGroup],
) -> list[GroupQuality]:
    """The figures of the orders that were taken in the time, of the accounts that the principal may see.

    Raises InputError for a time that cannot be, or with more than ORDERS_MAX orders.
    """
    check_span(after, before)
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        rows = await dealt_orders(session, principal.tenant_id, account_id, after, before, ORDERS_MAX + 1)
    if len(rows) > ORDERS_MAX:
        raise InputError(f"The time has more than {ORDERS_MAX} orders: ask for less of it.", path=["after"])
    measured = [
        MeasuredOrder(
            id=row["id"],
            account_id=row["account_id"],
            instrument_id=row["instrument_id"],
            symbol=row["symbol"],
            currency=row["currency"],
            route=row["exchange"],
            multiplier=row["multiplier"],
            side=Side(row["side"]),
            order_type=OrderType(row["order_type"]),
            quantity=row["quantity"],
            filled_quantity=row["filled_quantity"],
            average_price=row["average_fill_price"],
            arrival=None if row["arrival"] is None else arrival_from_document(row["arrival"]),
            decided_at=row["created_at"],
            first_fill_at=row["first_at"],
            last_fill_at=row["last_at"],
        )
        for row in rows
    ]
    return report(measured, list(dict.fromkeys(by)))


def check_span(after: datetime, before: datetime, names: tuple[str, str] = ("after", "before")) -> None:
    """Raises InputError for a time that ends before it begins, lies before all orders, or is too long.

    names are what the caller knows its two ends by.
    """
    if after.year < YEAR_MIN:
        raise InputError(f"A time begins in {YEAR_MIN} or later.", path=names[:1])
    if before.year > YEAR_MAX or not after < before <= after + SPAN_MAX:
        raise InputError(f"A time ends after it begins, at most {SPAN_MAX.days} days later.", path=names[1:])
