"""The GraphQL types of broker accounts and their connections."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.brokers import viewing
from app.brokers.errors import AccountUnknownError
from app.brokers.viewing import BalanceView, ConnectionView
from app.core.fix import BrokerKind, ConnectionState
from app.core.ids import AccountId
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.node import Node
from schema.brokers.reconciliation import Reconciliation

strawberry.enum(BrokerKind, description="Where an account is held; PAPER fills orders in the house.")
strawberry.enum(
    ConnectionState,
    description="How far a connection has come. Only CONNECTED is synchronised and takes new orders.",
)


@strawberry.type(description="How an account's connection to its broker stands.")
class BrokerConnection:
    """How an account's connection stands."""

    state: ConnectionState
    host: str
    port: int
    client_id: int
    connected_since: datetime | None
    last_heartbeat_at: datetime | None
    round_trip_ms: float | None
    reconnect_attempts: int
    last_error: str | None
    account_id: strawberry.Private[AccountId]

    @strawberry.field
    async def last_reconciliation(self, info: Info) -> Reconciliation | None:
        """The newest comparison of our books with the broker's; it needs VIEW_POSITIONS."""
        info.context.principal.require(Scope.VIEW_POSITIONS)
        found = await info.context.loaders.last_reconciliations.load(self.account_id)
        return None if found is None else Reconciliation.of(found)


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
    view: strawberry.Private[viewing.AccountView]

    @strawberry.field
    async def connection(self, info: Info) -> BrokerConnection:
        """How the connection stands."""
        found = await info.context.loaders.connections.load(self.view.id)
        stands = found or ConnectionView()
        return BrokerConnection(
            state=stands.state,
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

    @strawberry.field
    async def cash(self, info: Info) -> Decimal:
        """Money in the account."""
        return (await _balance(self.view.id, info)).cash

    @strawberry.field
    async def equity(self, info: Info) -> Decimal:
        """Cash and the worth of all positions."""
        return (await _balance(self.view.id, info)).equity

    @strawberry.field
    async def buying_power(self, info: Info) -> Decimal:
        """What may still be bought."""
        return (await _balance(self.view.id, info)).buying_power

    @strawberry.field
    async def initial_margin(self, info: Info) -> Decimal:
        """What opening the positions asks."""
        return (await _balance(self.view.id, info)).initial_margin

    @strawberry.field
    async def maintenance_margin(self, info: Info) -> Decimal:
        """What keeping the positions asks."""
        return (await _balance(self.view.id, info)).maintenance_margin

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
    info.context.principal.require(Scope.VIEW_POSITIONS)
    return await info.context.loaders.balances.load(account_id) or BalanceView()
