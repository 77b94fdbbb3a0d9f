"""Exit codes, and how an error becomes one clear line instead of a traceback."""

import errno
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.errors import OmsError


class ExitCode(IntEnum):
    """What a script may rely on."""

    OK = 0
    ERROR = 1
    USAGE = 2
    AUTH = 3
    REFUSED_BY_RISK = 4
    NOT_FOUND = 5
    BROKER_UNAVAILABLE = 6
    UNKNOWN = 7
    INTERRUPTED = 130


_BY_PREFIX = {
    "UNAUTHENTICATED": ExitCode.AUTH,
    "FORBIDDEN": ExitCode.AUTH,
    "AUTH_": ExitCode.AUTH,
    "RISK_": ExitCode.REFUSED_BY_RISK,
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "HALT_NOT_FOUND": ExitCode.NOT_FOUND,
    "HALT_TARGET_NOT_FOUND": ExitCode.NOT_FOUND,
    "SURVEILLANCE_CASE_NOT_FOUND": ExitCode.NOT_FOUND,
    "BROKER_": ExitCode.BROKER_UNAVAILABLE,
}


def guarded(command: Callable[[], object]) -> int:
    """Run `command`; what it raises and an operator can mend becomes a line on stderr and an exit code."""
    # Imported here, for `oms --help` has to be quick.
    from app.core.errors import OmsError

    try:
        command()
    except OmsError as error:
        return fail(error.message, _exit_code(error))
    except BaseExceptionGroup as group:
        found, others = group.split(OmsError)
        if others is not None or found is None:
            raise
        first = _leaf(found)
        return fail(str(first), _exit_code(first) if isinstance(first, OmsError) else ExitCode.ERROR)
    except BrokenPipeError:
        # `oms … | head`: the reader has enough. The interpreter must not complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}:
            raise
        return fail(error.strerror or str(error), ExitCode.ERROR)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def fail(message: str, code: ExitCode) -> ExitCode:
    """Say on stderr what is wrong; returns the code."""
    print(f"oms: {message}", file=sys.stderr)
    return code


def _exit_code(error: "OmsError") -> ExitCode:
    for prefix, code in _BY_PREFIX.items():
        if error.code.startswith(prefix):
            return code
    return ExitCode.ERROR


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
