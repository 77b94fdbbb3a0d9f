"""The messages of the field that rooms share: orders on their way in, reports from a broker, ticks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from app.core.allocation import Allocation
from app.core.fix import (
    InstrumentType,
    OptionRight,
    OrderOrigin,
    OrderType,
    PositionAim,
    RiskLimitType,
    RiskOutcome,
    Side,
    TimeInForce,
)
from app.core.ids import AccountId, InstrumentId, LimitId, OrderId, RequestId, TenantId
from app.core.money import ZERO, plain
from app.core.sessions import ToldHours


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """What an order asks of the market. Prices are per unit in the instrument's currency.

    Quantity is OrderQty (38), limit_price Price (44), stop_price StopPx (99), expires_at ExpireTime (126).
    """

    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OcoLeg:
    """The second leg of a one-cancels-other pair, in the account and the instrument of the first."""

    side: Side
    order_type: OrderType
    terms: OrderTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """An order by what it is to do to the position. quantity is how much of it to close, None for all that is left.

    covered is what orders that make way may still deal: so much of the order waits until they have ended.
    """

    kind: PositionAim
    quantity: Decimal | None = None
    covered: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """NewOrderSingle (D): an order as a client asks for it, not yet checked.

    client_order_id is ClOrdID (11), unique within the account: the idempotency key.
    The instrument is named by instrument_id, or by symbol and, where that is ambiguous, exchange.
    take_profit and stop_loss attach exits that work as far as the order is filled; oco makes it the first leg of a
    pair. With an aim, side and quantity are those that the position asks for when the order is taken. A staged order
    is checked and stored and stays here until it is released, by a request or at release_at. allocation makes it an
    adviser's block; through is the adviser's account over which an order for one of its accounts was asked.
    """

    account_id: AccountId
    client_order_id: str
    side: Side
    order_type: OrderType
    terms: OrderTerms
    instrument_id: InstrumentId | None = None
    symbol: str | None = None
    exchange: str | None = None
    post_only: bool = False
    outside_regular_hours: bool = False
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    oco: OcoLeg | None = None
    aim: Aim | None = None
    is_staged: bool = False
    release_at: datetime | None = None
    allocation: Allocation | None = None
    through: AccountId | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    origin: OrderOrigin = OrderOrigin.API


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBand:
    """From the price `lowest` on, up to the next band, prices are multiples of the increment."""

    lowest: Decimal
    increment: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """An instrument as every room needs it: its grid, its multiplier, the broker's contract id.

    tick_size is the smallest increment of any price; price_bands say which holds where, and are empty where it holds
    everywhere. hours are None until the broker told them. described_at is when the broker was last asked. Options and
    futures name what they are on by underlying_symbol, as the broker writes it.
    """

    id: InstrumentId
    symbol: str
    name: str
    exchange: str
    currency: str
    instrument_type: InstrumentType
    multiplier: Decimal
    tick_size: Decimal
    lot_size: Decimal
    contract_id: int | None
    details: dict[str, Any] = field(default_factory=dict)
    is_active: bool = True
    price_bands: tuple[PriceBand, ...] = ()
    hours: ToldHours | None = None
    expires_on: date | None = None
    strike: Decimal | None = None
    option_right: OptionRight | None = None
    underlying_symbol: str | None = None
    underlying_contract_id: int | None = None
    described_at: datetime | None = None

    def band_at(self, price: Decimal) -> PriceBand:
        """The band that a price falls into, which says what it is to be a multiple of."""
        found = PriceBand(lowest=ZERO, increment=self.tick_size)
        for band in self.price_bands:
            if band.lowest > price:
                break
            found = band
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a broker needs to know an instrument by. contract_id is IB's conId.

    underlying_symbol is what the broker calls an option or a future by, together with its conId.
    """

    instrument_id: InstrumentId
    contract_id: int
    symbol: str
    instrument_type: InstrumentType
    exchange: str
    currency: str
    underlying_symbol: str | None = None


class LaneKind(StrEnum):
    """What the connector is told to do with an order."""

    PLACE = "PLACE"
    REPLACE = "REPLACE"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneCommand:
    """One claimed command of an account's lane: its send intent is durable, it may be written to the socket once.

    broker_order_id is IB's orderId, stored before the write; for REPLACE and CANCEL the one the order was sent with.
    terms are the terms to be live afterwards. Orders of one oca_group share what is left: the broker lowers the others
    by what one deals, and cancels them when it is done. One with an allocation is dealt for the accounts of a group.
    """

    kind: LaneKind
    order_id: OrderId
    request_id: RequestId | None
    broker_order_id: int
    contract: Contract
    side: Side
    order_type: OrderType
    terms: OrderTerms
    outside_regular_hours: bool = False
    oca_group: str | None = None
    allocation: Allocation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAddress:
    """How a broker names an order: by order_id (orderRef), else permanent_id, else (client_id, broker_order_id)."""

    order_id: OrderId | None = None
    permanent_id: int | None = None
    client_id: int | None = None
    broker_order_id: int | None = None


