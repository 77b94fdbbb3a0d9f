"""Inquiries of a tenant to its broker: over which account they go, and what it means when none is answered."""

from typing import Final, TypeVar

from app.brokers import repository as brokers
from app.brokers.errors import (
    AccountUnknownError,
    BrokerBusyError,
    BrokerDisconnectedError,
    BrokerTimedOutError,
    ConnectorAwayError,
    HistoryPacedError,
    InquiryRefusedError,
)
from app.brokers.inquiries import Finding, Inquiry
from app.brokers.questions import Reply
from app.core.errors import OmsError, UnavailableError
from app.core.ids import AccountId
from app.core.messages import AccountKey
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST
from app.infra.uow import begin_batch

REPLY_WITHIN_S: Final = 15.0
"""Longer than a connector waits for an answer about contracts, so that its own reason is what the user hears."""

Found = TypeVar("Found", bound=Finding)

_ERRORS: Final[dict[str, type[OmsError]]] = {
    error.code: error
    for error in (
        BrokerBusyError,
        BrokerDisconnectedError,
        BrokerTimedOutError,
        ConnectorAwayError,
        InquiryRefusedError,
    )
}


async def inquire(
    desk: Desk,
    principal: Principal,
    asked: Inquiry,
    kind: type[Found],
    *,
    account_id: AccountId | None = None,
    within_s: float = REPLY_WITHIN_S,
) -> Found:
    """What the tenant's broker finds, of the kind that the inquiry asks for.

    It goes over the account, else over one that is connected. Raises AccountUnknownError, InquiryRefusedError,
    HistoryPacedError, BrokerBusyError, BrokerDisconnectedError, BrokerTimedOutError, ConnectorAwayError, and
    UnavailableError when the database does not answer.
    """
    key = AccountKey(tenant_id=principal.tenant_id, account_id=await _asked_account(desk, principal, account_id))
    reply = await desk.broker.ask(key, asked, within_s=within_s)
    if isinstance(reply.answer, kind):
        return reply.answer
    raise _error(reply)


async def _asked_account(desk: Desk, principal: Principal, account_id: AccountId | None) -> AccountId:
    try:
        async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
            found = await brokers.account_to_ask(session, principal.tenant_id, account_id)
    except CONNECTION_LOST as error:
        raise UnavailableError("the accounts cannot be read at the moment") from error
    if found is None and account_id is not None:
        raise AccountUnknownError("accountId")
    if found is None:
        raise BrokerDisconnectedError("The tenant has no account at a broker that could be asked.")
    return found


def _error(reply: Reply) -> OmsError:
    if reply.reason is None:
        return BrokerTimedOutError("The broker answered something else than was asked.")
    if reply.reason.code == HistoryPacedError.code:
        return HistoryPacedError(reply.retry_after_s or 1.0)
    kind = _ERRORS.get(reply.reason.code, BrokerTimedOutError)
    return kind(reply.reason.message)
