"""What a fault does: the base of all, and the stage on which they act."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from app.simulator.faults.parameters import Chance, Parameters, Subject
from app.simulator.faults.wire import COMMISSION, EXECUTION_ID_OF_COMMISSION, PLACE_ORDER, Message, Request
from app.simulator.orders import Execution, SimulatedOrder

if TYPE_CHECKING:
    from app.simulator.session import Session
    from app.simulator.venue import Venue

Given = TypeVar("Given", bound=Parameters)


class Stage:
    """What a fault acts on: the venue, its sessions, and a clock that forgets everything when the fault ends."""

    def __init__(self, venue: "Venue") -> None:
        self.venue = venue
        self._timers: set[asyncio.TimerHandle] = set()

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Act so much later, unless the fault has ended by then."""

        def due() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(seconds, due)
        self._timers.add(timer)

    def quiet(self) -> None:
        """Forget everything that was to be done later."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def sessions(self, parameters: Parameters) -> list["Session"]:
        """The started sessions that the fault covers."""
        return [
            session
            for session in self.venue.sessions()
            if session.client_id is not None and (not parameters.clients or session.client_id in parameters.clients)
        ]

    def send(self, session: "Session", messages: Iterable[Message]) -> None:
        """Send these past every fault."""
        session.send_past_faults(b"".join(message.encoded() for message in messages))

    def order_of(self, message: Message) -> SimulatedOrder | None:
        """The order that a message tells of."""
        if message.kind == COMMISSION:
            execution = self.execution(message.fields[EXECUTION_ID_OF_COMMISSION])
            return self.venue.exchange.orders.get(execution.perm_id) if execution else None
        return self.venue.exchange.orders.get(message.perm_id)

    def execution(self, execution_id: str) -> Execution | None:
        """The newest execution of this id."""
        executions = reversed(self.venue.exchange.executions)
        return next((one for one in executions if one.execution_id == execution_id), None)

    def subject_of(self, session: "Session", message: Message) -> Subject:
        """Whom and what an outgoing message is about."""
        order = self.order_of(message)
        if order is None:
            return Subject(client_id=session.client_id)
        return self.subject_of_order(order, session.client_id)

    def subject_of_order(self, order: SimulatedOrder, client_id: int | None = None) -> Subject:
        """Whom and what an order is about."""
        return Subject(
            client_id=order.client_id if client_id is None else client_id,
            account=order.request.account,
            symbol=self.venue.directory[order.request.con_id].entry.symbol,
            order_type=order.request.order_type,
        )

    def subject_of_request(self, session: "Session", request: Request) -> Subject:
        """Whom and what a request is about."""
        assert session.client_id is not None
        if request.kind == PLACE_ORDER:
            con_id, directory = request.number(2), self.venue.directory
            symbol = request.at(3)
            if con_id in directory:
                symbol = directory[con_id].entry.symbol
            accounts = self.venue.exchange.accounts
            return Subject(
                client_id=session.client_id,
                account=request.at(23) or (next(iter(accounts)) if len(accounts) == 1 else ""),
                symbol=symbol,
                order_type=request.at(18),
            )
        order = self.venue.exchange.order_at(session.client_id, request.order_id) if request.is_about_order else None
        return Subject(client_id=session.client_id) if order is None else self.subject_of_order(order)


class Behaviour(Generic[Given]):
    """One injected fault at work. A subclass says what it does where; what it leaves alone goes on as always."""

    name: ClassVar[str]
    parameters_type: ClassVar[type[Parameters]]

    def __init__(self, parameters: Given, stage: Stage) -> None:
        self.parameters = parameters
        self.stage = stage
        self.chance = Chance(parameters)

    def begin(self) -> None:
        """The fault sets in."""

    def end(self) -> None:
        """The fault is over: what it holds back is let go."""

    def outgoing(self, session: "Session", message: Message) -> Sequence[Message]:
        """What leaves in place of a message: itself, others, or nothing."""
        return (message,)

    def incoming(self, session: "Session", request: Request) -> bool:
        """True when the fault has dealt with the request, and the server must not see it."""
        return False

    def admits(self) -> bool:
        """False when a new connection is to be refused."""
        return True

    def holds(self, order: SimulatedOrder) -> bool:
        """True when the exchange must keep a new order from its book, until the fault lets it go."""
        return False

    def ended(self, order: SimulatedOrder) -> None:
        """An order was cancelled."""

    def dealt(self, execution: Execution) -> None:
        """An order dealt; it is not told yet."""

    def covers_message(self, session: "Session", message: Message) -> bool:
        """True when no filter speaks against this outgoing message."""
        return self.parameters.covers(self.stage.subject_of(session, message))

    def covers_request(self, session: "Session", request: Request) -> bool:
        """True when no filter speaks against this request."""
        return self.parameters.covers(self.stage.subject_of_request(session, request))

    def covers_order(self, order: SimulatedOrder) -> bool:
        """True when no filter speaks against this order."""
        return self.parameters.covers(self.stage.subject_of_order(order))
