"""createBrokerAccount: an account comes in, not connected yet, its credentials sealed."""

from typing import Any

from app.audit import service as audit
from app.brokers.credentials import change_credentials
from app.brokers.domain import NewAccount, checked_account, checked_credentials
from app.brokers.errors import AccountExistsError
from app.core.messages import AccountKey
from app.flows.broker_audit import audited_account
from app.flows.connection_news import connection_changed
from app.flows.desk import Desk
from app.flows.open_account import open_account
from app.identity.domain import Principal
from app.infra.uow import begin_batch


async def create_broker_account(
    desk: Desk, principal: Principal, asked: NewAccount, *, owns_manual_orders: bool, credentials: Any
) -> AccountKey:
    """The key of the new account; a connector takes it after connectBroker.

    Raises InputError with the path of the field, GatewayNotAllowedError, ClientIdNotFreeError, AccountExistsError,
    WholeTenantError.
    """
    principal.require_whole_tenant()
    new = checked_account(asked, desk.gateways, owns_manual_orders=owns_manual_orders)
    secrets = checked_credentials(credentials, may_remove=False)
    tenant_id, now = principal.tenant_id, desk.clock.now()
    async with begin_batch(desk.database, tenant_id) as session:
        opened = await open_account(session, tenant_id, new, now=now, ids=desk.ids)
        if not opened.is_new:
            raise AccountExistsError
        await change_credentials(session, desk.vault, opened.key, secrets, now)
        act = audit.entry(
            principal,
            "broker_account.created",
            "broker_account",
            opened.key.account_id,
            entry_id=desk.ids.new(),
            now=now,
            new=audited_account(new, secrets),
        )
        await session.write([audit.record_batch([act]), connection_changed([opened.key], now)])
    return opened.key
