"""Copies of frozen records with some fields changed: what dataclasses.replace does, at a quarter of its cost."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

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


RecordT = TypeVar("RecordT")


def changer(kind: type[RecordT], *names: str) -> Callable[..., RecordT]:
    """A function of a record and of new values for these fields, by place: it copies at half the cost of replace.

    The kind is a slotted record that does not check itself at its making. Raises TypeError for one that is not, or has
    no such field.
    """
    known = _moves_of(kind)
    if known.copy is None or not known.setters.keys() >= set(names):
        raise TypeError(f"{kind.__name__} cannot be copied with other {', '.join(names)}")
    return _written_out(kind, known.setters, names)


class _Moves(NamedTuple):
    copy: Callable[[Any], Any] | None
    setters: dict[str, Callable[[Any, Any], None]]


_MOVES: dict[type, _Moves] = {}


def _moves_of(kind: type) -> _Moves:
    names = [field.name for field in dataclasses.fields(kind)]
    setters = {name: getattr(kind.__dict__.get(name), "__set__", None) for name in names}
    is_plain = not hasattr(kind, "__post_init__") and all(field.init for field in dataclasses.fields(kind))
    known = {name: setter for name, setter in setters.items() if setter is not None}
    if not is_plain or len(known) < len(names):
        return _Moves(copy=None, setters={})
    return _Moves(copy=_written_out(kind, known, ()), setters=known)


def _written_out(kind: type, setters: Mapping[str, Any], changed: Sequence[str]) -> Callable[..., Any]:
    # As dataclasses writes constructors: a loop over the names would cost as much as the constructor.
    # A field may have any name that does not begin with two underscores.
    lines = [
        f"def copy({', '.join(['__record', *changed])}):",
        " __copied = __new(__kind)",
        *(f" __set_{name}(__copied, {name if name in changed else f'__record.{name}'})" for name in setters),
        " return __copied",
    ]
    space: dict[str, Any] = {"__new": object.__new__, "__kind": kind}
    space |= {f"__set_{name}": setter for name, setter in setters.items()}
    exec("\n".join(lines), space)  # noqa: S102 - the names are those of fields
    made: Callable[..., Any] = space["copy"]
    return made
