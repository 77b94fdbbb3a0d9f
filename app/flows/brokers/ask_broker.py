"""Questions from a process that serves clients to the connector that holds the account, over Redis and for moments."""

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import Self
from uuid import UUID

from app.brokers.errors import BrokerBusyError, BrokerTimedOutError, ConnectorAwayError
from app.brokers.questions import QUESTIONS, Question, Reply, Subject, decode_reply, encode_question
from app.core.errors import Problem
from app.core.ids import Ids
from app.core.messages import AccountKey
from app.infra.bus import Bus
from app.infra.redis import REDIS_LOST, Redis
from app.infra.sharing import end_task

log = logging.getLogger(__name__)

REPLY_WITHIN_S = 2.0
ASKING_MAX = 256


class BrokerDesk:
    """Asks the broker through whichever connector holds the account. Nothing is stored, here or in Redis."""

    def __init__(self, redis: Redis, bus: Bus, ids: Ids, *, reply_within_s: float = REPLY_WITHIN_S) -> None:
        self._redis = redis
        self._bus = bus
        self._ids = ids
        self._reply_within_s = reply_within_s
        self._reply_to = f"broker:replies:{ids.new()}"
        self._asking: dict[UUID, asyncio.Future[Reply]] = {}
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        ready = asyncio.Event()
        self._listener = asyncio.create_task(self._listen(ready), name="replies of connectors")
        await ready.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None, "it was entered"
        await end_task(self._listener)

    async def ask(self, key: AccountKey, asked: Subject, *, within_s: float | None = None) -> Reply:
        """The connector's reply, or one of ours with the reason why there is none: this never raises for an outage.

        within_s is for questions that take a broker longer than most.
        """
        if len(self._asking) >= ASKING_MAX:
            return self._unanswered(BrokerBusyError.code, "Too many questions wait for the broker already.")
        question = Question(
            id=self._ids.new(),
            reply_to=self._reply_to,
            tenant_id=key.tenant_id,
            account_id=key.account_id,
            asked=asked,
        )
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asking[question.id] = reply
        try:
            async with asyncio.timeout(within_s or self._reply_within_s):
                heard = await self._redis.client.publish(self._redis.prefix + QUESTIONS, encode_question(question))
                if not heard:
                    return self._unanswered(ConnectorAwayError.code, "No connector runs that could ask the broker.")
                return await reply
        except TimeoutError:
            return self._unanswered(BrokerTimedOutError.code, "The broker did not answer in time.")
        except REDIS_LOST:
            return self._unanswered(ConnectorAwayError.code, "The connector cannot be reached: Redis does not answer.")
        finally:
            del self._asking[question.id]

    def _unanswered(self, code: str, message: str) -> Reply:
        return Reply(id=self._ids.new(), reason=Problem(code=code, message=message))

    async def _listen(self, ready: asyncio.Event) -> None:
        try:
            async with self._bus.subscribe(self._reply_to) as replies:
                ready.set()
                async for message in replies:
                    if isinstance(message, bytes):
                        self._take(message)
        finally:
            ready.set()

    def _take(self, message: bytes) -> None:
        try:
            reply = decode_reply(message)
        except ValueError:
            log.warning("a reply of a connector cannot be read")
            return
        # Nobody waits any more for one that comes late.
        asking = self._asking.get(reply.id)
        if asking is not None:
            with contextlib.suppress(asyncio.InvalidStateError):
                asking.set_result(reply)
