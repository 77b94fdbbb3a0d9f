"""The proxy breaks what passes through it as it is told to, and carries it whole otherwise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.faults.proxy import Proxy, Side, proxied, to_port

TIMEOUT_S = 5.0
LOST = (ConnectionError, asyncio.IncompleteReadError)


@asynccontextmanager
async def echoing() -> AsyncIterator[Proxy]:
    """A proxy in front of a server that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while block := await reader.read(65_536):
                writer.write(block)
                await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        async with asyncio.timeout(TIMEOUT_S), proxied("echo", to_port(server.sockets[0].getsockname()[1])) as proxy:
            yield proxy
    finally:
        server.close()


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: bytes) -> bytes:
    """What comes back."""
    writer.write(words)
    return await reader.readexactly(len(words))


async def test_bytes_pass_whole_both_ways() -> None:
    words = bytes(range(256)) * 4_000
    async with echoing() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

        assert await said(reader, writer, words) == words
        writer.transport.abort()


async def test_reset_is_read_by_the_client_and_a_new_connection_passes() -> None:
    async with echoing() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await said(reader, writer, b"first")

        proxy.reset()
        with pytest.raises(LOST):
            await said(reader, writer, b"second")

        again_reader, again_writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await said(again_reader, again_writer, b"third") == b"third"
        again_writer.transport.abort()


async def test_reset_after_a_count_cuts_within_a_message() -> None:
    async with echoing() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await said(reader, writer, b"first")
        breaking = asyncio.create_task(proxy.reset_after(3, TIMEOUT_S))
        await asyncio.sleep(0)

        with pytest.raises(LOST):
            await said(reader, writer, b"second")

        breaking.cancel()
        await asyncio.gather(breaking, return_exceptions=True)


async def test_half_open_connection_is_silent_until_it_is_cut() -> None:
    async with echoing() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await said(reader, writer, b"first")
        breaking = asyncio.create_task(proxy.half_open(Side.SERVER, 0.2))
        await asyncio.sleep(0)

        writer.write(b"second")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.readexactly(1)

        with pytest.raises(LOST):
            await reader.readexactly(1)
        await breaking


async def test_stalled_bytes_come_afterwards() -> None:
    async with echoing() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await said(reader, writer, b"first")
        breaking = asyncio.create_task(proxy.stall(0.2))
        await asyncio.sleep(0)

        back = asyncio.create_task(said(reader, writer, b"second"))
        done, _ = await asyncio.wait({back}, timeout=0.1)

        assert not done
        assert await back == b"second"
        await breaking
        writer.transport.abort()
