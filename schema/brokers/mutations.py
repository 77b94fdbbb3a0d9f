"""Mutations of broker accounts."""

from decimal import Decimal
from typing import Literal

import strawberry
from strawberry.scalars import JSON

from app.brokers.domain import NewAccount
from app.core.errors import OmsError
from app.core.fix import BrokerKind
from app.core.ids import AccountId
from app.flows.brokers.connect_broker import connect_broker, disconnect_broker
from app.flows.brokers.create_broker_account import SUB_ACCOUNTS_MAX, SubAccount, create_broker_account
from app.flows.brokers.update_broker_account import AccountChange, update_broker_account
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import parse_id
from schema.base.permissions import scoped
from schema.brokers.advisers import SubAccountInput
from schema.brokers.types import BrokerAccount, load_account

_CREDENTIALS = (
    "Texts by name, such as the user name and the password of a gateway's login: at most 16. They are sealed as they "
    "come in and never shown again. "
)


@strawberry.input(description="An account that the tenant has at a broker, and the gateway that it is reached through.")
class CreateBrokerAccountInput:
    """A new account."""

    broker: BrokerKind
    account_number: str = strawberry.field(
        description="As the broker writes it, like U1234567. At Interactive Brokers those of paper begin with D."
    )
    account_type: str = strawberry.field(description="A word such as MARGIN or CASH.")
    base_currency: str = strawberry.field(description="A code of ISO 4217 in capitals.")
    host: str = strawberry.field(description="With port one of the gateways that the operator has opened to accounts.")
    port: int
    client_id: int = strawberry.field(
        description="Ours at the gateway. It and the id 1000 above, for market data, must not be in use there."
    )
    is_paper: bool
    credentials: JSON | None = strawberry.field(default=None, description=_CREDENTIALS)
    label: str | None = strawberry.field(default=None, description="What people call it.")
    owns_manual_orders: bool | None = strawberry.field(
        default=False,
        description="Say it to take client id 0, which gets the orders that people enter by hand in TWS.",
    )
    starting_cash: Decimal | None = strawberry.field(
        default=None,
        description="What an account at the paper broker begins with, in its base currency: 0 to 10^12, 1000000 where "
        "nothing is said. No other account takes it.",
    )
    is_adviser: bool | None = strawberry.field(
        default=False,
        description="An adviser's account at Interactive Brokers: it holds nothing itself, and its orders are blocks.",
    )
    sub_accounts: list[SubAccountInput] | None = strawberry.field(
        default=None,
        description=f"Accounts that the adviser trades for, at most {SUB_ACCOUNTS_MAX} at once. They come in with it, "
        "all or none; each is connected by itself.",
    )
    adviser_id: strawberry.ID | None = strawberry.field(
        default=None, description="The adviser's account under which this account is traded."
    )


@strawberry.input(description="What is to change of an account; what is not named stays.")
class UpdateBrokerAccountInput:
    """A change of an account."""

    account_id: strawberry.ID
    label: str | None = strawberry.field(default=None, description="An empty text takes the label away.")
    host: str | None = None
    port: int | None = None
    client_id: int | None = strawberry.field(
        default=None, description="Refused while orders work at the broker: only the id that sent them may cancel them."
    )
    owns_manual_orders: bool | None = strawberry.field(default=False, description="Say it to take client id 0.")
    credentials: JSON | None = strawberry.field(
        default=None, description=_CREDENTIALS + "Those not named stay; null takes one away."
    )
    adviser_id: strawberry.ID | None = strawberry.field(
        default=None, description="The adviser's account over it; an empty text takes the adviser away."
    )


@strawberry.input
class ConnectBrokerInput:
    """Which account to connect."""

    account_id: strawberry.ID


@strawberry.input
class DisconnectBrokerInput:
    """Which account to leave."""

    account_id: strawberry.ID


