"""Copies of frozen records with some fields changed: what dataclasses.replace does, at a quarter of its cost."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    # The type checker knows its fields by this name.
    from dataclasses import replace as replace
else:

    def replace(record, /, **changes):
        """A copy of the slotted record in which these fields have other values.

        The constructor is not called again, so that a field costs a move instead of a keyword argument. A record that
        checks itself at its making, or has no slots, is made as dataclasses.replace makes it. Raises TypeError for a
        name that is none of its fields.
        """
        kind = record.__class__
        known = _MOVES.get(kind)
        if known is None:
            known = _MOVES[kind] = _moves_of(kind)
        if known.copy is None:
            return dataclasses.replace(record, **changes)
        copied = known.copy(record)
        try:
            for name, value in changes.items():
                known.setters[name](copied, value)
        except KeyError as error:
            raise TypeError(f"{kind.__name__} has no field {error}") from None
        return copied


class _Moves(NamedTuple):
    copy: Callable[[Any], Any] | None
    setters: dict[str, Callable[[Any, Any], None]]


_MOVES: dict[type, _Moves] = {}


def _moves_of(kind: type) -> _Moves:
    names = [field.name for field in dataclasses.fields(kind)]
    setters = {name: getattr(kind.__dict__.get(name), "__set__", None) for name in names}
    is_plain = not hasattr(kind, "__post_init__") and all(field.init for field in dataclasses.fields(kind))
    if not is_plain or not all(setters.values()):
        return _Moves(copy=None, setters={})
    # Written out, as dataclasses writes constructors: a loop over the names would cost as much as the constructor.
    lines = ["def copy(record):", " copied = new(kind)", *(f" set_{name}(copied, record.{name})" for name in names)]
    space: dict[str, Any] = {"new": object.__new__, "kind": kind}
    space |= {f"set_{name}": setter for name, setter in setters.items()}
    exec("\n".join([*lines, " return copied"]), space)  # noqa: S102 - the names are those of fields
    return _Moves(copy=space["copy"], setters={name: setter for name, setter in setters.items() if setter})
