"""The words of the field: enumerations named after FIX, shared by every room."""

from enum import StrEnum


class Side(StrEnum):
    """Side (54)."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell: what an execution does to the position."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The side that an order of this one deals with."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """OrdType (40)."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"


class TimeInForce(StrEnum):
    """TimeInForce (59)."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"
    OPG = "OPG"


class OrderState(StrEnum):
    """OrdStatus (39), with the states that precede the broker told apart."""

    NEW = "NEW"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    HELD = "HELD"
    ROUTED = "ROUTED"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    PENDING_REPLACE = "PENDING_REPLACE"
    PENDING_CANCEL = "PENDING_CANCEL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_terminal(self) -> bool:
        """True when the order is over; only a late fact from the broker still moves it."""
        return self in TERMINAL_STATES


TERMINAL_STATES = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED})


class OrderOrigin(StrEnum):
    """Who brought the order into the house. ALLOCATION is the broker, with an account's share of a block."""

    API = "API"
    UI = "UI"
    STRATEGY = "STRATEGY"
    ALGO = "ALGO"
    EXTERNAL = "EXTERNAL"
    RECONCILIATION = "RECONCILIATION"
    ALLOCATION = "ALLOCATION"


class RejectOrigin(StrEnum):
    """Who refused: OMS, so that it never left, or BROKER."""

    OMS = "OMS"
    BROKER = "BROKER"


class LinkRole(StrEnum):
    """What an order is among the orders that its fills adjust; an order that stands alone has none."""

    ENTRY = "ENTRY"
    TAKE_PROFIT = "TAKE_PROFIT"
    STOP_LOSS = "STOP_LOSS"
    OCO = "OCO"


class PositionAim(StrEnum):
    """What an order is to make of a position: flat, or the same the other way round."""

    CLOSE = "CLOSE"
    REVERSE = "REVERSE"


class RequestKind(StrEnum):
    """What is asked of a live order."""

    CANCEL = "CANCEL"
    REPLACE = "REPLACE"


class RequestOutcome(StrEnum):
    """What became of a cancel or replace."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    TOO_LATE = "TOO_LATE"
    SUPERSEDED = "SUPERSEDED"


class InstrumentType(StrEnum):
    """SecurityType (167)."""

    STOCK = "STOCK"
    ETF = "ETF"
    OPTION = "OPTION"
    FUTURE = "FUTURE"
    FOREX = "FOREX"
    CRYPTO = "CRYPTO"
    BOND = "BOND"
    INDEX = "INDEX"


class OptionRight(StrEnum):
    """PutOrCall (201)."""

    CALL = "CALL"
    PUT = "PUT"


class LineState(StrEnum):
    """How live an instrument's market data is.

    NONE: no line is held. OPENING: one was asked for, and nothing told yet. EXHAUSTED: one is wanted, and all are
    taken. FROZEN: the last values of a closed market. REFUSED: the broker does not tell, and says why. STALE: data
    came, and stopped though it is wished for.
    """

    NONE = "NONE"
    OPENING = "OPENING"
    LIVE = "LIVE"
    DELAYED = "DELAYED"
    FROZEN = "FROZEN"
    REFUSED = "REFUSED"
    EXHAUSTED = "EXHAUSTED"
    STALE = "STALE"


class StreamKind(StrEnum):
    """What of a market is followed one by one: bars of five seconds, or single ticks of a kind."""

    REAL_TIME_BARS = "REAL_TIME_BARS"
    LAST = "LAST"
    ALL_LAST = "ALL_LAST"
    BID_ASK = "BID_ASK"
    MID_POINT = "MID_POINT"

    @property
    def is_of_ticks(self) -> bool:
        """True for single ticks."""
        return self is not StreamKind.REAL_TIME_BARS


class BarInterval(StrEnum):
    """How long a bar lasts."""

    SECONDS_5 = "SECONDS_5"
    MINUTE_1 = "MINUTE_1"
    MINUTES_5 = "MINUTES_5"
    MINUTES_15 = "MINUTES_15"
    HOUR_1 = "HOUR_1"
    DAY_1 = "DAY_1"

    @property
    def seconds(self) -> int:
        """Its length; of a day, that of the calendar."""
        return _INTERVAL_S[self]


_INTERVAL_S = {
    BarInterval.SECONDS_5: 5,
    BarInterval.MINUTE_1: 60,
    BarInterval.MINUTES_5: 300,
    BarInterval.MINUTES_15: 900,
    BarInterval.HOUR_1: 3600,
    BarInterval.DAY_1: 86_400,
}


class BrokerKind(StrEnum):
    """The brokers that an account may be held at."""

    INTERACTIVE_BROKERS = "INTERACTIVE_BROKERS"
    PAPER = "PAPER"


class ConnectionState(StrEnum):
    """How far a broker connection has come. Only CONNECTED is synchronised: its gate is open to new orders."""

    DISCONNECTED = "DISCONNECTED"
    CONNECTING = "CONNECTING"
    SYNCHRONIZING = "SYNCHRONIZING"
    CONNECTED = "CONNECTED"
    DEGRADED = "DEGRADED"
    BACKING_OFF = "BACKING_OFF"


class RiskLimitType(StrEnum):
    """The checks of the pre-trade chain."""

    MAX_ORDER_QUANTITY = "MAX_ORDER_QUANTITY"
    MAX_ORDER_NOTIONAL = "MAX_ORDER_NOTIONAL"
    MAX_POSITION_QUANTITY = "MAX_POSITION_QUANTITY"
    MAX_POSITION_NOTIONAL = "MAX_POSITION_NOTIONAL"
    MAX_OPEN_ORDERS = "MAX_OPEN_ORDERS"
    MAX_DAILY_LOSS = "MAX_DAILY_LOSS"
    MAX_DRAWDOWN = "MAX_DRAWDOWN"
    MAX_LEVERAGE = "MAX_LEVERAGE"
    MIN_MARGIN_EXCESS = "MIN_MARGIN_EXCESS"
    SYMBOL_WHITELIST = "SYMBOL_WHITELIST"
    SYMBOL_BLACKLIST = "SYMBOL_BLACKLIST"
    TRADING_HOURS = "TRADING_HOURS"
    MAX_ORDERS_PER_MINUTE = "MAX_ORDERS_PER_MINUTE"
    PRICE_COLLAR = "PRICE_COLLAR"
    MAX_CONCENTRATION = "MAX_CONCENTRATION"
    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    WASH_TRADE = "WASH_TRADE"
    COOLDOWN = "COOLDOWN"
    CANCEL_RATE = "CANCEL_RATE"
    ORDER_TO_TRADE_RATIO = "ORDER_TO_TRADE_RATIO"


class RiskOutcome(StrEnum):
    """What a check said."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
