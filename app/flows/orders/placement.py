"""What becomes of an order or of a request about it, and in which words it is refused."""

from dataclasses import dataclass

from app.compliance.errors import ComplianceProblem
from app.core.errors import Problem
from app.core.fix import RejectOrigin, RiskLimitType
from app.core.messages import RiskCheck
from app.orders.domain.order import Order
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What became of an order or of a request about it.

    order is None where nothing was stored. A refused order that was stored has both: its row, REJECTED, and why.
    linked are the orders that came with it: its exits, or the other leg of the pair. meets_resting: nothing is stored
    yet, for resting orders are to be canceled in favour of it, or of one before it.
    """

    order: Order | None
    problems: tuple[Problem, ...] = ()
    linked: tuple[Order, ...] = ()
    meets_resting: bool = False


def refused(code: OrderProblem, *path: str) -> Placement:
    """Nothing is stored, for this reason; path leads to what was asked."""
    return Placement(order=None, problems=(problem(code, *path),))


def breach_code(check: RiskCheck) -> str:
    """The stable code of a refusal by a limit, RISK_ and the limit's type."""
    return refusal_code(check.check)


def refusal_code(limit_type: RiskLimitType) -> str:
    """The stable code of what a limit of the type refuses."""
    return f"RISK_{limit_type.value}"


def breach_problem(check: RiskCheck) -> Problem:
    """The refusal of an order by a limit."""
    code = breach_code(check)
    return Problem(code=code, message=check.message, path=_BREACH_PATHS.get(code, ()))


def rejection_problems(order: Order) -> tuple[Problem, ...]:
    """Why the house refused the order; empty for one that it did not refuse."""
    if order.reject_origin is not RejectOrigin.OMS:
        return ()
    path = _BREACH_PATHS.get(order.reject_code or "", ())
    return (Problem(code=order.reject_code or "RISK", message=order.reject_reason or "", path=path),)


_BREACH_PATHS: dict[str, tuple[str, ...]] = {
    OrderProblem.INSTRUMENT_FROZEN: ("instrumentId",),
    **dict.fromkeys(ComplianceProblem, ("instrumentId",)),
    f"RISK_{RiskLimitType.MAX_ORDER_QUANTITY}": ("quantity",),
    f"RISK_{RiskLimitType.MAX_ORDER_NOTIONAL}": ("quantity",),
    f"RISK_{RiskLimitType.MAX_POSITION_QUANTITY}": ("quantity",),
    f"RISK_{RiskLimitType.MAX_POSITION_NOTIONAL}": ("quantity",),
    f"RISK_{RiskLimitType.MAX_OPEN_ORDERS}": ("accountId",),
    f"RISK_{RiskLimitType.SYMBOL_WHITELIST}": ("symbol",),
    f"RISK_{RiskLimitType.SYMBOL_BLACKLIST}": ("symbol",),
    f"RISK_{RiskLimitType.MAX_DAILY_LOSS}": ("accountId",),
    f"RISK_{RiskLimitType.MAX_DRAWDOWN}": ("accountId",),
    f"RISK_{RiskLimitType.MAX_LEVERAGE}": ("quantity",),
    f"RISK_{RiskLimitType.MIN_MARGIN_EXCESS}": ("quantity",),
    f"RISK_{RiskLimitType.TRADING_HOURS}": ("instrumentId",),
    f"RISK_{RiskLimitType.MAX_ORDERS_PER_MINUTE}": ("accountId",),
    f"RISK_{RiskLimitType.PRICE_COLLAR}": ("limitPrice",),
    f"RISK_{RiskLimitType.MAX_CONCENTRATION}": ("quantity",),
    f"RISK_{RiskLimitType.DUPLICATE_ORDER}": ("clientOrderId",),
    f"RISK_{RiskLimitType.WASH_TRADE}": ("side",),
    f"RISK_{RiskLimitType.COOLDOWN}": ("accountId",),
    f"RISK_{RiskLimitType.CANCEL_RATE}": ("accountId",),
    f"RISK_{RiskLimitType.ORDER_TO_TRADE_RATIO}": ("accountId",),
}
