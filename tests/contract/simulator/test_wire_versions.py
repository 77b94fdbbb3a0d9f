"""The bare wire at the lowest and the highest version, and what is no protocol at all."""

import asyncio
import struct

import pytest

from app.simulator.server import Simulator
from tests.contract.simulator.clients import until
from tests.contract.simulator.raw import AAPL, RawClients, place_order

ENDS = [("v157..157", 157), ("v157..178", 178)]


@pytest.mark.parametrize(
    ("versions", "negotiated"),
    [("v100..157", "157"), ("v157..176", "176"), ("v157..178", "178"), ("v157..210 +PACEAPI", "178")],
)
async def test_lower_of_both_maxima_is_spoken(
    simulator: Simulator, versions: str, negotiated: str, raw: RawClients
) -> None:
    client = await raw.open(simulator.port)
    client.hello(versions)

    version, moment = await client.receive()

    assert version == negotiated
    assert moment.endswith(" UTC")


@pytest.mark.parametrize("versions", ["v100..156", "v179..210"])
async def test_no_version_in_common_is_told_and_closed(simulator: Simulator, versions: str, raw: RawClients) -> None:
    client = await raw.open(simulator.port)
    client.hello(versions)

    told = await client.receive()

    assert told[:4] == ["4", "2", "-1", "503"]
    with pytest.raises(asyncio.IncompleteReadError):
        await client.receive()


@pytest.mark.parametrize(("versions", "version"), ENDS)
async def test_handshake_place_and_fill(simulator: Simulator, versions: str, version: int, raw: RawClients) -> None:
    client = await raw.start(simulator.port, versions)

    client.writer.write(place_order(version, 1, "BUY", "100", ref="raw"))
    accepted = await client.until("5")
    dealt = await client.until("11")
    filled = await client.until("3", at2="Filled")
    cost = await client.until("59")

    assert len(accepted) == {157: 128, 178: 135}[version]
    assert accepted[1:4] == ["1", "265598", "AAPL"]
    assert len(dealt) == {157: 31, 178: 32}[version]
    assert dealt[1:4] == ["-1", "1", "265598"]
    assert dealt[18:21] == ["BOT", "100", "230.01"]
    assert "raw" in dealt
    assert filled[1:6] == ["1", "Filled", "100", "0", "230.01"]
    assert len(filled) == 12
    assert cost[2] == dealt[14]
    assert cost[3:5] == ["1", "USD"]


@pytest.mark.parametrize(("versions", "fields"), [("v157..176", 136), ("v157..177", 135), ("v157..165", 131)])
async def test_open_order_has_the_fields_of_its_version(
    simulator: Simulator, versions: str, fields: int, raw: RawClients
) -> None:
    client = await raw.start(simulator.port, versions)

    client.writer.write(place_order(int(versions[-3:]), 1, "BUY", "1", order_type="LMT", limit="200"))

    assert len(await client.until("5")) == fields


@pytest.mark.parametrize(("version", "fields"), [(157, 39), (163, 40), (164, 40), (178, 40)])
async def test_contract_details_have_the_fields_of_their_version(
    simulator: Simulator, version: int, fields: int, raw: RawClients
) -> None:
    client = await raw.start(simulator.port, f"v157..{version}")

    client.send(9, 8, 7, *AAPL, 0, "", "", *([""] if version >= 176 else []))
    details = await client.until("10")

    assert len(details) == fields
    assert (details[1] == "8") is (version < 164)
    assert (await client.until("52"))[2] == "7"


@pytest.mark.parametrize(("versions", "has_json"), [("v157..165", False), ("v157..166", True)])
async def test_error_carries_a_json_field_from_166(
    simulator: Simulator, versions: str, has_json: bool, raw: RawClients
) -> None:
    client = await raw.start(simulator.port, versions)

    client.send(9, 8, 7, "0", "NOSUCH", *AAPL[2:], 0, "", "")
    told = await client.until("4", at2="7")

    assert told[3] == "200"
    assert len(told) == 5 + has_json


async def test_frames_may_come_in_any_pieces(simulator: Simulator, raw: RawClients) -> None:
    client = await raw.open(simulator.port)
    hello = b"API\0" + struct.pack(">I", 9) + b"v157..178"

    for byte in hello + b"\x00\x00\x00\x09" + b"71\x002\x001\x00\x00\x00"[:9]:
        client.writer.write(bytes([byte]))
        await client.writer.drain()

    assert (await client.receive())[0] == "178"
    assert (await client.until("9"))[2] == "1"


@pytest.mark.parametrize(
    "rubbish",
    [b"GET / HTTP/1.1\r\n\r\n", b"API\0\xff\xff\xff\xff", b"API\0\x00\x00\x00\x05hello", b"API\0" + b"\x00" * 2_000],
)
async def test_other_protocols_are_closed(simulator: Simulator, rubbish: bytes, raw: RawClients) -> None:
    client = await raw.open(simulator.port)

    client.writer.write(rubbish)

    async with asyncio.timeout(5):
        assert await client.reader.read() == b""
    await until(lambda: not simulator.venue.has_clients, "the connection to be gone")


@pytest.mark.parametrize(
    "message",
    [
        [3, 1, "AAPL"],
        [3, 0, *AAPL, "", "", "BUY", "1", "MKT"],
        [3, 1, *AAPL, "", "", "HOLD", "1", "MKT", "", "", "DAY"],
        [3, 1, *AAPL, "", "", "BUY", "NaN", "MKT", "", "", "DAY"],
        [3, 1, *AAPL, "", "", "BUY", "1e99", "MKT", "", "", "DAY"],
        [4, 1, "one"],
        ["what"],
    ],
)
async def test_unreadable_message_is_error_320_and_the_session_goes_on(
    simulator: Simulator, message: list[object], raw: RawClients
) -> None:
    client = await raw.start(simulator.port, "v157..178")

    client.send(*message)
    told = await client.until("4", at3="320")
    client.send(49, 1)

    assert told[2] == "-1"
    assert (await client.until("49"))[0] == "49"
    assert simulator.venue.exchange.orders == {}


async def test_message_that_is_not_served_is_told_under_its_request_id(simulator: Simulator, raw: RawClients) -> None:
    client = await raw.start(simulator.port, "v157..178")

    client.send(86, 77, 265598, "BRFG", "", "", 10, "")

    assert (await client.until("4", at3="321"))[2] == "77"


async def test_nothing_is_done_before_the_api_is_started(simulator: Simulator, raw: RawClients) -> None:
    client = await raw.open(simulator.port)
    client.hello("v157..178")
    await client.receive()

    client.writer.write(place_order(178, 1, "BUY", "1"))
    client.send(71, 2, 1, "")
    await client.until("9")

    assert simulator.venue.exchange.orders == {}


async def test_thousand_orders_are_placed_and_filled_once_each(simulator: Simulator, raw: RawClients) -> None:
    client = await raw.start(simulator.port, "v157..176")
    side = {True: "BUY", False: "SELL"}

    for order_id in range(1, 1_001):
        client.writer.write(place_order(176, order_id, side[order_id % 2 == 1], "1"))
    filled = [(await client.until("3", at2="Filled"))[1] for _ in range(1_000)]

    assert filled == [str(order_id) for order_id in range(1, 1_001)]
    executions = [fields[14] for fields in client.seen if fields[0] == "11"]
    assert len(set(executions)) == 1_000
    assert simulator.venue.exchange.accounts["DU1000001"].holdings[265598].quantity == 0
