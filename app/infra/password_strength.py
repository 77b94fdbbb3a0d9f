"""How hard a password is to guess: zxcvbn in a thread of its own, off the event loop."""

import asyncio
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from zxcvbn import zxcvbn
from zxcvbn.matching import RANKED_DICTIONARIES

from app.core.errors import UnavailableError

SCORE_MIN: Final = 3
# It looks at every part of the password: what a longer one has beyond these, it need not have.
SEEN_MAX: Final = 64
WORDS_MAX: Final = 20
WORD_LENGTH_MAX: Final = 64
WAITING_MAX: Final = 64
_SEPARATORS: Final = re.compile(r"[\W_]+")


class PasswordStrength:
    """Judges passwords, one at a time: zxcvbn keeps the words of the one it judges in a table that all share."""

    def __init__(self, *, waiting_max: int = WAITING_MAX) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="strength")
        self._waiting_max = waiting_max
        self._waiting = 0

    async def weakness(self, password: str, words: Sequence[str]) -> str | None:
        """Why the password is too easily guessed by who knows the words, in a sentence; None for a strong one.

        Raises UnavailableError when too many wait.
        """
        if self._waiting >= self._waiting_max:
            raise UnavailableError("Too many passwords are being judged; try again shortly.")
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(
            self._pool, partial(_weakness, password[:SEEN_MAX], _parts(words))
        )
        future.add_done_callback(self._leave)
        return await asyncio.shield(future)

    def close(self) -> None:
        """Lets the thread go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, _: "asyncio.Future[str | None]") -> None:
        self._waiting -= 1


def _parts(words: Sequence[str]) -> list[str]:
    parts = [
        part[:WORD_LENGTH_MAX]
        for word in words
        for part in (word, _SEPARATORS.sub("", word), *_SEPARATORS.split(word[:WORD_LENGTH_MAX]))
    ]
    return list(dict.fromkeys(part for part in parts if len(part) > 2))[:WORDS_MAX]


def _weakness(password: str, words: list[str]) -> str | None:
    try:
        judged = zxcvbn(password, user_inputs=words)
    finally:
        # Names of people stay no longer than they are needed.
        RANKED_DICTIONARIES.pop("user_inputs", None)
    if judged["score"] >= SCORE_MIN:
        return None
    feedback = judged["feedback"]
    told = " ".join(part.rstrip(".") + "." for part in (feedback["warning"], *feedback["suggestions"]) if part)
    return f"This password is too easily guessed. {told}".strip()
