"""A worker's loop outlives whatever its turns raise, and does not flood the log while a server is away."""

import asyncio
import logging

import pytest

from app.core.errors import UnavailableError
from app.infra.outages import go_on

log = logging.getLogger("oms.test.going_on")


async def test_an_outage_is_logged_once_until_a_turn_is_through_and_the_unforeseen_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away, odd = UnavailableError("away"), ValueError("odd")
    turns = iter([away, away, None, away, odd, odd])
    over = asyncio.Event()

    async def turn() -> float:
        error = next(turns, over)
        if error is over:
            over.set()
            return 60
        if isinstance(error, Exception):
            raise error
        return 0

    loop = asyncio.create_task(go_on(turn, away_s=0, log=log, what="it waits"))
    await over.wait()
    loop.cancel()
    await asyncio.wait([loop])

    assert loop.cancelled()
    told = [(record.getMessage(), bool(record.exc_info)) for record in caplog.records if record.name == log.name]
    known, unforeseen = (f"it waits: {away}", False), ("it waits: ValueError", True)
    assert told == [known, known, unforeseen, unforeseen]
