"""The ledger: what the exchange keeps of accounts, orders and executions, and what of it is not saved yet."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from app.core.money import ZERO
from app.simulator.accounts import Account
from app.simulator.allocation import Desk
from app.simulator.config import SimulatorConfig
from app.simulator.market import Market
from app.simulator.orders import Execution, SimulatedOrder
from app.simulator.requests import next_day_of
from app.simulator.store import SavedState

COMPLETED_ORDERS_MAX = 20_000
EXECUTIONS_MAX = 50_000
"""Beyond these the oldest completed orders and executions are forgotten."""


@dataclass(slots=True)
class _Unsaved:
    orders: dict[int, SimulatedOrder] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    account_ids: set[str] = field(default_factory=set)


class Ledger:
    """Every account, order and execution, the ids that are given next, and the end of the day.

    `orders` are by permanent id, those that are not over in `working` too, and those of them that no book has in
    `waiting`: they are held, or dealt in a session to come.
    """

    def __init__(self, config: SimulatorConfig, market: Market, started: datetime) -> None:
        self._market = market
        self._is_saved = bool(config.state_path)
        self.accounts: dict[str, Account] = {
            seed.account_id: Account(
                account_id=seed.account_id, base_currency=seed.base_currency, cash={seed.base_currency: seed.cash}
            )
            for seed in config.accounts
        }
        if config.adviser_id:
            currency = config.accounts[0].base_currency
            self.accounts[config.adviser_id] = Account(
                account_id=config.adviser_id, base_currency=currency, cash={currency: ZERO}
            )
        self.desk = Desk(config.adviser_id, self.accounts, config.account_groups)
        self.executions: deque[Execution] = deque(maxlen=EXECUTIONS_MAX)
        self.orders: dict[int, SimulatedOrder] = {}
        self.working: dict[int, SimulatedOrder] = {}
        self.waiting: dict[int, SimulatedOrder] = {}
        self.next_order_ids: dict[int, int] = {}
        self.day_ends_at = next_day_of(started)
        self._by_address: dict[tuple[int, int], SimulatedOrder] = {}
        self._completed: deque[int] = deque()
        self._unsaved = _Unsaved()
        # Ids must not come again after a restart without a state file, so they start from the time.
        self._execution_epoch = int(started.timestamp())
        self.last_execution_number = started.microsecond // 1_000 * 4_000_000
        self.last_perm_id = int(started.timestamp()) % 1_000_000 * 2_000

    def restore(self, state: SavedState) -> None:
        """Take back what an earlier process kept, but for the orders: these are recorded one by one."""
        self.accounts.update({account.account_id: account for account in state.accounts})
        self.executions.extend(state.executions)
        self.next_order_ids.update(state.next_order_ids)
        if state.account_groups is not None:
            self.desk.groups = {group.name: group for group in state.account_groups}
        self.last_perm_id = max(self.last_perm_id, state.last_perm_id)
        self.day_ends_at = state.day_ends_at

    def whole_state(self) -> SavedState:
        """All that an exchange restores; what changed up to now counts as taken."""
        self._unsaved = _Unsaved()
        return self.snapshot()

    def snapshot(self) -> SavedState:
        """All that an exchange restores; what is still to be kept stays so."""
        return self._state(self.accounts.values(), self.orders.values(), self.executions)

    def taken_changes(self) -> SavedState:
        """What changed since changes or the whole state were last taken."""
        taken, self._unsaved = self._unsaved, _Unsaved()
        accounts = (self.accounts[account_id] for account_id in taken.account_ids)
        return self._state(accounts, taken.orders.values(), taken.executions)

    def next_order_id(self, client_id: int) -> int:
        """The lowest order id that this client never used."""
        return self.next_order_ids.get(client_id, 1)

    def take_perm_id(self) -> int:
        """A permanent id that no order has."""
        self.last_perm_id += 1
        return self.last_perm_id

    def take_execution_id(self) -> str:
        """An execution id that no deal has, in its first revision."""
        self.last_execution_number += 1
        return f"{self.last_execution_number:08x}.{self._execution_epoch:08x}.01.01"

    def order_at(self, client_id: int, order_id: int) -> SimulatedOrder | None:
        """The order that this client calls by this id."""
        return self._by_address.get((client_id, order_id))

    def completed_orders(self) -> Iterator[SimulatedOrder]:
        """The orders that are over, oldest first."""
        return (self.orders[perm_id] for perm_id in self._completed)

    def record(self, order: SimulatedOrder) -> None:
        """Take an order in, as one that works."""
        order_id = order.request.order_id
        self.orders[order.perm_id] = order
        if order_id:
            self._by_address[order.client_id, order_id] = order
            self.next_order_ids[order.client_id] = max(self.next_order_id(order.client_id), order_id + 1)
        self.working[order.perm_id] = order

    def complete(self, order: SimulatedOrder) -> None:
        """The order is over."""
        self.working.pop(order.perm_id, None)
        self.waiting.pop(order.perm_id, None)
        self._completed.append(order.perm_id)
        while len(self._completed) > COMPLETED_ORDERS_MAX:
            forgotten = self.orders.pop(self._completed.popleft())
            self._by_address.pop((forgotten.client_id, forgotten.request.order_id), None)

    def note_order(self, order: SimulatedOrder) -> None:
        """The order changed."""
        if self._is_saved:
            self._unsaved.orders[order.perm_id] = order

    def note_account(self, account_id: str) -> None:
        """The account changed."""
        if self._is_saved:
            self._unsaved.account_ids.add(account_id)

    def add_execution(self, execution: Execution) -> None:
        """Take an execution in, and note that its account changed."""
        self.executions.append(execution)
        if self._is_saved:
            self._unsaved.executions.append(execution)
        self.note_account(execution.account)

    def _state(
        self, accounts: Iterable[Account], orders: Iterable[SimulatedOrder], executions: Iterable[Execution]
    ) -> SavedState:
        return SavedState(
            accounts=tuple(accounts),
            orders=tuple(orders),
            executions=tuple(executions),
            next_order_ids=self.next_order_ids,
            last_perm_id=self.last_perm_id,
            day_ends_at=self.day_ends_at,
            walks=self._market.positions_of_walks(),
            account_groups=tuple(self.desk.groups.values()),
        )
