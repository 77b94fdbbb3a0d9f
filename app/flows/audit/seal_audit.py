"""The sealer: moves what was written down into the tenants' hash chains, by one process at a time."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.audit import sealing_batch as sealing
from app.audit.domain import Link, SealedEntry, address_subject, canonical, chain_hash, part, values_subject
from app.audit.keys_batch import PersonKey, key_purpose
from app.audit.sealing_batch import ChainEnd, SealerLease, Waiting
from app.core.clock import Clock
from app.core.errors import OmsError
from app.core.ids import Ids, TenantId
from app.infra.db import CONNECTION_LOST, PUT_OFF, BatchSession, Database
from app.infra.uow import begin_system
from app.infra.vault import DataKey, Vault

log = logging.getLogger(__name__)

BATCH: Final = 500
LEASE_S: Final = 15.0
# A lease that was renewed so short ago, as a part of its length, is not renewed again.
RENEWED_PART: Final = 0.3
STANDBY_S: Final = 2.0
IDLE_S: Final = 0.5
BACKOFF_S: Final = 2.0
_NOBODY: Final = UUID(int=0)
_WAITED_FOR: Final[tuple[type[BaseException], ...]] = (*CONNECTION_LOST, *PUT_OFF, OmsError)


class _LostError(Exception):
    """The lease went, or another sealer was here: nothing of this batch may be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """An entry with its values parsed and parted, and under whose keys what is personal in it goes."""

    waiting: Waiting
    old: Any
    new: Any
    personal: tuple[Any, ...]
    address_subject: str | None
    values_subject: str | None

    @property
    def subjects(self) -> Iterator[str]:
        return (one for one in (self.address_subject, self.values_subject) if one is not None)


