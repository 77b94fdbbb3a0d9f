"""Where in the arguments of an operation a value is wrong."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    ListValueNode,
    Node,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
    is_input_type,
    type_from_ast,
)
from graphql.language.ast import FieldNode, FragmentDefinitionNode, InlineFragmentNode
from graphql.utilities import validate_input_value

from schema.base.errors import coded

Path = tuple[str, ...]


class _Enough(Exception):
    """As many errors as are told."""


def variable_errors(
    schema: GraphQLSchema, operation: OperationDefinitionNode, values: Mapping[str, Any], *, limit: int
) -> list[dict[str, Any]]:
    """What is wrong with the values of the variables, each with its path from the argument on; at most `limit`."""
    found: list[dict[str, Any]] = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        input_type = type_from_ast(schema, definition.type)
        if not is_input_type(input_type) or (name not in values and definition.default_value is not None):
            continue

        def note(error: GraphQLError, path: list[str | int], name: str = name) -> None:
            inner = [str(step) for step in path]
            place = _place_of_variable(operation, name)
            found.append(coded("BAD_USER_INPUT", error.message, path=[*place, *inner]))
            if len(found) == limit:
                raise _Enough

        # A list of thousands of wrong values is not looked at to its end.
        with suppress(_Enough):
            validate_input_value(values.get(name), input_type, note, True)
        if len(found) == limit:
            break
    return found


def literal_path(document: DocumentNode, error: GraphQLError) -> Path | None:
    """The path from the argument on of the literal that the error is about; None when it is about something else."""
    nodes = error.nodes or []
    if len(nodes) != 1 or not isinstance(nodes[0], ValueNode) or isinstance(nodes[0], VariableNode):
        return None
    return next((path for path, value in _values(document) if value is nodes[0]), None)


def _place_of_variable(operation: OperationDefinitionNode, name: str) -> Path:
    for path, value in _values(operation):
        if isinstance(value, VariableNode) and value.name.value == name:
            return path
    return (name,)


def _values(root: Node) -> Iterator[tuple[Path, ValueNode]]:
    for argument in _arguments(root):
        pending: list[tuple[Path, ValueNode]] = [((argument.name.value,), argument.value)]
        while pending:
            path, value = pending.pop()
            yield path, value
            if isinstance(value, ObjectValueNode):
                fields: tuple[ObjectFieldNode, ...] = tuple(value.fields)
                pending.extend(((*path, field.name.value), field.value) for field in fields)
            elif isinstance(value, ListValueNode):
                pending.extend(((*path, str(index)), item) for index, item in enumerate(value.values))


def _arguments(root: Node) -> Iterator[ArgumentNode]:
    pending: list[Node] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, DocumentNode):
            pending.extend(reversed(node.definitions))
            continue
        if isinstance(node, FieldNode):
            yield from node.arguments or ()
        if isinstance(node, FieldNode | InlineFragmentNode | OperationDefinitionNode | FragmentDefinitionNode):
            selection_set = node.selection_set
            if selection_set is not None:
                pending.extend(reversed(selection_set.selections))
