"""Faults of the way to the client and of the gateway itself: cut, mute, restarted, cut off from upstream."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field as Describe
from pydantic.dataclasses import dataclass

from app.simulator.faults.behaviour import Behaviour, Stage
from app.simulator.faults.parameters import STRICT, Parameters, Seconds
from app.simulator.faults.wire import (
    CANCEL_ORDER,
    EXECUTION,
    PLACE_ORDER,
    START_API,
    Message,
    Request,
)

if TYPE_CHECKING:
    from app.simulator.session import Session

_ABOUT_ORDERS = frozenset({"3", "5", "11", "59"})
_TICKS = frozenset({"1", "2", "46"})


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class DropParameters(Parameters):
    """Parameters of drop."""

    when: Annotated[
        Literal["now", "before-order", "after-order", "before-cancel", "after-cancel", "before-execution"],
        Describe(
            description="at once; or when an order or a cancel comes, before it is taken or before it is answered; "
            "or before an execution is told"
        ),
    ] = "now"


class Drop(Behaviour[DropParameters]):
    """The connection is cut, as a broken network does it."""

    name = "drop"
    parameters_type = DropParameters

    def begin(self) -> None:
        if self.parameters.when == "now":
            for session in self.stage.sessions(self.parameters):
                if self.chance.strikes_now():
                    session.drop()

    def incoming(self, session: "Session", request: Request) -> bool:
        moment, _, what = self.parameters.when.partition("-")
        kind = {"order": PLACE_ORDER, "cancel": CANCEL_ORDER}.get(what)
        if request.kind != kind or not self.covers_request(session, request) or not self.chance.strikes_now():
            return False
        if moment == "after":
            # What the server answers is lost with the connection, what it does is done.
            session.mute()
            self.stage.later(0, session.drop)
            return False
        session.drop()
        return True

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        if self.parameters.when != "before-execution" or message.kind != EXECUTION:
            return (message,)
        if not message.is_live_execution or not self.covers_message(session, message):
            return (message,)
        if not self.chance.strikes_now():
            return (message,)
        session.drop()
        return ()


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class HalfOpenParameters(Parameters):
    """Parameters of half-open."""


class HalfOpen(Behaviour[HalfOpenParameters]):
    """The sockets that stand stay open and carry nothing any more, in either direction; new ones are served."""

    name = "half-open"
    parameters_type = HalfOpenParameters

    def begin(self) -> None:
        for session in self.stage.sessions(self.parameters):
            if self.chance.strikes_now():
                session.mute()


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RestartParameters(Parameters):
    """Parameters of restart."""

    at_s: Annotated[Seconds, Describe(description="so long from now")] = 0.0
    down_s: Annotated[Seconds, Describe(description="how long nobody can connect")] = 2.0
    count: Annotated[int, Describe(ge=1, le=10, description="how many restarts; a gateway's own is two")] = 1
    gap_s: Annotated[Seconds, Describe(description="how long it serves between two")] = 2.0
    loses_s: Annotated[
        Seconds, Describe(description="orders that come so shortly before the last restart are lost in silence")
    ] = 0.0


class Restart(Behaviour[RestartParameters]):
    """The gateway restarts: every connection ends, and nobody can connect until it is back."""

    name = "restart"
    parameters_type = RestartParameters

    def __init__(self, parameters: RestartParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._is_down = False
        self._is_losing = False

    def begin(self) -> None:
        parameters = self.parameters
        for number in range(parameters.count):
            falls_at = parameters.at_s + number * (parameters.down_s + parameters.gap_s)
            self.stage.later(falls_at, self._fall)
            self.stage.later(falls_at + parameters.down_s, self._rise)
            if parameters.loses_s and number == parameters.count - 1:
                self.stage.later(max(falls_at - parameters.loses_s, 0), self._lose)

    def end(self) -> None:
        self._rise()

    def admits(self) -> bool:
        return not self._is_down or bool(self.parameters.clients)

    def incoming(self, session: "Session", request: Request) -> bool:
        if self._is_down and request.kind == START_API and request.number(2) in self.parameters.clients:
            session.drop()
            return True
        if not self._is_losing or request.kind != PLACE_ORDER:
            return False
        return self.covers_request(session, request) and self.chance.strikes_now()

    def _fall(self) -> None:
        self._is_down, self._is_losing = True, False
        self.chance.strikes += 1
        for session in self.stage.sessions(self.parameters):
            session.drop()

    def _rise(self) -> None:
        self._is_down = False

    def _lose(self) -> None:
        self._is_losing = True


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class UpstreamParameters(Parameters):
    """Parameters of upstream-lost."""

    down_s: Annotated[Seconds, Describe(description="how long the broker's servers are away")] = 2.0
    back_as: Annotated[Literal[1101, 1102], Describe(description="1101: market data was lost; 1102: it was kept")] = (
        1102
    )
    loses_reports: Annotated[
        bool, Describe(description="whether what happens to orders meanwhile is never told of itself")
    ] = True


class UpstreamLost(Behaviour[UpstreamParameters]):
    """The gateway loses the broker's servers (1100) and finds them again; the socket to the client stays."""

    name = "upstream-lost"
    parameters_type = UpstreamParameters

    def __init__(self, parameters: UpstreamParameters, stage: Stage) -> None:
        super().__init__(parameters, stage)
        self._is_down = False

    def begin(self) -> None:
        self.chance.strikes += 1
        self._is_down = True
        self._tell(1100, "Connectivity between IB and Trader Workstation has been lost.")
        self.stage.later(self.parameters.down_s, self._restore)

    def end(self) -> None:
        self._restore()

    def incoming(self, session: "Session", request: Request) -> bool:
        is_meant = not self.parameters.clients or request.number(2) in self.parameters.clients
        if self._is_down and request.kind == START_API and is_meant:
            # Whoever comes now was not there to hear 1100.
            words = "Connectivity between TWS and server is broken. It will be restored automatically."
            self.stage.later(0, lambda: session.send_error(-1, 2110, words))
        return False

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        if not self._is_down or (self.parameters.clients and session.client_id not in self.parameters.clients):
            return (message,)
        is_lost = message.kind in _TICKS or (self.parameters.loses_reports and message.kind in _ABOUT_ORDERS)
        return () if is_lost else (message,)

    def _restore(self) -> None:
        if not self._is_down:
            return
        self._is_down = False
        kept = "maintained" if self.parameters.back_as == 1102 else "lost"
        if kept == "lost":
            for session in self.stage.sessions(self.parameters):
                for request_id in list(session.subscriptions.lines):
                    self.stage.venue.lines.close(session, request_id)
        words = f"Connectivity between IB and Trader Workstation has been restored - data {kept}."
        self._tell(self.parameters.back_as, words)

    def _tell(self, code: int, words: str) -> None:
        for session in self.stage.sessions(self.parameters):
            session.send_error(-1, code, words)


