"""The register of one account at the paper broker: its orders and deals, and what of them is to be stored and told."""

from datetime import datetime
from decimal import Decimal

from app.brokers.paper.news import News, Outcome
from app.brokers.paper.orders import HISTORY_MAX, PaperExecution, PaperOrder, PaperPosition, PaperState, PaperStatus
from app.brokers.paper.rules import Refusal
from app.brokers.paper.telling import commission_report, execution_report, fault_report, refusal_report, status_report
from app.brokers.paper.timetable import is_for_opening
from app.core.fix import OrderType
from app.core.messages import BrokerReport, Instrument, LaneCommand


class Register:
    """Every order where it stands: `open` until it ends, and `waiting` while it stands in no book.

    now is the time of what is being done; client_id is the account's, as reports name it.
    """

    def __init__(self, state: PaperState, *, client_id: int, now: datetime) -> None:
        self.now = now
        self.client_id = client_id
        self.orders = {order.permanent_id: order for order in state.orders}
        self.executions = list(state.executions)
        self.open = {order.permanent_id: order for order in state.orders if order.is_open}
        self.waiting = dict(self.open)
        self.for_opening = {name: one for name, one in self.open.items() if is_for_opening(one)}
        self.next_order_id = state.next_order_id
        self._by_number = {order.broker_order_id: order for order in state.orders}
        self._done_groups = {
            order.oca_group for order in state.orders if order.oca_group and order.status is PaperStatus.FILLED
        }
        self._last_permanent_id = state.last_permanent_id
        self._last_execution_number = state.last_execution_number
        self._news = News()

    def of_number(self, broker_order_id: int) -> PaperOrder | None:
        """The order that the account calls by this number."""
        return self._by_number.get(broker_order_id)

    def admit(self, command: LaneCommand) -> PaperOrder:
        """A new order, which is neither open nor refused yet."""
        self._last_permanent_id += 1
        self.next_order_id = max(self.next_order_id, command.broker_order_id + 1)
        order = PaperOrder(
            permanent_id=self._last_permanent_id,
            broker_order_id=command.broker_order_id,
            order_id=command.order_id,
            contract=command.contract,
            side=command.side,
            order_type=command.order_type,
            terms=command.terms,
            outside_regular_hours=command.outside_regular_hours,
            oca_group=command.oca_group,
            placed_at=self.now,
            trail_stop=command.terms.stop_price if command.order_type is OrderType.TRAILING_STOP else None,
        )
        self.orders[order.permanent_id] = self._by_number[order.broker_order_id] = order
        return order

    def is_group_done(self, order: PaperOrder) -> bool:
        """True when an order of its group was filled, so that it may not work."""
        return order.oca_group is not None and order.oca_group in self._done_groups

    def others_of_group(self, order: PaperOrder) -> list[PaperOrder]:
        """The other open orders of its group."""
        if order.oca_group is None:
            return []
        return [one for one in self.open.values() if one.oca_group == order.oca_group and one is not order]

    def wait(self, order: PaperOrder) -> None:
        """The open order stands in no book."""
        self.waiting[order.permanent_id] = order
        if is_for_opening(order):
            self.for_opening[order.permanent_id] = order

    def add_execution(
        self,
        order: PaperOrder,
        instrument: Instrument,
        *,
        quantity: Decimal,
        price: Decimal,
        commission: Decimal,
        realized: Decimal | None,
        is_maker: bool,
        quoted_at: datetime,
        position: PaperPosition,
    ) -> PaperExecution:
        """A deal of the order, told; position is what the account holds after it."""
        assert instrument.contract_id is not None, "an order that was taken names a contract"
        self._last_execution_number += 1
        execution = PaperExecution(
            number=self._last_execution_number,
            permanent_id=order.permanent_id,
            broker_order_id=order.broker_order_id,
            order_id=order.order_id,
            instrument_id=instrument.id,
            contract_id=instrument.contract_id,
            side=order.side,
            quantity=quantity,
            price=price,
            commission=commission,
            currency=instrument.currency,
            realized_pnl=realized,
            is_maker=is_maker,
            quoted_at=quoted_at,
            executed_at=self.now,
        )
        self.executions.append(execution)
        self._news.dealt(execution, position)
        self._news.reports.append(execution_report(execution, self.client_id))
        return execution

    def fill(self, order: PaperOrder) -> None:
        """Nothing of the order is left: it is over, and its group with it."""
        if order.oca_group is not None:
            self._done_groups.add(order.oca_group)
        self._finish(order, PaperStatus.FILLED, None)

    def cancel(self, order: PaperOrder, reason: str) -> None:
        """The order ends unfilled, or filled in part, and is told so."""
        self._finish(order, PaperStatus.CANCELED, reason)
        self.tell(order)

    def reject(self, order: PaperOrder, refusal: Refusal) -> None:
        """The new order is not taken, and is told so."""
        self._finish(order, PaperStatus.REJECTED, refusal.message, refusal.code)
        self._news.reports.append(refusal_report(order, self.client_id))

    def refuse(self, command: LaneCommand, refusal: Refusal) -> None:
        """The command is not done; its order stays as it is."""
        self._news.reports.append(fault_report(command, refusal, self.client_id, self.now))

    def changed(self, order: PaperOrder) -> None:
        """The order is to be stored, and nobody need be told."""
        self._news.changed(order)

    def tell(self, order: PaperOrder) -> None:
        """The order is to be stored, and how it stands is told."""
        self._news.changed(order)
        self._news.reports.append(status_report(order, self.client_id, self.now))

    def tell_again(self, order: PaperOrder) -> None:
        """How the order stands is told, which is no news to the books."""
        self._news.reports.append(self.status_of(order))

    def tell_cost(self, execution: PaperExecution) -> None:
        """What a deal cost is told."""
        self._news.reports.append(commission_report(execution))

    def status_of(self, order: PaperOrder) -> BrokerReport:
        """How an order stands, as it is told when somebody asks."""
        if order.status is PaperStatus.REJECTED:
            return refusal_report(order, self.client_id)
        return status_report(order, self.client_id, self.now)

    def dealt_reports(self) -> list[BrokerReport]:
        """The late deals with what they cost, the oldest first."""
        reports: list[BrokerReport] = []
        for execution in self.executions:
            reports += [execution_report(execution, self.client_id), commission_report(execution)]
        return reports

    def taken(self, cash: dict[str, Decimal]) -> Outcome:
        """What happened since this was last asked; cash is what the account has of each currency now."""
        news, self._news = self._news, News()
        outcome = news.outcome(
            cash,
            last_permanent_id=self._last_permanent_id,
            last_execution_number=self._last_execution_number,
            next_order_id=self.next_order_id,
        )
        self._forget()
        return outcome

    def _forget(self) -> None:
        del self.executions[:-HISTORY_MAX]
        over = len(self.orders) - len(self.open) - HISTORY_MAX
        if over <= 0:
            return
        for order in [one for one in self.orders.values() if not one.is_open][:over]:
            del self.orders[order.permanent_id], self._by_number[order.broker_order_id]

    def _finish(self, order: PaperOrder, status: PaperStatus, reason: str | None, code: int | None = None) -> None:
        order.status, order.reason, order.refusal_code, order.ended_at = status, reason, code, self.now
        self.open.pop(order.permanent_id, None)
        self.waiting.pop(order.permanent_id, None)
        self.for_opening.pop(order.permanent_id, None)
        self._news.changed(order)
