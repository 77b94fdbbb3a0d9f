"""From Interactive Brokers' words to the house's, and back. Pure: raw fields in, messages out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from app.brokers.ib.advisers import fa_fields, told_allocation
from app.brokers.ib.codes import meaning_of
from app.brokers.ib.raw import RawCommission, RawContract, RawExecution, RawOrder, RawOrderState, RawWhatIfState
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.fix import InstrumentType, OrderType, Side, TimeInForce
from app.core.ids import OrderId
from app.core.messages import (
    CommissionReport,
    Contract,
    ExecutionReport,
    FaultReport,
    LaneCommand,
    OrderAddress,
    OrderTerms,
    OutsideOrder,
    StatusReport,
    WorkingStatus,
)
from app.core.money import ZERO, plain
from app.core.records import replace

UNSET_FROM = 1e300
NOT_YET = -1.0
# "Reduce with block": a deal lowers the others of the group in proportion, and one at a time is exposed.
_OCA_REDUCE = 2
WHAT_IF_REF = "what-if"

# PendingCancel and Inactive decide nothing: the order may yet live (orders.md, ib.md 19).
_STATUSES = {
    "ApiPending": WorkingStatus.PENDING,
    "PendingSubmit": WorkingStatus.PENDING,
    "PendingCancel": WorkingStatus.PENDING,
    "Inactive": WorkingStatus.PENDING,
    "PreSubmitted": WorkingStatus.WORKING,
    "Submitted": WorkingStatus.WORKING,
    "ApiCancelled": WorkingStatus.CANCELED,
    "Cancelled": WorkingStatus.CANCELED,
    "Filled": WorkingStatus.FILLED,
}

# The same prices, quantities and orders are told again and again.
NUMBERS_KEPT = 8_192
ORDER_IDS_KEPT = 8_192

_UNSET_FROM = Decimal(UNSET_FROM)

_ORDER_TYPES = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
    OrderType.TRAILING_STOP: "TRAIL",
}
_KINDS = {name: kind for kind, name in _ORDER_TYPES.items()}
SECURITY_TYPES = {
    InstrumentType.STOCK: "STK",
    InstrumentType.ETF: "STK",
    InstrumentType.OPTION: "OPT",
    InstrumentType.FUTURE: "FUT",
    InstrumentType.FOREX: "CASH",
    InstrumentType.CRYPTO: "CRYPTO",
    InstrumentType.BOND: "BOND",
    InstrumentType.INDEX: "IND",
}
_LIQUIDITY = {1: "ADDED", 2: "REMOVED", 3: "ROUTED_OUT"}


@lru_cache(NUMBERS_KEPT)
def exact(value: float | int | str | Decimal) -> Decimal:
    """The number that the library's float was read from, in plain notation.

    Raises ValueError for what is no finite number.
    """
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value}")
    return Decimal(plain(number))


@lru_cache(NUMBERS_KEPT)
def known(value: float | int | str | Decimal | None) -> Decimal | None:
    """The number, or None for IB's "not set": empty, NaN, or the largest double."""
    if value is None or value == "":
        return None
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) > _UNSET_FROM:
        return None
    return exact(number)


@lru_cache(ORDER_IDS_KEPT)
def order_id_of(order_ref: str) -> OrderId | None:
    """The order that an orderRef names; None when it is not one of ours."""
    try:
        return OrderId(UUID(order_ref))
    except ValueError:
        return None


def address_of(*, order_ref: str = "", permanent_id: int = 0, client_id: int | None, order_id: int) -> OrderAddress:
    """How a message names its order. IB writes 0 for a permId or an orderId that is not there."""
    return OrderAddress(
        order_id=order_id_of(order_ref),
        permanent_id=permanent_id or None,
        client_id=client_id if order_id else None,
        broker_order_id=order_id or None,
    )


def working_status(status: str) -> WorkingStatus | None:
    """What a status text says; None for one that nobody wrote down."""
    return _STATUSES.get(status)


def status_report(
    *,
    status: str,
    filled: float | str,
    address: OrderAddress,
    occurred_at: datetime,
    terms: OrderTerms | None = None,
    outside: OutsideOrder | None = None,
) -> StatusReport | None:
    """The report of an orderStatus message; None when its text is not known."""
    working = working_status(status)
    if working is None:
        return None
    return StatusReport(
        address=address,
        status=working,
        filled=known(filled) or ZERO,
        terms=terms,
        outside=outside,
        occurred_at=occurred_at,
    )


