"""Answers what other processes ask a broker through this connector, some questions at a time and each for moments."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

from app.brokers.domain import BrokerAccount
from app.brokers.errors import BrokerBusyError, BrokerDisconnectedError, BrokerTimedOutError, HistoryPacedError
from app.brokers.questions import QUESTIONS, Answer, Asked, Question, Reply, Subject, decode_question, encode_reply
from app.brokers.reconciling import Reconciled, ReconcileNow
from app.core.errors import OmsError, Problem
from app.core.ids import AccountId, TenantId
from app.infra.bus import Bus
from app.infra.redis import REDIS_LOST, Redis

log = logging.getLogger(__name__)

ANSWERING_MAX = 512

_TOLD: Final = {
    BrokerDisconnectedError.code: "The account is not connected to its broker.",
    BrokerTimedOutError.code: "The broker did not answer in time.",
}


class Respondent(Protocol):
    """Whoever has a session that can be asked."""

    async def answer(self, asked: Asked, account: str) -> Answer:
        """The broker's answer, of that account where the question is about one. Raises OmsError."""
        ...


class Answering:
    """Hears every question, and answers those about accounts that this connector holds."""

    def __init__(
        self,
        *,
        redis: Redis,
        bus: Bus,
        account_of: Callable[[TenantId, AccountId], BrokerAccount | None],
        session_of: Callable[[BrokerAccount], Respondent | None],
        reconcile: Callable[[BrokerAccount], Awaitable[Reconciled]],
    ) -> None:
        """`account_of` is None for an account that is not held here, `session_of` where no session stands."""
        self._redis = redis
        self._bus = bus
        self._account_of = account_of
        self._session_of = session_of
        self._reconcile = reconcile
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Hear and answer until cancelled."""
        try:
            async with self._bus.subscribe(QUESTIONS) as questions:
                async for message in questions:
                    if isinstance(message, bytes):
                        self._hear(message)
        finally:
            for task in self._answering:
                task.cancel()
            await asyncio.gather(*self._answering, return_exceptions=True)

    def _hear(self, message: bytes) -> None:
        try:
            question = decode_question(message)
        except ValueError:
            log.warning("a question to the broker cannot be read")
            return
        account = self._account_of(question.tenant_id, question.account_id)
        if account is None:
            return
        if len(self._answering) >= 2 * ANSWERING_MAX:
            # Not even a refusal for each: whoever asks hears nothing, and gives up by itself.
            return
        is_busy = len(self._answering) >= ANSWERING_MAX
        self._start(self._refuse(question) if is_busy else self._answer(question, account))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _refuse(self, question: Question) -> None:
        reason = Problem(code=BrokerBusyError.code, message="Too many questions wait for the broker already.")
        await self._reply(question, Reply(id=question.id, reason=reason))

    async def _answer(self, question: Question, account: BrokerAccount) -> None:
        try:
            reply = await self._reply_to(question, question.asked, account)
        except OmsError as error:
            # Where the gateway listens, and what it was asked beside, is of no use to who looks ahead at an order.
            reason = Problem(code=error.code, message=_TOLD.get(error.code, error.message))
            retry_after_s = error.retry_after_s if isinstance(error, HistoryPacedError) else None
            await self._reply(question, Reply(id=question.id, reason=reason, retry_after_s=retry_after_s))
        except Exception:
            # The edge of a task of its own: a question must not end the connector.
            log.exception("%s: a question to the broker failed", account.account_number)
        else:
            await self._reply(question, reply)

    async def _reply_to(self, question: Question, asked: Subject, account: BrokerAccount) -> Reply:
        if isinstance(asked, ReconcileNow):
            done = await self._reconcile(account)
            return Reply(id=question.id, reconciliation_id=done.id)
        session = self._session_of(account)
        if session is None:
            raise BrokerDisconnectedError("there is no session with the gateway")
        answer = await session.answer(asked, account.account_number)
        return Reply(id=question.id, answer=answer, currency=account.base_currency)

    async def _reply(self, question: Question, reply: Reply) -> None:
        try:
            await self._redis.publish([(question.reply_to, encode_reply(reply))])
        except REDIS_LOST as error:
            log.warning("a reply was not told: %s", error)
