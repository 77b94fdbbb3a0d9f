"""Loading by id, batched: all of one kind that an operation needs at a moment come in one query."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypeVar

from strawberry.dataloader import DataLoader

from app.approvals import service as approvals
from app.approvals.domain import OrderApproval
from app.brokers import viewing as brokers
from app.brokers.reconciling import Break, Reconciliation
from app.brokers.viewing import AccountView, BalanceView, ConnectionView, CredentialView, CurrencyView
from app.brokers.vitals import Vitals
from app.core.fx import FxRates
from app.core.ids import AccountId, InstrumentId, OrderId, ReconciliationId, TenantId
from app.core.messages import Instrument, Tick
from app.flows.brokers.connection_vitals import read_vitals
from app.flows.desk import Desk
from app.flows.marketdata.read_quotes import read_lines, read_quotes
from app.flows.positions.compare_pnl import ComparedPnl, compare_pnl
from app.flows.positions.fx_rates import rates_now
from app.flows.reconciliation.view_reconciliations import breaks_seen_by, last_reconciliations
from app.identity.domain import Principal
from app.instruments import service as instruments
from app.marketdata.lines import LineStatus
from app.orders import service as orders
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderRequest

BATCH_MAX: Final = 500

_Id = TypeVar("_Id", bound=Hashable)
_Value = TypeVar("_Value")
_Read = Callable[[Any, TenantId, Sequence[_Id]], Awaitable[Mapping[_Id, _Value]]]


class Loaders:
    """The loaders of one operation; made when they are first asked for."""

    def __init__(self, desk: Desk, principal: Principal) -> None:
        self._desk = desk
        self._principal = principal

    @cached_property
    def accounts(self) -> DataLoader[AccountId, AccountView | None]:
        """Accounts by id; None if the tenant has none of the id."""
        return self._by_id(brokers.accounts_by_ids)

    @cached_property
    def accounts_of_advisers(self) -> DataLoader[AccountId, list[AccountView] | None]:
        """The accounts under an adviser's; None where there is none."""
        return self._by_id(brokers.accounts_of_advisers)

    @cached_property
    def connections(self) -> DataLoader[AccountId, ConnectionView | None]:
        """Connections by account; None where no connector has taken the account yet."""
        return self._by_id(brokers.connections)

    @cached_property
    def vitals(self) -> DataLoader[AccountId, Vitals | None]:
        """How hard connections are used, by account; None where no connector told it."""

        async def load(account_ids: list[AccountId]) -> list[Vitals | None]:
            found = await read_vitals(self._desk.redis, self._principal.tenant_id, account_ids)
            return [found.get(account_id) for account_id in account_ids]

        return DataLoader(load_fn=load, max_batch_size=BATCH_MAX)

    @cached_property
    def balances(self) -> DataLoader[AccountId, BalanceView | None]:
        """The broker's figures by account; None where it has told none yet."""
        return self._by_id(brokers.balances)

    @cached_property
    def currencies(self) -> DataLoader[AccountId, list[CurrencyView] | None]:
        """The broker's figures by account, for each currency; None where it has told none yet."""
        return self._by_id(brokers.currencies)

    @cached_property
    def credentials(self) -> DataLoader[AccountId, list[CredentialView] | None]:
        """Which secrets are stored, by account; None where there is none."""
        return self._by_id(brokers.credentials)

    @cached_property
    def compared_pnl(self) -> DataLoader[AccountId, ComparedPnl | None]:
        """The broker's profit and loss beside ours, by account; None if the tenant has none of the id."""

        async def load(account_ids: list[AccountId]) -> list[ComparedPnl | None]:
            found = await compare_pnl(self._desk, self._principal, account_ids)
            return [found.get(account_id) for account_id in account_ids]

        return DataLoader(load_fn=load, max_batch_size=BATCH_MAX)

    @cached_property
    def orders_at_broker(self) -> DataLoader[AccountId, int | None]:
        """How many orders work at the broker, by account; None where there is none."""
        return self._by_id(orders.counts_at_broker)

    @cached_property
    def instruments(self) -> DataLoader[InstrumentId, Instrument | None]:
        """Instruments by id; None if the tenant has none of the id."""
        return self._by_id(instruments.instruments)

    @cached_property
    def orders(self) -> DataLoader[OrderId, Order | None]:
        """Orders by id; None if the tenant has none of the id."""
        return self._by_id(orders.orders)

    @cached_property
    def children_of(self) -> DataLoader[OrderId, list[Order] | None]:
        """The exits of an order, the oldest first; None where there is none."""
        return self._by_id(orders.children_of)

    @cached_property
    def legs_of(self) -> DataLoader[str, list[Order] | None]:
        """The orders of a group, the oldest first; None where there is none."""
        return self._by_id(orders.legs_of)

    @cached_property
    def executions_of(self) -> DataLoader[OrderId, list[Execution] | None]:
        """The active executions of an order, the oldest first; None where there is none."""
        return self._by_id(orders.executions_of)

    @cached_property
    def requests_of(self) -> DataLoader[OrderId, list[OrderRequest] | None]:
        """The cancels and replaces of an order, the oldest first; None where there is none."""
        return self._by_id(orders.requests_of)

    @cached_property
    def events_of(self) -> DataLoader[OrderId, list[LoggedEvent] | None]:
        """The events of an order, in their sequence; None where there is none."""
        return self._by_id(orders.events_of)

    @cached_property
    def approvals_of(self) -> DataLoader[OrderId, list[OrderApproval] | None]:
        """The requests for approval of an order; None where there is none."""
        return self._by_id(approvals.approvals_of)

    @cached_property
    def quotes(self) -> DataLoader[InstrumentId, Tick | None]:
        """The newest tick by instrument; None where none is known."""

        async def load(instrument_ids: list[InstrumentId]) -> list[Tick | None]:
            found = await read_quotes(self._desk, self._principal, instrument_ids)
            return [found.get(instrument_id) for instrument_id in instrument_ids]

        return DataLoader(load_fn=load, max_batch_size=BATCH_MAX)

    @cached_property
    def lines(self) -> DataLoader[InstrumentId, LineStatus]:
        """How the market data line of an instrument stands."""

        async def load(instrument_ids: list[InstrumentId]) -> list[LineStatus]:
            found = await read_lines(self._desk, self._principal, instrument_ids)
            return [found[instrument_id] for instrument_id in instrument_ids]

        return DataLoader(load_fn=load, max_batch_size=BATCH_MAX)

    @cached_property
    def rates(self) -> DataLoader[int, FxRates]:
        """The exchange rates that are known, read once; there is one set of them, under 0."""

        async def load(keys: list[int]) -> list[FxRates]:
            rates = await rates_now(self._desk, self._principal)
            return [rates for _ in keys]

        return DataLoader(load_fn=load)

    @cached_property
    def last_reconciliations(self) -> DataLoader[AccountId, Reconciliation | None]:
        """The newest comparison of our books with the broker's, by account; None where none was made."""

        async def load(account_ids: list[AccountId]) -> list[Reconciliation | None]:
            found = await last_reconciliations(self._desk, self._principal, account_ids)
            return [found.get(account_id) for account_id in account_ids]

        return DataLoader(load_fn=load, max_batch_size=BATCH_MAX)

    @cached_property
    def breaks_seen_by(self) -> DataLoader[ReconciliationId, list[Break]]:
        """The breaks that a comparison found, the oldest first."""

        async def load(ids: list[ReconciliationId]) -> list[list[Break]]:
            found = await breaks_seen_by(self._desk, self._principal, ids)
            return [found.get(one, []) for one in ids]

        return DataLoader(load_fn=load, max_batch_size=BATCH_MAX)

    def _by_id(self, read: _Read[_Id, _Value]) -> DataLoader[_Id, _Value | None]:
        async def load(ids: list[_Id]) -> list[_Value | None]:
            async with self._desk.reading(self._principal) as session:
                found = await read(session, self._principal.tenant_id, ids)
            return [found.get(one) for one in ids]

        return DataLoader(load_fn=load, max_batch_size=BATCH_MAX)
