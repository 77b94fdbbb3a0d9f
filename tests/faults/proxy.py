"""A TCP proxy that breaks the connections that pass through it: reset, half-open, stall, delay."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Ends]]

_BLOCK = 65_536
_RESET = struct.pack("ii", 1, 0)


class Side(StrEnum):
    """The two ends of a wire: CLIENT connected to the proxy, SERVER is what it connected to."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(slots=True, eq=False)
class _Wire:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    deaf: Side | None = None
    bytes_left: int | None = None
    pumps: list[asyncio.Task[None]] = field(default_factory=list)

    def end(self, side: Side) -> asyncio.StreamWriter:
        return self.client if side is Side.CLIENT else self.server

    def cut(self, *sides: Side) -> None:
        for side in sides:
            transport = self.end(side).transport
            connection = transport.get_extra_info("socket")
            if connection is not None and connection.family != socket.AF_UNIX:
                # Zero linger: the peer reads a reset, as from a machine that lost the connection.
                # A loop whose sockets forget their descriptor at the end says so by a ValueError.
                with contextlib.suppress(OSError, ValueError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()


class Proxy:
    """Listens on a port of the system's choice and carries bytes to a server, as well as it is told to."""

    def __init__(self, name: str, dial: Dial) -> None:
        self.name = name
        self._dial = dial
        self._wires: set[_Wire] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._delay_s = 0.0
        self._bytes_left: int | None = None
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def wires(self) -> int:
        """How many connections pass through it."""
        return len(self._wires)

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Cut everything and listen no more."""
        assert self._server is not None
        self._server.close()
        self.reset()
        await asyncio.gather(*(pump for wire in list(self._wires) for pump in wire.pumps), return_exceptions=True)

    def reset(self) -> None:
        """Cut every connection now, both ends told by a reset."""
        for wire in list(self._wires):
            wire.cut(Side.CLIENT, Side.SERVER)

    async def reset_after(self, count: int, seconds: float) -> None:
        """For a while, cut each connection once it has carried so many bytes more, in the midst of a message."""
        for wire in self._wires:
            wire.bytes_left = count
        self._bytes_left = count
        try:
            await asyncio.sleep(seconds)
        finally:
            self._bytes_left = None
            for wire in self._wires:
                wire.bytes_left = None

    async def half_open(self, lost: Side, seconds: float) -> None:
        """The lost side's connections are reset, the other side is told nothing and hears nothing; then it is cut."""
        wires = list(self._wires)
        for wire in wires:
            wire.deaf = lost
            wire.cut(lost)
        await asyncio.sleep(seconds)
        for wire in wires:
            wire.cut(Side.CLIENT, Side.SERVER)

    async def stall(self, seconds: float) -> None:
        """Carry nothing for a while, and then all that has come."""
        self._flows.clear()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._flows.set()

    async def delay(self, each_s: float, seconds: float) -> None:
        """For a while, carry each block late."""
        self._delay_s = each_s
        try:
            await asyncio.sleep(seconds)
        finally:
            self._delay_s = 0.0

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await self._dial()
        except OSError:
            writer.transport.abort()
            return
        wire = _Wire(client=writer, server=server_writer, bytes_left=self._bytes_left)
        wire.pumps = [
            asyncio.create_task(self._pump(wire, reader, Side.SERVER)),
            asyncio.create_task(self._pump(wire, server_reader, Side.CLIENT)),
        ]
        self._wires.add(wire)
        await asyncio.wait(wire.pumps)
        wire.cut(Side.CLIENT, Side.SERVER)
        self._wires.discard(wire)

    async def _pump(self, wire: _Wire, reader: asyncio.StreamReader, to: Side) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(_BLOCK):
                await self._flows.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                if wire.deaf is not None:
                    continue
                if wire.bytes_left is not None:
                    block, wire.bytes_left = block[: wire.bytes_left], max(wire.bytes_left - len(block), 0)
                wire.end(to).write(block)
                await wire.end(to).drain()
                if wire.bytes_left == 0:
                    wire.cut(Side.CLIENT, Side.SERVER)
                    return
        if wire.deaf is None and not wire.end(to).is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                wire.end(to).close()


@asynccontextmanager
async def proxied(name: str, dial: Dial) -> AsyncIterator[Proxy]:
    """A proxy that listens while the block lasts."""
    proxy = Proxy(name, dial)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


def to_port(port: int) -> Dial:
    """Connects to a port of this machine."""
    return lambda: asyncio.open_connection("127.0.0.1", port)


def to_socket(path: str) -> Dial:
    """Connects to a unix socket."""
    return lambda: asyncio.open_unix_connection(path)
