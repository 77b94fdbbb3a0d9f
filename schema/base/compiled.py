"""Operations compiled to Python: what the executor would look up for each request is looked up once.

graphql-core stays the measure: whatever is not compiled here, and every value that does not fit, goes its way, and a
test holds the answers of both against each other.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    located_error,
)

from schema.base.budget import OBJECT_VALUES, VALUES_MAX, AnswerTooLargeError
from schema.base.compiled_inputs import DEFINITION, Inputs, NotCompilable, Uncoerced, Values
from schema.base.context import RequestContext
from schema.base.permissions import Requires

# An interface has its fields made once for each type behind it: what would grow too large is executed instead.
COMPILED_FIELDS_MAX: Final = 4_000

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
class _Completer:
    complete: Complete
    is_async: bool


@dataclass(frozen=True, slots=True)
class _Field:
    key: str
    resolve: Callable[[Any, Run], Any]
    is_resolved_async: bool
    completer: _Completer
    is_nullable: bool
    nodes: list[FieldNode]

    @property
    def is_async(self) -> bool:
        return self.is_resolved_async or self.completer.is_async

    def tell(self, source: Any, run: Run, path: Path) -> Any:
        place = (path, self.key)
        try:
            return self.completer.complete(self.resolve(source, run), run, place)
        except Exception as error:
            return self.failed(error, run, place)

    async def tell_async(self, source: Any, run: Run, path: Path) -> Any:
        place = (path, self.key)
        try:
            value = self.resolve(source, run)
            if self.is_resolved_async:
                value = await value
            told = self.completer.complete(value, run, place)
            return await told if self.completer.is_async else told
        except Exception as error:
            return self.failed(error, run, place)

    def failed(self, error: Exception, run: Run, place: Path) -> None:
        failure = located_error(error, self.nodes, _listed(place))
        if not self.is_nullable:
            raise failure
        run.errors.append(failure)


class CompiledOperation:
    """An operation that is ready to run with the variables of a request."""

    def __init__(
        self, fields: Sequence[_Field], read: Callable[[Mapping[str, Any]], Values], builders: "_Builders", size: int
    ):
        """`size` is the number of fields, each of them once for every type that it may be asked of."""
        self.size = size
        self._fields = fields
        self._read = read
        self._builders = tuple(builders)

    def start(self, variables: Mapping[str, Any], context: RequestContext) -> Run | None:
        """A run with its arguments made; None where a value does not fit, with nothing done yet."""
        try:
            values = self._read(variables)
            return Run(Asking(context), [build(values) for build in self._builders])
        except Uncoerced:
            return None

    async def execute(self, run: Run, *, is_serial: bool) -> ExecutionResult:
        """The answer of a query, its root fields side by side, or of a mutation, one after the other."""
        try:
            run.spend(len(self._fields))
            if is_serial:
                data = {one.key: await one.tell_async(None, run, None) for one in self._fields}
            else:
                data = await _told(self._fields, None, run, None)
        except Exception as error:
            run.errors.append(located_error(error, None, None))
            return ExecutionResult(data=None, errors=run.errors)
        return ExecutionResult(data=data, errors=run.errors or None)

    async def tell(self, event: Any, run: Run) -> ExecutionResult:
        """The answer to one event of a subscription."""
        (root,) = self._fields
        place = (None, root.key)
        try:
            run.spend(1)
            told = root.completer.complete(event, run, place)
            data: dict[str, Any] | None = {root.key: await told if root.completer.is_async else told}
        except Exception as error:
            run.errors.append(located_error(error, root.nodes, _listed(place)))
            data = {root.key: None} if root.is_nullable else None
        return ExecutionResult(data=data, errors=run.errors or None)


_Builders = list[Callable[[Values], dict[str, Any]]]


class Compiler:
    """Compiles operations over a schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._inputs = Inputs(schema)

    def compile(self, document: DocumentNode, operation: OperationDefinitionNode) -> CompiledOperation | None:
        """The operation compiled; None for one that only the executor can run. The document is validated."""
        root = {
            OperationType.QUERY: self._schema.query_type,
            OperationType.MUTATION: self._schema.mutation_type,
            OperationType.SUBSCRIPTION: self._schema.subscription_type,
        }[operation.operation]
        assert root is not None, "the document was validated"
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        making = _Making(self._schema, self._inputs, fragments)
        try:
            if operation.directives:
                raise NotCompilable
            fields = making.fields(root, [operation.selection_set], is_root=True)
            return CompiledOperation(fields, self._inputs.variables(operation), making.builders, making.size)
        except NotCompilable:
            return None


