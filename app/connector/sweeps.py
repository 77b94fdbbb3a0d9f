"""What a connection asks its broker again, and what it concludes from answers that miss an order. Pure memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from app.core.ids import OrderId
from app.core.messages import BrokerReport, CommissionReport, ExecutionReport, NotFoundReport, OrderAddress
from app.core.money import ZERO
from app.orders.domain.order import Order

MISSES_MAX = 2
"""Clean full sweeps that have to miss an order before it counts as unknown to the broker."""

COMMISSION_ASKS_MAX = 6
UNCHARGED_MAX = 100_000
UNTOLD_CHARGES_MAX = 1_000


@dataclass(slots=True)
class _Uncharged:
    since: float
    asks: int = 0


@dataclass(slots=True)
class Sweeps:
    """The memory of one stable connection: which orders full sweeps missed, which executions have no commission.

    Times are monotonic seconds. `forget` starts anew: sweeps count over a stable connection alone.
    """

    missed: dict[OrderId, int] = field(default_factory=dict)
    """Suspects: how many clean full sweeps in a row missed them."""

    unknown: set[OrderId] = field(default_factory=set)
    """Acknowledged orders that the broker no longer knows: a person decides, and they are asked for seldom."""

    dealt: dict[int, float] = field(default_factory=dict)
    """By contract, when an execution came that the broker's positions may not hold yet, or that they hold already."""

    unconfirmed: dict[str, str] = field(default_factory=dict)
    """Differences of positions that one look has seen: breaks only if the next look sees the same."""

    given_up: set[str] = field(default_factory=set)
    """Executions that the broker was asked for often enough without telling what they cost."""

    _uncharged: dict[str, _Uncharged] = field(default_factory=dict)

    def forget(self) -> None:
        """The connection was not stable: what was missed so far counts nothing."""
        self.missed.clear()
        self.unknown.clear()
        self.unconfirmed.clear()

    def heard(self, reports: Iterable[BrokerReport], now: float, *, dealt_after: datetime | None = None) -> None:
        """Note which executions came, and whose commissions.

        Of what is told again when it is asked for, only executions from dealt_after on are news of the positions.
        """
        for report in reports:
            if isinstance(report, ExecutionReport):
                if report.account_number is not None:
                    # Of another account: its own connection asks what that cost.
                    continue
                if dealt_after is None or report.executed_at >= dealt_after:
                    self.dealt[report.contract_id] = now
                if report.quantity > ZERO and len(self._uncharged) < UNCHARGED_MAX:
                    self._uncharged.setdefault(report.execution_id, _Uncharged(since=now))
            elif isinstance(report, CommissionReport) and report.commission is not None:
                self._uncharged.pop(report.execution_id, None)
                self.given_up.discard(report.execution_id)

    def in_flight(self, since: float) -> frozenset[int]:
        """The contracts dealt in since that moment; what is older is forgotten."""
        self.dealt = {contract: at for contract, at in self.dealt.items() if at >= since}
        return frozenset(self.dealt)

    def asks_for_commissions(self, now: float, after_s: float) -> bool:
        """True when an execution has waited so long for its commission that its executions are asked for again.

        Each is asked for a few times only: a commission may never come.
        """
        due = [one for one in self._uncharged.values() if now - one.since >= after_s]
        for one in due:
            one.asks += 1
        is_due = bool(due)
        in_vain = (name for name, one in self._uncharged.items() if one.asks >= COMMISSION_ASKS_MAX)
        self.given_up.update(islice(in_vain, max(UNTOLD_CHARGES_MAX - len(self.given_up), 0)))
        self._uncharged = {name: one for name, one in self._uncharged.items() if one.asks < COMMISSION_ASKS_MAX}
        return is_due

    def suspect(self, untold: Iterable[Order]) -> None:
        """These were not among the open orders: full sweeps are to find them."""
        for order in untold:
            if order.id not in self.unknown:
                self.missed.setdefault(order.id, 0)

    def found(self, watched: Iterable[Order], untold: Iterable[Order]) -> None:
        """Of the watched orders these alone were not told; the others are known to the broker."""
        gone = {order.id for order in untold}
        for order in watched:
            if order.id not in gone:
                self.missed.pop(order.id, None)
                self.unknown.discard(order.id)

    def conclude(self, still_missing: Sequence[Order], now: datetime) -> list[NotFoundReport]:
        """After a clean full sweep that missed these: what is to be told of those that were missed often enough."""
        self.missed = {order.id: self.missed.get(order.id, 0) + 1 for order in still_missing}
        decided = [order for order in still_missing if self.missed[order.id] == MISSES_MAX]
        for order in still_missing:
            # One more look at what is in doubt now: the broker's last word may be enough to end it.
            if self.missed[order.id] > MISSES_MAX:
                del self.missed[order.id]
                self.unknown.add(order.id)
        return [NotFoundReport(address=OrderAddress(order_id=order.id), occurred_at=now) for order in decided]
