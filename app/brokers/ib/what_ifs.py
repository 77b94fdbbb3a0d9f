"""Questions what an order would do: which of them wait, and whose an answer is that comes late, twice or never."""

import logging
from dataclasses import dataclass

from app.brokers.errors import BrokerBusyError, BrokerDisconnectedError, BrokerTimedOutError, WhatIfRefusedError
from app.brokers.ib.codes import meaning_of
from app.brokers.ib.library import Client, Library
from app.brokers.ib.pacing import Priority
from app.brokers.ib.raw import RawWhatIfState
from app.brokers.ib.session import GatewayAddress, IbSession
from app.brokers.ib.translate import contract_fields, what_if_answer, what_if_fields
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.messages import FaultClass

log = logging.getLogger(__name__)

WAITING_MAX = 16


@dataclass(slots=True)
class _Waiting:
    answer: WhatIfAnswer | None = None
    refusal: str | None = None
    is_over: bool = False


class WhatIfs:
    """The questions of one session, which sends no orders: every order id that it writes is a question's.

    TWS counts order ids for each client id and does not take a lower one later. A question under an id of a session
    that trades would take that id from an order, or push the next ones up.
    """

    def __init__(self, session: IbSession, library: Library, address: GatewayAddress, timeout_s: float) -> None:
        self._session = session
        self._library = library
        self._address = address
        self._timeout_s = timeout_s
        self._first = self._next = 0
        self._waiting: dict[int, _Waiting] = {}

    @property
    def has_asked(self) -> bool:
        """True once a question was written."""
        return self._next > self._first

    def begin(self, next_order_id: int) -> None:
        """The session stands; the gateway takes order ids from this one on."""
        self._first = self._next = next_order_id

    def is_ours(self, client_id: int | None, number: int | None) -> bool:
        """True for the order id of a question, whether or not anybody still waits for its answer."""
        return client_id == self._address.client_id and number is not None and self._first <= number < self._next

    async def ask(self, asked: WhatIf, account: str) -> WhatIfAnswer:
        """The broker's answer; the best that came when none with a margin comes in time.

        Raises WhatIfRefusedError, BrokerBusyError, BrokerTimedOutError, BrokerDisconnectedError.
        """
        if not self._session.is_open:
            raise BrokerDisconnectedError("there is no session with the gateway")
        if len(self._waiting) >= WAITING_MAX:
            raise BrokerBusyError("too many questions wait for the broker already")
        number = self._next
        self._next += 1
        order = self._library.order(what_if_fields(asked, account), is_what_if=True)
        contract = self._library.contract(contract_fields(asked.contract))
        waiting = self._waiting[number] = _Waiting()

        def write(client: Client) -> None:
            client.placeOrder(number, contract, order)

        try:
            await self._session.ask(_part(number), write, priority=Priority.WHAT_IF, timeout_s=self._timeout_s)
        except BrokerTimedOutError:
            if waiting.answer is None:
                raise
        finally:
            del self._waiting[number]
        if waiting.refusal is not None:
            raise WhatIfRefusedError(waiting.refusal)
        assert waiting.answer is not None, "it was answered"
        return waiting.answer

    def answered(self, client_id: int, number: int, state: RawWhatIfState) -> None:
        """The broker told what an order would do. Only an answer with a margin ends the question: a better may come."""
        waiting = self._waiting.get(number) if self.is_ours(client_id, number) else None
        if waiting is None or waiting.is_over:
            log.debug("%s: an answer to what-if %d that nobody waits for", self._address.account, number)
            return
        try:
            answer = what_if_answer(state)
        except ValueError as error:
            waiting.refusal = str(error)
            self._end(number, waiting)
            return
        waiting.answer = answer
        if answer.initial_margin_change is not None:
            self._end(number, waiting)

    def refused(self, number: int, code: int, message: str) -> None:
        """The broker told an error about a question; what only informs does not end it."""
        waiting = self._waiting.get(number)
        if waiting is None or waiting.is_over or meaning_of(code).fault is FaultClass.INFORMATION:
            log.debug("%s: what-if %d: %d %s", self._address.account, number, code, message)
            return
        waiting.refusal = f"{code} {message}"
        self._end(number, waiting)

    def _end(self, number: int, waiting: _Waiting) -> None:
        # What else comes in the same breath, before the asker has its turn, no longer counts.
        waiting.is_over = True
        self._session.answered(_part(number))


def _part(number: int) -> str:
    return f"what-if {number}"