def open_order_report(
    order: RawOrder, state: RawOrderState, occurred_at: datetime, contract: RawContract | None = None
) -> StatusReport | None:
    """The report of an openOrder message: the status, with the terms that IB holds.

    With the contract, one that bears no order id of ours says what the order is.
    """
    return status_report(
        status=state.status,
        filled=0.0,
        address=address_of(
            order_ref=order.orderRef, permanent_id=order.permId, client_id=order.clientId, order_id=order.orderId
        ),
        terms=terms_of(order),
        outside=None if contract is None or order_id_of(order.orderRef) is not None else _outside(contract, order),
        occurred_at=occurred_at,
    )


def _outside(contract: RawContract, order: RawOrder) -> OutsideOrder | None:
    kind = _KINDS.get(order.orderType.replace("STPLMT", "STP LMT"))
    if kind is None or order.action not in Side.__members__:
        return None
    return OutsideOrder(
        contract_id=contract.conId,
        side=Side(order.action),
        order_type=kind,
        allocation=told_allocation(order.faGroup, order.faMethod, order.faPercentage) if order.faGroup else None,
    )


def completed_order_report(order: RawOrder, state: RawOrderState, occurred_at: datetime) -> StatusReport | None:
    """The report of a completedOrder message. It carries no orderId: the order is named by orderRef and permId."""
    return status_report(
        status=state.status,
        filled=order.filledQuantity,
        address=address_of(order_ref=order.orderRef, permanent_id=order.permId, client_id=None, order_id=0),
        occurred_at=occurred_at,
    )


def terms_of(order: RawOrder) -> OrderTerms | None:
    """The terms that IB holds; None for an order of a kind that we do not know."""
    kind = order.orderType.replace("STPLMT", "STP LMT")
    if kind not in _ORDER_TYPES.values() or order.tif not in TimeInForce.__members__:
        return None
    auxiliary = known(order.auxPrice)
    return OrderTerms(
        quantity=exact(order.totalQuantity),
        limit_price=known(order.lmtPrice) if kind in {"LMT", "STP LMT"} else None,
        stop_price=auxiliary if kind in {"STP", "STP LMT"} else None,
        trailing_amount=auxiliary if kind == "TRAIL" else None,
        time_in_force=TimeInForce(order.tif),
        expires_at=parse_time(order.goodTillDate) if order.goodTillDate else None,
    )


