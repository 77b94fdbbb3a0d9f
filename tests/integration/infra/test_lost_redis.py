"""What a process is told when Redis goes away under its connections."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvloop

from app.infra.redis import REDIS_LOST, make_client


def test_socket_that_was_reset_counts_as_lost_in_the_loop_of_the_web_process(redis_url: str) -> None:
    async def write_to_a_reset_socket() -> None:
        async with make_client(redis_url) as client:
            connection = await client.connection_pool.get_connection()  # type: ignore[no-untyped-call]
            connection._writer.transport.abort()
            # The loop closes the handle in its next turn, and the library learns of it in a later one.
            await asyncio.sleep(0)
            with pytest.raises(REDIS_LOST):
                await connection.send_command("PING", check_health=False)
            await client.connection_pool.release(connection)

            assert await client.ping()

    def in_uvloop() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(write_to_a_reset_socket())

    with ThreadPoolExecutor(1) as thread:
        thread.submit(in_uvloop).result()
