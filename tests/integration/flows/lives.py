"""Random lives of orders through the flows of the house, with a broker that says anything at any time."""

import contextlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from app.core.fix import OrderState, OrderType, PositionAim, Side, TimeInForce
from app.core.ids import OrderId
from app.core.messages import (
    Aim,
    BrokerReport,
    CommissionReport,
    ExecutionReport,
    FaultClass,
    FaultReport,
    NewOrder,
    NotFoundReport,
    OcoLeg,
    OrderAddress,
    OrderTerms,
    OutsideOrder,
    StatusReport,
    WorkingStatus,
)
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.close_position import aim_at_position
from app.flows.orders.release_orders import release_orders
from app.flows.orders.release_staged import release_staged
from app.flows.orders.replace_order import replace_order
from app.flows.positions.adjust_position import adjust_position
from app.flows.reconciliation.claim_external import Claim, claim_external
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange
from app.orders.domain.order import Order
from app.positions import batch as positions
from app.positions.domain import AdjustmentTerms, AdjustmentType
from app.positions.errors import AdjustmentRefusedError
from tests import factories
from tests.integration.flows.conftest import Trader

SYMBOLS = ("AAPL", "MSFT", "EUR.USD")
_REFUSALS = (
    (FaultClass.CANCEL_REJECTED, 161),
    (FaultClass.CANCEL_CONFIRMED, 202),
    (FaultClass.REPLACE_REJECTED, 321),
    (FaultClass.ORDER_REJECTED, 201),
)
_ASKED = {OrderState.PENDING_CANCEL: _REFUSALS[0], OrderState.PENDING_REPLACE: _REFUSALS[2]}
_CODES = (103, 110, 161, 201, 202, 321, 10147, 10148, 31337)


