"""The control port: JSON lines over TCP on the loopback, by which whoever runs a simulator commands it."""

import asyncio
import hmac
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.core.errors import InputError, OmsError, UnauthenticatedError
from app.infra.simulator_control import LINE_BYTES_MAX, ControlAddress, new_token, write_address
from app.simulator.clock import ClockState
from app.simulator.faults import FAULTS, FaultInputError, ParameterReader, meaning_of
from app.simulator.faults.parameters import problems_of, unknown
from app.simulator.replay import read_ticks
from app.simulator.scenarios import Player, confined, pathologies, pathology, read_scenario
from app.simulator.server import Simulator
from app.simulator.snapshot import read_snapshot, write_snapshot

LOOPBACK = "127.0.0.1"
CONNECTIONS_MAX = 20
STEPS_MAX = 100_000

_log = logging.getLogger(__name__)
_STRICT = ConfigDict(extra="forbid")

_Name = Annotated[str, Field(min_length=1, max_length=64)]
_Owner = Annotated[str, Field(max_length=100)]
_PathText = Annotated[str, Field(min_length=1, max_length=4_096)]
_LastsS = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _Nothing:
    pass


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _Named:
    name: _Name


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _Inject:
    name: _Name
    parameters: dict[str, Any] = Field(default_factory=dict)
    lasts_s: _LastsS | None = None
    owner: _Owner = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _Owned:
    owner: _Owner | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _Play:
    name: _Name | None = None
    scenario: dict[str, Any] | None = None
    account: Annotated[str, Field(max_length=50)] | None = None
    clients: Annotated[tuple[int, ...], Field(max_length=100)] = ()
    owner: _Owner = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _Clock:
    action: Literal["show", "pause", "resume", "step", "set", "speed"] = "show"
    seconds: Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)] = 1.0
    now: AwareDatetime | None = None
    speed: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _Market:
    action: Literal["pause", "resume", "step", "quote"]
    steps: Annotated[int, Field(ge=1, le=STEPS_MAX)] = 1
    symbol: Annotated[str, Field(max_length=50)] = ""
    bid: Annotated[Decimal, Field(gt=0)] | None = None
    ask: Annotated[Decimal, Field(gt=0)] | None = None
    bid_size: Annotated[Decimal, Field(ge=0)] = Decimal(1_000)
    ask_size: Annotated[Decimal, Field(ge=0)] = Decimal(1_000)
    last: Annotated[Decimal, Field(gt=0)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _Replay:
    path: _PathText | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _File:
    path: _PathText


Act = Callable[[Any], Awaitable[Any]]


class Control:
    """Hears commands for one simulator. Every command carries the token."""

    def __init__(self, simulator: Simulator, token: str) -> None:
        self._simulator = simulator
        self._token = token
        self._player = Player(lambda: simulator.faults)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._commands: dict[str, tuple[TypeAdapter[Any], Act]] = {
            "status": (TypeAdapter(_Nothing), self._status),
            "faults": (TypeAdapter(_Nothing), self._faults),
            "fault": (TypeAdapter(_Named), self._fault),
            "inject": (TypeAdapter(_Inject), self._inject),
            "active": (TypeAdapter(_Owned), self._active),
            "clear": (TypeAdapter(_Owned), self._clear),
            "pathologies": (TypeAdapter(_Nothing), self._pathologies),
            "play": (TypeAdapter(_Play), self._play),
            "clock": (TypeAdapter(_Clock), self._clock),
            "market": (TypeAdapter(_Market), self._market),
            "replay": (TypeAdapter(_Replay), self._replay),
            "save": (TypeAdapter(_File), self._save),
            "restore": (TypeAdapter(_File), self._restore),
        }

    @property
    def port(self) -> int:
        """The port it listens on, known after start."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, port: int) -> None:
        """Listen on the loopback; port 0 asks the system for a free one. Raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, port, limit=LINE_BYTES_MAX)

    async def stop(self) -> None:
        """Hear no more commands, and begin no further step of a scenario."""
        self._player.stop()
        if self._server is not None:
            self._server.close()
            for writer in list(self._connections):
                writer.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._connections.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self.answer(line), default=_plain).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            # A line beyond its bound, or a client that went.
            return
        finally:
            self._connections.discard(writer)
            writer.close()

    async def answer(self, line: bytes) -> dict[str, Any]:
        """What one line is answered: `result`, or `errors` with code, message and path each."""
        try:
            return {"result": await self._do(line)}
        except FaultInputError as error:
            return {"errors": [asdict(problem) for problem in error.problems]}
        except OmsError as error:
            return {"errors": [{"code": error.code, "message": error.message, "path": list(error.path)}]}
        except Exception:
            # The edge of the port: a command that fails must not end the simulator.
            _log.exception("a command to the simulator failed")
            return {"errors": [{"code": OmsError.code, "message": "the command failed", "path": []}]}

    async def _do(self, line: bytes) -> Any:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError("a command is one JSON object in a line") from None
        if not isinstance(request, Mapping):
            raise InputError("a command is one JSON object in a line")
        if not hmac.compare_digest(str(request.get("token", "")).encode(), self._token.encode()):
            raise UnauthenticatedError("the token is not that of this simulator")
        name = str(request.get("command", ""))
        if name not in self._commands:
            raise unknown("command", name, self._commands)
        adapter, act = self._commands[name]
        try:
            arguments = adapter.validate_python(request.get("arguments") or {})
        except ValidationError as error:
            raise FaultInputError(problems_of(error, ())) from None
        return await act(arguments)

    async def _status(self, _: _Nothing) -> Any:
        simulator = self._simulator
        replay = simulator.replay
        return {
            "clock": _clock_told(simulator.clock.state),
            "market": "paused" if simulator.is_market_paused else "replay" if replay else "walk",
            "replay": None if replay is None else {"position": replay.position, "length": replay.length},
            "clients": sorted(one.client_id for one in simulator.venue.sessions() if one.client_id is not None),
            "open_orders": sum(1 for _ in simulator.venue.exchange.open_orders()),
            "faults": len(simulator.faults.active()),
        }

    async def _faults(self, _: _Nothing) -> Any:
        return [{"name": name, "meaning": meaning_of(name)} for name in sorted(FAULTS)]

    async def _fault(self, asked: _Named) -> Any:
        if asked.name not in FAULTS:
            raise unknown("fault", asked.name, sorted(FAULTS))
        described = ParameterReader(FAULTS[asked.name].parameters_type).described()
        return {"name": asked.name, "meaning": meaning_of(asked.name), "parameters": [asdict(one) for one in described]}

    async def _inject(self, asked: _Inject) -> Any:
        faults = self._simulator.faults
        return asdict(faults.inject(asked.name, asked.parameters, lasts_s=asked.lasts_s, owner=asked.owner))

    async def _active(self, asked: _Owned) -> Any:
        return [asdict(one) for one in self._simulator.faults.active(asked.owner)]

    async def _clear(self, asked: _Owned) -> Any:
        if asked.id is not None:
            return {"cleared": self._simulator.faults.clear(owner=asked.owner, fault_id=asked.id)}
        count = len(self._simulator.faults.active(asked.owner))
        self._player.stop(asked.owner)
        return {"cleared": count}

    async def _pathologies(self, _: _Nothing) -> Any:
        return [
            {
                "name": one.name,
                "seen": one.seen,
                "handled": one.handled,
                "behaviours": list(one.behaviours),
                "lasts_s": one.lasts_s,
            }
            for one in pathologies().values()
        ]

    async def _play(self, asked: _Play) -> Any:
        if (asked.name is None) == (asked.scenario is None):
            raise InputError("either the name of a pathology or a scenario", path=("name",))
        scenario = pathology(asked.name) if asked.name is not None else read_scenario(asked.scenario or {})
        if asked.account is not None:
            scenario = confined(scenario, account=asked.account, clients=asked.clients)
        self._player.play(scenario, owner=asked.owner)
        return {"name": scenario.name, "lasts_s": scenario.lasts_s, "steps": len(scenario.steps)}

    async def _clock(self, asked: _Clock) -> Any:
        simulator = self._simulator
        match asked.action:
            case "pause":
                simulator.pause_clock()
            case "resume":
                simulator.clock.resume()
            case "step":
                simulator.step_clock(asked.seconds)
            case "set":
                if asked.now is None:
                    raise InputError("what time it is to be", path=("now",))
                simulator.set_clock(asked.now)
            case "speed":
                simulator.clock.set_speed(asked.speed)
            case "show":
                pass
        return _clock_told(simulator.clock.state)

    async def _market(self, asked: _Market) -> Any:
        simulator = self._simulator
        match asked.action:
            case "pause":
                simulator.pause_market()
            case "resume":
                simulator.resume_market()
            case "step":
                for _ in range(asked.steps):
                    simulator.step_market()
            case "quote":
                try:
                    simulator.set_quote(
                        asked.symbol,
                        bid=asked.bid,
                        ask=asked.ask,
                        bid_size=asked.bid_size,
                        ask_size=asked.ask_size,
                        last=asked.last,
                    )
                except KeyError:
                    raise InputError(f"{asked.symbol} is not listed", path=("symbol",)) from None
        return {"is_paused": simulator.is_market_paused}

    async def _replay(self, asked: _Replay) -> Any:
        if asked.path is None:
            self._simulator.stop_replay()
            return {"ticks": 0}
        symbols = {entry.symbol for entry in self._simulator.venue.directory.entries.values()}
        ticks = await asyncio.to_thread(read_ticks, Path(asked.path), symbols)
        return {"ticks": self._simulator.start_replay(ticks).length}

    async def _save(self, asked: _File) -> Any:
        write_snapshot(Path(asked.path), self._simulator.snapshot())
        return {"path": asked.path}

    async def _restore(self, asked: _File) -> Any:
        snapshot = await asyncio.to_thread(read_snapshot, Path(asked.path))
        self._player.stop()
        await self._simulator.restore(snapshot)
        return {"orders": len(snapshot.exchange.orders), "executions": len(snapshot.exchange.executions)}


@asynccontextmanager
async def controlled(simulator: Simulator, port: int, folder: Path) -> AsyncIterator[None]:
    """A control port while the block lasts; its address and token are left in the folder for the owner alone.

    Raises OSError when the port is taken.
    """
    token = new_token()
    control = Control(simulator, token)
    await control.start(port)
    path = write_address(folder, ControlAddress(host=LOOPBACK, port=control.port, token=token))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        await control.stop()


def _clock_told(state: ClockState) -> dict[str, Any]:
    return {"now": state.now.isoformat(), "speed": str(state.speed), "is_paused": state.is_paused}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be told")