class WorkingStatus(StrEnum):
    """What a broker says of an order, in four words: PENDING (received), WORKING, CANCELED, FILLED."""

    PENDING = "PENDING"
    WORKING = "WORKING"
    CANCELED = "CANCELED"
    FILLED = "FILLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideOrder:
    """What an order is that was not placed here, as far as its terms do not say it."""

    contract_id: int
    side: Side
    order_type: OrderType
    allocation: Allocation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """The broker told the status of an order. It never creates quantity; `filled` only asks for executions.

    terms are those the broker holds, where the message carried them (openOrder), and outside what the order is where
    it bears no order id of ours.
    """

    address: OrderAddress
    status: WorkingStatus
    filled: Decimal
    terms: OrderTerms | None = None
    outside: OutsideOrder | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionReport:
    """ExecutionReport (8) with ExecType Trade: part of an order was dealt.

    execution_id is ExecID (17); its root is shared by all revisions of one execution, and the highest revision
    holds. quantity is LastQty (32) above zero, or zero for a bust; price is LastPx (31). account_number is the account
    that it was dealt for where that is another than the session's: an adviser's session hears of all its accounts.
    """

    address: OrderAddress
    execution_id: str
    root: str
    revision: int
    contract_id: int
    side: Side
    quantity: Decimal
    price: Decimal
    liquidity: str | None
    executed_at: datetime
    account_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionReport:
    """What an execution cost, in `currency`; joined by execution_id; may come first, late or never.

    account_number is as that of its execution.
    """

    execution_id: str
    root: str
    commission: Decimal | None
    currency: str
    realized_pnl: Decimal | None
    account_number: str | None = None


class FaultClass(StrEnum):
    """What a broker's error about an order means (orders.md)."""

    ORDER_REJECTED = "ORDER_REJECTED"
    REPLACE_REJECTED = "REPLACE_REJECTED"
    CANCEL_REJECTED = "CANCEL_REJECTED"
    CANCEL_CONFIRMED = "CANCEL_CONFIRMED"
    REJECTED_BY_STATE = "REJECTED_BY_STATE"
    INFORMATION = "INFORMATION"
    CONNECTIVITY = "CONNECTIVITY"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReport:
    """The broker sent an error about an order. REJECTED_BY_STATE: a rejection while ROUTED, a refused modify later."""

    address: OrderAddress
    fault: FaultClass
    broker_code: int
    message: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFoundReport:
    """The broker did not tell of an order that it should know.

    is_certain: two clean full sweeps over a stable connection missed it; else one snapshot did, which raises a doubt.
    declared_by is the person who declares it dead on that evidence, with their reason.
    """

    address: OrderAddress
    is_certain: bool = True
    declared_by: str | None = None
    reason: str | None = None
    occurred_at: datetime


BrokerReport = StatusReport | ExecutionReport | CommissionReport | FaultReport | NotFoundReport


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyValues:
    """The broker's own figures of an account in one currency; None where it did not tell.

    exchange_rate is what one unit of the currency is worth in the account's base currency.
    """

    currency: str
    cash: Decimal | None = None
    stock_value: Decimal | None = None
    net_liquidation: Decimal | None = None
    realized_pnl: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    exchange_rate: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountValues:
    """The broker's own figures of an account, in its base currency; None where it did not tell.

    cushion is excess liquidity as a part of equity. The three of profit and loss are the broker's own: that of its
    day, of the open positions since they were opened, and what was realized in its day. by_currency has each currency
    once.
    """

    cash: Decimal | None = None
    equity: Decimal | None = None
    buying_power: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    available_funds: Decimal | None = None
    excess_liquidity: Decimal | None = None
    cushion: Decimal | None = None
    special_memorandum_account: Decimal | None = None
    gross_position_value: Decimal | None = None
    daily_pnl: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    realized_pnl: Decimal | None = None
    by_currency: tuple[CurrencyValues, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPosition:
    """A position as the broker holds it: signed quantity, average cost per unit."""

    contract_id: int
    symbol: str
    quantity: Decimal
    average_cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The newest known state of an instrument's market. Sizes in units, times of the last change."""

    instrument_id: InstrumentId
    symbol: str
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    last_size: Decimal | None = None
    volume: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    previous_close: Decimal | None = None
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKey:
    """An account within its tenant: the unit of locks, lanes and event sequences."""

    tenant_id: TenantId
    account_id: AccountId

    def __hash__(self) -> int:
        # Looked up dozens of times for each order, and account ids do not repeat over tenants.
        return hash(self.account_id)


class LookStep(StrEnum):
    """At which step after its placement an order was held against the limits again."""

    APPROVAL = "APPROVAL"
    RELEASE = "RELEASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A later look at the limits for an order that had been checked before: at which step, for whom, and when."""

    step: LookStep
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCheck:
    """What one limit said of one order: its value and what was observed, in the limit's own unit.

    inputs are the facts that it was found from; nanoseconds how long the check took. Checks of before they were
    recorded have neither, and no version of the limit. Two checks are the same whatever they were found from, for what
    is read back are texts.
    """

    check: RiskLimitType
    outcome: RiskOutcome
    limit: Decimal | None
    observed: Decimal | None
    message: str
    limit_id: LimitId | None
    limit_version: int | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict, compare=False)
    nanoseconds: int = field(default=0, compare=False)
    is_shadow: bool = False
    """The limit is held beside the others: what it says refuses nothing."""
    look: Look | None = field(default=None, compare=False)
    """Which later look at the order said so; None when it was placed, and for the change of an order."""

    def inputs_document(self) -> dict[str, Any]:
        """The facts as JSON: numbers as plain decimals in text, instants in RFC 3339."""
        return {
            name: value if (shown := _SHOWN.get(value.__class__)) is None else shown(value)
            for name, value in self.inputs.items()
        }


_SHOWN: Final[Mapping[type, Callable[[Any], str]]] = {Decimal: plain, datetime: datetime.isoformat, int: str}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What the ledger tells the position: a signed quantity dealt at a price."""

    instrument_id: InstrumentId
    signed_quantity: Decimal
    price: Decimal