@strawberry.type(description="The account, unless there are errors.")
class BrokerAccountPayload:
    """An account or errors."""

    broker_account: BrokerAccount | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class BrokerMutation:
    """Mutations of broker accounts."""

    @strawberry.mutation(
        description="Brings an account in. It is connected after connectBroker.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def create_broker_account(
        self,
        info: Info,
        input: CreateBrokerAccountInput,  # noqa: A002
    ) -> BrokerAccountPayload:
        """Brings an account in."""
        asked = NewAccount(
            broker=input.broker,
            account_number=input.account_number,
            account_type=input.account_type,
            base_currency=input.base_currency,
            host=input.host,
            port=input.port,
            client_id=input.client_id,
            is_paper=input.is_paper,
            label=input.label,
            is_connection_wanted=False,
            starting_cash=input.starting_cash,
            is_adviser=bool(input.is_adviser),
            adviser_id=None if input.adviser_id is None else AccountId(parse_id(input.adviser_id, "adviserId")),
        )
        subs = [
            SubAccount(
                account_number=one.account_number,
                client_id=one.client_id,
                account_type=one.account_type or "MARGIN",
                label=one.label,
            )
            for one in input.sub_accounts or ()
        ]
        try:
            key = await create_broker_account(
                info.context.desk,
                info.context.principal,
                asked,
                owns_manual_orders=bool(input.owns_manual_orders),
                credentials=input.credentials,
                sub_accounts=subs,
            )
        except OmsError as error:
            return BrokerAccountPayload(errors=user_errors(error))
        return BrokerAccountPayload(broker_account=await load_account(info, key.account_id))

    @strawberry.mutation(
        description="Changes the label, the way to an account or its credentials. A connected account whose host, port "
        "or client id changes is left at once, its gate shut, and connected anew by the new way.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def update_broker_account(
        self,
        info: Info,
        input: UpdateBrokerAccountInput,  # noqa: A002
    ) -> BrokerAccountPayload:
        """Changes an account."""
        account_id = AccountId(parse_id(input.account_id, "accountId"))
        change = AccountChange(
            label=input.label,
            host=input.host,
            port=input.port,
            client_id=input.client_id,
            owns_manual_orders=bool(input.owns_manual_orders),
            credentials=input.credentials,
            adviser_id=_adviser_id(input.adviser_id),
        )
        try:
            await update_broker_account(info.context.desk, info.context.principal, account_id, change)
        except OmsError as error:
            return BrokerAccountPayload(errors=user_errors(error))
        return BrokerAccountPayload(broker_account=await load_account(info, account_id))

    @strawberry.mutation(
        description="A connector takes the account and holds it connected. Follow brokerConnections to see how far it "
        "comes; orders that waited leave when the gate opens.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def connect_broker(self, info: Info, input: ConnectBrokerInput) -> BrokerAccountPayload:  # noqa: A002
        """Connects an account."""
        account_id = AccountId(parse_id(input.account_id, "accountId"))
        try:
            await connect_broker(info.context.desk, info.context.principal, account_id)
        except OmsError as error:
            return BrokerAccountPayload(errors=user_errors(error))
        return BrokerAccountPayload(broker_account=await load_account(info, account_id))

    @strawberry.mutation(
        description="The connector leaves the account; its gate is shut when this answers. What works at the broker "
        "goes on working there and keeps its state here; orders placed meanwhile wait in HELD, cancels wait for the "
        "next connection.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def disconnect_broker(self, info: Info, input: DisconnectBrokerInput) -> BrokerAccountPayload:  # noqa: A002
        """Leaves an account."""
        account_id = AccountId(parse_id(input.account_id, "accountId"))
        try:
            await disconnect_broker(info.context.desk, info.context.principal, account_id)
        except OmsError as error:
            return BrokerAccountPayload(errors=user_errors(error))
        return BrokerAccountPayload(broker_account=await load_account(info, account_id))


def _adviser_id(text: str | None) -> AccountId | Literal[""] | None:
    if text is None:
        return None
    return AccountId(parse_id(text, "adviserId")) if text else ""
