"""Whether a secret is one that somebody chose at random, or one that the next person guesses."""

import math
import re
from collections import Counter
from typing import Final
from urllib.parse import unquote, urlsplit

BITS_MIN: Final = 96.0
KEY_BYTES_DISTINCT_MIN: Final = 16
PASSWORD_LENGTH_MIN: Final = 8
# What examples, installers and tutorials leave behind; a secret that is made of one of them is no secret.
_WORDS: Final = re.compile(
    r"change.?me|replace.?me|example|password|secret|default|development|12345|qwerty|abcdef", re.I
)
_PASSWORDS: Final = frozenset(
    {"postgres", "postgresql", "oms", "omsomsoms", "admin", "root", "redis", "guest", "test", "user", "word", "letmein"}
)


def weakness_of_text(secret: str) -> str | None:
    """Why a signing key is weak, None for one that looks drawn at random.

    Its bits are those of its characters' frequencies: text that repeats itself has few, whatever its length.
    """
    if (found := _WORDS.search(secret)) is not None:
        return f"holds {found[0].lower()!r}"
    counts = Counter(secret)
    bits = -sum(count * math.log2(count / len(secret)) for count in counts.values())
    return None if bits >= BITS_MIN else "repeats itself"


def weakness_of_key(key: bytes) -> str | None:
    """Why a key of random bytes is weak, None for one that looks drawn at random."""
    return None if len(set(key)) >= KEY_BYTES_DISTINCT_MIN else "repeats itself"


def weakness_of_address(url: str) -> str | None:
    """Why the password in a server's address is weak; None without a password: sockets and certificates need none."""
    parts = urlsplit(url)
    if parts.password is None:
        return None
    password = unquote(parts.password)
    if len(password) < PASSWORD_LENGTH_MIN:
        return f"has less than {PASSWORD_LENGTH_MIN} characters"
    if password.lower() in _PASSWORDS or password == unquote(parts.username or "") or _WORDS.fullmatch(password):
        return "is one that everybody tries first"
    return None
