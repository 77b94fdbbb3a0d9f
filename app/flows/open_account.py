"""A trading account comes into the house: its row, its connection, its book, in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.brokers import batch as brokers
from app.brokers.batch import NewAccount
from app.brokers.paper import batch as paper
from app.core.fix import BrokerKind
from app.core.ids import AccountId, Ids, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession
from app.orders.repository import account_books


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAccount:
    """The account, and whether it is new."""

    key: AccountKey
    is_new: bool


PAPER_CASH = Decimal(1_000_000)
"""What an account at the paper broker starts with, in its base currency, where nothing else is said."""


async def open_account(
    session: BatchSession,
    tenant_id: TenantId,
    new: NewAccount,
    *,
    now: datetime,
    ids: Ids,
    starting_cash: Decimal = PAPER_CASH,
) -> OpenedAccount:
    """Opens the account, or finds it where the tenant has it already.

    An account at the paper broker gets its books there too, with starting_cash in its base currency.
    """
    account_id = await brokers.account_by_number(session, tenant_id, new.broker, new.account_number)
    if account_id is not None:
        return OpenedAccount(key=AccountKey(tenant_id=tenant_id, account_id=account_id), is_new=False)
    key = AccountKey(tenant_id=tenant_id, account_id=AccountId(ids.new()))
    await brokers.insert_account(session, key, new, now)
    await account_books.open_book(session, key)
    if new.broker is BrokerKind.PAPER:
        await paper.open_books(session, key, new.base_currency, starting_cash, now)
    return OpenedAccount(key=key, is_new=True)
