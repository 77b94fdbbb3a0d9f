"""The circuit breakers and their trips, as they are kept and looked at: what halts by itself, and when."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.audit import service as audit
from app.core.ids import BreakerId, TripId
from app.core.paging import Page, Window
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.risk.loosening import takes_two, tell_others
from app.flows.risk.risk_news import breaker_told, breakers_channel, breakers_in, trips_channel, trips_in
from app.identity import batch as identity
from app.identity.domain import Principal
from app.infra.bus import Gap
from app.infra.db import BatchSession
from app.infra.uow import begin_batch
from app.risk.monitoring import breakers_batch
from app.risk.monitoring.domain.breakers import (
    BREAKERS_MAX,
    BreakerProposal,
    CircuitBreaker,
    Trip,
    breaker_document,
    breaker_problems,
    proposal_document,
)
from app.risk.monitoring.domain.loosening import is_confirmed, loosened
from app.risk.monitoring.errors import (
    BreakerInvalidError,
    BreakerMovedError,
    BreakersTooManyError,
    BreakerTargetUnknownError,
    BreakerUnknownError,
)

TOLD_MAX: Final = 1_000
"""How many trips a follower remembers to have been told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSetting:
    """A breaker as it is asked for; with an id the whole of what that breaker is to be from now on."""

    id: BreakerId | None
    expected_version: int | None
    wanted: CircuitBreaker


async def set_circuit_breaker(desk: Desk, principal: Principal, setting: BreakerSetting) -> CircuitBreaker:
    """The breaker as it stands now; it counts from the next look of the monitor on.

    What loosens it waits as a proposal where the tenant wants two people for that, until another person says the same.
    What a breaker covers and its kind stay. Raises WholeTenantError, BreakerInvalidError, BreakerUnknownError,
    BreakerMovedError, BreakerTargetUnknownError, BreakersTooManyError.
    """
    principal.require_whole_tenant()
    tenant_id, wanted, now = principal.tenant_id, setting.wanted, desk.clock.now()
    async with begin_batch(desk.database, tenant_id) as session:
        await breakers_batch.put_in_line(session, tenant_id)
        before = None
        if setting.id is not None:
            before = await breakers_batch.breaker(session, tenant_id, setting.id)
            if before is None:
                raise BreakerUnknownError("id")
            if setting.expected_version not in (None, before.version):
                raise BreakerMovedError(before.version, "expectedVersion")
            if wanted.kind is not before.kind:
                raise BreakerInvalidError("A breaker keeps its kind.", path=["kind"])
            if wanted.account_id != before.account_id:
                raise BreakerInvalidError("A breaker keeps what it covers.", path=["accountId"])
        problems = breaker_problems(wanted)
        if problems:
            raise BreakerInvalidError.of(problems)
        if before is None:
            if wanted.account_id is not None and not await breakers_batch.knows_account(
                session, tenant_id, wanted.account_id
            ):
                raise BreakerTargetUnknownError("accountId")
            if len(await breakers_batch.breakers(session, tenant_id)) >= BREAKERS_MAX:
                raise BreakersTooManyError(BREAKERS_MAX)
        after = replace(
            wanted,
            id=BreakerId(desk.ids.new()) if before is None else before.id,
            version=1 if before is None else before.version + 1,
            updated_by=principal.actor,
            updated_at=now,
        )
        confirmed: dict[str, str] = {}
        if before is not None and (why := loosened(before, after)):
            waits = await _loosen(session, desk, principal, before, after, why)
            if isinstance(waits, CircuitBreaker):
                return waits
            confirmed = waits
        await breakers_batch.store_breaker(session, tenant_id, after)
        entry = audit.entry(
            principal,
            "circuit_breaker.set",
            "CircuitBreaker",
            after.id,
            entry_id=desk.ids.new(),
            now=now,
            old=None if before is None else breaker_document(before),
            new={**breaker_document(after), **confirmed},
        )
        await session.write([audit.record_batch([entry]), breaker_told(tenant_id, after.id, now)])
    return after


async def delete_circuit_breaker(desk: Desk, principal: Principal, breaker_id: BreakerId) -> CircuitBreaker:
    """The breaker that was taken away, or as it stands with the proposal. Its halts stay until they are released.

    Raises WholeTenantError, BreakerUnknownError.
    """
    principal.require_whole_tenant()
    tenant_id, now = principal.tenant_id, desk.clock.now()
    async with begin_batch(desk.database, tenant_id) as session:
        await breakers_batch.put_in_line(session, tenant_id)
        before = await breakers_batch.breaker(session, tenant_id, breaker_id)
        if before is None:
            raise BreakerUnknownError("id")
        confirmed: dict[str, str] = {}
        if why := loosened(before, None):
            waits = await _loosen(session, desk, principal, before, None, why)
            if isinstance(waits, CircuitBreaker):
                return waits
            confirmed = waits
        await breakers_batch.delete_breaker(session, tenant_id, before, now)
        entry = audit.entry(
            principal,
            "circuit_breaker.delete",
            "CircuitBreaker",
            before.id,
            entry_id=desk.ids.new(),
            now=now,
            old=breaker_document(before),
            new=confirmed or None,
        )
        await session.write([audit.record_batch([entry]), breaker_told(tenant_id, before.id, now)])
    return replace(before, is_active=False, version=before.version + 1, proposal=None)


