"""A trading account comes into the house: its row, its connection, its seats, its book, in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from app.brokers import opening_batch as brokers
from app.brokers.domain import DOCTOR_CLIENT_ID, PAPER_CASH, NewAccount, seats_of
from app.brokers.errors import AccountUnknownError, ClientIdNotFreeError
from app.brokers.paper import batch as paper
from app.core.errors import InputError
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


async def open_account(
    session: BatchSession, tenant_id: TenantId, new: NewAccount, *, now: datetime, ids: Ids
) -> OpenedAccount:
    """Opens the account, or finds it where the tenant has it already.

    An account at the paper broker gets its books there, too. Raises ClientIdNotFreeError: the transaction is to be
    rolled back then.
    """
    key = AccountKey(tenant_id=tenant_id, account_id=AccountId(ids.new()))
    if not await brokers.insert_account(session, key, new, now):
        account_id = await brokers.account_by_number(session, tenant_id, new.broker, new.account_number)
        assert account_id is not None, "accounts are not deleted"
        return OpenedAccount(key=AccountKey(tenant_id=tenant_id, account_id=account_id), is_new=False)
    await seat_account(session, key, new)
    await account_books.open_book(session, key)
    if new.broker is BrokerKind.PAPER:
        cash = PAPER_CASH if new.starting_cash is None else new.starting_cash
        await paper.open_books(session, key, new.base_currency, cash, now)
    return OpenedAccount(key=key, is_new=True)


async def require_adviser(session: BatchSession, tenant_id: TenantId, account: NewAccount) -> None:
    """Looks whether the account may be one under its adviser_id.

    Raises AccountUnknownError, or InputError where that account is no adviser's, or the account one that has none.
    """
    assert account.adviser_id is not None, "an adviser is named"
    if account.is_adviser or account.broker is not BrokerKind.INTERACTIVE_BROKERS:
        raise InputError("an adviser's account, or one at another broker, has no adviser", path=["adviserId"])
    found = await brokers.account_for_update(session, AccountKey(tenant_id=tenant_id, account_id=account.adviser_id))
    if found is None:
        raise AccountUnknownError("adviserId")
    if not found.account.is_adviser:
        raise InputError("that account is no adviser's", path=["adviserId"])


async def seat_account(session: BatchSession, key: AccountKey, account: NewAccount) -> None:
    """Takes the client ids of the account at its gateway, of those that no other account of the installation has.

    Raises ClientIdNotFreeError, in the same words whoever has them: the transaction is to be rolled back then.
    """
    if account.broker is not BrokerKind.INTERACTIVE_BROKERS:
        return
    if DOCTOR_CLIENT_ID in seats_of(account.client_id):
        raise ClientIdNotFreeError
    if not await brokers.take_seats(session, key, account.gateway, account.client_id):
        raise ClientIdNotFreeError
