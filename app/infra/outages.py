"""What the errors of drivers mean to a client: a server that is away, a statement too slow, a text not storable."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core.errors import InputError, OmsError, UnavailableError
from app.infra.db import CONNECTION_LOST, PUT_OFF
from app.infra.redis import REDIS_LOST

_DEPTH_MAX = 8


def known_as(error: BaseException) -> OmsError | None:
    """The error as the house knows it; None for one that nobody foresaw."""
    for one in _causes(error):
        if isinstance(one, OmsError):
            return one
        if isinstance(one, asyncpg.CharacterNotInRepertoireError | UnicodeEncodeError):
            return InputError("A text holds a character that cannot be stored.")
        if isinstance(one, asyncpg.QueryCanceledError):
            return UnavailableError("The answer took too long.")
        if isinstance(one, PoolTimeoutError) or (isinstance(one, DBAPIError) and one.connection_invalidated):
            return UnavailableError("The database does not answer at the moment.")
        if isinstance(one, CONNECTION_LOST + PUT_OFF):
            return UnavailableError("The database does not answer at the moment.")
        if isinstance(one, REDIS_LOST):
            return UnavailableError("A server behind this one does not answer at the moment.")
    return None


def tell(log: logging.Logger, what: str, error: Exception) -> None:
    """Logs what an error keeps from being done; with its traceback where nobody foresaw it."""
    known = known_as(error)
    log.error("%s: %s", what, known or type(error).__name__, exc_info=known is None)


async def go_on(turn: Callable[[], Awaitable[float]], *, away_s: float, log: logging.Logger, what: str) -> None:
    """Takes turn after turn until it is cancelled; each tells after how many seconds the next is due.

    No error ends it: what a turn left undone is tried again away_s later. A server that is away is logged once until a
    turn is through, anything else each time.
    """
    is_up = True
    while True:
        try:
            wait_s = await turn()
            is_up = True
        except Exception as error:
            if is_up or known_as(error) is None:
                tell(log, what, error)
            is_up, wait_s = False, away_s
        await asyncio.sleep(wait_s)


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_DEPTH_MAX):
        if found is None:
            return
        yield found
        found = found.orig if isinstance(found, DBAPIError) else found.__cause__