async def _loosen(
    session: BatchSession,
    desk: Desk,
    principal: Principal,
    before: CircuitBreaker,
    wanted: CircuitBreaker | None,
    why: tuple[str, ...],
) -> CircuitBreaker | dict[str, str]:
    # The breaker with the proposal where it waits for another person; else what the audit log tells of who said it
    # first.
    tenant_id, now = principal.tenant_id, desk.clock.now()
    what, told = f"{_named(before)} is loosened", "; ".join(why)
    proposal = before.proposal
    if not await takes_two(session, tenant_id):
        await tell_others(session, desk, principal, what, told)
        return {}
    is_again = proposal is not None and is_confirmed(proposal, wanted, now)
    if proposal is not None and is_again:
        people = await identity.people_behind(session, tenant_id, [proposal.proposed_by, principal.actor])
        first, second = people.get(proposal.proposed_by), people.get(principal.actor)
        if first is not None and second is not None and first != second:
            await tell_others(session, desk, principal, what, told)
            return {"proposedBy": proposal.proposed_by}
    proposal = BreakerProposal(wanted=wanted, why=why, proposed_by=principal.actor, proposed_at=now)
    await breakers_batch.store_proposal(session, tenant_id, before.id, proposal)
    entry = audit.entry(
        principal,
        "circuit_breaker.propose",
        "CircuitBreaker",
        before.id,
        entry_id=desk.ids.new(),
        now=now,
        old=breaker_document(before),
        new=proposal_document(proposal),
    )
    await session.write([audit.record_batch([entry]), breaker_told(tenant_id, before.id, now)])
    if not is_again:
        await tell_others(session, desk, principal, f"{_named(before)} is to be loosened, and waits for you", told)
    return replace(before, proposal=proposal)


def _named(one: CircuitBreaker) -> str:
    return f"the circuit breaker {one.kind.words} of {'the firm' if one.account_id is None else 'an account'}"


async def list_circuit_breakers(desk: Desk, principal: Principal) -> list[CircuitBreaker]:
    """The breakers, the oldest first; there are at most BREAKERS_MAX."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        found = await breakers_batch.breakers(session, principal.tenant_id)
    return [_as_seen(principal, one) for one in found]


async def follow_breakers(desk: Desk, principal: Principal) -> AsyncIterator[CircuitBreaker]:
    """The breakers that are blind or wait for a second person, then each as it becomes another or sees more or less."""
    tenant_id = principal.tenant_id
    async with desk.bus.subscribe(breakers_channel(tenant_id)) as stream:
        found = await _notable(desk, principal)
        while True:
            for one in found:
                yield one
            message = await anext(stream)
            if isinstance(message, Gap):
                found = await _notable(desk, principal)
                continue
            async with begin_batch(desk.database, tenant_id, accounts=principal.viewable) as session:
                known = await breakers_batch.breakers_by_ids(session, tenant_id, breakers_in(message))
            found = [_as_seen(principal, one) for one in known.values()]


async def _notable(desk: Desk, principal: Principal) -> list[CircuitBreaker]:
    found = await list_circuit_breakers(desk, principal)
    return [one for one in found if one.proposal is not None or one.blind_since is not None]


def _as_seen(principal: Principal, one: CircuitBreaker) -> CircuitBreaker:
    # That a breaker of the firm is blind is for everybody to know; for which accounts, for who may see them.
    seen = principal.within(one.blind_accounts)
    return replace(one, blind_accounts=() if seen is None else tuple(seen))


async def page_of_trips(
    desk: Desk, principal: Principal, breaker_id: BreakerId | None, window: Window[UUID]
) -> Page[Trip]:
    """The trips of the window, the newest first.

    Who is restricted to accounts sees none of the firm's: they tell what all accounts came to together.
    """
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await breakers_batch.trips_page(
            session, principal.tenant_id, breaker_id, window, with_firm=_sees_firm(principal)
        )


async def count_trips(desk: Desk, principal: Principal, breaker_id: BreakerId | None) -> int:
    """How many trips there were."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await breakers_batch.trips_count(
            session, principal.tenant_id, breaker_id, with_firm=_sees_firm(principal)
        )


async def follow_trips(desk: Desk, principal: Principal) -> AsyncIterator[Trip]:
    """The trips whose halts are in force, then each as it happens; where news were missed, those in force again."""
    tenant_id = principal.tenant_id
    async with desk.bus.subscribe(trips_channel(tenant_id)) as stream:
        found, told = await _in_force(desk, principal), set[TripId]()
        while True:
            for trip in found:
                # What was on its way when the follower began, or comes twice, has been told.
                if trip.id not in told and (trip.account_id is not None or _sees_firm(principal)):
                    yield trip
            told = {*sorted(told)[-TOLD_MAX:], *(trip.id for trip in found)}
            message = await anext(stream)
            if isinstance(message, Gap):
                found, told = await _in_force(desk, principal), set()
                continue
            async with begin_batch(desk.database, tenant_id, accounts=principal.viewable) as session:
                found = list((await breakers_batch.trips_by_ids(session, tenant_id, trips_in(message))).values())


def _sees_firm(principal: Principal) -> bool:
    return principal.viewable is None


async def _in_force(desk: Desk, principal: Principal) -> list[Trip]:
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        known = await breakers_batch.breakers(session, principal.tenant_id)
        last = await breakers_batch.last_trips(session, principal.tenant_id, [one.id for one in known])
    return sorted((one for one in last.values() if one.resumed_at is None), key=lambda one: one.id)
