"""Clearing: what a deal costs, where it is booked, and how a block is divided among an adviser's accounts."""

from decimal import Decimal

from app.core.clock import Clock
from app.core.fix import Side
from app.core.money import ZERO
from app.simulator.accounts import commission_of
from app.simulator.allocation import part_of
from app.simulator.config import SimulatorConfig
from app.simulator.directory import Directory
from app.simulator.events import ExchangeEvents
from app.simulator.ledger import Ledger
from app.simulator.market import Market
from app.simulator.orders import Execution, SimulatedOrder


class Clearing:
    """Books deals into the ledger and tells of them."""

    def __init__(
        self,
        config: SimulatorConfig,
        clock: Clock,
        directory: Directory,
        market: Market,
        ledger: Ledger,
        events: ExchangeEvents,
    ) -> None:
        self._config = config
        self._clock = clock
        self._directory = directory
        self._market = market
        self._ledger = ledger
        self._events = events

    def mark(self, con_id: int) -> Decimal:
        """What a position of this contract is valued at."""
        return self._market.quote(con_id).mark

    def commission(self, con_id: int, filled: Decimal, notional: Decimal) -> Decimal:
        """What an order costs that dealt this quantity for this amount."""
        return commission_of(
            self._directory[con_id].entry,
            filled=filled,
            notional=notional,
            per_share=self._config.commission_per_share,
            minimum=self._config.commission_min,
        )

    def deal(self, order: SimulatedOrder, quantity: Decimal, price: Decimal, *, is_maker: bool) -> Execution:
        """Book one deal of an order and tell of it; `settle` is to follow when the order's new status is told."""
        order.filled += quantity
        order.notional += quantity * price
        order.execution_count += 1
        whole_commission = self.commission(order.request.con_id, order.filled, order.notional)
        commission = whole_commission - order.commission
        order.commission = whole_commission
        execution_id = self._ledger.take_execution_id()
        return self._execute(order, execution_id, quantity, price, commission, is_maker=is_maker)

    def settle(self, execution: Execution) -> None:
        """Tell what a deal cost and that its account changed."""
        self._events.commissioned(execution)
        order = self._ledger.orders[execution.perm_id]
        if not order.request.fa_group:
            self._events.account_changed(execution.account, execution.con_id)

    def amend(self, execution: Execution, quantity: Decimal, price: Decimal) -> None:
        """Correct an execution under the next revision of its id; a quantity of zero takes it back."""
        order = self._ledger.orders[execution.perm_id]
        opposite = execution.side.opposite
        if not order.request.fa_group:
            # What was booked is taken back whole, with what it cost.
            entry = self._directory[execution.con_id].entry
            account = self._ledger.accounts[execution.account]
            account.book(entry, opposite, execution.quantity, execution.price, -execution.commission)
        order.filled -= execution.quantity
        order.notional -= execution.quantity * execution.price
        order.commission -= execution.commission
        root, _, revision = execution.execution_id.rpartition(".")
        commission = execution.commission if quantity else ZERO
        order.filled += quantity
        order.notional += quantity * price
        order.commission += commission
        name = f"{root}.{int(revision) + 1:02d}"
        corrected = self._execute(order, name, quantity, price, commission, is_maker=execution.is_maker)
        self._ledger.note_order(order)
        self.settle(corrected)

    def assign(self, account_id: str, con_id: int, quantity: Decimal, price: Decimal) -> None:
        """Change a position without an order: more of it for a positive quantity, less for a negative one."""
        side = Side.BUY if quantity > ZERO else Side.SELL
        entry = self._directory[con_id].entry
        self._ledger.accounts[account_id].book(entry, side, abs(quantity), price, ZERO)
        self._ledger.note_account(account_id)
        self._events.account_changed(account_id, con_id)

    def allocate(self, order: SimulatedOrder) -> None:
        """Give the accounts of a block's group their parts of what it dealt."""
        request = order.request
        entries = self._directory.entries
        entry = self._directory[request.con_id].entry
        left = order.commission
        shares = self._ledger.desk.shares(request, order.filled, entries, self.mark)
        for place, (account_id, quantity) in enumerate(shares, 1):
            is_last = place == len(shares)
            commission = left if is_last else part_of(order.commission, quantity, order.filled)
            left -= commission
            price = order.average_price
            execution = Execution(
                execution_id=self._ledger.take_execution_id(),
                perm_id=order.perm_id,
                client_id=order.client_id,
                order_id=request.order_id,
                account=account_id,
                con_id=request.con_id,
                side=request.side,
                quantity=quantity,
                price=price,
                cumulative_quantity=quantity,
                average_price=price,
                order_ref=request.order_ref,
                model_code=request.model_code,
                is_maker=False,
                commission=commission,
                commission_currency=entry.currency,
                realized=self._ledger.accounts[account_id].book(entry, request.side, quantity, price, commission),
                executed_at=self._clock.now(),
            )
            self._ledger.add_execution(execution)
            self._events.executed(execution)
            self._events.commissioned(execution)
            self._events.account_changed(account_id, request.con_id)

    def begin_day(self) -> None:
        """Start every account's gains of the day from zero."""
        for account in self._ledger.accounts.values():
            account.begin_day(self._directory.entries, self.mark)

    def _execute(
        self,
        order: SimulatedOrder,
        execution_id: str,
        quantity: Decimal,
        price: Decimal,
        commission: Decimal,
        *,
        is_maker: bool,
    ) -> Execution:
        request = order.request
        listed = self._directory[request.con_id]
        # A block is dealt for the accounts of a group, which have their parts of it when it ends.
        realized = None
        if quantity and not request.fa_group:
            account = self._ledger.accounts[request.account]
            realized = account.book(listed.entry, request.side, quantity, price, commission)
        execution = Execution(
            execution_id=execution_id,
            perm_id=order.perm_id,
            client_id=order.client_id,
            order_id=request.order_id,
            account=request.account,
            con_id=request.con_id,
            side=request.side,
            quantity=quantity,
            price=price,
            cumulative_quantity=order.filled,
            average_price=order.average_price,
            order_ref=request.order_ref,
            model_code=request.model_code,
            is_maker=is_maker,
            commission=commission,
            commission_currency=listed.entry.currency,
            realized=realized,
            executed_at=self._clock.now(),
        )
        self._ledger.add_execution(execution)
        self._events.executed(execution)
        return execution
