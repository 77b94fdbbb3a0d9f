"""Password hashing: argon2id in a bounded pool of threads, off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import UnavailableError

# Source: OWASP Password Storage Cheat Sheet, argon2id with 19 MiB, two passes, one lane.
MEMORY_COST_KIB: Final = 19 * 1024
TIME_COST: Final = 2
PARALLELISM: Final = 1

THREADS: Final = 2
WAITING_MAX: Final = 64

_Result = TypeVar("_Result")


class Passwords:
    """Hashes and verifies passwords. At most WAITING_MAX are under way; more are refused, so that memory is bounded."""

    def __init__(self, *, threads: int = THREADS, waiting_max: int = WAITING_MAX) -> None:
        self._hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_COST_KIB, parallelism=PARALLELISM)
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="argon2")
        self._waiting_max = waiting_max
        self._waiting = 0
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The PHC string of the password under a new salt.

        Raises UnavailableError when too many wait.
        """
        return await self._run(partial(self._hasher.hash, password))

    async def verify(self, password: str | None, hashed: str | None) -> bool:
        """True when the password is the hashed one. Without either, it takes as long and answers False.

        Raises UnavailableError when too many wait.
        """
        is_right = await self._run(partial(self._is_right, password or "", hashed or self._nobodys))
        return is_right and password is not None and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """True when the hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        """Lets the threads go; those waiting are cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _is_right(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._waiting >= self._waiting_max:
            raise UnavailableError("Too many logins are under way; try again shortly.")
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # A cancelled caller frees its place only when the pool has let go of the work: hence the shield.
        future.add_done_callback(self._leave)
        return await asyncio.shield(future)

    def _leave(self, _: asyncio.Future[_Result]) -> None:
        self._waiting -= 1
