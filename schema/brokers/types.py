"""The GraphQL types of broker accounts and their connections."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.brokers import viewing
from app.brokers.errors import AccountUnknownError
from app.brokers.viewing import BalanceView, ConnectionView
from app.brokers.vitals import Vitals
from app.core.fix import BrokerKind, ConnectionState
from app.core.ids import AccountId
from app.flows.brokers.connection_vitals import are_new, is_today
from app.flows.positions.compare_pnl import Compared
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.node import Node
from schema.base.permissions import scoped
from schema.brokers.advisers import AllocationGroup
from schema.brokers.reconciliation import Reconciliation
from schema.brokers.vitals import MarketDataLineUse, OrderEfficiency, Pacing

strawberry.enum(BrokerKind, description="Where an account is held; PAPER fills orders in the house.")
strawberry.enum(
    ConnectionState,
    description="How far a connection has come. Only CONNECTED is synchronised and takes new orders.",
)


@strawberry.type(description="How an account's connection to its broker stands.")
class BrokerConnection:
    """How an account's connection stands."""

    state: ConnectionState
    is_gate_open: bool = strawberry.field(
        description="Whether new orders leave now. While it is shut they wait in HELD; cancels leave once connected."
    )
    host: str
    port: int
    client_id: int = strawberry.field(
        description="Ours at the gateway. Market data has a session of its own, under the id 1000 above."
    )
    connected_since: datetime | None
    last_heartbeat_at: datetime | None
    round_trip_ms: float | None
    reconnect_attempts: int
    last_error: str | None
    account_id: strawberry.Private[AccountId]

    @strawberry.field(
        description="How much of the gateway's pace is used; null while no connector tells, and of a paper account."
    )
    async def pacing(self, info: Info) -> Pacing | None:
        """How much of the pace is used."""
        found = await self._vitals(info)
        if found is None or not are_new(found, info.context.desk.clock.now()):
            return None
        return Pacing.of(found.use.pace, found.at)

    @strawberry.field(
        description="How many market data lines are used; null while no connector tells, and of a paper account."
    )
    async def market_data_lines(self, info: Info) -> MarketDataLineUse | None:
        """How many market data lines are used."""
        found = await self._vitals(info)
        if found is None or not are_new(found, info.context.desk.clock.now()):
            return None
        return MarketDataLineUse(used=found.use.lines_used, limit=found.use.lines_max)

    @strawberry.field(description="The order efficiency ratio of today; null until something is told of today.")
    async def order_efficiency(self, info: Info) -> OrderEfficiency | None:
        """The order efficiency ratio."""
        found, desk = await self._vitals(info), info.context.desk
        if found is None or not is_today(found.activity.day, desk.clock.now(), desk.trading_timezone):
            return None
        return OrderEfficiency.of(found.activity)

    async def _vitals(self, info: Info) -> Vitals | None:
        return await info.context.loaders.vitals.load(self.account_id)

    @strawberry.field(
        description="The newest comparison of our books with the broker's. VIEW_POSITIONS.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def last_reconciliation(self, info: Info) -> Reconciliation | None:
        """The newest comparison of our books with the broker's."""
        found = await info.context.loaders.last_reconciliations.load(self.account_id)
        return None if found is None else Reconciliation.of(found)


@strawberry.type(
    description="What the broker says of an account in one currency; null where it has not told. Amounts are in the "
    "currency itself."
)
class CurrencyBalance:
    """The broker's figures in one currency."""

    currency: str
    cash: Decimal | None
    stock_value: Decimal | None = strawberry.field(description="What the stocks in it are worth.")
    net_liquidation: Decimal | None = strawberry.field(description="Cash and the worth of all that is held in it.")
    realized_pnl: Decimal | None
    unrealized_pnl: Decimal | None
    exchange_rate: Decimal | None = strawberry.field(
        description="What one unit of it is worth in the account's base currency, by the broker's own rate."
    )
    updated_at: datetime


@strawberry.type(description="One figure as the broker and we tell it; null where one does not know it.")
class ComparedFigure:
    """One figure of both."""

    broker: Decimal | None
    ours: Decimal | None
    difference: Decimal | None = strawberry.field(description="The broker's less ours.")

    @classmethod
    def of(cls, compared: Compared) -> "ComparedFigure":
        """The type of the value."""
        return cls(broker=compared.broker, ours=compared.ours, difference=compared.difference)


@strawberry.type(
    description="The broker's own profit and loss beside ours, in the account's base currency. The days need not be "
    "the same: the broker's begins when it resets, ours at midnight in OMS_TRADING_TIMEZONE."
)
class BrokerPnl:
    """Both sides of profit and loss."""

    daily: ComparedFigure = strawberry.field(description="Of the day, realized and unrealized, after commissions.")
    realized: ComparedFigure = strawberry.field(description="Realized in the day, after commissions.")
    unrealized: ComparedFigure = strawberry.field(description="Of the open positions since they were opened.")
    broker_at: datetime | None = strawberry.field(description="When the broker told its figures last.")


@strawberry.type(description="That a secret is stored. What it is, is never shown.")
class BrokerCredential:
    """That a secret is stored."""

    name: str
    set_at: datetime


@strawberry.type(
    description="A trading account at a broker. The figures are the broker's own, in the account's base currency, "
    "zero until it has told them; they need VIEW_POSITIONS."
)
class BrokerAccount(Node):
    """A trading account at a broker."""

    broker: BrokerKind
    account_number: str
    account_type: str
    base_currency: str
    is_active: bool
    is_paper: bool
    created_at: datetime
    label: str | None = strawberry.field(description="What people call it.")
    is_connection_wanted: bool = strawberry.field(
        description="Whether a connector is to hold it connected: connectBroker and disconnectBroker set it."
    )
    is_adviser: bool = strawberry.field(
        description="True for an adviser's account: its orders are blocks that are divided among accounts under it."
    )
    allocation_groups_at: datetime | None = strawberry.field(
        description="When the broker told the groups of an adviser's account last; null until it has."
    )
    view: strawberry.Private[viewing.AccountView]

    @strawberry.field(description="The adviser's account that trades for it.")
    async def adviser(self, info: Info) -> "BrokerAccount | None":
        """The adviser's account over it."""
        return None if self.view.adviser_id is None else await load_account(info, self.view.adviser_id)

    @strawberry.field(description="The accounts of the tenant under an adviser's account, the oldest first.")
    async def sub_accounts(self, info: Info) -> "list[BrokerAccount]":
        """The accounts under it."""
        found = await info.context.loaders.accounts_of_advisers.load(self.view.id)
        return [BrokerAccount.of(view) for view in found or ()]

    @strawberry.field(
        description="An adviser's groups as the broker told them last. They are set up there, in TWS or the Client "
        "Portal, and asked for about every half minute while the account is connected."
    )
    def allocation_groups(self) -> list[AllocationGroup]:
        """The adviser's groups."""
        return [AllocationGroup.of(group) for group in self.view.allocation_groups]

    @strawberry.field
    async def connection(self, info: Info) -> BrokerConnection:
        """How the connection stands."""
        found = await info.context.loaders.connections.load(self.view.id)
        stands = found or ConnectionView()
        return BrokerConnection(
            state=stands.state,
            is_gate_open=stands.is_gate_open,
            host=self.view.host,
            port=self.view.port,
            client_id=self.view.client_id,
            connected_since=stands.connected_since,
            last_heartbeat_at=stands.last_heartbeat_at,
            round_trip_ms=stands.round_trip_ms,
            reconnect_attempts=stands.reconnect_attempts,
            last_error=stands.last_error,
            account_id=self.view.id,
        )

    @strawberry.field(extensions=scoped(Scope.VIEW_POSITIONS))
    async def cash(self, info: Info) -> Decimal:
        """Money in the account."""
        return (await _balance(self.view.id, info)).cash

    @strawberry.field(extensions=scoped(Scope.VIEW_POSITIONS))
    async def equity(self, info: Info) -> Decimal:
        """Cash and the worth of all positions."""
        return (await _balance(self.view.id, info)).equity

    @strawberry.field(extensions=scoped(Scope.VIEW_POSITIONS))
    async def buying_power(self, info: Info) -> Decimal:
        """What may still be bought."""
        return (await _balance(self.view.id, info)).buying_power

    @strawberry.field(extensions=scoped(Scope.VIEW_POSITIONS))
    async def initial_margin(self, info: Info) -> Decimal:
        """What opening the positions asks."""
        return (await _balance(self.view.id, info)).initial_margin

    @strawberry.field(extensions=scoped(Scope.VIEW_POSITIONS))
    async def maintenance_margin(self, info: Info) -> Decimal:
        """What keeping the positions asks."""
        return (await _balance(self.view.id, info)).maintenance_margin

    @strawberry.field(
        description="What may still be committed to new positions; null until the broker has told it.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def available_funds(self, info: Info) -> Decimal | None:
        """What may be committed."""
        return (await _balance(self.view.id, info)).available_funds

    @strawberry.field(
        description="How far equity lies above the maintenance margin; below zero the broker liquidates.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def excess_liquidity(self, info: Info) -> Decimal | None:
        """What stands between now and a liquidation."""
        return (await _balance(self.view.id, info)).excess_liquidity

    @strawberry.field(
        description="Excess liquidity as a part of equity, such as 0.42.", extensions=scoped(Scope.VIEW_POSITIONS)
    )
    async def cushion(self, info: Info) -> Decimal | None:
        """Excess liquidity as a part of equity."""
        return (await _balance(self.view.id, info)).cushion

    @strawberry.field(
        description="SMA of Regulation T; null where the broker tells none.", extensions=scoped(Scope.VIEW_POSITIONS)
    )
    async def special_memorandum_account(self, info: Info) -> Decimal | None:
        """SMA."""
        return (await _balance(self.view.id, info)).special_memorandum_account

    @strawberry.field(
        description="The worth of all positions, long and short added up.", extensions=scoped(Scope.VIEW_POSITIONS)
    )
    async def gross_position_value(self, info: Info) -> Decimal | None:
        """What is held, long and short added up."""
        return (await _balance(self.view.id, info)).gross_position_value

    @strawberry.field(
        description="When the broker told a figure last; null until it has.", extensions=scoped(Scope.VIEW_POSITIONS)
    )
    async def figures_at(self, info: Info) -> datetime | None:
        """When the broker told a figure last."""
        return (await _balance(self.view.id, info)).updated_at

    @strawberry.field(
        description="The broker's figures by currency, in the order of their codes. VIEW_POSITIONS.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def balances(self, info: Info) -> list[CurrencyBalance]:
        """The broker's figures by currency."""
        found = await info.context.loaders.currencies.load(self.view.id) or []
        return [
            CurrencyBalance(
                currency=one.currency,
                cash=one.cash,
                stock_value=one.stock_value,
                net_liquidation=one.net_liquidation,
                realized_pnl=one.realized_pnl,
                unrealized_pnl=one.unrealized_pnl,
                exchange_rate=one.exchange_rate,
                updated_at=one.updated_at,
            )
            for one in found
        ]

    @strawberry.field(
        description="The broker's own profit and loss beside ours. VIEW_POSITIONS.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def broker_pnl(self, info: Info) -> BrokerPnl:
        """Both sides of profit and loss."""
        told = await _balance(self.view.id, info)
        compared = await info.context.loaders.compared_pnl.load(self.view.id)
        assert compared is not None, "accounts are not deleted"
        return BrokerPnl(
            daily=ComparedFigure.of(compared.daily),
            realized=ComparedFigure.of(compared.realized),
            unrealized=ComparedFigure.of(compared.unrealized),
            broker_at=told.pnl_at,
        )

    @strawberry.field(
        description="How many orders were sent to the broker and are not over. They go on working there while the "
        "account is not connected."
    )
    async def orders_at_broker(self, info: Info) -> int:
        """How many orders work at the broker."""
        return await info.context.loaders.orders_at_broker.load(self.view.id) or 0

    @strawberry.field(
        description="Which secrets are stored, by name. MANAGE_BROKERS.", extensions=scoped(Scope.MANAGE_BROKERS)
    )
    async def credentials(self, info: Info) -> list[BrokerCredential]:
        """Which secrets are stored."""
        found = await info.context.loaders.credentials.load(self.view.id) or []
        return [BrokerCredential(name=one.name, set_at=one.set_at) for one in found]

    @classmethod
    def of(cls, view: viewing.AccountView) -> "BrokerAccount":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(view.id)),
            broker=view.broker,
            account_number=view.account_number,
            account_type=view.account_type,
            base_currency=view.base_currency,
            is_active=view.is_active,
            is_paper=view.is_paper,
            created_at=view.created_at,
            label=view.label,
            is_connection_wanted=view.is_connection_wanted,
            is_adviser=view.is_adviser,
            allocation_groups_at=view.groups_told_at,
            view=view,
        )


async def load_account(info: Info, account_id: AccountId) -> BrokerAccount:
    """The account that a row of the tenant refers to."""
    view = await info.context.loaders.accounts.load(account_id)
    assert view is not None, "a foreign key holds it"
    return BrokerAccount.of(view)


async def known_account(info: Info, text: str, *path: str) -> AccountId:
    """The id of an account that the tenant has. Raises AccountUnknownError with the path, InputError for no id."""
    account_id = AccountId(parse_id(text, *path))
    if await info.context.loaders.accounts.load(account_id) is None:
        raise AccountUnknownError(*path)
    return account_id


async def _balance(account_id: AccountId, info: Info) -> BalanceView:
    return await info.context.loaders.balances.load(account_id) or BalanceView()
