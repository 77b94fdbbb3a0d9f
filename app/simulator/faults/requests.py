"""Faults in what becomes of a client's requests: refused, swallowed, unanswered, or counted against a pace."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field as Describe
from pydantic.dataclasses import dataclass

from app.simulator.faults.behaviour import Behaviour, Stage
from app.simulator.faults.parameters import STRICT, Milliseconds, Parameters
from app.simulator.faults.wire import (
    CANCEL_ORDER,
    MARKET_DATA,
    OPEN_ORDER,
    PERM_ID_OF_OPEN_ORDER,
    PLACE_ORDER,
    START_API,
    Message,
    Request,
)

if TYPE_CHECKING:
    from app.simulator.session import Session

CLIENT_ID_IN_USE = 326
TOO_MANY_MESSAGES = 100

_CANCEL_WORDS = {
    161: "Cancel attempted when order is not in a cancellable state.",
    10147: "OrderId {order_id} that needs to be cancelled is not found.",
    10148: "OrderId {order_id} that needs to be cancelled cannot be cancelled, state: PendingCancel.",
}


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RefusedModifyParameters(Parameters):
    """Parameters of refused-modify."""

    code: Annotated[int, Describe(ge=1, le=99_999, description="the error code")] = 105
    message: Annotated[str, Describe(description="its words")] = "Order being modified does not match original order."


class RefusedModify(Behaviour[RefusedModifyParameters]):
    """A modify is refused; the order lives on its old terms."""

    name = "refused-modify"
    parameters_type = RefusedModifyParameters

    def incoming(self, session: "Session", request: Request) -> bool:
        if request.kind != PLACE_ORDER or session.client_id is None:
            return False
        order = self.stage.venue.exchange.order_at(session.client_id, request.order_id)
        if order is None or not self.covers_order(order) or not self.chance.strikes_now():
            return False
        session.send_error(request.order_id, self.parameters.code, self.parameters.message)
        return True


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RefusedCancelParameters(Parameters):
    """Parameters of refused-cancel."""

    code: Annotated[Literal[161, 10147, 10148], Describe(description="the error code")] = 161
    ends_anyway: Annotated[bool, Describe(description="whether the order is cancelled all the same")] = False


class RefusedCancel(Behaviour[RefusedCancelParameters]):
    """A cancel is answered with an error, and the error does not say what became of the order."""

    name = "refused-cancel"
    parameters_type = RefusedCancelParameters

    def incoming(self, session: "Session", request: Request) -> bool:
        if request.kind != CANCEL_ORDER or not self.covers_request(session, request):
            return False
        if not self.chance.strikes_now():
            return False
        words = _CANCEL_WORDS[self.parameters.code].format(order_id=request.order_id)
        session.send_error(request.order_id, self.parameters.code, words)
        return not self.parameters.ends_anyway


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SwallowParameters(Parameters):
    """Parameters of swallow."""

    requests: Annotated[
        Literal["orders", "modifies", "cancels"], Describe(description="which requests never arrive")
    ] = "orders"


class Swallow(Behaviour[SwallowParameters]):
    """A request was written to the socket and never arrives: nothing answers it."""

    name = "swallow"
    parameters_type = SwallowParameters

    def incoming(self, session: "Session", request: Request) -> bool:
        if not request.is_about_order or session.client_id is None or not self._is_meant(session, request):
            return False
        return self.covers_request(session, request) and self.chance.strikes_now()

    def _is_meant(self, session: "Session", request: Request) -> bool:
        if request.kind == CANCEL_ORDER:
            return self.parameters.requests == "cancels"
        assert session.client_id is not None
        is_known = self.stage.venue.exchange.order_at(session.client_id, request.order_id) is not None
        return self.parameters.requests == ("modifies" if is_known else "orders")


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ClientIdTakenParameters(Parameters):
    """Parameters of client-id-taken."""

    drops_first: Annotated[bool, Describe(description="whether the connections that stand are cut first")] = True


class ClientIdTaken(Behaviour[ClientIdTakenParameters]):
    """A client that comes is told 326: its id is in use, as by its own earlier connection that nobody ended."""

    name = "client-id-taken"
    parameters_type = ClientIdTakenParameters

    def begin(self) -> None:
        if self.parameters.drops_first:
            for session in self.stage.sessions(self.parameters):
                session.drop()

    def incoming(self, session: "Session", request: Request) -> bool:
        if request.kind != START_API or session.client_id is not None:
            return False
        if self.parameters.clients and request.number(2) not in self.parameters.clients:
            return False
        if not self.chance.strikes_now():
            return False
        words = "Unable to connect as the client id is already in use. Retry with a unique client id."
        session.send_error(-1, CLIENT_ID_IN_USE, words)
        session.close()
        return True


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PacingParameters(Parameters):
    """Parameters of pacing."""

    per_second: Annotated[int, Describe(ge=1, le=10_000, description="messages that one second takes")] = 50
    strikes_max: Annotated[int, Describe(ge=1, le=100, description="breaches after which the client is cut")] = 3


class Pacing(Behaviour[PacingParameters]):
    """The gateway's pace is enforced: what is too much is dropped with error 100, and who goes on is cut off."""

    name = "pacing"
    parameters_type = PacingParameters

    def __init__(self, parameters: PacingParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._arrivals: deque[float] = deque()
        self._breaches: dict[Session, int] = {}

    def incoming(self, session: "Session", request: Request) -> bool:
        if self.parameters.clients and session.client_id not in self.parameters.clients:
            return False
        now = asyncio.get_running_loop().time()
        while self._arrivals and now - self._arrivals[0] >= 1.0:
            self._arrivals.popleft()
        if len(self._arrivals) < self.parameters.per_second:
            self._arrivals.append(now)
            return False
        self.chance.strikes += 1
        breaches = self._breaches[session] = self._breaches.get(session, 0) + 1
        session.send_error(-1, TOO_MANY_MESSAGES, "Max rate of messages per second has been exceeded")
        if breaches >= self.parameters.strikes_max:
            session.close()
        return True


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class WhatIfParameters(Parameters):
    """Parameters of what-if."""

    answers: Annotated[int, Describe(ge=0, le=10, description="0: it hangs; 2: it is answered twice")] = 0
    apart_ms: Annotated[Milliseconds, Describe(description="between one answer and the next")] = 50


class WhatIfAnswers(Behaviour[WhatIfParameters]):
    """The question what an order would do is never answered, or more than once."""

    name = "what-if"
    parameters_type = WhatIfParameters

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        # A preview is the one openOrder of an order that does not exist.
        if message.kind != OPEN_ORDER or message.fields[PERM_ID_OF_OPEN_ORDER] != "0":
            return (message,)
        if self.parameters.clients and session.client_id not in self.parameters.clients:
            return (message,)
        if not self.chance.strikes_now():
            return (message,)
        for again in range(1, self.parameters.answers):
            copy = message.copy()
            self.stage.later(again * self.parameters.apart_ms / 1_000, _sending(self.stage, session, copy))
        return (message,) if self.parameters.answers else ()


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class LineNoticeParameters(Parameters):
    """Parameters of line-notice."""

    code: Annotated[
        Literal[354, 10089, 10090, 10091, 10167, 10168, 10186, 10197], Describe(description="the error code")
    ] = 10197
    message: Annotated[str, Describe(description="its words")] = "No market data during competing live session"


class LineNotice(Behaviour[LineNoticeParameters]):
    """A market data line is refused, or told to be delayed (10090, 10167), when it is asked for."""

    name = "line-notice"
    parameters_type = LineNoticeParameters

    def incoming(self, session: "Session", request: Request) -> bool:
        if request.kind != MARKET_DATA or (self.parameters.symbol and request.at(4) != self.parameters.symbol):
            return False
        if self.parameters.clients and session.client_id not in self.parameters.clients:
            return False
        if not self.chance.strikes_now():
            return False
        session.send_error(request.number(2), self.parameters.code, self.parameters.message)
        return self.parameters.code not in {10090, 10167}


def _sending(stage: Stage, session: "Session", message: Message) -> Callable[[], None]:
    return lambda: stage.send(session, [message])
