"""createBrokerAccount: an account comes in, not connected yet, its credentials sealed; an adviser's with others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.audit import service as audit
from app.audit.domain import AuditEntry
from app.brokers.credentials import change_credentials
from app.brokers.domain import NewAccount, checked_account, checked_credentials
from app.brokers.errors import AccountExistsError
from app.core.errors import InputError, OmsError
from app.core.messages import AccountKey
from app.flows.brokers.broker_audit import audited_account
from app.flows.brokers.connection_news import connection_changed
from app.flows.brokers.open_account import open_account, require_adviser
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.infra.uow import begin_batch

SUB_ACCOUNTS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SubAccount:
    """An account that an adviser trades for, as it comes in with the adviser's: all else is as there."""

    account_number: str
    client_id: int
    account_type: str
    label: str | None = None


async def create_broker_account(
    desk: Desk,
    principal: Principal,
    asked: NewAccount,
    *,
    owns_manual_orders: bool,
    credentials: Any,
    sub_accounts: Sequence[SubAccount] = (),
) -> AccountKey:
    """The key of the new account; a connector takes it after connectBroker.

    Raises InputError with the path of the field, GatewayNotAllowedError, ClientIdNotFreeError, AccountExistsError,
    AccountUnknownError for an adviser that the tenant has not, WholeTenantError; with nothing stored where one of the
    accounts under an adviser is not right.
    """
    principal.require_whole_tenant()
    new = checked_account(asked, desk.gateways, owns_manual_orders=owns_manual_orders)
    secrets = checked_credentials(credentials, may_remove=False)
    if sub_accounts and not new.is_adviser:
        raise InputError("only an adviser's account has accounts under it", path=["subAccounts"])
    if len(sub_accounts) > SUB_ACCOUNTS_MAX:
        raise InputError(f"at most {SUB_ACCOUNTS_MAX} come in at once", path=["subAccounts"])
    async with begin_batch(desk.database, principal.tenant_id) as session:
        if new.adviser_id is not None:
            await require_adviser(session, principal.tenant_id, new)
        key, act = await _open(session, desk, principal, new, secrets)
        keys, acts = [key], [act]
        await change_credentials(session, desk.vault, key, secrets, desk.clock.now())
        for place, sub in enumerate(sub_accounts):
            try:
                under = checked_account(_under(new, key, sub), desk.gateways, owns_manual_orders=False)
                opened, act = await _open(session, desk, principal, under, {})
            except OmsError as error:
                error.path = ("subAccounts", str(place), *error.path)
                raise
            keys.append(opened)
            acts.append(act)
        await session.write([audit.record_batch(acts), connection_changed(keys, desk.clock.now())])
    return key


def _under(adviser: NewAccount, key: AccountKey, sub: SubAccount) -> NewAccount:
    return replace(
        adviser,
        account_number=sub.account_number,
        account_type=sub.account_type,
        client_id=sub.client_id,
        label=sub.label,
        is_adviser=False,
        adviser_id=key.account_id,
    )


async def _open(
    session: BatchSession, desk: Desk, principal: Principal, new: NewAccount, secrets: Any
) -> tuple[AccountKey, AuditEntry]:
    now = desk.clock.now()
    opened = await open_account(session, principal.tenant_id, new, now=now, ids=desk.ids)
    if not opened.is_new:
        raise AccountExistsError
    act = audit.entry(
        principal,
        "broker_account.created",
        "broker_account",
        opened.key.account_id,
        entry_id=desk.ids.new(),
        now=now,
        new=audited_account(new, secrets),
    )
    return opened.key, act
