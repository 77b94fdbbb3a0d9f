"""connectBroker and disconnectBroker: whether a connector is to hold an account connected."""

from app.audit import service as audit
from app.brokers import opening_batch as brokers
from app.brokers.errors import AccountUnknownError, GatewayNotAllowedError
from app.core.fix import BrokerKind
from app.core.ids import AccountId
from app.core.messages import AccountKey
from app.flows.brokers.connection_news import connection_changed
from app.flows.brokers.open_account import seat_account
from app.flows.desk import Desk
from app.flows.orders.release_orders import lock_account
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.infra.uow import begin_batch


async def connect_broker(desk: Desk, principal: Principal, account_id: AccountId) -> None:
    """A connector takes the account, within a second where one runs; to ask again is no error.

    Orders that waited for the gate leave when it opens. Raises AccountUnknownError, GatewayNotAllowedError where the
    operator has closed the account's gateway, ClientIdNotFreeError.
    """
    key = AccountKey(tenant_id=principal.tenant_id, account_id=account_id)
    async with begin_batch(desk.database, key.tenant_id, accounts=principal.tradable) as session:
        found = await brokers.account_for_update(session, key)
        if found is None:
            raise AccountUnknownError("accountId")
        if found.account.broker is BrokerKind.INTERACTIVE_BROKERS and found.account.gateway not in desk.gateways:
            raise GatewayNotAllowedError("accountId")
        await seat_account(session, key, found.account)
        if not found.account.is_connection_wanted:
            await brokers.want_connection(session, key, is_wanted=True)
            await _record(session, desk, principal, key, "broker_account.connected")


async def disconnect_broker(desk: Desk, principal: Principal, account_id: AccountId) -> None:
    """The gate is shut when this returns, and the connector leaves the account; to ask again is no error.

    What works at the broker goes on working there. Raises AccountUnknownError.
    """
    key = AccountKey(tenant_id=principal.tenant_id, account_id=account_id)
    async with begin_batch(desk.database, key.tenant_id, accounts=principal.tradable) as session:
        # In line with all who write orders of the account: one that comes in after this finds the gate shut.
        await lock_account(session, key)
        found = await brokers.account_for_update(session, key)
        if found is None:
            raise AccountUnknownError("accountId")
        if found.account.is_connection_wanted:
            await brokers.want_connection(session, key, is_wanted=False)
            await brokers.part_connection(session, key)
            await _record(session, desk, principal, key, "broker_account.disconnected")


async def _record(session: BatchSession, desk: Desk, principal: Principal, key: AccountKey, action: str) -> None:
    now = desk.clock.now()
    act = audit.entry(principal, action, "broker_account", key.account_id, entry_id=desk.ids.new(), now=now)
    await session.write([audit.record_batch([act]), connection_changed([key], now)])
