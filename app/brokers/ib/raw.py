"""What the library decodes from Interactive Brokers' messages, as far as the house reads it."""

from datetime import datetime
from typing import Protocol


class RawContract(Protocol):
    """A contract as the library decodes it."""

    conId: int
    symbol: str


class RawOrder(Protocol):
    """An order as the library decodes it."""

    account: str
    orderId: int
    clientId: int
    permId: int
    orderRef: str
    action: str
    orderType: str
    totalQuantity: float | str
    lmtPrice: float | str
    auxPrice: float | str
    tif: str
    goodTillDate: str
    filledQuantity: float | str
    whatIf: bool


class RawOrderState(Protocol):
    """The state beside an order as the library decodes it."""

    status: str


class RawWhatIfState(RawOrderState, Protocol):
    """The state of a what-if as the library decodes it: changes of margin as text, commissions as numbers."""

    initMarginChange: str
    maintMarginChange: str
    commission: float
    minCommission: float
    maxCommission: float
    commissionCurrency: str
    warningText: str


class RawExecution(Protocol):
    """An execution as the library decodes it."""

    execId: str
    time: datetime
    acctNumber: str
    side: str
    shares: float
    price: float
    permId: int
    clientId: int
    orderId: int
    orderRef: str
    lastLiquidity: int


class RawCommission(Protocol):
    """A commission report as the library decodes it."""

    execId: str
    commission: float
    currency: str
    realizedPNL: float
