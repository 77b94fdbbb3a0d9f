"""The heads of the chains: signed now and then, and brought to a sink outside the database."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from app.audit import sealing_batch as sealing
from app.audit.domain import Head, SignedHead
from app.audit.domain.heads import HeadUnreadableError, read_head
from app.core.clock import Clock
from app.core.errors import UnavailableError
from app.infra.db import CONNECTION_LOST, PUT_OFF, Database
from app.infra.head_sinks import HeadLine, HeadSink, HeadSinkError
from app.infra.signing import Signer
from app.infra.uow import begin_system

log = logging.getLogger(__name__)

SIGNED_MAX: Final = 500
DELIVERED_MAX: Final = 200
PULSE_S: Final = 1.0
RETRY_S_MIN: Final = 5.0
RETRY_S_MAX: Final = 300.0
_WAITED_FOR: Final[tuple[type[BaseException], ...]] = (*CONNECTION_LOST, *PUT_OFF, UnavailableError)


class HeadKeeper:
    """Signs the heads that have moved, every interval, and delivers them; a sink that fails is tried again later.

    What is signed is committed before it is delivered: it reaches the sink at least once.
    """

    def __init__(
        self,
        database: Database,
        signer: Signer,
        sink: HeadSink | None,
        clock: Clock,
        *,
        interval_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """The database must be of the role SEALER."""
        self._database = database
        self._signer = signer
        self._sink = sink
        self._clock = clock
        self._interval_s = interval_s
        self._monotonic = monotonic
        self._signed_at: float | None = None
        self._retry_at: float | None = None
        self._retry_s = RETRY_S_MIN

    async def keep(self) -> None:
        """Signs when the interval has passed, and delivers then, or when a failed delivery is due again."""
        now = self._monotonic()
        is_due = self._retry_at is not None and now >= self._retry_at
        if self._signed_at is None or now - self._signed_at >= self._interval_s:
            self._signed_at = now
            while await self.sign() == SIGNED_MAX:
                pass
            is_due = is_due or self._retry_at is None
        if is_due and self._sink is not None:
            await self._try_to_deliver(self._sink)

    async def sign(self) -> int:
        """Signs heads that have moved since they were signed last; how many."""
        async with begin_system(self._database) as session:
            heads = await sealing.unsigned_heads(session, self._signer.key_id, self._clock.now(), SIGNED_MAX)
            if heads:
                await sealing.add_signed_heads(session, signed(self._signer, heads))
        return len(heads)

    async def deliver(self) -> int:
        """Brings signed heads to the sink; how many. Raises HeadSinkError."""
        assert self._sink is not None, "there is no sink to deliver to"
        async with begin_system(self._database) as session:
            heads = await sealing.undelivered_heads(session, DELIVERED_MAX)
        if heads:
            await self._sink.write([_line(one) for one in heads])
            async with begin_system(self._database) as session:
                await sealing.note_delivered(session, heads, self._clock.now())
        return len(heads)

    async def _try_to_deliver(self, sink: HeadSink) -> None:
        try:
            while await self.deliver() == DELIVERED_MAX:
                pass
        except HeadSinkError as error:
            self._retry_at = self._monotonic() + self._retry_s
            log.error("signed heads of the audit log wait %.0f s for their sink: %s", self._retry_s, error.message)
            self._retry_s = min(2 * self._retry_s, RETRY_S_MAX)
            return
        if self._retry_at is not None:
            log.info("the sink of the audit log's heads takes them again")
        self._retry_at, self._retry_s = None, RETRY_S_MIN


async def keep_heads_forever(keeper: HeadKeeper, is_active: Callable[[], bool]) -> None:
    """Signs and delivers while is_active says that this process seals; a server that is away is waited for."""
    while True:
        try:
            if is_active():
                await keeper.keep()
        except _WAITED_FOR as error:
            log.debug("heads wait for the database: %s", error)
        except Exception:
            log.exception("heads of the audit log are not signed or delivered")
        await asyncio.sleep(PULSE_S)


def signed(signer: Signer, heads: Sequence[Head]) -> list[SignedHead]:
    """The heads with the signer's signatures; their key_id is the signer's."""
    return [SignedHead(head=head, signature=signer.sign(head.preimage())) for head in heads]


async def heads_of_sink(sink: HeadSink, tenant_id: UUID) -> tuple[list[SignedHead], int]:
    """The heads that the sink keeps of a tenant, and how many of its lines are none. Raises HeadSinkError."""
    heads, bad = [], 0
    for line in await sink.read(tenant_id):
        try:
            found = read_head(line)
        except HeadUnreadableError:
            bad += 1
            continue
        if found.head.tenant_id == tenant_id:
            heads.append(found)
        else:
            bad += 1
    return heads, bad


def _line(one: SignedHead) -> HeadLine:
    head = one.head
    return HeadLine(
        tenant_id=head.tenant_id,
        sequence=head.sequence,
        pruned_sequence=head.pruned_sequence,
        line=one.line(),
    )
