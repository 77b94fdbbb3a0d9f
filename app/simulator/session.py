"""One client's connection: the handshake, frames in, coalesced writes out, and what the client subscribed to."""

import asyncio
import logging
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.simulator import messages
from app.simulator.config import SERVER_VERSION_MIN
from app.simulator.market import Quote
from app.simulator.rights import DataType
from app.simulator.wire import FieldError, FieldReader, FrameError, take_frame

OUTBOUND_BYTES_MAX = 32 << 20
"""A client that leaves more than this unread is dropped, as TWS does."""

HELLO_BYTES_MAX = 1_024
BAD_REQUEST = 320

_GREETING = b"API\0"
_VERSIONS = re.compile(rb"v(\d{1,5})\.\.(\d{1,5})(?: .*)?", re.ASCII | re.DOTALL)

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Line:
    """A market data line of a session and the quote it was last told.

    `data_type` is what it carries, None for nothing at the moment; partial data is that of trades alone.
    """

    request_id: int
    con_id: int
    data_type: int | None = 1
    is_partial: bool = False
    generic_ticks: frozenset[int] = frozenset()
    told: Quote | None = None


@dataclass(slots=True, kw_only=True)
class Summary:
    """An account summary that goes on: whose figures, which of them, and what was told of them when."""

    account_ids: tuple[str, ...]
    tags: frozenset[str]
    told_at: datetime
    told: dict[tuple[str, str, str], str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Subscriptions:
    """All that a session wants to hear of without asking again, by request id where it has one."""

    lines: dict[int, Line] = field(default_factory=dict)
    data_type: DataType = DataType.REAL_TIME
    has_positions: bool = False
    account_id: str | None = None
    account_told: dict[tuple[str, str], str] = field(default_factory=dict)
    summaries: dict[int, Summary] = field(default_factory=dict)
    position_multis: dict[int, tuple[str, str]] = field(default_factory=dict)
    gains: dict[int, str] = field(default_factory=dict)
    single_gains: dict[int, tuple[str, int]] = field(default_factory=dict)


class SessionGate(Protocol):
    """The house that a session stands in front of."""

    def version_of(self, client_max: int) -> int:
        """The server version spoken with a client that knows versions up to this one."""

    def hello(self, session: "Session") -> bytes:
        """The answer to the handshake."""

    def receive(self, session: "Session", reader: FieldReader) -> None:
        """Act on one message. Raises FieldError when it cannot be read."""

    def admits(self) -> bool:
        """False when a connection that comes now is refused."""

    def leaving(self, session: "Session", frame: bytes) -> bytes:
        """What leaves in place of these frames; empty for nothing."""

    def before_telling(self) -> None:
        """Queued frames are about to leave: what they tell must not be forgotten any more."""

    def leave(self, session: "Session") -> None:
        """The connection is gone."""


class Session(asyncio.Protocol):
    """A client's connection; `client_id` is None until the client started the API."""

    def __init__(self, gate: SessionGate) -> None:
        self._gate = gate
        self._buffer = bytearray()
        self._outbound: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._is_closing = False
        self._is_mute = False
        self.version = 0
        self.client_id: int | None = None
        self.subscriptions = Subscriptions()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the socket is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._gate.admits():
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the socket is gone."""
        self._transport = None
        self._outbound.clear()
        self._gate.leave(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        if self._is_closing or self._is_mute:
            return
        self._buffer += data
        try:
            if not self.version and not self._shake_hands():
                return
            while (payload := take_frame(self._buffer)) is not None:
                if not self._receive(payload):
                    return
        except FrameError as error:
            _log.warning("closing a connection that does not speak the protocol: %s", error)
            self.close()

    def send(self, frame: bytes) -> None:
        """Queue a frame; all frames of one turn of the loop leave in one write."""
        if self._transport is not None and not self._is_closing and frame:
            self.send_past_faults(self._gate.leaving(self, frame))

    def send_past_faults(self, frame: bytes) -> None:
        """Queue a frame that no fault may change any more."""
        if self._transport is None or self._is_closing or self._is_mute or not frame:
            return
        if not self._outbound:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbound.append(frame)

    def send_error(self, request_id: int, code: int, message: str) -> None:
        """Queue an error message."""
        self.send(messages.error(request_id, code, message, self.version))

    def mute(self) -> None:
        """Carry nothing any more in either direction, and leave the socket open."""
        self._is_mute = True

    def close(self) -> None:
        """End the connection once what is queued has left."""
        self._flush()
        self._is_closing = True
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """Cut the connection at once, as a broken network does."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.abort()

    def _shake_hands(self) -> bool:
        if len(self._buffer) < len(_GREETING) and _GREETING.startswith(self._buffer):
            return False
        if not self._buffer.startswith(_GREETING):
            raise FrameError("no API greeting")
        hello = self._buffer[len(_GREETING) :]
        frame = take_frame(hello)
        if frame is None:
            if len(hello) > HELLO_BYTES_MAX:
                raise FrameError("an endless greeting")
            return False
        self._buffer = hello
        versions = _VERSIONS.fullmatch(frame.rstrip(b"\0"))
        if versions is None:
            raise FrameError("no version range in the greeting")
        client_min, client_max = int(versions[1]), int(versions[2])
        self.version = self._gate.version_of(client_max)
        if self.version < max(client_min, SERVER_VERSION_MIN):
            self.send_error(-1, 503, "The TWS is out of date and must be upgraded.")
            self.close()
            return False
        self.send(self._gate.hello(self))
        return True

    def _receive(self, payload: bytes) -> bool:
        try:
            self._gate.receive(self, FieldReader(payload))
        except FieldError as error:
            self.send_error(-1, BAD_REQUEST, f"Error reading request: {error}")
        return not self._is_closing and not self._is_mute

    def _flush(self) -> None:
        if self._transport is None or not self._outbound:
            return
        self._gate.before_telling()
        self._transport.write(b"".join(self._outbound))
        self._outbound.clear()
        if self._transport.get_write_buffer_size() > OUTBOUND_BYTES_MAX:
            _log.warning("dropping client %s: it does not read", self.client_id)
            self.drop()
