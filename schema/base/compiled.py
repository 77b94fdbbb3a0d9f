"""Operations compiled to Python: what the executor would look up for each request is looked up once.

graphql-core stays the measure: whatever is not compiled here, and every value that does not fit, goes its way, and a
test holds the answers of both against each other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLEnumType,
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
    located_error,
)

from schema.base.compiled_inputs import DEFINITION, Inputs, NotCompilable, Uncoerced, Values
from schema.base.completing import (
    Asking,
    CompiledField,
    Completer,
    Path,
    Run,
    leaf_of,
    list_of,
    listed,
    object_of,
    required_of,
    told_of,
)
from schema.base.context import RequestContext
from schema.base.permissions import Requires


class CompiledOperation:
    """An operation that is ready to run with the variables of a request."""

    def __init__(
        self, fields: Sequence[CompiledField], read: Callable[[Mapping[str, Any]], Values], builders: "_Builders"
    ):
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
                data = await told_of(self._fields, None, run, None)
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
            run.errors.append(located_error(error, root.nodes, listed(place)))
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
            return CompiledOperation(fields, self._inputs.variables(operation), making.builders)
        except NotCompilable:
            return None


class _Making:
    def __init__(self, schema: GraphQLSchema, inputs: Inputs, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._inputs = inputs
        self._fragments = fragments
        self.builders: _Builders = []

    def fields(
        self, parent: GraphQLObjectType, selection_sets: Iterable[SelectionSetNode], *, is_root: bool = False
    ) -> list[CompiledField]:
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

    def _field(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode], *, is_root: bool) -> CompiledField:
        name = nodes[0].name.value
        if name == "__typename":
            told = Completer(lambda value, run, path: value, False)
            return CompiledField(key, lambda source, run: parent.name, False, told, False, nodes)
        if name.startswith("__"):
            raise NotCompilable
        declared = parent.fields[name]
        resolve, is_async = self._resolver(declared, nodes[0], is_root=is_root)
        completer = self._completer(declared.type, nodes, f"{parent.name}.{name}")
        return CompiledField(key, resolve, is_async, completer, not isinstance(declared.type, GraphQLNonNull), nodes)

    def _resolver(
        self, declared: GraphQLField, node: FieldNode, *, is_root: bool
    ) -> tuple[Callable[[Any, Run], Any], bool]:
        definition = declared.extensions[DEFINITION]
        requirements = [one.requirement for one in definition.extensions if isinstance(one, Requires)]
        if len(requirements) != len(definition.extensions) or (is_root and not requirements):
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

    def _completer(self, wanted: GraphQLOutputType, nodes: list[FieldNode], name: str) -> Completer:
        match wanted:
            case GraphQLNonNull():
                return required_of(self._completer(wanted.of_type, nodes, name), name)
            case GraphQLList():
                is_nullable = not isinstance(wanted.of_type, GraphQLNonNull)
                item = self._completer(wanted.of_type, nodes, name)
                return list_of(item, nodes, is_nullable=is_nullable)
            case GraphQLScalarType() | GraphQLEnumType():
                return leaf_of(wanted)
            case GraphQLObjectType():
                return object_of(self.fields(wanted, _selections(nodes)))
            case _:
                return self._abstract(wanted, nodes)

    def _abstract(self, wanted: Any, nodes: list[FieldNode]) -> Completer:
        # All at once: the arguments of every type's fields have their places before the first run.
        made = {
            one.name: object_of(self.fields(one, _selections(nodes))) for one in self._schema.get_possible_types(wanted)
        }

        async def complete(value: Any, run: Run, path: Path) -> Any:
            if value is None:
                return None
            completer = made[type(value).__strawberry_definition__.name]
            told = completer.complete(value, run, path)
            return await told if completer.is_async else told

        return Completer(complete, True)


def _selections(nodes: Iterable[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set is not None]