@dataclass(kw_only=True)
class Lives:
    """Orders of one trader, moved on by chance: the same seed asks and says the same."""

    trader: Trader
    random: Random
    orders: list[Order] = field(default_factory=list)
    dealt: list[ExecutionReport] = field(default_factory=list)
    commissions: list[CommissionReport] = field(default_factory=list)
    outside: list[StatusReport] = field(default_factory=list)

    async def step(self) -> None:
        """One thing happens: a client asks, the connector claims, or the broker says a few things at once."""
        actions = [
            self.place,
            self.claim,
            *[self.say] * 5,
            self.cancel,
            *[self.replace] * 3,
            self.release,
            self.adjust,
            self.close,
            self.others,
        ]
        await self.random.choice([*actions, self.shut_and_open] if self.orders else [self.place])()

    def pick(self) -> Order:
        """Any order, mostly one of the newest."""
        return self.random.choice(self.orders[-3:] if self.random.random() < 0.7 else self.orders)

    async def place(self) -> None:
        random = self.random
        symbol = random.choice(SYMBOLS)
        new = factories.new_order(
            self.trader.account_id,
            symbol=symbol,
            side=random.choice(list(Side)),
            quantity=str(random.randint(1, 130)),
            limit_price=f"{random.randint(1, 9)}.25" if random.random() < 0.7 else None,
            time_in_force=random.choice([TimeInForce.DAY, TimeInForce.DAY, TimeInForce.IOC]),
            metadata={"book": "pairs", "legs": [1, 2.5]} if random.random() < 0.3 else {},
        )
        new = self.linked(new)
        placement = await self.trader.desk.intake.submit(self.trader.principal, new)
        if placement.order is not None:
            self.orders.extend([placement.order, *placement.linked])

    def linked(self, new: NewOrder) -> NewOrder:
        """The order as it is, or, one time in two, with exits, with a second leg, or staged."""
        price, step = new.terms.limit_price, new.side.sign
        match self.random.randint(0, 7):
            case 0 | 1 if price is not None:
                return replace(new, take_profit=price + step, stop_loss=price - step / Decimal(2))
            case 2 if price is not None:
                terms = replace(new.terms, limit_price=None, stop_price=Decimal(4))
                side = self.random.choice(list(Side))
                return replace(new, oco=OcoLeg(side=side, order_type=OrderType.STOP, terms=terms))
            case 3:
                return replace(new, is_staged=True)
            case _:
                return new

    async def release(self) -> None:
        await release_staged(self.trader.desk, self.trader.principal, [self.pick().id])

    async def close(self) -> None:
        """A position is closed or turned round, whatever covers it."""
        trader, random = self.trader, self.random
        place = (trader.key, trader.instruments[random.choice(SYMBOLS)].id)
        async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
            position = (await positions.positions_of(session, [place])).get(place)
        if position is None:
            return
        key, aim = f"close-{trader.desk.ids.new().hex}", Aim(kind=random.choice(list(PositionAim)))
        placement = await aim_at_position(trader.desk, trader.principal, position.id, key, aim)
        if placement.order is not None:
            self.orders.append(placement.order)

    async def adjust(self) -> None:
        """A position moves without an execution, now or among the executions of the last second."""
        random, trader = self.random, self.trader
        kind = random.choice([AdjustmentType.TRANSFER, AdjustmentType.BALANCE, AdjustmentType.EXPIRY])
        asked = AdjustmentTerms(
            account_id=trader.account_id,
            instrument_id=trader.instruments[random.choice(SYMBOLS)].id,
            type=kind,
            quantity=None if kind is AdjustmentType.EXPIRY else Decimal(random.choice([-1, 1]) * random.randint(1, 40)),
            price=Decimal(random.randint(100, 900)) / 100,
            effective_at=trader.desk.clock.now() - random.choice([timedelta(), timedelta(seconds=1)]),
            reason="test",
            idempotency_key=f"test-{trader.desk.ids.new().hex}",
        )
        with contextlib.suppress(AdjustmentRefusedError):
            await adjust_position(trader.desk, trader.principal, asked)

    async def others(self) -> None:
        """Another program's order works at the broker, and one time in two a person takes it on."""
        trader, random = self.trader, self.random
        number = len(self.outside) + 1
        told = StatusReport(
            address=OrderAddress(
                permanent_id=2 * 10**10 + number, client_id=random.choice([1, 50]), broker_order_id=10**6 + number
            ),
            status=WorkingStatus.WORKING,
            filled=Decimal(0),
            terms=OrderTerms(quantity=Decimal(random.randint(1, 60)), limit_price=Decimal("3.25")),
            outside=OutsideOrder(
                contract_id=trader.instruments[random.choice(SYMBOLS)].contract_id or 0,
                side=random.choice(list(Side)),
                order_type=OrderType.LIMIT,
            ),
            occurred_at=datetime.now(UTC),
        )
        self.outside.append(told)
        again = random.choice(self.outside)
        grown = OrderTerms(quantity=Decimal(70), limit_price=Decimal("3.25"))
        await trader.report(told, replace(again, terms=grown))
        if random.random() < 0.5:
            async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
                rows = await session.fetch("SELECT id FROM orders WHERE permanent_id = $1", told.address.permanent_id)
            claim = Claim(order_id=OrderId(rows[0]["id"]), note="by phone", metadata={"book": "others"})
            await claim_external(trader.desk, trader.principal, claim)

    async def claim(self) -> None:
        await self.trader.claim()

    async def cancel(self) -> None:
        await cancel_order(self.trader.desk, self.trader.principal, self.pick().id)

    async def replace(self) -> None:
        order = self.pick()
        change = OrderChange(
            order_id=order.id,
            quantity=None if order.shares_reserve else Decimal(self.random.randint(1, 130)),
            limit_price=Decimal("7.5") if order.order_type is OrderType.LIMIT else None,
            time_in_force=self.random.choice([None, TimeInForce.GTC]),
        )
        await replace_order(self.trader.desk, self.trader.principal, change)

    async def shut_and_open(self) -> None:
        key, desk = self.trader.key, self.trader.desk
        await self.set_gate(is_open=False)
        await self.place()
        await self.place()
        if self.random.random() < 0.5:
            await self.cancel()
        await self.set_gate(is_open=True)
        async with begin_batch(desk.database, key.tenant_id) as session:
            await release_orders(session, key, now=desk.clock.now(), ids=desk.ids)

    async def set_gate(self, *, is_open: bool) -> None:
        async with begin_batch(self.trader.desk.database, self.trader.key.tenant_id) as session:
            await session.execute(
                "UPDATE broker_connections SET is_gate_open = $2 WHERE tenant_id = $1",
                self.trader.key.tenant_id,
                is_open,
            )

    async def say(self) -> None:
        told = [await self.report() for _ in range(self.random.randint(1, 4))]
        await self.trader.report(*told)

    async def report(self) -> BrokerReport:
        random = self.random
        order = await self.sent()
        address = OrderAddress(order_id=order.id, permanent_id=random.choice([None, int(order.id) % 10**9]))
        now = datetime.now(UTC)
        match random.randint(0, 9):
            case 0 | 1 | 2:
                word = random.choice([WorkingStatus.WORKING, WorkingStatus.WORKING, *WorkingStatus])
                terms = await self.held_terms(order)
                return StatusReport(address=address, status=word, filled=Decimal(0), terms=terms, occurred_at=now)
            case 3 | 4 | 5:
                return self.execution(order, address)
            case 6 if self.dealt:
                return self.restated(random.choice(self.dealt))
            case 7 if self.dealt:
                return self.commission(random.choice(self.dealt))
            case 8:
                return NotFoundReport(address=address, occurred_at=now)
            case _:
                anything = (random.choice(list(FaultClass)), random.choice(_CODES))
                kind, code = random.choice([anything, *_REFUSALS])
                if order.state in _ASKED and random.random() < 0.5:
                    kind, code = _ASKED[order.state]
                return FaultReport(
                    address=address,
                    fault=kind,
                    broker_code=code,
                    message="the broker's words",
                    occurred_at=now,
                )

    async def sent(self) -> Order:
        """Any order that left the house or was on its way; what is held here no broker can know."""
        for _ in range(20):
            order = await self.trader.stored(self.pick())
            if order.state is not OrderState.HELD:
                return order
        await self.place()
        return await self.sent()

    async def held_terms(self, order: Order) -> OrderTerms | None:
        if self.random.random() < 0.3:
            return order.terms
        async with begin_batch(self.trader.desk.database, order.tenant_id) as session:
            rows = await session.fetch(
                "SELECT terms FROM order_requests WHERE tenant_id = $1 AND order_id = $2 AND kind = 'REPLACE' "
                "ORDER BY requested_at DESC LIMIT 1",
                order.tenant_id,
                order.id,
            )
        if not rows:
            return None
        told = rows[0]["terms"]
        return OrderTerms(
            quantity=Decimal(told["quantity"]),
            limit_price=None if told["limitPrice"] is None else Decimal(told["limitPrice"]),
            stop_price=None if told["stopPrice"] is None else Decimal(told["stopPrice"]),
            time_in_force=TimeInForce(told["timeInForce"]),
        )

    def execution(self, order: Order, address: OrderAddress) -> ExecutionReport:
        symbol = next(name for name, one in self.trader.instruments.items() if one.id == order.instrument_id)
        root = f"{order.account_id.hex[-12:]}.{len(self.dealt)}"
        side = order.side
        if self.random.random() < 0.1:
            # By hand, in the broker's own window: no order of ours.
            address, side = OrderAddress(permanent_id=10**10 + len(self.dealt)), self.random.choice(list(Side))
        report = ExecutionReport(
            address=address,
            execution_id=f"{root}.01",
            root=root,
            revision=1,
            contract_id=self.trader.instruments[symbol].contract_id or 0,
            side=side,
            quantity=Decimal(self.random.randint(1, 30)),
            price=Decimal(self.random.randint(100, 900)) / 100,
            liquidity=self.random.choice([None, "ADDED"]),
            executed_at=datetime.now(UTC),
        )
        self.dealt.append(report)
        return report

    def restated(self, dealt: ExecutionReport) -> ExecutionReport:
        revision = self.random.randint(1, 4)
        return ExecutionReport(
            address=dealt.address,
            execution_id=f"{dealt.root}.{revision:02}",
            root=dealt.root,
            revision=revision,
            contract_id=dealt.contract_id,
            side=dealt.side,
            quantity=Decimal(self.random.choice([0, 5, 40])),
            price=dealt.price + 1,
            liquidity=None,
            executed_at=dealt.executed_at,
        )

    def commission(self, dealt: ExecutionReport) -> CommissionReport:
        return CommissionReport(
            execution_id=dealt.execution_id,
            root=dealt.root,
            commission=Decimal(self.random.randint(1, 5)) / 4,
            currency=self.random.choice(["USD", "USD", "EUR"]),
            realized_pnl=None,
        )
