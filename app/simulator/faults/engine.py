"""The fault engine: which faults are at work, since when and for how long, and the places where they strike."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from app.core.errors import NotFoundError, OmsError
from app.simulator.faults.behaviour import Behaviour, Stage
from app.simulator.faults.catalogue import FAULTS
from app.simulator.faults.parameters import ParameterReader, Parameters, unknown
from app.simulator.faults.wire import Request, messages_of
from app.simulator.orders import Execution, SimulatedOrder

if TYPE_CHECKING:
    from app.simulator.session import Session
    from app.simulator.venue import Venue

ACTIVE_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveFault:
    """A fault at work. `strikes` counts how often it struck; `lasts_s` is None until it is cleared."""

    id: int
    name: str
    parameters: dict[str, Any]
    owner: str
    lasts_s: float | None
    strikes: int


@dataclass(slots=True, kw_only=True)
class _Injected:
    id: int
    owner: str
    behaviour: Behaviour[Any]
    stage: Stage
    lasts_s: float | None
    timer: asyncio.TimerHandle | None = None

    def told(self) -> ActiveFault:
        return ActiveFault(
            id=self.id,
            name=self.behaviour.name,
            parameters=asdict(self.behaviour.parameters),
            owner=self.owner,
            lasts_s=self.lasts_s,
            strikes=self.behaviour.chance.strikes,
        )


def read_parameters(name: str, given: dict[str, Any], path: tuple[str, ...] = ("parameters",)) -> Parameters:
    """The parameters of a fault.

    Raises NotFoundError for a fault that does not exist, FaultInputError for parameters that do not hold.
    """
    kind = FAULTS.get(name)
    if kind is None:
        raise unknown("fault", name, sorted(FAULTS))
    read: Parameters = ParameterReader(kind.parameters_type).read(given, path)
    return read


class FaultEngine:
    """All faults of a venue. `is_active` is False while none is at work, and then nothing here is called."""

    def __init__(self, venue: "Venue") -> None:
        self._venue = venue
        self._injected: list[_Injected] = []
        self._last_id = 0
        self._struck: Counter[str] = Counter()
        self.is_active = False

    def inject(self, name: str, given: dict[str, Any], *, lasts_s: float | None = None, owner: str = "") -> ActiveFault:
        """Set a fault to work, until it is cleared or its time is over.

        Raises NotFoundError, FaultInputError.
        """
        parameters = read_parameters(name, given)
        if len(self._injected) >= ACTIVE_MAX:
            raise NotFoundError(f"{ACTIVE_MAX} faults are at work already: clear some")
        self._last_id += 1
        stage = Stage(self._venue)
        behaviour = FAULTS[name](parameters, stage)
        injected = _Injected(id=self._last_id, owner=owner, behaviour=behaviour, stage=stage, lasts_s=lasts_s)
        self._injected.append(injected)
        self.is_active = True
        if lasts_s is not None:
            injected.timer = asyncio.get_running_loop().call_later(lasts_s, self._end, injected)
        try:
            behaviour.begin()
        except OmsError:
            self._end(injected)
            raise
        return injected.told()

    def active(self, owner: str | None = None) -> list[ActiveFault]:
        """The faults at work, oldest first, of one owner or of all."""
        return [injected.told() for injected in self._injected if owner in {None, injected.owner}]

    def clear(self, *, owner: str | None = None, fault_id: int | None = None) -> int:
        """End faults: all, one owner's, or one. Returns how many."""
        ending = [
            injected
            for injected in self._injected
            if owner in {None, injected.owner} and fault_id in {None, injected.id}
        ]
        for injected in ending:
            self._end(injected)
        return len(ending)

    def struck(self, name: str) -> int:
        """How often the faults of this name struck, those that are over with those at work."""
        at_work = sum(one.behaviour.chance.strikes for one in self._injected if one.behaviour.name == name)
        return self._struck[name] + at_work

    def admits(self) -> bool:
        """False when a new connection is refused."""
        return all(injected.behaviour.admits() for injected in self._injected)

    def leaving(self, session: "Session", data: bytes) -> bytes:
        """What leaves in place of these frames."""
        messages = list(messages_of(data))
        for injected in list(self._injected):
            messages = [replaced for message in messages for replaced in injected.behaviour.outgoing(session, message)]
        return b"".join(message.encoded() for message in messages)

    def takes(self, session: "Session", fields: Sequence[str]) -> bool:
        """True when a fault has dealt with a request, and the server must not see it."""
        request = Request(fields)
        return any(injected.behaviour.incoming(session, request) for injected in list(self._injected))

    def holds(self, order: SimulatedOrder) -> bool:
        """True when a new order is kept from its book."""
        return any(injected.behaviour.holds(order) for injected in self._injected)

    def cancelled(self, order: SimulatedOrder) -> None:
        """An order was cancelled."""
        for injected in list(self._injected):
            injected.behaviour.ended(order)

    def dealt(self, execution: Execution) -> None:
        """An order dealt."""
        for injected in list(self._injected):
            injected.behaviour.dealt(execution)

    def _end(self, injected: _Injected) -> None:
        if injected not in self._injected:
            return
        self._injected.remove(injected)
        self.is_active = bool(self._injected)
        if injected.timer is not None:
            injected.timer.cancel()
        injected.stage.quiet()
        injected.behaviour.end()
        self._struck[injected.behaviour.name] += injected.behaviour.chance.strikes
