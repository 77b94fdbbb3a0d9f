"""updateBrokerAccount: another label, another way to the account, other credentials."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from app.audit import service as audit
from app.brokers import opening_batch as brokers
from app.brokers.credentials import change_credentials
from app.brokers.domain import NewAccount, checked_address, checked_credentials, checked_label
from app.brokers.errors import AccountHasOpenOrdersError, AccountUnknownError
from app.core.ids import AccountId
from app.core.messages import AccountKey
from app.flows.brokers.broker_audit import audited_account
from app.flows.brokers.connection_news import connection_changed
from app.flows.brokers.open_account import require_adviser, seat_account
from app.flows.desk import Desk
from app.flows.orders.release_orders import lock_account
from app.identity.domain import Principal
from app.infra.uow import begin_batch
from app.orders.repository import batch as orders


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """What is to change; None leaves it. An empty label takes the label away, an empty adviser_id the adviser."""

    label: str | None = None
    host: str | None = None
    port: int | None = None
    client_id: int | None = None
    owns_manual_orders: bool = False
    credentials: Any = None
    adviser_id: AccountId | Literal[""] | None = None


async def update_broker_account(desk: Desk, principal: Principal, account_id: AccountId, change: AccountChange) -> None:
    """Stores the change. A connected account is left and taken afresh where host, port or client id changed.

    Raises AccountUnknownError, InputError with the path of the field, GatewayNotAllowedError, ClientIdNotFreeError,
    and AccountHasOpenOrdersError when the client id would change under orders that work at the broker.
    """
    key = AccountKey(tenant_id=principal.tenant_id, account_id=account_id)
    secrets = checked_credentials(change.credentials, may_remove=True)
    async with begin_batch(desk.database, key.tenant_id, accounts=principal.tradable) as session:
        await lock_account(session, key)
        found = await brokers.account_for_update(session, key)
        if found is None:
            raise AccountUnknownError("accountId")
        before = found.account
        after = _changed(desk, before, change)
        if after.adviser_id is not None and after.adviser_id != before.adviser_id:
            await require_adviser(session, key.tenant_id, after)
        if after.client_id != before.client_id:
            working = await orders.unsettled_orders(session, key)
            if working:
                raise AccountHasOpenOrdersError(len(working))
        is_moved = _way(after) != _way(before)
        if is_moved:
            await seat_account(session, key, after)
        await brokers.change_account(session, key, after)
        if is_moved:
            # Nothing may leave by the old way any more.
            await brokers.part_connection(session, key)
        now = desk.clock.now()
        await change_credentials(session, desk.vault, key, secrets, now)
        act = audit.entry(
            principal,
            "broker_account.updated",
            "broker_account",
            account_id,
            entry_id=desk.ids.new(),
            now=now,
            old=audited_account(before, {}),
            new=audited_account(after, secrets),
        )
        await session.write([audit.record_batch([act]), connection_changed([key], now)])


def _changed(desk: Desk, before: NewAccount, change: AccountChange) -> NewAccount:
    after = replace(
        before,
        label=before.label if change.label is None else checked_label(change.label),
        host=before.host if change.host is None else change.host,
        port=before.port if change.port is None else change.port,
        client_id=before.client_id if change.client_id is None else change.client_id,
        adviser_id=before.adviser_id if change.adviser_id is None else change.adviser_id or None,
    )
    if _way(after) == _way(before):
        # A gateway that the operator has closed meanwhile does not stand in the way of a new label.
        return after
    keeps_zero = before.client_id == 0 and change.client_id is None
    return checked_address(after, desk.gateways, owns_manual_orders=change.owns_manual_orders or keeps_zero)


def _way(account: NewAccount) -> tuple[str, int, int]:
    return (*account.gateway, account.client_id)
