"""Live order events and executions: first from the log, then as they are committed, without a gap and a double."""

from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID

from app.brokers.errors import AccountUnknownError
from app.core.errors import InputError
from app.core.ids import AccountId, ExecutionKey
from app.core.messages import AccountKey
from app.flows.desk import Desk
from app.flows.journal.event_feed import PAGE, events_page
from app.identity.domain import Principal
from app.infra.bus import Gap
from app.infra.uow import begin_batch
from app.orders.domain.order import Execution, LoggedEvent
from app.orders.events import EXECUTION_EVENTS
from app.orders.repository import account_books, ledger


async def follow_order_events(
    desk: Desk, principal: Principal, account_id: AccountId, after_sequence: int | None
) -> AsyncIterator[LoggedEvent]:
    """The events of the account behind a sequence, each once and in order, then the live ones; None: live only.

    Raises AccountUnknownError for an account that the tenant has not, InputError for a sequence beyond the log's end.
    """
    key = AccountKey(tenant_id=principal.tenant_id, account_id=account_id)
    async with desk.events.follow(key.tenant_id) as stream:
        last = await _start(desk, principal, key, after_sequence)
        # The log may have grown since the feed was joined: what comes twice is known by its sequence.
        async for page in _pages(desk, key, last):
            for logged in page:
                yield logged
                last = logged.sequence
        async for batch in stream:
            if isinstance(batch, Gap):
                async for page in _pages(desk, key, last):
                    for logged in page:
                        yield logged
                        last = logged.sequence
            elif batch[0].event.account_id == account_id:
                for logged in batch:
                    if logged.sequence > last:
                        yield logged
                        last = logged.sequence


async def follow_executions(
    desk: Desk, principal: Principal, account_ids: Sequence[AccountId] | None
) -> AsyncIterator[Execution]:
    """Each execution and each correction of the accounts from now on; None: of all accounts of the tenant.

    Raises AccountUnknownError for an account that the tenant has not.
    """
    tenant_id = principal.tenant_id
    async with desk.events.follow(tenant_id) as stream:
        lasts = await ends_of_known(desk, principal, account_ids)
        within = principal.within(account_ids)
        wanted = None if within is None else frozenset(within)
        async for batch in stream:
            if isinstance(batch, Gap):
                grown = await _ends(desk, principal)
                for account_id in grown if wanted is None else wanted:
                    key = AccountKey(tenant_id=tenant_id, account_id=account_id)
                    async for page in _pages(desk, key, lasts.get(account_id, 0)):
                        lasts[account_id] = page[-1].sequence
                        for execution in await _executions(desk, principal, page):
                            yield execution
                continue
            account_id = batch[0].event.account_id
            if wanted is not None and account_id not in wanted:
                continue
            last = lasts.get(account_id, 0)
            lasts[account_id] = max(last, batch[-1].sequence)
            for execution in await _executions(desk, principal, [one for one in batch if one.sequence > last]):
                yield execution


async def ends_of_known(
    desk: Desk, principal: Principal, account_ids: Sequence[AccountId] | None
) -> dict[AccountId, int]:
    """Where the logs of the accounts end that the principal may see.

    Raises AccountUnknownError with its place in accountIds for any other.
    """
    known = await _ends(desk, principal)
    for place, account_id in enumerate(account_ids or ()):
        if account_id not in known:
            raise AccountUnknownError("accountIds", str(place))
    return known


async def _executions(desk: Desk, principal: Principal, events: Iterable[LoggedEvent]) -> list[Execution]:
    keys = [
        ExecutionKey(UUID(logged.event.details["executionKey"]))
        for logged in events
        if logged.event.type in EXECUTION_EVENTS
    ]
    if not keys:
        return []
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        found = await ledger.executions_by_key(session, principal.tenant_id, keys)
    return [found[key] for key in keys if key in found]


async def _ends(desk: Desk, principal: Principal) -> dict[AccountId, int]:
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await account_books.last_sequences(session, principal.tenant_id)


async def _start(desk: Desk, principal: Principal, key: AccountKey, after_sequence: int | None) -> int:
    ends = await _ends(desk, principal)
    if key.account_id not in ends:
        raise AccountUnknownError("accountId")
    end = ends[key.account_id]
    if after_sequence is None:
        return end
    if not 0 <= after_sequence <= end:
        raise InputError(f"the log ends at {end}", path=["afterSequence"], end=end)
    return after_sequence


async def _pages(desk: Desk, key: AccountKey, last: int) -> AsyncIterator[list[LoggedEvent]]:
    page = await events_page(desk.database, key, last)
    while page:
        yield page
        page = [] if len(page) < PAGE else await events_page(desk.database, key, page[-1].sequence)