class _Making:
    def __init__(self, schema: GraphQLSchema, inputs: Inputs, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._inputs = inputs
        self._fragments = fragments
        self.builders: _Builders = []
        self.size = 0

    def fields(
        self, parent: GraphQLObjectType, selection_sets: Iterable[SelectionSetNode], *, is_root: bool = False
    ) -> list[_Field]:
        collected: dict[str, list[FieldNode]] = {}
        for selection_set in selection_sets:
            self._collect(parent, selection_set, collected)
        return [self._field(parent, key, nodes, is_root=is_root) for key, nodes in collected.items()]

    def _collect(
        self, parent: GraphQLObjectType, selection_set: SelectionSetNode, collected: dict[str, list[FieldNode]]
    ) -> None:
        for selection in selection_set.selections:
            if selection.directives:
                raise NotCompilable
            if isinstance(selection, FieldNode):
                key = (selection.alias or selection.name).value
                collected.setdefault(key, []).append(selection)
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
                if fragment.directives or fragment.variable_definitions:
                    raise NotCompilable
            assert isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode)
            condition = fragment.type_condition
            if condition is None or self._covers(condition.name.value, parent):
                self._collect(parent, fragment.selection_set, collected)

    def _covers(self, name: str, parent: GraphQLObjectType) -> bool:
        wanted = self._schema.type_map[name]
        if isinstance(wanted, GraphQLAbstractType):
            return self._schema.is_sub_type(wanted, parent)
        return wanted is parent

    def _field(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode], *, is_root: bool) -> _Field:
        name = nodes[0].name.value
        self.size += 1
        if self.size > COMPILED_FIELDS_MAX:
            raise NotCompilable
        if name == "__typename":
            told = _Completer(lambda value, run, path: value, False)
            return _Field(key, lambda source, run: parent.name, False, told, False, nodes)
        if name.startswith("__"):
            raise NotCompilable
        declared = parent.fields[name]
        resolve, is_async = self._resolver(declared, nodes[0], is_root=is_root)
        completer = self._completer(declared.type, nodes, f"{parent.name}.{name}")
        return _Field(key, resolve, is_async, completer, not isinstance(declared.type, GraphQLNonNull), nodes)

    def _resolver(
        self, declared: GraphQLField, node: FieldNode, *, is_root: bool
    ) -> tuple[Callable[[Any, Run], Any], bool]:
        definition = declared.extensions[DEFINITION]
        requirements = [one.requirement for one in definition.extensions if isinstance(one, Requires)]
        if len(requirements) != len(definition.extensions) or bool(requirements) is not is_root:
            raise NotCompilable
        if any(one.step_up for one in requirements):
            # Asked seldom, and asks the database before it resolves.
            raise NotCompilable
        resolver = definition.base_resolver
        if resolver is None:
            get = attrgetter(definition.python_name)
            return lambda source, run: get(source), False
        if resolver.parent_parameter or resolver.root_parameter:
            raise NotCompilable
        function, with_self = resolver._unbound_wrapped_func, resolver.self_parameter is not None
        info_name = None if resolver.info_parameter is None else resolver.info_parameter.name
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        place = None
        if declared.args:
            place = len(self.builders)
            self.builders.append(self._inputs.arguments(declared.args, given))

        def call(source: Any, run: Run) -> Any:
            keywords = {} if place is None else dict(run.arguments[place])
            if info_name is not None:
                keywords[info_name] = run.info
            return function(source, **keywords) if with_self else function(**keywords)

        if not requirements:
            return call, resolver.is_async
        (requirement,) = requirements

        def guarded(source: Any, run: Run) -> Any:
            if requirement.needs_principal:
                requirement.check(run.info.context.principal)
            return call(source, run)

        return guarded, resolver.is_async

    def _completer(self, wanted: GraphQLOutputType, nodes: list[FieldNode], name: str) -> _Completer:
        match wanted:
            case GraphQLNonNull():
                return _required(self._completer(wanted.of_type, nodes, name), name)
            case GraphQLList():
                is_nullable = not isinstance(wanted.of_type, GraphQLNonNull)
                item = self._completer(wanted.of_type, nodes, name)
                return _list_of_async(item, nodes, is_nullable) if item.is_async else _list(item, nodes, is_nullable)
            case GraphQLScalarType() | GraphQLEnumType():
                return _leaf(wanted)
            case GraphQLObjectType():
                return _object(self.fields(wanted, _selections(nodes)))
            case _:
                return self._abstract(wanted, nodes)

    def _abstract(self, wanted: Any, nodes: list[FieldNode]) -> _Completer:
        # All at once: the arguments of every type's fields have their places before the first run.
        made = {
            one.name: _object(self.fields(one, _selections(nodes))) for one in self._schema.get_possible_types(wanted)
        }

        async def complete(value: Any, run: Run, path: Path) -> Any:
            if value is None:
                return None
            completer = made[type(value).__strawberry_definition__.name]
            told = completer.complete(value, run, path)
            return await told if completer.is_async else told

        return _Completer(complete, True)


