"""An adviser's groups as its broker tells them, stored for those who place blocks and those who look."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from app.brokers import advisers_batch
from app.brokers.domain import BrokerAccount
from app.brokers.errors import InquiryRefusedError
from app.brokers.inquiries import ListGroups, ToldGroups
from app.brokers.questions import Answer
from app.core.messages import AccountKey
from app.infra.db import Database
from app.infra.uow import begin_batch

log = logging.getLogger(__name__)


async def renew_groups(
    database: Database,
    account: BrokerAccount,
    ask: Callable[[ListGroups, str], Awaitable[Answer]],
    *,
    now: datetime,
) -> None:
    """Asks for the groups of the adviser's account, over a session of its gateway, and stores them.

    A broker that does not tell, as that of a login which is no adviser's, leaves what was told before. Raises
    BrokerBusyError, BrokerTimedOutError, BrokerDisconnectedError.
    """
    try:
        told = await ask(ListGroups(), account.account_number)
    except InquiryRefusedError as error:
        log.warning("%s: the groups of its accounts are not told: %s", account.account_number, error.message)
        return
    assert isinstance(told, ToldGroups), "an inquiry is answered by its finding"
    key = AccountKey(tenant_id=account.tenant_id, account_id=account.id)
    async with begin_batch(database, account.tenant_id) as session:
        await advisers_batch.store_groups(session, key, told.groups, now)
