"""What executions cost: each execution is charged once, at its highest revision that the broker told the cost of."""

from collections.abc import Iterable
from decimal import Decimal

from app.core.messages import CommissionReport
from app.core.money import ZERO, plain
from app.core.records import replace
from app.flows.reports.reported import Reported, reported_event
from app.orders.domain.order import Execution
from app.orders.events import OrderEventType
from app.positions.domain import in_base


def book_commission(work: Reported, report: CommissionReport) -> None:
    """Charges what the broker told; kept for later where the execution is not known yet."""
    if report.commission is None:
        return
    if not charge(work, report.root, report.execution_id, report.commission, report.currency):
        work.too_early[report.execution_id] = (report.commission, report.currency)


def charge(work: Reported, root: str, execution_id: str, commission: Decimal, currency: str) -> bool:
    """Charges the execution; False where it is not known."""
    rows = work.ledger.get(root, [])
    place = next((place for place, row in enumerate(rows) if row.execution_id == execution_id), None)
    if place is None:
        return False
    row = rows[place]
    if row.commission == commission and row.commission_currency == currency:
        return True
    before = _charged(rows)
    rows[place] = replace(
        row,
        commission=commission,
        commission_currency=currency,
        commission_base=in_base(commission, work.rate(currency)),
    )
    work.touched.add(row.id)
    _charge_order(work, rows[place], before, _charged(rows))
    return True


def _charge_order(work: Reported, row: Execution, before: Execution | None, after: Execution | None) -> None:
    booking, file = work.booking, work.files[row.order_id]
    change = _commission(after) - _commission(before)
    order = replace(file.order, commission=file.order.commission + change)
    work.remember(replace(file, order=order))
    booking.put_order(order)
    change_base = _commission_base(after) - _commission_base(before)
    unconverted = _unconverted(after) - _unconverted(before)
    if order.allocation is None:
        position = booking.position(work.key, order.instrument_id)
        charged = replace(
            position,
            commission=position.commission + change,
            commission_base=position.commission_base + change_base,
            unconverted_commissions=position.unconverted_commissions + unconverted,
        )
        booking.move_position(work.key, charged)
    details = {
        "executionId": row.execution_id,
        "commission": plain(change),
        "told": plain(_commission(row)),
        "currency": row.commission_currency,
        "commissionBase": plain(change_base),
        "unconverted": unconverted,
    }
    booking.log(work.key, [reported_event(OrderEventType.COMMISSION_BOOKED, order, None, details, booking.now)])


def early_commission(work: Reported, execution_id: str) -> tuple[Decimal, str] | None:
    """What was told of the execution before it came, once; None for nothing."""
    if execution_id in work.too_early:
        return work.too_early.pop(execution_id)
    if execution_id in work.early:
        work.no_longer_early.append(execution_id)
    return work.early.pop(execution_id, None)


def _charged(rows: Iterable[Execution]) -> Execution | None:
    # Of all revisions of an execution the highest whose cost was told is charged, once.
    told = [row for row in rows if row.commission is not None]
    return max(told, key=lambda row: row.revision, default=None)


def _commission(row: Execution | None) -> Decimal:
    return ZERO if row is None or row.commission is None else row.commission


def _commission_base(row: Execution | None) -> Decimal:
    return ZERO if row is None or row.commission_base is None else row.commission_base


def _unconverted(row: Execution | None) -> int:
    return int(row is not None and row.commission_base is None)