def _selections(nodes: Iterable[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set is not None]


def _required(inner: _Completer, name: str) -> _Completer:
    message: Final = f"Cannot return null for non-nullable field {name}."
    complete = inner.complete
    if inner.is_async:

        async def required_async(value: Any, run: Run, path: Path) -> Any:
            told = await complete(value, run, path)
            if told is None:
                raise TypeError(message)
            return told

        return _Completer(required_async, True)

    def required(value: Any, run: Run, path: Path) -> Any:
        told = complete(value, run, path)
        if told is None:
            raise TypeError(message)
        return told

    return _Completer(required, False)


def _leaf(wanted: GraphQLScalarType | GraphQLEnumType) -> _Completer:
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

        return _Completer(name_of, False)
    if wanted.name in ("String", "ID"):

        def text(value: Any, run: Run, path: Path) -> Any:
            return value if type(value) is str else checked(value, run, path)

        return _Completer(text, False)
    return _Completer(checked, False)


def _list(item: _Completer, nodes: list[FieldNode], is_nullable: bool) -> _Completer:
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

    return _Completer(complete, False)


def _list_of_async(item: _Completer, nodes: list[FieldNode], is_nullable: bool) -> _Completer:
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

    return _Completer(complete, True)


def _fail_item(error: Exception, run: Run, place: Path, nodes: list[FieldNode], is_nullable: bool) -> None:
    failure = located_error(error, nodes, _listed(place))
    if not is_nullable:
        raise failure
    run.errors.append(failure)


def _object(fields: Sequence[_Field]) -> _Completer:
    count = len(fields)
    if any(one.is_async for one in fields):

        async def complete_async(value: Any, run: Run, path: Path) -> Any:
            if value is None:
                return None
            run.spend(count)
            return await _told(fields, value, run, path)

        return _Completer(complete_async, True)

    def complete(value: Any, run: Run, path: Path) -> Any:
        if value is None:
            return None
        run.spend(count)
        return {one.key: one.tell(value, run, path) for one in fields}

    return _Completer(complete, False)


async def _told(fields: Sequence[_Field], source: Any, run: Run, path: Path) -> dict[str, Any]:
    told: dict[str, Any] = {}
    waiting: list[_Field] = []
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


def _listed(path: Path) -> list[str | int]:
    steps: list[str | int] = []
    while path is not None:
        path, key = path
        steps.append(key)
    return steps[::-1]
