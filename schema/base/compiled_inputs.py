"""Values of variables and arguments on the straight way from JSON to what a resolver takes."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    type_from_ast,
)
from strawberry.types.base import StrawberryObjectDefinition

DEFINITION: Final = "strawberry-definition"

Values = Mapping[str, Any]
"""The values of an operation's variables; absent where none was given."""
Read = Callable[[Any], Any]
"""From a JSON value to what a resolver takes. Raises Uncoerced."""
Build = Callable[[Values], Any]
"""From the variables to the value of an argument, ABSENT where it was left out. Raises Uncoerced."""

ABSENT: Final = object()
_INT_MAX: Final = 2**31 - 1
_INT_MIN: Final = -(2**31)


class NotCompilable(Exception):
    """The document asks for something that only the executor does."""


class Uncoerced(Exception):
    """A value is not what the document asks for: the executor tells what is wrong with it."""


class Inputs:
    """The readers of a schema's input types, each made once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._readers: dict[str, Read] = {}

    def variables(self, operation: OperationDefinitionNode) -> Callable[[Mapping[str, Any]], Values]:
        """What turns the raw variables of the operation into values. Raises NotCompilable."""
        readers: list[tuple[str, Read, bool, Any]] = []
        for definition in operation.variable_definitions or ():
            declared: Any = type_from_ast(self._schema, definition.type)
            default = ABSENT
            if definition.default_value is not None:
                default = self.literal(definition.default_value, declared)({})
            name = definition.variable.name.value
            readers.append((name, self.reader(declared), isinstance(declared, GraphQLNonNull), default))

        def read(raw: Mapping[str, Any]) -> Values:
            values: dict[str, Any] = {}
            for name, reader, is_required, default in readers:
                if name in raw:
                    values[name] = reader(raw[name])
                elif default is not ABSENT:
                    values[name] = default
                elif is_required:
                    raise Uncoerced
            return values

        return read

    def arguments(
        self, declared: Mapping[str, GraphQLArgument], given: Mapping[str, ValueNode]
    ) -> Callable[[Values], dict[str, Any]]:
        """What makes the keyword arguments of a resolver. Raises NotCompilable."""
        builders: list[tuple[str, Build, bool]] = []
        for name, argument in declared.items():
            node = given.get(name)
            if node is None:
                continue
            python_name = argument.extensions[DEFINITION].python_name
            has_to_be = isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined
            builders.append((python_name, self.literal(node, argument.type), has_to_be))

        def build(values: Values) -> dict[str, Any]:
            keywords: dict[str, Any] = {}
            for python_name, builder, has_to_be in builders:
                value = builder(values)
                if value is not ABSENT:
                    keywords[python_name] = value
                elif has_to_be:
                    raise Uncoerced
            return keywords

        return build

    def reader(self, wanted: GraphQLInputType) -> Read:
        """What reads a JSON value of the type."""
        if isinstance(wanted, GraphQLNonNull):
            inner = self.reader(wanted.of_type)

            def required(value: Any) -> Any:
                if value is None:
                    raise Uncoerced
                return inner(value)

            return required
        if isinstance(wanted, GraphQLList):
            item = self.reader(wanted.of_type)

            def listed(value: Any) -> Any:
                if value is None:
                    return None
                return [item(one) for one in value] if isinstance(value, list) else [item(value)]

            return listed
        name = wanted.name
        if name not in self._readers:
            # An input type may hold itself.
            self._readers[name] = lambda value: self._readers[name](value)
            self._readers[name] = self._named_reader(wanted)
        return self._readers[name]

    def literal(self, node: ValueNode, wanted: GraphQLInputType) -> Build:
        """What makes the value that stands in the document. Raises NotCompilable."""
        if isinstance(node, VariableNode):
            return _variable(node.name.value, is_required=isinstance(wanted, GraphQLNonNull))
        if isinstance(wanted, GraphQLNonNull):
            return self.literal(node, wanted.of_type)
        if isinstance(node, NullValueNode):
            return lambda _: None
        if isinstance(wanted, GraphQLList):
            nodes = node.values if isinstance(node, ListValueNode) else (node,)
            items = [self.literal(one, wanted.of_type) for one in nodes]
            return lambda values: [_present(item(values)) for item in items]
        if isinstance(wanted, GraphQLInputObjectType):
            return self._object_literal(node, wanted)
        if _has_variables(node):
            raise NotCompilable
        try:
            constant = wanted.parse_literal(node)
        except GraphQLError as error:
            raise NotCompilable from error
        if constant is Undefined:
            raise NotCompilable
        return lambda _: constant

    def _named_reader(self, wanted: Any) -> Read:
        if isinstance(wanted, GraphQLInputObjectType):
            return self._object_reader(wanted)
        if isinstance(wanted, GraphQLEnumType):
            members = {name: wanted.parse_value(name) for name in wanted.values}

            def member(value: Any) -> Any:
                if value is None:
                    return None
                found = members.get(value) if isinstance(value, str) else None
                if found is None:
                    raise Uncoerced
                return found

            return member
        assert isinstance(wanted, GraphQLScalarType), "what is left is a scalar"
        return _scalar_reader(wanted)

    def _object_reader(self, wanted: GraphQLInputObjectType) -> Read:
        made, fields, implied = self._shape(wanted)
        readers = {name: (field.python_name, self.reader(declared.type)) for name, (field, declared) in fields.items()}
        required = tuple(name for name, (_, declared) in fields.items() if _must_be_given(declared))

        def read(value: Any) -> Any:
            if value is None:
                return None
            if not isinstance(value, dict):
                raise Uncoerced
            keywords = dict(implied)
            for name, raw in value.items():
                known = readers.get(name)
                if known is None:
                    raise Uncoerced
                keywords[known[0]] = known[1](raw)
            for name in required:
                if name not in value:
                    raise Uncoerced
            return made(**keywords)

        return read

    def _object_literal(self, node: ValueNode, wanted: GraphQLInputObjectType) -> Build:
        if not isinstance(node, ObjectValueNode):
            raise NotCompilable
        made, fields, implied = self._shape(wanted)
        builders: list[tuple[str, Build, bool]] = []
        for entry in node.fields:
            field, declared = fields[entry.name.value]
            builders.append((field.python_name, self.literal(entry.value, declared.type), _must_be_given(declared)))

        def build(values: Values) -> Any:
            keywords = dict(implied)
            for python_name, builder, is_required in builders:
                value = builder(values)
                if value is not ABSENT:
                    keywords[python_name] = value
                elif is_required:
                    raise Uncoerced
            return made(**keywords)

        return build

    def _shape(
        self, wanted: GraphQLInputObjectType
    ) -> tuple[type, dict[str, tuple[Any, GraphQLInputField]], dict[str, None]]:
        definition = wanted.extensions.get(DEFINITION)
        if not isinstance(definition, StrawberryObjectDefinition) or wanted.is_one_of or definition.from_input:
            raise NotCompilable
        fields = {name: (field.extensions[DEFINITION], field) for name, field in wanted.fields.items()}
        # What the class gives no default for is null when it is left out.
        implied = {one.python_name: None for one, _ in fields.values() if not _has_default(one)}
        return definition.origin, fields, implied


def _has_default(field: Any) -> bool:
    return field.default_value is not MISSING or field.default_factory is not MISSING


def _must_be_given(field: GraphQLInputField) -> bool:
    return isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined


def _variable(name: str, *, is_required: bool) -> Build:
    def look_up(values: Values) -> Any:
        value = values.get(name, ABSENT)
        if is_required and value is None:
            raise Uncoerced
        return value

    return look_up


def _present(value: Any) -> Any:
    # A variable that was not given is null within a list.
    return None if value is ABSENT else value


def _has_variables(node: Node) -> bool:
    if isinstance(node, VariableNode):
        return True
    if isinstance(node, ListValueNode):
        return any(_has_variables(one) for one in node.values)
    if isinstance(node, ObjectValueNode):
        return any(_has_variables(one.value) for one in node.fields)
    return False


def _scalar_reader(wanted: GraphQLScalarType) -> Read:
    parse = wanted.parse_value

    def any_value(value: Any) -> Any:
        if value is None:
            return None
        try:
            parsed = parse(value)
        except Exception as error:
            raise Uncoerced from error
        if parsed is Undefined:
            raise Uncoerced
        return parsed

    def text(value: Any) -> Any:
        return value if isinstance(value, str) else any_value(value)

    def flag(value: Any) -> Any:
        return value if isinstance(value, bool) else any_value(value)

    def whole(value: Any) -> Any:
        return value if type(value) is int and _INT_MIN <= value <= _INT_MAX else any_value(value)

    return {"String": text, "ID": text, "Boolean": flag, "Int": whole}.get(wanted.name, any_value)
