"""The two long messages about an order, openOrder and completedOrder, with their gates by server version."""

from app.core.money import plain
from app.simulator.directory import ListedContract
from app.simulator.margin import OrderPreview
from app.simulator.messages import stamp
from app.simulator.orders import SimulatedOrder
from app.simulator.wire import UNSET_DOUBLE, UNSET_INTEGER, encode, text

_FA_PROFILE_UNTIL = 177
_DURATION_FROM = 158
_POST_TO_ATS_FROM = 160
_AUTO_CANCEL_PARENT_FROM = 162
_PEG_FIELDS_FROM = 170

_DELTA_NEUTRAL_OPEN = ("None", "", "0", "", "", "", "?", "0", "0", "")
"""The order type `None` is no empty string, so eight more fields follow it; TWS does the same."""
_DELTA_NEUTRAL_COMPLETED = ("None", "", "0", "0", "0", "")
_NO_MARGIN = (UNSET_DOUBLE,) * 9


def open_order(
    order: SimulatedOrder, listed: ListedContract, version: int, preview: OrderPreview | None = None
) -> bytes:
    """5: an order's terms and state; with a preview it is the answer to a what-if."""
    request = order.request
    fields: list[str | int] = [
        5,
        request.order_id,
        *_contract(listed),
        *_terms(order),
        request.open_close,
        request.origin,
        request.order_ref,
        order.client_id,
        order.perm_id,
        int(request.is_outside_rth),
        int(request.is_hidden),
        "0",
        request.good_after_time,
        "",
        request.fa_group,
        request.fa_method,
        request.fa_percentage,
    ]
    if version < _FA_PROFILE_UNTIL:
        fields.append("")
    fields += [request.model_code, request.good_till_date, "", "", "", "0", "", "-1", "0", "", "", "", "", ""]
    fields += [
        "",
        "0",
        "0",
        "0",
        "",
        request.oca_type or 1,
        "0",
        "0",
        "",
        request.parent_id,
        request.trigger_method,
        "",
        "0",
    ]
    fields += _DELTA_NEUTRAL_OPEN
    # continuousUpdate … comboLegsDescrip, then no legs, no leg prices, no routing parameters, no scale, no hedge.
    fields += ["0", "", _trail_stop(order), "", "", "", "", "0", "0", "0", "", "", "", ""]
    fields += ["0", "", "", "0", "0", "", "0", int(request.is_what_if), order.status.value]
    fields += _order_state(preview)
    fields += ["0", "0", "0", *_adjusted(), "", "", "", "0", "1", "0", "0", "0"]
    if version >= _DURATION_FROM:
        fields.append(UNSET_INTEGER)
    if version >= _POST_TO_ATS_FROM:
        fields.append(UNSET_INTEGER)
    if version >= _AUTO_CANCEL_PARENT_FROM:
        fields.append("0")
    if version >= _PEG_FIELDS_FROM:
        fields += _peg_fields()
    return encode(*fields)


def completed_order(order: SimulatedOrder, listed: ListedContract, version: int) -> bytes:
    """101: an order that is over."""
    request = order.request
    fields: list[str | int] = [
        101,
        *_contract(listed),
        *_terms(order),
        request.open_close,
        request.origin,
        request.order_ref,
        order.perm_id,
        int(request.is_outside_rth),
        int(request.is_hidden),
        "0",
        request.good_after_time,
        request.fa_group,
        request.fa_method,
        request.fa_percentage,
    ]
    if version < _FA_PROFILE_UNTIL:
        fields.append("")
    fields += [request.model_code, request.good_till_date, "", "", "", "0", "", "-1", "", "", "", "", "", ""]
    fields += ["0", "0", "", "1", request.trigger_method, "", "0"]
    fields += _DELTA_NEUTRAL_COMPLETED
    fields += ["0", "", _trail_stop(order), "", "", "0", "0", "0", "", "", "", ""]
    fields += ["", "", "0", "0", "", "0", order.status.value, "0", "0", "0"]
    completed_at = stamp(order.completed_at) if order.completed_at else ""
    fields += ["", "", "", "1", "0", "", plain(order.filled), "0", "0", "", "0", "0", UNSET_INTEGER]
    fields += [completed_at, order.completed_status]
    if version >= _PEG_FIELDS_FROM:
        fields += _peg_fields()
    return encode(*fields)


def open_order_end() -> bytes:
    """53."""
    return encode(53, 1)


def completed_orders_end() -> bytes:
    """102."""
    return encode(102)


def _contract(listed: ListedContract) -> tuple[str, ...]:
    entry = listed.entry
    return (*listed.identity, entry.exchange, entry.currency, listed.local_symbol, listed.trading_class)


def _terms(order: SimulatedOrder) -> tuple[str, ...]:
    request = order.request
    return (
        request.side.value,
        plain(request.quantity),
        request.order_type,
        text(request.limit_price, unset="0"),
        text(request.aux_price, unset="0"),
        request.time_in_force or "DAY",
        request.oca_group,
        request.account,
    )


def _trail_stop(order: SimulatedOrder) -> str:
    return "" if order.trail_stop is None else plain(order.trail_stop)


def _order_state(preview: OrderPreview | None) -> tuple[str, ...]:
    if preview is None:
        return (*_NO_MARGIN, "", "", "", "", "")
    pairs = (preview.initial_margin, preview.maintenance_margin, preview.equity)
    return (
        *(plain(before) for before, _ in pairs),
        *(plain(after - before) for before, after in pairs),
        *(plain(after) for _, after in pairs),
        plain(preview.commission),
        "",
        "",
        preview.currency,
        "",
    )


def _adjusted() -> tuple[str, ...]:
    return ("None", UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, "0")


def _peg_fields() -> tuple[str, ...]:
    return (UNSET_INTEGER, UNSET_INTEGER, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE)
