"""What a compiled field does when it runs: it resolves a value and completes it to what is told, errors and all."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import FieldNode, GraphQLEnumType, GraphQLError, GraphQLScalarType, Undefined, located_error

from schema.base.budget import OBJECT_VALUES, VALUES_MAX, AnswerTooLargeError
from schema.base.context import RequestContext

Path = tuple[Any, str | int] | None
"""The way to a value from the outside in: the path to what holds it, and its key there."""


class Asking:
    """What resolvers take for their `info`: the context alone."""

    __slots__ = ("context",)

    def __init__(self, context: RequestContext) -> None:
        self.context = context


@dataclass(slots=True)
class Run:
    """One run of an operation: who asks, the arguments of its fields, what went wrong so far, and how much was told."""

    info: Asking
    arguments: Sequence[dict[str, Any]]
    errors: list[GraphQLError] = field(default_factory=list)
    values: int = 0

    def spend(self, fields: int) -> None:
        """Counts an object of so many fields. Raises AnswerTooLargeError."""
        self.values += OBJECT_VALUES + fields
        if self.values > VALUES_MAX:
            raise AnswerTooLargeError


Complete = Callable[[Any, Run, Path], Any]
"""From what a resolver gave to what is told; a coroutine where the completer is asynchronous."""


@dataclass(frozen=True, slots=True)
class Completer:
    """How the values of one type are told; `is_async` where completing gives a coroutine."""

    complete: Complete
    is_async: bool


@dataclass(frozen=True, slots=True)
class CompiledField:
    """A field under its key in the answer: how its value is found, and how that is told."""

    key: str
    resolve: Callable[[Any, Run], Any]
    is_resolved_async: bool
    completer: Completer
    is_nullable: bool
    nodes: list[FieldNode]

    @property
    def is_async(self) -> bool:
        """True where the field is told by `tell_async` alone."""
        return self.is_resolved_async or self.completer.is_async

    def tell(self, source: Any, run: Run, path: Path) -> Any:
        """What is told of a source. Raises what a field that may not be null met."""
        place = (path, self.key)
        try:
            return self.completer.complete(self.resolve(source, run), run, place)
        except Exception as error:
            return self._failed(error, run, place)

    async def tell_async(self, source: Any, run: Run, path: Path) -> Any:
        """As `tell`, whatever must be awaited."""
        place = (path, self.key)
        try:
            value = self.resolve(source, run)
            if self.is_resolved_async:
                value = await value
            told = self.completer.complete(value, run, place)
            return await told if self.completer.is_async else told
        except Exception as error:
            return self._failed(error, run, place)

    def _failed(self, error: Exception, run: Run, place: Path) -> None:
        failure = located_error(error, self.nodes, listed(place))
        if not self.is_nullable:
            raise failure
        run.errors.append(failure)


def required_of(inner: Completer, name: str) -> Completer:
    """Completes what may not be null; name is the field's, with its type's."""
    message: Final = f"Cannot return null for non-nullable field {name}."
    complete = inner.complete
    if inner.is_async:

        async def required_async(value: Any, run: Run, path: Path) -> Any:
            told = await complete(value, run, path)
            if told is None:
                raise TypeError(message)
            return told

        return Completer(required_async, True)

    def required(value: Any, run: Run, path: Path) -> Any:
        told = complete(value, run, path)
        if told is None:
            raise TypeError(message)
        return told

    return Completer(required, False)


def leaf_of(wanted: GraphQLScalarType | GraphQLEnumType) -> Completer:
    """Completes scalars and the values of an enum."""
    write = wanted.coerce_output_value

    def checked(value: Any, run: Run, path: Path) -> Any:
        if value is None:
            return None
        told = write(value)
        if told is None or told is Undefined:
            raise TypeError(f"{wanted.name} has nothing to tell of a value")
        return told

    if isinstance(wanted, GraphQLEnumType):
        names: dict[Any, str] = {wanted.parse_value(name): name for name in wanted.values}

        def name_of(value: Any, run: Run, path: Path) -> Any:
            return None if value is None else names.get(value) or checked(value, run, path)

        return Completer(name_of, False)
    if wanted.name in ("String", "ID"):

        def text(value: Any, run: Run, path: Path) -> Any:
            return value if type(value) is str else checked(value, run, path)

        return Completer(text, False)
    return Completer(checked, False)


def list_of(item: Completer, nodes: list[FieldNode], *, is_nullable: bool) -> Completer:
    """Completes lists of what the item completes; is_nullable says whether one of them may be null."""
    if item.is_async:
        return _list_of_async(item, nodes, is_nullable)
    tell = item.complete

    def complete(value: Any, run: Run, path: Path) -> Any:
        if value is None:
            return None
        told: list[Any] = []
        for index, one in enumerate(value):
            place = (path, index)
            try:
                told.append(tell(one, run, place))
            except Exception as error:
                _fail_item(error, run, place, nodes, is_nullable)
                told.append(None)
        return told

    return Completer(complete, False)


def _list_of_async(item: Completer, nodes: list[FieldNode], is_nullable: bool) -> Completer:
    async def tell(one: Any, run: Run, place: Path) -> Any:
        try:
            return await item.complete(one, run, place)
        except Exception as error:
            _fail_item(error, run, place, nodes, is_nullable)
            return None

    async def complete(value: Any, run: Run, path: Path) -> Any:
        if value is None:
            return None
        return await _all([tell(one, run, (path, index)) for index, one in enumerate(value)])

    return Completer(complete, True)


def _fail_item(error: Exception, run: Run, place: Path, nodes: list[FieldNode], is_nullable: bool) -> None:
    failure = located_error(error, nodes, listed(place))
    if not is_nullable:
        raise failure
    run.errors.append(failure)


def object_of(fields: Sequence[CompiledField]) -> Completer:
    """Completes objects of these fields."""
    count = len(fields)
    if any(one.is_async for one in fields):

        async def complete_async(value: Any, run: Run, path: Path) -> Any:
            if value is None:
                return None
            run.spend(count)
            return await told_of(fields, value, run, path)

        return Completer(complete_async, True)

    def complete(value: Any, run: Run, path: Path) -> Any:
        if value is None:
            return None
        run.spend(count)
        return {one.key: one.tell(value, run, path) for one in fields}

    return Completer(complete, False)


async def told_of(fields: Sequence[CompiledField], source: Any, run: Run, path: Path) -> dict[str, Any]:
    """What the fields tell of a source, the asynchronous ones side by side."""
    told: dict[str, Any] = {}
    waiting: list[CompiledField] = []
    for one in fields:
        # Keys keep the order of the document, whatever comes first.
        told[one.key] = None
        if one.is_async:
            waiting.append(one)
        else:
            told[one.key] = one.tell(source, run, path)
    values = await _all([one.tell_async(source, run, path) for one in waiting])
    for one, value in zip(waiting, values, strict=True):
        told[one.key] = value
    return told


async def _all(coming: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    if len(coming) == 1:
        return [await coming[0]]
    # All come to their end before the first failure is told, so that nothing goes on behind the answer.
    values = await asyncio.gather(*coming, return_exceptions=True)
    for value in values:
        if isinstance(value, BaseException):
            raise value
    return list(values)


def listed(path: Path) -> list[str | int]:
    """The path as an error tells it."""
    steps: list[str | int] = []
    while path is not None:
        path, key = path
        steps.append(key)
    return steps[::-1]
