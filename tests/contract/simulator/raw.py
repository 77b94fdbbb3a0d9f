"""A client of the bare wire, for what the libraries hide: versions, frames, field counts, bad bytes."""

import asyncio
import struct
from contextlib import suppress

TIMEOUT_S = 5.0
Fields = list[str]

AAPL = ["265598", "AAPL", "STK", "", "0.0", "", "", "SMART", "", "USD", "", ""]


def frame(*fields: object) -> bytes:
    """One frame of the fields."""
    payload = ("\0".join(map(str, fields)) + "\0").encode()
    return struct.pack(">I", len(payload)) + payload


def place_order(
    version: int,
    order_id: int,
    side: str,
    quantity: str,
    *,
    order_type: str = "MKT",
    limit: str = "",
    time_in_force: str = "DAY",
    good_till: str = "",
    ref: str = "",
) -> bytes:
    """A plain placeOrder message as the official client of this version writes it."""
    fields: list[object] = [3, order_id, *AAPL, "", "", side, quantity, order_type, limit, "", time_in_force, "", ""]
    fields += ["", 0, ref, 1, 0, 0, 0, 0, 0, 0, 0]
    fields += ["", 0, "", good_till, "", "", "", *([""] if version < 177 else []), ""]
    fields += [0, "", -1, 0, "", "", 0, "", "", 0, 0, "", 0, "", "", "", "", "", 0, "", "", "", ""]
    fields += [0, "", "", "", "", "", "", "", "", "", ""]
    fields += [0, "", "", 0, 0, "", "", 0, "", 0, 0, 0, 0]
    fields += ["", "", "", "", "", "", 0, "", "", "", "", "", "", "", "", 0, 0, 0, ""]
    fields += [""] * sum(version >= gate for gate in (158, 160, 162, 166, 169))
    return frame(*fields)


class RawClient:
    """One connection; every message that came is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.seen: list[Fields] = []

    def hello(self, versions: str) -> None:
        """Greet with a range of versions such as v157..176."""
        payload = versions.encode()
        self.writer.write(b"API\0" + struct.pack(">I", len(payload)) + payload)

    def send(self, *fields: object) -> None:
        """Write one message."""
        self.writer.write(frame(*fields))

    async def receive(self) -> Fields:
        """The next message's fields. Raises IncompleteReadError when the server closes."""
        async with asyncio.timeout(TIMEOUT_S):
            (length,) = struct.unpack(">I", await self.reader.readexactly(4))
            fields = (await self.reader.readexactly(length)).decode().split("\0")[:-1]
        self.seen.append(fields)
        return fields

    async def until(self, message_id: str, **places: str) -> Fields:
        """The next message of this kind with these fields, given as `at2="Filled"`."""
        while True:
            fields = await self.receive()
            if fields[0] == message_id and all(fields[int(place[2:])] == value for place, value in places.items()):
                return fields

    async def close(self) -> None:
        """End the connection."""
        self.writer.close()
        await self.writer.wait_closed()


class RawClients:
    """Opens connections, and closes them all at the end."""

    def __init__(self) -> None:
        self._opened: list[RawClient] = []

    async def open(self, port: int) -> RawClient:
        """A connection that has said nothing yet."""
        client = RawClient(*await asyncio.open_connection("127.0.0.1", port))
        self._opened.append(client)
        return client

    async def start(self, port: int, versions: str, client_id: int = 1) -> RawClient:
        """A connection whose API is started and ready."""
        client = await self.open(port)
        client.hello(versions)
        await client.receive()
        client.send(71, 2, client_id, "")
        await client.until("9")
        return client

    async def close(self) -> None:
        """End all connections."""
        for client in self._opened:
            with suppress(ConnectionError):
                await client.close()
