"""What the doctor says of a gateway: each trouble from a server that has it, and none from the simulator."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from app.brokers.ib.library import Library
from app.brokers.ib.pacing import Pacer
from app.brokers.ib.probe import (
    MEANING,
    VERSION_MAX,
    Look,
    ProbeTimeouts,
    Symptom,
    Trouble,
    judge_account,
    look_at,
)
from app.brokers.ib.session import GatewayAddress, IbSession, Timeouts
from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from app.simulator.wire import encode

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
SHORT = ProbeTimeouts(connect_s=2.0, handshake_s=0.3, answer_s=0.3, linger_s=0.05)
HELLO = encode(176, "20261120 15:00:00 UTC")
READY = encode(15, 1, "DU1000001,") + encode(9, 1, 7)
ANSWERED = encode(49, 1, EPOCH) + encode(53, 1)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[int]:
    """A server on a port of the system's choice."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def looked(serve: Serve, client_id: int = 7) -> Look:
    async with served(serve) as port:
        return await look_at("127.0.0.1", port, client_id, lambda: NOW, SHORT)


def telling(*steps: bytes, closes: bool = False) -> Serve:
    """A server that says one thing after each that it hears; in the end it stays, or closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for step in steps:
            await reader.read(4096)
            writer.write(step)
            await writer.drain()
        if closes:
            writer.close()
        else:
            await reader.read()
            writer.close()

    return serve


def troubles(look: Look) -> list[Trouble]:
    return [symptom.trouble for symptom in look.symptoms]


async def test_a_healthy_gateway_has_nothing_wrong_with_it() -> None:
    look = await looked(telling(HELLO, READY, ANSWERED))

    assert look.symptoms == []
    assert look.is_usable
    assert (look.server_version, look.accounts) == (176, ("DU1000001",))
    assert look.round_trip_ms is not None


async def test_the_simulator_is_healthy_and_keeps_nothing_of_the_look() -> None:
    simulator = Simulator(SimulatorConfig(port=0))
    await simulator.start()
    try:
        look = await look_at("127.0.0.1", simulator.port, 9_999, lambda: datetime.now(UTC))
        async with asyncio.timeout(5):
            while simulator.venue.has_clients:
                await asyncio.sleep(0.01)
    finally:
        await simulator.stop()

    assert look.symptoms == []
    assert (look.server_version, look.accounts) == (VERSION_MAX, ("DU1000001",))


async def test_a_client_id_in_use_is_told_over_the_simulator() -> None:
    simulator = Simulator(SimulatorConfig(port=0))
    await simulator.start()
    try:
        async with held(simulator, client_id=7):
            look = await look_at("127.0.0.1", simulator.port, 7, lambda: datetime.now(UTC), SHORT)
            other = await look_at("127.0.0.1", simulator.port, 8, lambda: datetime.now(UTC), SHORT)
    finally:
        await simulator.stop()

    assert troubles(look) == [Trouble.CLIENT_ID_TAKEN]
    assert "326" in look.symptoms[0].words
    assert not look.is_usable
    assert other.symptoms == []


async def test_a_port_on_which_nothing_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        look = await look_at("127.0.0.1", unused.getsockname()[1], 7, lambda: NOW, SHORT)

    assert troubles(look) == [Trouble.REFUSED]
    assert "4004" in look.symptoms[0].words


async def test_a_host_that_nobody_knows() -> None:
    look = await look_at("no-such-gateway.invalid", 4004, 7, lambda: NOW, SHORT)

    assert troubles(look) == [Trouble.UNKNOWN_HOST]


@pytest.mark.parametrize(
    ("serve", "trouble"),
    [
        (telling(b"", closes=True), Trouble.CLOSED_AT_ONCE),
        (telling(), Trouble.SILENT),
        (telling(b"\x15\x03\x01\x00\x02\x02\x0a"), Trouble.SPEAKS_TLS),
        (telling(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Trouble.NOT_TWS),
        (telling(b"SSH", closes=True), Trouble.NOT_TWS),
        (telling(encode("hello", "there")), Trouble.NOT_TWS),
        (telling(encode(151, "20261120 15:00:00 UTC")), Trouble.VERSION_UNSUPPORTED),
        (telling(encode(203, "20261120 15:00:00 UTC")), Trouble.VERSION_UNSUPPORTED),
        (telling(HELLO, b"", closes=True), Trouble.CLOSED_AFTER_HANDSHAKE),
        (telling(HELLO), Trouble.NOT_LOGGED_IN),
        (telling(HELLO, encode(9, 1, 7) + encode(15, 1, "")), Trouble.NOT_LOGGED_IN),
        (telling(HELLO, encode(4, 2, -1, 326, "client id is already in use"), closes=True), Trouble.CLIENT_ID_TAKEN),
        (telling(HELLO, READY), Trouble.NO_ANSWERS),
        (telling(HELLO, READY, encode(49, 1, EPOCH + 60) + encode(53, 1)), Trouble.CLOCK_SKEWED),
        (telling(HELLO, READY, encode(49, 1, EPOCH - 60) + encode(53, 1)), Trouble.CLOCK_SKEWED),
        (
            telling(
                HELLO,
                READY,
                encode(49, 1, EPOCH)
                + encode(
                    4, 2, -1, 321, "Error validating request.-'bY' : cause - The API interface is in Read-Only mode."
                ),
            ),
            Trouble.READ_ONLY,
        ),
        (telling(HELLO, READY + encode(4, 2, -1, 1100, "Connectivity lost"), ANSWERED), Trouble.BROKER_LOST),
        (telling(HELLO, READY + encode(4, 2, -1, 2110, "Connectivity broken"), ANSWERED), Trouble.BROKER_LOST),
        (telling(HELLO, READY + encode(4, 2, -1, 2103, "farm is broken:usfarm"), ANSWERED), Trouble.FEED_DOWN),
        (telling(HELLO, READY + encode(4, 2, -1, 2105, "farm is broken:ushmds"), ANSWERED), Trouble.FEED_DOWN),
        (telling(HELLO, READY + encode(4, 2, -1, 100, "Max rate of messages"), ANSWERED), Trouble.TOO_FAST),
    ],
)
async def test_what_is_wrong_is_told_by_its_name_and_in_words(serve: Serve, trouble: Trouble) -> None:
    look = await looked(serve)

    assert troubles(look) == [trouble]
    assert look.symptoms[0].words.startswith(MEANING[trouble])
    assert look.is_usable is (trouble is Trouble.FEED_DOWN)


async def test_good_news_of_farms_is_no_trouble() -> None:
    news = encode(4, 2, -1, 2104, "farm OK:usfarm", "") + encode(4, 2, -1, 2158, "farm OK:secdefnj", "")

    assert (await looked(telling(HELLO, READY + news, ANSWERED))).symptoms == []


async def test_nothing_is_asked_of_a_gateway_that_could_change_anything() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for step in (HELLO, READY, ANSWERED):
            heard.append(await reader.read(4096))
            writer.write(step)
        writer.close()

    await looked(serve, client_id=9_999)

    assert heard[0] == b"API\0\0\0\0\x09v157..178"
    assert heard[1] == encode(71, 2, 9_999, "")
    assert b"".join(heard[2:]) == encode(49, 1) + encode(16, 1)


def test_each_trouble_has_its_words() -> None:
    assert set(MEANING) == set(Trouble)


@pytest.mark.parametrize(
    ("account", "is_paper", "accounts", "expected"),
    [
        ("DU1000001", True, ("DU1000001", "DU1000002"), []),
        ("U1000001", False, ("U1000001",), []),
        ("DU1000003", True, ("DU1000001", "DU1000002"), [Trouble.ACCOUNT_UNKNOWN]),
        ("DU1000001", True, ("U1000001",), [Trouble.ACCOUNT_UNKNOWN, Trouble.PAPER_AND_LIVE_MIXED]),
        ("U1000001", False, ("DU1000001",), [Trouble.ACCOUNT_UNKNOWN, Trouble.PAPER_AND_LIVE_MIXED]),
        ("DU1000001", True, (), []),
    ],
)
def test_an_account_is_held_against_those_that_the_login_manages(
    account: str, is_paper: bool, accounts: tuple[str, ...], expected: list[Trouble]
) -> None:
    found = judge_account(Look(accounts=accounts), account, is_paper=is_paper)

    assert [one.trouble for one in found] == expected
    assert all(", ".join(accounts) in one.seen for one in found if one.trouble is Trouble.ACCOUNT_UNKNOWN)


def test_a_symptom_without_a_sight_is_its_meaning() -> None:
    assert Symptom(trouble=Trouble.REFUSED).words == MEANING[Trouble.REFUSED]


@asynccontextmanager
async def held(simulator: Simulator, *, client_id: int) -> AsyncIterator[None]:
    """A session that has the client id."""
    address = GatewayAddress(host="127.0.0.1", port=simulator.port, client_id=client_id, account="DU1000001")
    deaf = _Deaf()
    session = IbSession(
        library=Library("ib_async"),
        address=address,
        callbacks=deaf,
        pacer=Pacer(None, asyncio.get_running_loop()),
        timeouts=Timeouts(),
    )
    deaf.nextValidId = session.next_order_id
    await session.open()
    try:
        yield
    finally:
        session.close()


class _Deaf:
    """Callbacks that hear the next order id alone."""

    nextValidId: Callable[[int], None]

    def unreadable(self, detail: str) -> None:
        raise AssertionError(detail)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None
