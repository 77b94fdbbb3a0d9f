"""What the errors of drivers mean to a client: a server that is away, a statement too slow, a text not storable."""

from collections.abc import Iterator

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


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_DEPTH_MAX):
        if found is None:
            return
        yield found
        found = found.orig if isinstance(found, DBAPIError) else found.__cause__
