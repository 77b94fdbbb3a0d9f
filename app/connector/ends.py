"""How a session ends: with the error that ended it, whatever of its tasks met it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from app.core.errors import OmsError


async def end_of(session: Coroutine[Any, Any, None]) -> OmsError:
    """Run a session to its end: the error that ended it. Other errors than ours are raised as they are.

    The session has a task of its own, because a task group that fails in the moment of its cancellation tells only
    the failure: whoever tries again after failures would then go on for ever.
    """
    task = asyncio.create_task(session)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    error: OmsError | None = None
    try:
        task.result()
    except* OmsError as group:
        error = _first(group)
    assert error is not None, "a session ends with an error"
    return error


def _first(group: BaseExceptionGroup[OmsError]) -> OmsError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, OmsError)
    return error
