"""An adviser with two accounts under it, and a broker that tells of blocks as Interactive Brokers does: twice."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.core.allocation import Allocation, AllocationGroup, AllocationMethod
from app.core.fix import Side
from app.core.ids import OrderId
from app.core.messages import (
    AccountKey,
    BrokerReport,
    CommissionReport,
    ExecutionReport,
    Instrument,
    OrderAddress,
    StatusReport,
    WorkingStatus,
)
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.journal.verify_journal import Difference, differences
from app.flows.orders.placement import Placement
from app.flows.reports.book_blocks import apply_account_reports, apply_adviser_reports
from app.identity.domain import Principal
from app.infra.uow import begin_batch
from app.orders.domain.allocating import Share, shares_of
from app.orders.domain.order import Order
from app.orders.repository import batch as orders
from app.orders.repository import event_log
from tests import factories

MASTER, ONE, TWO, STRANGE = "DF5000000", "DU5000001", "DU5000002", "DU5999999"
D = Decimal
GROUPS = (
    AllocationGroup(name="all", method=AllocationMethod.EQUAL_QUANTITY, account_numbers=(ONE, TWO)),
    AllocationGroup(
        name="three to one", method=AllocationMethod.RATIO, account_numbers=(ONE, TWO), amounts=(D(3), D(1))
    ),
    AllocationGroup(name="change", method=AllocationMethod.PERCENT_CHANGE, account_numbers=(ONE, TWO)),
    AllocationGroup(name="more", method=AllocationMethod.EQUAL_QUANTITY, account_numbers=(ONE, STRANGE)),
    AllocationGroup(name="new at the broker", method=None, account_numbers=(ONE, TWO)),
)
EQUALLY = Allocation(group="all")


@dataclass(kw_only=True)
class Advised:
    """A tenant whose person trades through an adviser's account, and the broker's side of it."""

    desk: Desk
    principal: Principal
    master: AccountKey
    one: AccountKey
    two: AccountKey
    instruments: dict[str, Instrument]
    at: datetime
    told: int = field(default=0)

    @property
    def keys(self) -> dict[str, AccountKey]:
        return {MASTER: self.master, ONE: self.one, TWO: self.two}

    async def place(self, allocation: Allocation | None = EQUALLY, **terms: Any) -> Placement:
        through = terms.pop("through", None)
        changes = {name: terms.pop(name) for name in ("take_profit", "stop_loss", "is_staged") if name in terms}
        new = factories.new_order(terms.pop("account_id", self.master.account_id), symbol="AAPL", **terms)
        new = replace(new, allocation=allocation, through=through, **changes)
        return await self.desk.intake.submit(self.principal, new)

    async def block(self, allocation: Allocation = EQUALLY, **terms: Any) -> Order:
        placement = await self.place(allocation, **terms)
        assert placement.problems == ()
        assert placement.order is not None
        return placement.order

    async def report(self, *reports: BrokerReport) -> bool:
        """The adviser's session hears this."""
        async with begin_batch(self.desk.database, self.master.tenant_id) as session:
            return await apply_adviser_reports(
                session, self.master, reports, now=self.desk.clock.now(), ids=self.desk.ids
            )

    async def report_to(self, key: AccountKey, *reports: BrokerReport) -> bool:
        """The session of an account under the adviser hears this."""
        async with begin_batch(self.desk.database, key.tenant_id) as session:
            return await apply_account_reports(session, key, reports, now=self.desk.clock.now(), ids=self.desk.ids)

    def working(self, block: Order) -> StatusReport:
        return StatusReport(address=self.address(block), status=WorkingStatus.WORKING, filled=D(0), occurred_at=self.at)

    def address(self, block: Order) -> OrderAddress:
        return OrderAddress(order_id=block.id, permanent_id=block.id.int % 10**9)

    def execution(
        self,
        block: Order,
        quantity: str,
        price: str,
        *,
        number: str | None = None,
        root: str | None = None,
        revision: int = 1,
        side: Side | None = None,
    ) -> ExecutionReport:
        """What the broker tells; of the adviser's account without a number, else of that account."""
        self.told += 1
        root = root or f"{block.id.hex}.{self.told:03}"
        return ExecutionReport(
            address=self.address(block),
            execution_id=f"{root}.{revision:02}",
            root=root,
            revision=revision,
            contract_id=self.instruments["AAPL"].contract_id or 0,
            side=side or block.side,
            quantity=D(quantity),
            price=D(price),
            liquidity=None,
            executed_at=self.at + timedelta(milliseconds=self.told),
            account_number=number,
        )

    def commission(self, execution: ExecutionReport, amount: str) -> CommissionReport:
        return CommissionReport(
            execution_id=execution.execution_id,
            root=execution.root,
            commission=D(amount),
            currency="USD",
            realized_pnl=None,
            account_number=execution.account_number,
        )

    async def stored(self, order_id: OrderId) -> Order:
        async with begin_batch(self.desk.database, self.master.tenant_id) as session:
            return (await orders.orders_by_id(session, self.master.tenant_id, [order_id]))[order_id]

    async def rows(self, sql: str, *parameters: Any) -> list[Any]:
        async with begin_batch(self.desk.database, self.master.tenant_id) as session:
            return await session.fetch(sql, *parameters)

    async def held(self) -> dict[str, Decimal]:
        """What each account holds, those that hold nothing left out."""
        numbers = {key.account_id: number for number, key in self.keys.items()}
        rows = await self.rows("SELECT account_id, quantity FROM positions WHERE quantity <> 0")
        return {numbers[row["account_id"]]: row["quantity"] for row in rows}

    async def shares(self, block: Order) -> list[Share]:
        async with begin_batch(self.desk.database, self.master.tenant_id) as session:
            events = await event_log.events_of(session, self.master.tenant_id, [block.id])
        return shares_of(events[block.id])

    async def differences(self) -> list[Difference]:
        """Where the tables of any account are not what its log tells."""
        found = []
        for key in self.keys.values():
            found += await differences(self.desk.database, key.tenant_id, key.account_id)
        return found


async def make_advised(desk: Desk) -> Advised:
    """A new tenant with an adviser's account and two under it, all with open gates."""
    tenant_id = await factories.make_tenant(desk.database)
    master = await factories.make_account(
        desk.database, tenant_id, account_number=MASTER, groups=GROUPS, is_gate_open=True
    )
    one, two = [
        await factories.make_account(
            desk.database,
            tenant_id,
            account_number=number,
            adviser_id=master.account_id,
            client_id=client_id,
            is_gate_open=True,
        )
        for number, client_id in ((ONE, 2), (TWO, 3))
    ]
    return Advised(
        desk=desk,
        principal=await factories.make_principal(desk.database, tenant_id),
        master=master,
        one=one,
        two=two,
        instruments=await factories.make_instruments(desk.database, tenant_id),
        at=desk.clock.now(),
    )
