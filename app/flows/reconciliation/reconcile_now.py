"""reconcileAccount: the connector compares an account's books with its broker's now, and the result is waited for."""

from typing import Final

from app.audit import service as audit
from app.brokers import reconciliations_batch as reconciliations
from app.brokers import viewing
from app.brokers.errors import AccountUnknownError, ReconciliationFailedError
from app.brokers.reconciling import ReconcileNow, Reconciliation
from app.core.ids import AccountId
from app.core.messages import AccountKey
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.uow import begin_batch

WITHIN_S: Final = 15.0
"""How long the result is waited for. It is stored in any case, and found among the reconciliations later."""


async def reconcile_now(desk: Desk, principal: Principal, account_id: AccountId, *path: str) -> Reconciliation:
    """What the comparison found. That it was asked for is in the audit log, whatever comes of it.

    Raises AccountUnknownError with the path, and ReconciliationFailedError where nobody could ask or the broker did
    not answer in time.
    """
    key = AccountKey(tenant_id=principal.tenant_id, account_id=account_id)
    async with desk.acting(principal) as session:
        if account_id not in await viewing.accounts_by_ids(session, principal.tenant_id, [account_id]):
            raise AccountUnknownError(*path)
    act = audit.entry(
        principal,
        "broker_account.reconcile",
        "broker_account",
        account_id,
        entry_id=desk.ids.new(),
        now=desk.clock.now(),
        new={"asked_with": "order" if "orderId" in path else "account"},
    )
    async with begin_batch(desk.database, principal.tenant_id) as batch:
        await batch.write([audit.record_batch([act])])
    reply = await desk.broker.ask(key, ReconcileNow(kind="RECONCILE"), within_s=WITHIN_S)
    if reply.reconciliation_id is None:
        assert reply.reason is not None, "a reply has an answer or a reason"
        raise ReconciliationFailedError(reply.reason.code, reply.reason.message, *path)
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.tradable) as batch:
        [found] = await reconciliations.by_ids(batch, principal.tenant_id, [reply.reconciliation_id])
    return found
