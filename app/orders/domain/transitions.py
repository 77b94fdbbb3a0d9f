"""The table of transitions: every move that an order may make, and no other (orders.md)."""

from app.core.fix import OrderState, RejectOrigin

_S = OrderState

TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.NEW: frozenset({_S.PENDING_APPROVAL, _S.HELD, _S.ROUTED, _S.REJECTED, _S.CANCELED}),
    _S.PENDING_APPROVAL: frozenset({_S.HELD, _S.ROUTED, _S.REJECTED, _S.CANCELED, _S.EXPIRED}),
    _S.HELD: frozenset({_S.ROUTED, _S.REJECTED, _S.CANCELED, _S.EXPIRED}),
    _S.ROUTED: frozenset(
        {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.REJECTED, _S.CANCELED, _S.EXPIRED, _S.PENDING_CANCEL}
    ),
    _S.ACCEPTED: frozenset(
        {
            _S.PARTIALLY_FILLED,
            _S.FILLED,
            _S.PENDING_REPLACE,
            _S.PENDING_CANCEL,
            _S.CANCELED,
            _S.EXPIRED,
            _S.REJECTED,
        }
    ),
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.PENDING_REPLACE, _S.PENDING_CANCEL, _S.CANCELED, _S.EXPIRED}),
    _S.PENDING_REPLACE: frozenset(
        {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED}
    ),
    _S.PENDING_CANCEL: frozenset({_S.CANCELED, _S.FILLED, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.EXPIRED, _S.REJECTED}),
    _S.CANCELED: frozenset({_S.FILLED}),
    _S.EXPIRED: frozenset({_S.FILLED}),
    _S.REJECTED: frozenset({_S.CANCELED, _S.FILLED}),
    _S.FILLED: frozenset({_S.PARTIALLY_FILLED, _S.CANCELED}),
}


def may_move(before: OrderState, after: OrderState, reject_origin: RejectOrigin | None = None) -> bool:
    """True when the table has the move. Staying is no move and always allowed.

    An order that the house itself rejected never left, so nothing moves it any more.
    """
    if before is after:
        return True
    if before is OrderState.REJECTED and reject_origin is not RejectOrigin.BROKER:
        return False
    return after in TRANSITIONS[before]
