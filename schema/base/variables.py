"""How large the values of variables may be: counted before anything looks at what they mean."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.errors import OmsError

DEPTH_MAX: Final = 32
VALUES_MAX: Final = 100_000
ITEMS_MAX: Final = 10_000
TEXT_LENGTH_MAX: Final = 512 * 1024
NAME_LENGTH_MAX: Final = 256
# Whole numbers that every JSON reader keeps; larger ones come as texts.
INTEGER_MAX: Final = 2**63 - 1
NUMBER_MAX: Final = 1e18


class VariablesTooLargeError(OmsError):
    """The values of the variables are nested too deeply, too many, or too large."""

    code = "VARIABLES_TOO_LARGE"

    def __init__(self, message: str, *path: str, limit: int) -> None:
        super().__init__(message, path=["variables", *path], limit=limit)


def check_variables(variables: Mapping[str, Any]) -> None:
    """Raises VariablesTooLargeError with the name of the variable at whose value a limit was passed."""
    left = VALUES_MAX
    for name, value in variables.items():
        _check_length(name, NAME_LENGTH_MAX, name[:NAME_LENGTH_MAX])
        left -= _checked(value, left, name[:NAME_LENGTH_MAX])


def _checked(root: Any, left: int, name: str) -> int:
    # Level by level instead of by recursion: what is too deep is told, not fallen over.
    count, depth = 0, 0
    level = [root]
    while level:
        depth += 1
        if depth > DEPTH_MAX:
            raise VariablesTooLargeError(f"Variables have at most {DEPTH_MAX} levels.", name, limit=DEPTH_MAX)
        count += len(level)
        if count > left:
            raise VariablesTooLargeError(f"Variables have at most {VALUES_MAX} values.", name, limit=VALUES_MAX)
        below: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is str:
                _check_length(value, TEXT_LENGTH_MAX, name)
            elif kind is dict:
                _check_count(value, name)
                for key in value:
                    _check_length(key, NAME_LENGTH_MAX, name)
                below.extend(value.values())
            elif kind is list:
                _check_count(value, name)
                below.extend(value)
            elif (kind is int and abs(value) > INTEGER_MAX) or (kind is float and abs(value) > NUMBER_MAX):
                raise VariablesTooLargeError("A number is too large: send it as a text.", name, limit=INTEGER_MAX)
        level = below
    return count


def _check_length(text: str, limit: int, name: str) -> None:
    if len(text) > limit:
        raise VariablesTooLargeError(f"A text has at most {limit} characters.", name, limit=limit)


def _check_count(value: dict[str, Any] | list[Any], name: str) -> None:
    if len(value) > ITEMS_MAX:
        raise VariablesTooLargeError(f"A list or an object has at most {ITEMS_MAX} items.", name, limit=ITEMS_MAX)
