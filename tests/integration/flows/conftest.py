"""A desk on real servers, a tenant with an account, and a broker that is played by the test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.brokers import repository as brokers
from app.brokers.domain import Lease
from app.core.fix import LinkRole
from app.core.ids import AccountId, OrderId
from app.core.messages import (
    AccountKey,
    BrokerReport,
    ExecutionReport,
    FaultClass,
    FaultReport,
    Instrument,
    LaneCommand,
    NewOrder,
    OrderAddress,
    StatusReport,
    WorkingStatus,
)
from app.flows.desk import Desk, open_desk
from app.flows.orders.claim_orders import claim_orders
from app.flows.orders.placement import Placement
from app.flows.reports.apply_reports import apply_reports
from app.identity.domain import Principal
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from app.orders.domain.order import LoggedEvent, Order
from app.orders.repository import account_books, event_log, linked_orders
from app.orders.repository import batch as orders
from app.positions import batch as positions
from app.positions.domain import Position
from tests import factories

CLIENT_ID = 7


@pytest.fixture(scope="session")
def settings_of_flows(database_url: str, redis_url: str, redis_prefix: str) -> Settings:
    """The settings of a web process."""
    return Settings(environment="test", database_url=database_url, redis_url=redis_url, redis_prefix=redis_prefix)


@pytest.fixture(scope="session")
async def desk(settings_of_flows: Settings) -> AsyncIterator[Desk]:
    """The desk of a web process."""
    async with open_desk(settings_of_flows) as desk:
        yield desk


@dataclass(kw_only=True)
class Trader:
    """A tenant's person, account and instruments, and the broker's side of them."""

    desk: Desk
    principal: Principal
    key: AccountKey
    instruments: dict[str, Instrument]
    lease: Lease
    executed: int = 0

    @property
    def account_id(self) -> AccountId:
        return self.key.account_id

    def order(self, symbol: str = "AAPL", **terms: Any) -> NewOrder:
        return factories.new_order(self.account_id, symbol=symbol, **terms)

    async def place(self, symbol: str = "AAPL", **terms: Any) -> Placement:
        return await self.desk.intake.submit(self.principal, self.order(symbol, **terms))

    async def placed(self, symbol: str = "AAPL", **terms: Any) -> Order:
        placement = await self.place(symbol, **terms)
        assert placement.problems == ()
        assert placement.order is not None
        return placement.order

    async def claim(self, lease: Lease | None = None) -> list[LaneCommand]:
        async with begin_batch(self.desk.database, self.key.tenant_id) as session:
            return await claim_orders(
                session, lease or self.lease, CLIENT_ID, limit=100, now=self.desk.clock.now(), ids=self.desk.ids
            )

    async def report(self, *reports: BrokerReport) -> None:
        async with begin_batch(self.desk.database, self.key.tenant_id) as session:
            await apply_reports(session, self.key, reports, now=self.desk.clock.now(), ids=self.desk.ids)

    async def stored(self, order: Order) -> Order:
        async with begin_batch(self.desk.database, self.key.tenant_id) as session:
            return (await orders.orders_by_id(session, self.key.tenant_id, [order.id]))[order.id]

    async def stored_id(self, order_id: OrderId) -> Order:
        async with begin_batch(self.desk.database, self.key.tenant_id) as session:
            return (await orders.orders_by_id(session, self.key.tenant_id, [order_id]))[order_id]

    async def children(self, order: Order) -> list[Order]:
        async with begin_batch(self.desk.database, self.key.tenant_id) as session:
            found = await linked_orders.families(session, self.key, [order])
        children = (one for one in found if one.parent_id == order.id)
        return sorted(children, key=lambda one: (one.created_at, one.link_role is LinkRole.STOP_LOSS))

    async def open_orders(self) -> int:
        async with begin_batch(self.desk.database, self.key.tenant_id) as session:
            return (await account_books.books_for_update(session, [self.key]))[self.key].open_orders

    async def gate(self, *, is_open: bool) -> None:
        async with begin_batch(self.desk.database, self.key.tenant_id) as session:
            await session.execute(
                "UPDATE broker_connections SET is_gate_open = $2 WHERE tenant_id = $1", self.key.tenant_id, is_open
            )

    async def position(self, symbol: str = "AAPL") -> Position:
        place = (self.key, self.instruments[symbol].id)
        async with begin_batch(self.desk.database, self.key.tenant_id) as session:
            return (await positions.positions_of(session, [place]))[place]

    async def events(self) -> list[LoggedEvent]:
        async with begin_batch(self.desk.database, self.key.tenant_id) as session:
            return await event_log.events_after(session, self.key, 0, 10_000)

    def acknowledged(self, order: Order, status: WorkingStatus = WorkingStatus.WORKING) -> StatusReport:
        return StatusReport(
            address=OrderAddress(order_id=order.id, permanent_id=int(order.id) % 10**9),
            status=status,
            filled=Decimal(0),
            occurred_at=datetime.now(UTC),
        )

    def refused_replace(self, order: Order) -> FaultReport:
        return FaultReport(
            address=OrderAddress(order_id=order.id),
            fault=FaultClass.REPLACE_REJECTED,
            broker_code=105,
            message="Order being modified does not match original order.",
            occurred_at=datetime.now(UTC),
        )

    def execution(
        self, order: Order, quantity: str, price: str, *, root: str | None = None, revision: int = 1
    ) -> ExecutionReport:
        self.executed += 1
        root = root or f"{order.id.hex}.{self.executed:02}"
        return ExecutionReport(
            address=OrderAddress(order_id=order.id, permanent_id=int(order.id) % 10**9),
            execution_id=f"{root}.{revision:02}",
            root=root,
            revision=revision,
            contract_id=self.instruments["AAPL"].contract_id or 0,
            side=order.side,
            quantity=Decimal(quantity),
            price=Decimal(price),
            liquidity="ADDED",
            executed_at=datetime.now(UTC),
        )


@pytest.fixture
async def trader(desk: Desk) -> Trader:
    """A new tenant with an account whose gate is open, and the lease of it."""
    tenant_id = await factories.make_tenant(desk.database)
    principal = await factories.make_principal(desk.database, tenant_id)
    key = await factories.make_account(desk.database, tenant_id)
    instruments = await factories.make_instruments(desk.database, tenant_id)
    async with begin_batch(desk.database, tenant_id) as session:
        lease = await brokers.take_lease(session, tenant_id, key.account_id, "test", 60)
        assert lease is not None
        await session.execute("UPDATE broker_connections SET is_gate_open = true WHERE tenant_id = $1", tenant_id)
    return Trader(desk=desk, principal=principal, key=key, instruments=instruments, lease=lease)