class Sealer:
    """One of the sealers that there may be: it seals while it holds the lease.

    An entry leaves the waiting room in the transaction that puts it into the chain, so that a sealer that is killed
    leaves every entry in exactly one of the two. What is committed is seen in the order of the commits; among entries
    that one look finds together the order is that in which their transactions began to write, then their ids'.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        ids: Ids,
        *,
        lease_s: float = LEASE_S,
        batch: int = BATCH,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """The database must be of the role SEALER."""
        self._database = database
        self._vault = vault
        self._clock = clock
        self._ids = ids
        self._lease_s = lease_s
        self._batch = batch
        self._monotonic = monotonic
        self._holder = str(ids.new())
        self._lease: SealerLease | None = None
        self._renewed_at = 0.0
        self._after = _NOBODY

    async def seal_once(self) -> int | None:
        """Seals the next batch; how many, less than a batch when nothing waits any more, None while another sealer is
        active.

        Raises SecretUnreadableError when a key that is needed is not in OMS_MASTER_KEY.
        """
        if not await self.keep_lease():
            return None
        try:
            after = self._after
            sealed = await self._seal_from(after)
            if sealed < self._batch and after != _NOBODY:
                sealed += await self._seal_from(_NOBODY)
        except _LostError:
            self._lease = None
            return None
        return sealed

    @property
    def is_active(self) -> bool:
        """True while this one had the lease when it looked last."""
        return self._lease is not None

    async def keep_lease(self) -> bool:
        """Takes or renews the lease; False while another sealer has it."""
        if self._lease is None or self._monotonic() - self._renewed_at > self._lease_s * RENEWED_PART:
            self._renewed_at = self._monotonic()
            async with begin_system(self._database) as session:
                self._lease = await sealing.take_lease(session, self._holder, self._lease_s)
        return self._lease is not None

    async def stand_down(self) -> None:
        """Lets another sealer take over at once."""
        lease, self._lease = self._lease, None
        if lease is not None:
            async with begin_system(self._database) as session:
                await sealing.give_lease(session, lease)

    async def _seal_from(self, after: UUID) -> int:
        assert self._lease is not None, "the lease was taken before"
        now = self._clock.now()
        async with begin_system(self._database) as session:
            entries = await sealing.waiting(session, after, self._batch)
            if entries:
                if not await sealing.holds_lease(session, self._lease):
                    raise _LostError
                ends = await sealing.lock_ends(session, sorted({one.tenant_id for one in entries}), now)
                opened = [_opened(entry) for entry in entries]
                links = _linked(opened, ends, await self._keys(session, opened))
                if not await sealing.seal(session, entries, links):
                    raise _LostError
                await sealing.move_ends(session, list(ends.values()), now)
        # The next batch begins behind the last tenant of a full one: who has much to seal holds up nobody for long.
        self._after = entries[-1].tenant_id if len(entries) == self._batch else _NOBODY
        return len(entries)

    async def _keys(
        self, session: BatchSession, entries: Sequence[_Opened]
    ) -> Callable[[TenantId, str], tuple[UUID, DataKey]]:
        wanted = sorted({(one.waiting.tenant_id, subject) for one in entries for subject in one.subjects})
        stored = await sealing.person_keys(session, wanted) if wanted else {}
        opened: dict[tuple[TenantId, str], tuple[UUID, DataKey]] = {
            place: (key.id, self._key(key)) for place, key in stored.items()
        }
        made: list[PersonKey] = []
        for tenant_id, subject in wanted:
            if (tenant_id, subject) not in opened:
                key_id = self._ids.new()
                key, wrapped = self._vault.new_data_key(key_purpose(tenant_id, key_id))
                made.append(PersonKey(tenant_id=tenant_id, id=key_id, subject=subject, wrapped=wrapped))
                opened[tenant_id, subject] = (key_id, key)
        if made:
            await sealing.add_person_keys(session, made, self._clock.now())
        return lambda tenant_id, subject: opened[tenant_id, subject]

    def _key(self, key: PersonKey) -> DataKey:
        if key.is_destroyed:
            # Of a person who was erased: it is sealed under a key that nobody keeps.
            return self._vault.new_data_key(key.purpose)[0]
        return self._vault.data_key(key.wrapped, key.purpose)


async def seal_forever(sealer: Sealer) -> None:
    """Seals whenever something was committed; a server that is away is waited for, and nothing is lost."""
    is_failing = False
    try:
        while True:
            try:
                sealed = await sealer.seal_once()
            except _WAITED_FOR as error:
                if not is_failing:
                    log.error("the audit log waits to be sealed: %s", str(error) or type(error).__name__)
                is_failing = True
                await asyncio.sleep(BACKOFF_S)
                continue
            except Exception:
                # The log must not stop for good over what one batch met: it is tried again, and told each time.
                log.exception("the audit log waits to be sealed")
                is_failing = True
                await asyncio.sleep(BACKOFF_S)
                continue
            if is_failing:
                log.info("the audit log is sealed again")
                is_failing = False
            if sealed is None:
                await asyncio.sleep(STANDBY_S)
            elif sealed < BATCH:
                await asyncio.sleep(IDLE_S)
    finally:
        try:
            await sealer.stand_down()
        except CONNECTION_LOST as error:
            log.debug("the lease of the sealer runs out by itself: %s", error)


def _opened(entry: Waiting) -> _Opened:
    old, new = _parsed(entry.old_values), _parsed(entry.new_values)
    parted = part([old, new])
    subject = None
    if parted.personal:
        subject = values_subject(entry.actor, entry.resource_type, entry.resource_id, _mapping(old), _mapping(new))
    return _Opened(
        waiting=entry,
        old=parted.values[0],
        new=parted.values[1],
        personal=parted.personal,
        address_subject=None if entry.ip_address is None else address_subject(entry.actor, entry.ip_address),
        values_subject=subject,
    )


def _linked(
    entries: Sequence[_Opened],
    ends: dict[TenantId, ChainEnd],
    key_of: Callable[[TenantId, str], tuple[UUID, DataKey]],
) -> list[Link]:
    links = []
    for entry in entries:
        end = ends[entry.waiting.tenant_id]
        sealed = _sealed(entry, end.sequence + 1, key_of)
        link = Link(entry=sealed, hash=chain_hash(sealed, end.hash))
        ends[end.tenant_id] = ChainEnd(tenant_id=end.tenant_id, sequence=sealed.sequence, hash=link.hash)
        links.append(link)
    return links


def _sealed(opened: _Opened, sequence: int, key_of: Callable[[TenantId, str], tuple[UUID, DataKey]]) -> SealedEntry:
    entry = opened.waiting
    place = (str(entry.tenant_id), str(entry.id))
    address_key = values_key = sealed_address = sealed_values = None
    if entry.ip_address is not None and opened.address_subject is not None:
        address_key, key = key_of(entry.tenant_id, opened.address_subject)
        sealed_address = key.seal(entry.ip_address, *place, "address")
    if opened.values_subject is not None:
        values_key, key = key_of(entry.tenant_id, opened.values_subject)
        sealed_values = key.seal(json.dumps(opened.personal), *place, "values")
    return SealedEntry(
        tenant_id=entry.tenant_id,
        sequence=sequence,
        id=entry.id,
        actor=entry.actor,
        action=entry.action,
        resource_type=entry.resource_type,
        resource_id=entry.resource_id,
        old_values=None if opened.old is None else canonical(opened.old),
        new_values=None if opened.new is None else canonical(opened.new),
        address_key=address_key,
        sealed_address=sealed_address,
        values_key=values_key,
        sealed_values=sealed_values,
        request_id=entry.request_id,
        created_at=entry.created_at,
    )


def _parsed(text: str | None) -> Any:
    # A number that is not whole stays the text that it is.
    return None if text is None else json.loads(text, parse_float=str)


def _mapping(values: Any) -> dict[str, Any] | None:
    return values if isinstance(values, dict) else None
