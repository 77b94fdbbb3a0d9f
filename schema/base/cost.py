"""What an operation costs: its root fields, and the objects that it may tell by the sizes of its pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from app.core.errors import OmsError
from schema.base.pagination import PAGE_SIZE, PAGE_SIZE_MAX

COST_MAX: Final = 20_000
# Of a list that says nothing of its size: most have few items, and the answer has a budget of its own.
LIST_SIZE: Final = 5
_PAGE_ARGUMENTS: Final = ("first", "last")


class CostTooHighError(OmsError):
    """The operation may tell more objects than one may: pages are smaller, or less is asked of each item."""

    code = "COST_TOO_HIGH"

    def __init__(self, cost: int) -> None:
        super().__init__(
            f"The operation costs {cost}, and {COST_MAX} at most: ask for smaller pages, or for less of each item.",
            cost=cost,
            limit=COST_MAX,
        )


@dataclass(frozen=True, slots=True)
class Size:
    """How many items of a list are asked for: a number, or what a variable says, which may be left out."""

    fixed: int = LIST_SIZE
    variable: str | None = None

    def of(self, variables: Mapping[str, Any]) -> int:
        """The number of items with these values; what is no size counts as the usual one, and is refused later."""
        if self.variable is None:
            return self.fixed
        given = variables.get(self.variable, self.fixed)
        return _bounded(given) if type(given) is int else self.fixed


@dataclass(frozen=True, slots=True)
class CostPlan:
    """The cost of a part of an operation: what is known, and the lists whose items multiply what is below them."""

    fixed: int
    lists: "tuple[tuple[Size, CostPlan], ...]" = ()

    def cost(self, variables: Mapping[str, Any]) -> int:
        """The cost with these values of the variables."""
        if not self.lists:
            return self.fixed
        return self.fixed + sum(size.of(variables) * plan.cost(variables) for size, plan in self.lists)


class Costs:
    """Counts over a schema, with what each root field costs by itself, by type and name."""

    def __init__(self, schema: GraphQLSchema, roots: Mapping[tuple[str, str], int]) -> None:
        self._schema = schema
        self._roots = roots

    def plan(self, document: DocumentNode, operation: OperationDefinitionNode) -> CostPlan:
        """The cost of an operation of a validated document, whose fields are not too many with fragments spread."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None, "the document was validated"
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        defaults = {
            one.variable.name.value: int(one.default_value.value)
            for one in operation.variable_definitions or ()
            if isinstance(one.default_value, IntValueNode)
        }
        return _Counting(self._schema, fragments, defaults, self._roots).below(root, [operation.selection_set], None)


class _Counting:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        defaults: Mapping[str, int],
        roots: Mapping[tuple[str, str], int],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._defaults = defaults
        self._roots = roots

    def below(self, parent: GraphQLNamedType, selections: Iterable[SelectionSetNode], page: Size | None) -> CostPlan:
        fixed = 0
        lists: list[tuple[Size, CostPlan]] = []
        collected: dict[tuple[str, str], list[FieldNode]] = {}
        for selection_set in selections:
            self._collect(parent.name, selection_set, collected)
        for (name, _), nodes in collected.items():
            plan, size = self._field(name, nodes, page)
            if size is None:
                fixed += plan.fixed
                lists += plan.lists
            elif size.variable is None and not plan.lists:
                fixed += size.fixed * plan.fixed
            else:
                lists.append((size, plan))
        return CostPlan(fixed, tuple(lists))

    def _collect(
        self, parent: str, selection_set: SelectionSetNode, into: dict[tuple[str, str], list[FieldNode]]
    ) -> None:
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                into.setdefault((parent, (selection.alias or selection.name).value), []).append(selection)
                continue
            inner: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                inner = self._fragments[selection.name.value]
            condition = inner.type_condition
            self._collect(parent if condition is None else condition.name.value, inner.selection_set, into)

    def _field(self, parent: str, nodes: list[FieldNode], page: Size | None) -> tuple[CostPlan, Size | None]:
        name = nodes[0].name.value
        own = self._roots.get((parent, name), 0)
        kind = self._schema.type_map[parent]
        declared = kind.fields.get(name) if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) else None
        selected = [node.selection_set for node in nodes if node.selection_set is not None]
        if declared is None or not selected:
            return CostPlan(own), None
        wanted = declared.type.of_type if isinstance(declared.type, GraphQLNonNull) else declared.type
        paged = self._page_of(nodes[0]) if any(one in declared.args for one in _PAGE_ARGUMENTS) else None
        if not isinstance(wanted, GraphQLList):
            inner = self.below(get_named_type(declared.type), selected, paged)
            return CostPlan(own + 1 + inner.fixed, inner.lists), None
        inner = self.below(get_named_type(declared.type), selected, None)
        return self._of_list(own, CostPlan(1 + inner.fixed, inner.lists), paged or page or Size())

    def _of_list(self, own: int, item: CostPlan, size: Size) -> tuple[CostPlan, Size | None]:
        if own == 0:
            return item, size
        if size.variable is None and not item.lists:
            return CostPlan(own + size.fixed * item.fixed), None
        return CostPlan(own, ((size, item),)), None

    def _page_of(self, node: FieldNode) -> Size:
        given = {one.name.value: one.value for one in node.arguments or ()}
        for name in reversed(_PAGE_ARGUMENTS):
            value = given.get(name)
            if isinstance(value, IntValueNode):
                return Size(_bounded(int(value.value)))
            if isinstance(value, VariableNode):
                default = self._defaults.get(value.name.value, PAGE_SIZE)
                return Size(_bounded(default), value.name.value)
        return Size(PAGE_SIZE)


def _bounded(size: int) -> int:
    # A page beyond the largest is refused where it is read; it need not cost more than the largest.
    return min(max(size, 1), PAGE_SIZE_MAX)
