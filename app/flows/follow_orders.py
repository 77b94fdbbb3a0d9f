"""Live order events and executions: first from the log, then from the bus, without a gap and without a double."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from uuid import UUID

import orjson

from app.brokers.errors import AccountUnknownError
from app.core.errors import InputError
from app.core.ids import AccountId, ExecutionKey, TenantId
from app.core.messages import AccountKey
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.bus import Gap
from app.infra.uow import begin_batch
from app.orders.domain.journal import event_from_document, events_channel
from app.orders.domain.order import Execution, LoggedEvent
from app.orders.events import OrderEventType
from app.orders.repository import account_books, event_log, ledger

PAGE = 500
MERGE_MAX = 1_000

_EXECUTION_EVENTS = frozenset(
    {
        OrderEventType.EXECUTION_BOOKED.value,
        OrderEventType.EXECUTION_CORRECTED.value,
        OrderEventType.EXECUTION_BUSTED.value,
    }
)


async def follow_order_events(
    desk: Desk, principal: Principal, account_id: AccountId, after_sequence: int | None
) -> AsyncIterator[LoggedEvent]:
    """The events of the account behind a sequence, each once and in order, then the live ones; None: live only.

    Raises AccountUnknownError for an account that the tenant has not, InputError for a sequence beyond the log's end.
    """
    key = AccountKey(tenant_id=principal.tenant_id, account_id=account_id)
    async with desk.bus.subscribe(events_channel(key.tenant_id, account_id)) as stream:
        last = await _start(desk, key, after_sequence)
        while True:
            page = await _page(desk, key, last)
            for logged in page:
                yield logged
                last = logged.sequence
            if len(page) < PAGE:
                break
        async for message in stream:
            if isinstance(message, Gap):
                news = await _missed(desk, key, last)
            else:
                news = [event_from_document(document) for document in orjson.loads(message)]
                if news and news[0].sequence > last + 1:
                    news = await _missed(desk, key, last)
            for logged in news:
                if logged.sequence > last:
                    yield logged
                    last = logged.sequence


async def follow_executions(
    desk: Desk, principal: Principal, account_ids: Sequence[AccountId] | None
) -> AsyncIterator[Execution]:
    """Each execution and each correction of the accounts from now on; None: of all accounts that the tenant has now.

    Raises AccountUnknownError for an account that the tenant has not.
    """
    tenant_id = principal.tenant_id
    known = await _ends(desk, tenant_id)
    asked = list(known if account_ids is None else account_ids)
    for place, account_id in enumerate(asked):
        if account_id not in known:
            raise AccountUnknownError("accountIds", str(place))
    wanted = list(dict.fromkeys(asked))
    queue: asyncio.Queue[LoggedEvent] = asyncio.Queue(MERGE_MAX)

    async def feed(account_id: AccountId) -> None:
        async with aclosing(follow_order_events(desk, principal, account_id, known[account_id])) as events:  # type: ignore[type-var]
            async for logged in events:
                if logged.event.type in _EXECUTION_EVENTS:
                    await queue.put(logged)

    feeds = [asyncio.create_task(feed(account_id), name=f"executions {account_id}") for account_id in wanted]
    try:
        while True:
            logged = await _next_of(queue, feeds)
            found = await _execution(desk, tenant_id, logged)
            if found is not None:
                yield found
    finally:
        for task in feeds:
            task.cancel()
        await asyncio.gather(*feeds, return_exceptions=True)


async def _next_of(queue: asyncio.Queue[LoggedEvent], feeds: Sequence[asyncio.Task[None]]) -> LoggedEvent:
    if not queue.empty():
        return queue.get_nowait()
    waiting = asyncio.create_task(queue.get())
    try:
        done, _ = await asyncio.wait([waiting, *feeds], return_when=asyncio.FIRST_COMPLETED)
        if waiting in done:
            return waiting.result()
        for task in feeds:
            if task in done:
                task.result()
        raise AssertionError("a feed ends only by an error")
    finally:
        waiting.cancel()


async def _execution(desk: Desk, tenant_id: TenantId, logged: LoggedEvent) -> Execution | None:
    execution_key = ExecutionKey(UUID(logged.event.details["executionKey"]))
    async with begin_batch(desk.database, tenant_id) as session:
        return (await ledger.executions_by_key(session, tenant_id, [execution_key])).get(execution_key)


async def _ends(desk: Desk, tenant_id: TenantId) -> dict[AccountId, int]:
    async with begin_batch(desk.database, tenant_id) as session:
        return await account_books.last_sequences(session, tenant_id)


async def _start(desk: Desk, key: AccountKey, after_sequence: int | None) -> int:
    ends = await _ends(desk, key.tenant_id)
    if key.account_id not in ends:
        raise AccountUnknownError("accountId")
    end = ends[key.account_id]
    if after_sequence is None:
        return end
    if not 0 <= after_sequence <= end:
        raise InputError(f"the log ends at {end}", path=["afterSequence"], end=end)
    return after_sequence


async def _page(desk: Desk, key: AccountKey, after: int) -> list[LoggedEvent]:
    async with begin_batch(desk.database, key.tenant_id) as session:
        return await event_log.events_after(session, key, after, PAGE)


async def _missed(desk: Desk, key: AccountKey, after: int) -> list[LoggedEvent]:
    missed: list[LoggedEvent] = []
    while True:
        page = await _page(desk, key, missed[-1].sequence if missed else after)
        missed.extend(page)
        if len(page) < PAGE:
            return missed
