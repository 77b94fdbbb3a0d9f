"""How the processes log: one record a line that cannot be forged, and no secret in it."""

import logging
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from app.infra.settings import Settings

FORMAT: Final = "%(levelname)s %(name)s: %(message)s"
HIDDEN: Final = "[hidden]"
SECRET_LENGTH_MIN: Final = 6
# What the house gives out as credentials, and what stands as a password in an address.
_CREDENTIALS: Final = re.compile(
    r"(?P<token>\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"
    r"|(?P<key>\bom[sr]_[a-z2-7]{26}_[a-z2-7_]{20,})"
    r"|(?P<scheme>[Bb]earer +)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?P<address>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)"
)
# C0 without tab and line end, DEL, C1 (terminals obey some of them), the line ends and directions of Unicode.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Lines(logging.Formatter):
    """Formats a record: a line for its message, further ones indented, control characters as escapes."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(FORMAT)
        known = sorted({one for one in secrets if len(one) >= SECRET_LENGTH_MIN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def format(self, record: logging.LogRecord) -> str:
        """The record's text."""
        text = super().format(record)
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        text = _CREDENTIALS.sub(_hidden, text)
        # A line that begins at the margin is a record of ours: what came in cannot look like one.
        return _UNPRINTABLE.sub(_escaped, text).replace("\n", "\n  ")


def log_to_stderr(settings: Settings) -> None:
    """Sets the logging of this process up."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(secrets_of(settings)))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])


def secrets_of(settings: Settings) -> frozenset[str]:
    """What of the settings must be told to nobody: the secrets, and the passwords in addresses."""
    found: set[str] = set()
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            parts = re.split(r"[\s,]+", value.get_secret_value())
            found |= {value.get_secret_value(), *parts, *(part.rpartition(":")[2] for part in parts)}
        elif isinstance(value, str) and "://" in value and (password := urlsplit(value).password):
            found |= {password, unquote(password)}
    return frozenset(found)


def _hidden(match: re.Match[str]) -> str:
    return (match["scheme"] or match["address"] or "") + HIDDEN


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
