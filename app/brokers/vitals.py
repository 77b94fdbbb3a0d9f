"""What a connector tells of a connection beside its state: the use of the pace, of market data lines, and how efficient
its orders are. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from app.core.ids import OrderId
from app.core.messages import BrokerReport, ExecutionReport, LaneCommand, LaneKind

# Source: https://www.ibkr.info/node/1343 (Order Management Overview): above 20 a ratio is generally held for excessive.
EFFICIENCY_RATIO_MAX: Final = 20


class PacePriority(StrEnum):
    """What a message to a gateway is, the most urgent first."""

    CANCEL = "CANCEL"
    MODIFY = "MODIFY"
    NEW = "NEW"
    SYNC = "SYNC"
    WHAT_IF = "WHAT_IF"
    MARKET_DATA = "MARKET_DATA"
    HISTORY = "HISTORY"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceQueue:
    """Messages of one priority that wait, and for how long the oldest of them has."""

    priority: PacePriority
    waiting: int
    longest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceUse:
    """How much of a gateway's pace is used: messages within a second, of all who share it.

    limit None: no bound. longest_wait_s is how long one waited at most of those that left in the last seconds.
    """

    used: int
    limit: int | None
    queues: tuple[PaceQueue, ...] = ()
    longest_wait_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderActivity:
    """What was sent for an account in a day, and how many of its orders were dealt."""

    day: date
    submissions: int = 0
    revisions: int = 0
    cancellations: int = 0
    executed_orders: int = 0

    @property
    def ratio(self) -> Decimal:
        """IB's order efficiency ratio: all that was sent, for each order that was dealt and one more."""
        sent = self.submissions + self.revisions + self.cancellations
        return (Decimal(sent) / (self.executed_orders + 1)).quantize(Decimal("0.01"))

    @property
    def is_excessive(self) -> bool:
        """True above the ratio from which on IB asks its clients to change their ways."""
        return self.ratio > EFFICIENCY_RATIO_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayUse:
    """What an account's gateway has left: its pace, and the market data lines of the tenant."""

    pace: PaceUse
    lines_used: int
    lines_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """All of it at one instant."""

    at: datetime
    use: GatewayUse
    activity: OrderActivity


_COUNTED: Final = {
    LaneKind.PLACE: "submissions",
    LaneKind.REPLACE: "revisions",
    LaneKind.CANCEL: "cancellations",
}


class DayOfOrders:
    """Counts what is sent and dealt in a day of the trading time zone; the next day begins at nothing."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._day: date | None = None
        self._counts = dict.fromkeys(_COUNTED.values(), 0)
        self._executed: set[OrderId] = set()
        self._executed_before = 0

    def resume(self, told: OrderActivity, now: datetime) -> None:
        """Go on from what was told before, when that was today; what was sent since counts as well."""
        self._turn(now)
        if told.day == self._day:
            self._counts["submissions"] += told.submissions
            self._counts["revisions"] += told.revisions
            self._counts["cancellations"] += told.cancellations
            # The broker tells the day's executions again to every new session: they are the same orders.
            self._executed_before = told.executed_orders

    def sent(self, commands: Iterable[LaneCommand], now: datetime) -> None:
        """These are on their way to the broker."""
        self._turn(now)
        for command in commands:
            self._counts[_COUNTED[command.kind]] += 1

    def heard(self, reports: Iterable[BrokerReport], now: datetime) -> None:
        """The broker reported these; of executions those of our orders of today count, each order once."""
        self._turn(now)
        for report in reports:
            if (
                isinstance(report, ExecutionReport)
                and report.address.order_id is not None
                and report.executed_at.astimezone(self._zone).date() == self._day
            ):
                self._executed.add(report.address.order_id)

    def activity(self, now: datetime) -> OrderActivity:
        """The day's counts until now."""
        day = self._turn(now)
        executed = max(len(self._executed), self._executed_before)
        return OrderActivity(day=day, executed_orders=executed, **self._counts)

    def _turn(self, now: datetime) -> date:
        day = now.astimezone(self._zone).date()
        if day != self._day:
            self._day = day
            self._counts = dict.fromkeys(_COUNTED.values(), 0)
            self._executed.clear()
            self._executed_before = 0
        return day


def encode_vitals(vitals: Vitals) -> bytes:
    """The vitals as one JSON object."""
    return orjson.dumps(vitals)


def decode_vitals(payload: bytes) -> Vitals:
    """The vitals of one JSON object."""
    document = orjson.loads(payload)
    use, activity = document["use"], document["activity"]
    pace = use["pace"]
    return Vitals(
        at=datetime.fromisoformat(document["at"]),
        use=GatewayUse(
            pace=PaceUse(
                used=pace["used"],
                limit=pace["limit"],
                queues=tuple(
                    PaceQueue(
                        priority=PacePriority(one["priority"]), waiting=one["waiting"], longest_s=one["longest_s"]
                    )
                    for one in pace["queues"]
                ),
                longest_wait_s=pace["longest_wait_s"],
            ),
            lines_used=use["lines_used"],
            lines_max=use["lines_max"],
        ),
        activity=OrderActivity(**{**activity, "day": date.fromisoformat(activity["day"])}),
    )
