"""How long a process lives: until SIGINT or SIGTERM, and then only as long as its work needs to end in order."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final

log = logging.getLogger(__name__)

CANCEL_EVERY_S: Final = 1.0
CANCELS_MAX: Final = 5


def run_until_signalled(serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs the work until it ends by itself or a signal asks it to. What it raises is raised.

    A cancellation that gets lost on the way, as it may where a connection breaks at the same moment, is repeated;
    work that outlives all of them is left behind with the process.
    """
    asyncio.run(_live(serve))


async def _live(serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    work = asyncio.create_task(serve(), name="work")
    waiting = asyncio.create_task(asked.wait(), name="signal")
    await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for _ in range(CANCELS_MAX):
        if work.done():
            break
        work.cancel()
        await asyncio.wait([work], timeout=CANCEL_EVERY_S)
    else:
        log.error("the work does not end; the process does")
        os._exit(1)
    if not work.cancelled():
        work.result()
