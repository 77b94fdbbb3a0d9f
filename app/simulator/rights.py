"""Which market data a login may see of an instrument, and what a request is told where it may not."""

from dataclasses import dataclass
from enum import IntEnum

from app.simulator.config import DataRight
from app.simulator.rules import Refusal


class DataType(IntEnum):
    """What a client asks for (reqMarketDataType) and what a line carries (marketDataType)."""

    REAL_TIME = 1
    FROZEN = 2
    DELAYED = 3
    DELAYED_FROZEN = 4

    @property
    def is_delayed(self) -> bool:
        """True for data of a quarter of an hour ago."""
        return self >= DataType.DELAYED


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAnswer:
    """What a line carries: `data_type` None is nothing, `is_partial` trades alone; and what its client is told."""

    data_type: DataType | None
    notice: Refusal | None = None
    is_partial: bool = False

    @property
    def keeps_line(self) -> bool:
        """True when the line stays, silent or not, rather than being refused."""
        return self.data_type is not None or (self.notice is not None and self.notice.code == COMPETING_SESSION)


COMPETING_SESSION = 10197
NOT_SUBSCRIBED = 354
DISPLAYING_DELAYED = 10167
DELAYED_NOT_ENABLED = 10168
SUBSCRIPTION_FOR_API = 10089
PARTLY_SUBSCRIBED = 10090
PARTLY_FOR_API = 10091

_LINK = "See link in 'Market Data Connections' dialog for more details."
_NOTICES = {
    NOT_SUBSCRIBED: "Requested market data is not subscribed.Delayed market data is available.",
    DISPLAYING_DELAYED: "Requested market data is not subscribed. Displaying delayed market data.",
    DELAYED_NOT_ENABLED: "Requested market data is not subscribed. Delayed market data is not enabled.",
    SUBSCRIPTION_FOR_API: "Requested market data requires additional subscription for API. "
    f"{_LINK}Delayed market data is available.",
    PARTLY_SUBSCRIBED: "Part of requested market data is not subscribed. "
    "Subscription-independent ticks are still active.Delayed market data is available.",
    PARTLY_FOR_API: f"Part of requested market data requires additional subscription for API. {_LINK}"
    "Delayed market data is available.",
    COMPETING_SESSION: "No market data during competing live session",
}


def answer_of(right: DataRight, wanted: DataType, *, is_open: bool) -> DataAnswer:
    """What a line carries that asks for this type while the market is open or not."""
    is_frozen = not is_open and wanted in {DataType.FROZEN, DataType.DELAYED_FROZEN}
    live = DataType.FROZEN if is_frozen else DataType.REAL_TIME
    delayed = DataType.DELAYED_FROZEN if is_frozen else DataType.DELAYED
    match right:
        case DataRight.FULL:
            return DataAnswer(data_type=live)
        case DataRight.DELAYED | DataRight.DELAYED_FOR_API if wanted.is_delayed:
            return DataAnswer(data_type=delayed, notice=_notice(DISPLAYING_DELAYED))
        case DataRight.DELAYED:
            return DataAnswer(data_type=None, notice=_notice(NOT_SUBSCRIBED))
        case DataRight.DELAYED_FOR_API:
            return DataAnswer(data_type=None, notice=_notice(SUBSCRIPTION_FOR_API))
        case DataRight.PARTIAL:
            return DataAnswer(data_type=live, notice=_notice(PARTLY_SUBSCRIBED), is_partial=True)
        case DataRight.PARTIAL_FOR_API:
            return DataAnswer(data_type=live, notice=_notice(PARTLY_FOR_API), is_partial=True)
        case DataRight.NONE:
            return DataAnswer(data_type=None, notice=_notice(DELAYED_NOT_ENABLED))
        case DataRight.COMPETING:
            return DataAnswer(data_type=None, notice=_notice(COMPETING_SESSION))


def _notice(code: int) -> Refusal:
    return Refusal(code=code, message=_NOTICES[code])