_FARMS = {
    "market": (2103, "Market data farm connection is broken:usfarm", 2104, "Market data farm connection is OK:usfarm"),
    "history": (2105, "HMDS data farm connection is broken:ushmds", 2106, "HMDS data farm connection is OK:ushmds"),
    "history-inactive": (
        2107,
        "HMDS data farm connection is inactive but should be available upon demand.ushmds",
        2106,
        "HMDS data farm connection is OK:ushmds",
    ),
    "market-inactive": (
        2108,
        "Market data farm connection is inactive but should be available upon demand.usfarm",
        2104,
        "Market data farm connection is OK:usfarm",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class FarmFlapParameters(Parameters):
    """Parameters of farm-flap."""

    farm: Annotated[
        Literal["market", "history", "history-inactive", "market-inactive"],
        Describe(description="2103 and 2104; 2105 and 2106; 2107 and 2106; 2108 and 2104"),
    ] = "market"
    down_s: Annotated[Seconds, Describe(description="between the loss and the return")] = 0.5
    flaps: Annotated[int, Describe(ge=1, le=100, description="how often")] = 3


class FarmFlap(Behaviour[FarmFlapParameters]):
    """A data farm goes and comes; orders have nothing to do with it."""

    name = "farm-flap"
    parameters_type = FarmFlapParameters

    def begin(self) -> None:
        for flap in range(self.parameters.flaps):
            self.stage.later(flap * 2 * self.parameters.down_s, self._go)
            self.stage.later((flap * 2 + 1) * self.parameters.down_s, self._come)

    def _go(self) -> None:
        self.chance.strikes += 1
        code, words, _, _ = _FARMS[self.parameters.farm]
        self._tell(code, words)

    def _come(self) -> None:
        _, _, code, words = _FARMS[self.parameters.farm]
        self._tell(code, words)

    def _tell(self, code: int, words: str) -> None:
        for session in self.stage.sessions(self.parameters):
            session.send_error(-1, code, words)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class NonsenseParameters(Parameters):
    """Parameters of nonsense."""

    shape: Annotated[
        Literal["fields", "status", "length"],
        Describe(
            description="an orderStatus that breaks off; one with a status that nobody wrote down and a size of 1e9; "
            "a frame that says it is a billion bytes long"
        ),
    ] = "fields"


class Nonsense(Behaviour[NonsenseParameters]):
    """The server says what nobody can read."""

    name = "nonsense"
    parameters_type = NonsenseParameters

    def begin(self) -> None:
        for session in self.stage.sessions(self.parameters):
            if not self.chance.strikes_now():
                continue
            match self.parameters.shape:
                case "fields":
                    self.stage.send(session, [Message(["3", "no order", "Submitted"])])
                case "status":
                    fields = ["3", "1", "Bewitched", "1000000000", "0", "0", "0", "0", "0", "0", "", "0"]
                    self.stage.send(session, [Message(fields)])
                case "length":
                    session.send_past_faults((1_000_000_000).to_bytes(4, "big") + b"3\0")


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class StrayErrorParameters(Parameters):
    """Parameters of stray-error."""

    code: Annotated[int, Describe(ge=1, le=99_999, description="the error code")] = 2110
    message: Annotated[str, Describe(description="its words")] = "Connectivity between TWS and server is broken."


class StrayError(Behaviour[StrayErrorParameters]):
    """One error message that names no request, to every client that it covers."""

    name = "stray-error"
    parameters_type = StrayErrorParameters

    def begin(self) -> None:
        for session in self.stage.sessions(self.parameters):
            if self.chance.strikes_now():
                session.send_error(-1, self.parameters.code, self.parameters.message)
