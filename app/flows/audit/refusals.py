"""Refused acts in the audit log: written aside, after the answer, and a flood of them as a count."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

from app.audit import service as audit
from app.audit.domain import AuditEntry
from app.core.clock import Clock
from app.core.ids import Ids, TenantId
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, PUT_OFF, Database
from app.infra.sharing import end_task
from app.infra.uow import begin_batch

log = logging.getLogger(__name__)

WINDOW: Final = timedelta(seconds=60)
"""After the first refusal of a kind is written, others of it are counted for so long and written as one."""
PULSE_S: Final = 0.5
KINDS_MAX: Final = 5_000
TENANT_KINDS_MAX: Final = 100
"""Beyond so many kinds of refusals in a tenant at once, all others count as one kind."""
LAST_FLUSH_S: Final = 2.0
ANY: Final = "*"
_WAITED_FOR: Final[tuple[type[BaseException], ...]] = (*CONNECTION_LOST, *PUT_OFF, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    tenant_id: TenantId
    actor: str
    ip_address: str
    operation: str
    code: str


@dataclass(slots=True, kw_only=True)
class _Tally:
    request_id: str
    first_at: datetime
    last_at: datetime
    facts: dict[str, Any]
    count: int = 1
    is_told: bool = False
    quiet_until: datetime | None = None


@dataclass(slots=True)
class Refusals:
    """What was refused in this process and is to be written down. To note one costs a look into a dictionary.

    The first of a kind (who, from where, what, why) is written within PULSE_S, those of the next minute as one entry
    with their count. A process that is killed loses what it has not written: one pulse of first ones, a window's count;
    one whose database goes away while it writes may write an entry twice.
    """

    database: Database
    clock: Clock
    ids: Ids
    _tallies: dict[_Kind, _Tally] = field(default_factory=dict)
    _of_tenant: dict[TenantId, int] = field(default_factory=dict)
    _task: "asyncio.Task[None] | None" = None
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def note(self, principal: Principal, operation: str, code: str, **facts: Any) -> None:
        """An act of the principal that its credential does not allow."""
        kind = _Kind(
            tenant_id=principal.tenant_id,
            actor=principal.actor,
            ip_address=principal.ip_address,
            operation=operation,
            code=code,
        )
        self._note(kind, principal.request_id, facts)

    async def flush(self, *, is_last: bool = False) -> int:
        """Writes down what is due, or at the end everything; how many entries."""
        async with self._writing:
            return await self._flush(is_last)

    async def _flush(self, is_last: bool) -> int:
        now = self.clock.now()
        due = [kind for kind, tally in self._tallies.items() if tally.count and (is_last or _is_due(tally, now))]
        written, counts = 0, {kind: self._tallies[kind].count for kind in due}
        for tenant_id, entries in self._entries(due, now):
            async with begin_batch(self.database, tenant_id) as session:
                await session.write([audit.record_batch(entries)])
            written += len(entries)
        for kind in due:
            tally = self._tallies[kind]
            # What was refused while this was being written is told with the next.
            tally.count -= counts[kind]
            tally.first_at, tally.is_told, tally.quiet_until = tally.last_at, True, now + WINDOW
        for kind in [kind for kind, tally in self._tallies.items() if _is_over(tally, now)]:
            del self._tallies[kind]
            self._of_tenant[kind.tenant_id] -= 1
            if not self._of_tenant[kind.tenant_id]:
                del self._of_tenant[kind.tenant_id]
        return written

    async def __aenter__(self) -> Self:
        """Begins to write."""
        self._task = asyncio.create_task(self._write_forever(), name="refusals")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Writes what is left."""
        assert self._task is not None, "it was entered before"
        await end_task(self._task)
        try:
            async with asyncio.timeout(LAST_FLUSH_S):
                await self.flush(is_last=True)
        except _WAITED_FOR as failure:
            log.error("refused acts were not written down at the end: %s", type(failure).__name__)

    def _note(self, kind: _Kind, request_id: str, facts: dict[str, Any]) -> None:
        now = self.clock.now()
        tally = self._tallies.get(kind)
        if tally is None and self._is_full(kind.tenant_id):
            kind = _Kind(
                tenant_id=kind.tenant_id,
                actor=ANY,
                ip_address="",
                operation=ANY,
                code=kind.code,
            )
            tally, facts = self._tallies.get(kind), {}
            if tally is None and len(self._tallies) >= 2 * KINDS_MAX:
                return
        if tally is None:
            self._tallies[kind] = _Tally(request_id=request_id, first_at=now, last_at=now, facts=facts)
            self._of_tenant[kind.tenant_id] = self._of_tenant.get(kind.tenant_id, 0) + 1
            return
        if tally.count == 0:
            tally.first_at = now
        tally.count += 1
        tally.last_at, tally.request_id = now, request_id

    def _is_full(self, tenant_id: TenantId) -> bool:
        return self._of_tenant.get(tenant_id, 0) >= TENANT_KINDS_MAX or len(self._tallies) >= KINDS_MAX

    def _entries(self, due: Sequence[_Kind], now: datetime) -> list[tuple[TenantId, list[AuditEntry]]]:
        found: dict[TenantId, list[AuditEntry]] = {}
        for kind in due:
            found.setdefault(kind.tenant_id, []).append(self._entry(kind, now))
        return list(found.items())

    def _entry(self, kind: _Kind, now: datetime) -> AuditEntry:
        tally = self._tallies[kind]
        new = {**tally.facts, "code": kind.code}
        if tally.is_told or tally.count > 1:
            new |= {"count": tally.count, "since": tally.first_at.isoformat(), "until": tally.last_at.isoformat()}
        return AuditEntry(
            tenant_id=kind.tenant_id,
            id=self.ids.new(),
            actor=kind.actor,
            action="access.refused",
            resource_type="operation",
            resource_id=kind.operation,
            old_values=None,
            new_values=new,
            ip_address=kind.ip_address or None,
            request_id=tally.request_id or None,
            created_at=now,
        )

    async def _write_forever(self) -> None:
        is_failing = False
        while True:
            await asyncio.sleep(PULSE_S)
            try:
                await self.flush()
            except _WAITED_FOR as error:
                if not is_failing:
                    log.error("refused acts wait to be written down: %s", type(error).__name__)
                is_failing = True
                continue
            is_failing = False


def _is_due(tally: _Tally, now: datetime) -> bool:
    return tally.quiet_until is None or now >= tally.quiet_until


def _is_over(tally: _Tally, now: datetime) -> bool:
    return tally.count == 0 and tally.quiet_until is not None and now >= tally.quiet_until