def parse_time(text: str) -> datetime | None:
    """An instant as IB writes it: "20260105-14:30:00" is UTC, "20260105 14:30:00 US/Eastern" names its zone."""
    try:
        if "-" in text:
            return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
        moment, _, zone = text.rpartition(" ")
        return datetime.strptime(moment, "%Y%m%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, KeyError):
        return None


def execution_root(execution_id: str) -> tuple[str, int]:
    """IB's execId up to its last dot, and the revision behind it; an id without one is its own root.

    Source: orders.md; IB writes a correction as the same id with the digits after the last dot raised.
    """
    root, _, digits = execution_id.rpartition(".")
    if not root or not (digits.isascii() and digits.isdigit()):
        return execution_id, 0
    return root, int(digits)


def execution_report(
    contract: RawContract, execution: RawExecution, account_number: str | None = None
) -> ExecutionReport:
    """The report of an execDetails message; account_number is that of an account which is not the session's."""
    root, revision = execution_root(execution.execId)
    return ExecutionReport(
        address=address_of(
            order_ref=execution.orderRef,
            permanent_id=execution.permId,
            client_id=execution.clientId,
            order_id=execution.orderId,
        ),
        execution_id=execution.execId,
        root=root,
        revision=revision,
        contract_id=contract.conId,
        side=Side.BUY if execution.side.upper() in {"BOT", "BUY"} else Side.SELL,
        quantity=exact(execution.shares),
        price=exact(execution.price),
        liquidity=_LIQUIDITY.get(execution.lastLiquidity),
        executed_at=execution.time.astimezone(UTC),
        account_number=account_number,
    )


def commission_report(raw: RawCommission, account_number: str | None = None) -> CommissionReport:
    """The report of a commissionReport message; -1 and the largest double mean "not yet"."""
    return CommissionReport(
        execution_id=raw.execId,
        root=execution_root(raw.execId)[0],
        commission=None if raw.commission == NOT_YET else known(raw.commission),
        currency=raw.currency,
        realized_pnl=known(raw.realizedPNL),
        account_number=account_number,
    )


def what_if_answer(state: RawWhatIfState) -> WhatIfAnswer:
    """The answer in an openOrder message of a what-if. Raises ValueError for a figure that is no number."""
    try:
        return WhatIfAnswer(
            initial_margin_change=known(state.initMarginChange),
            maintenance_margin_change=known(state.maintMarginChange),
            commission=None if state.commission == NOT_YET else known(state.commission),
            commission_min=known(state.minCommission),
            commission_max=known(state.maxCommission),
            commission_currency=state.commissionCurrency or None,
            warning=state.warningText or None,
        )
    except InvalidOperation as error:
        raise ValueError("a figure of the what-if is no number") from error


def fault_report(*, order_id: int, client_id: int, code: int, message: str, occurred_at: datetime) -> FaultReport:
    """The report of an error message about one of this session's orders."""
    return FaultReport(
        address=address_of(client_id=client_id, order_id=order_id),
        fault=meaning_of(code).fault,
        broker_code=code,
        message=message,
        occurred_at=occurred_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFields:
    """The fields of an order as IB names them. Prices and quantities are text, so that no digit is lost."""

    action: str
    orderType: str
    totalQuantity: str
    lmtPrice: str | None
    auxPrice: str | None
    tif: str
    goodTillDate: str
    outsideRth: bool
    account: str
    orderRef: str
    ocaGroup: str
    ocaType: int
    faGroup: str = ""
    faMethod: str = ""
    faPercentage: str = ""


def order_fields(command: LaneCommand, account: str) -> OrderFields:
    """What placeOrder writes for a command. The account is always set; orderRef carries our order id."""
    return _fields(command, account, str(command.order_id), command.oca_group)


def what_if_fields(asked: WhatIf, account: str) -> OrderFields:
    """What placeOrder writes for a question. Its orderRef names no order."""
    return _fields(asked, account, WHAT_IF_REF, None)


def _fields(asked: LaneCommand | WhatIf, account: str, order_ref: str, oca_group: str | None) -> OrderFields:
    terms = asked.terms
    auxiliary = terms.trailing_amount if asked.order_type is OrderType.TRAILING_STOP else terms.stop_price
    fields = OrderFields(
        action=asked.side.value,
        orderType=_ORDER_TYPES[asked.order_type],
        totalQuantity=plain(terms.quantity),
        lmtPrice=None if terms.limit_price is None else plain(terms.limit_price),
        auxPrice=None if auxiliary is None else plain(auxiliary),
        tif=terms.time_in_force.value,
        goodTillDate="" if terms.expires_at is None else terms.expires_at.astimezone(UTC).strftime("%Y%m%d-%H:%M:%S"),
        outsideRth=asked.outside_regular_hours,
        account=account,
        orderRef=order_ref,
        ocaGroup=oca_group or "",
        ocaType=_OCA_REDUCE if oca_group else 0,
    )
    if asked.allocation is None:
        return fields
    told = fa_fields(asked.allocation, asked.side)
    return replace(
        fields,
        faGroup=told.group,
        faMethod=told.method,
        faPercentage=told.percentage,
        totalQuantity="0" if told.percentage else fields.totalQuantity,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFields:
    """The fields of a contract as IB names them."""

    conId: int
    symbol: str
    secType: str
    exchange: str
    currency: str


def contract_fields(contract: Contract) -> ContractFields:
    """What names the instrument to IB. A currency pair is its base currency there, dealt in the other.

    An option or a future goes by the symbol of what it is on; its conId says which of them is meant.
    """
    is_pair = contract.instrument_type is InstrumentType.FOREX
    symbol = contract.underlying_symbol or contract.symbol
    return ContractFields(
        conId=contract.contract_id,
        symbol=symbol.partition(".")[0] if is_pair else symbol,
        secType=SECURITY_TYPES[contract.instrument_type],
        exchange=contract.exchange,
        currency=contract.currency,
    )
