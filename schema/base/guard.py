"""What a document may hold, found before validation: each fragment is weighed once, what is compared is counted."""

from dataclasses import dataclass, field
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
)

BYTES_MAX: Final = 64 * 1024
# Without a credential there is little to ask: a sign-in, and the schema where that is open.
ANONYMOUS_LENGTH_MAX: Final = 4 * 1024
TOKENS_MAX: Final = 4_000
COMMENTS_MAX: Final = 500
DEPTH_MAX: Final = 20
FIELDS_MAX: Final = 2_000
ALIASES_MAX: Final = 100
DIRECTIVES_MAX: Final = 100
VARIABLES_MAX: Final = 100
ARGUMENTS_MAX: Final = 30
# Of one argument: as many as the longest list of ids; an error about it is told with all of it, again and again.
VALUES_MAX: Final = 500
PROPERTIES_MAX: Final = 60
VISITS_MAX: Final = 10_000
PAIRS_MAX: Final = 10_000
FRAGMENTS_MAX: Final = 100
OPERATIONS_MAX: Final = 50
QUERIES_MAX: Final = 30
MUTATIONS_MAX: Final = 20
SUBSCRIPTIONS_MAX: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A limit that the document breaks."""

    what: str
    limit: int


def excess_of_anonymous(text: str) -> Excess | None:
    """The limit that the text breaks when nobody answers for it, None when it keeps it."""
    if len(text) <= ANONYMOUS_LENGTH_MAX:
        return None
    return Excess(what="characters, for want of a credential", limit=ANONYMOUS_LENGTH_MAX)


def excess_of_text(text: str) -> Excess | None:
    """The limit that the text breaks before it is parsed, None when it keeps it."""
    is_long = len(text) > BYTES_MAX or (not text.isascii() and len(text.encode("utf-8", "surrogatepass")) > BYTES_MAX)
    return Excess(what="bytes", limit=BYTES_MAX) if is_long else None


def excess_of(document: DocumentNode) -> Excess | None:
    """The first limit that the document breaks, None when it keeps all."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) > OPERATIONS_MAX:
        return Excess(what="operations", limit=OPERATIONS_MAX)
    if len(document.definitions) - len(operations) > FRAGMENTS_MAX:
        return Excess(what="fragments", limit=FRAGMENTS_MAX)
    found = _excess_of_values(document)
    if found is not None:
        return found
    weigher = _Weigher(fragments)
    for operation in operations:
        found = _excess_of_operation(operation, weigher.weigh(operation.selection_set))
        if found is not None:
            return found
    # Only now: that no operation spreads into too much bounds what has to be walked here.
    merger = _Merger(fragments)
    for definition in (*operations, *fragments.values()):
        merger.merge_definition(definition.selection_set)
        if merger.visits > VISITS_MAX:
            return Excess(what="fields in all", limit=VISITS_MAX)
        if merger.pairs > PAIRS_MAX:
            return Excess(what="pairs of fields of one name", limit=PAIRS_MAX)
    return None


def _excess_of_values(document: DocumentNode) -> Excess | None:
    pending: list[Node] = list(document.definitions)
    while pending:
        node = pending.pop()
        for one in getattr(node, "arguments", None) or ():
            found = _excess_of_value(one.value)
            if found is not None:
                return found
        if len(getattr(node, "arguments", None) or ()) > ARGUMENTS_MAX:
            return Excess(what="arguments of one field", limit=ARGUMENTS_MAX)
        for one in getattr(node, "variable_definitions", None) or ():
            found = None if one.default_value is None else _excess_of_value(one.default_value)
            if found is not None:
                return found
        pending.extend(getattr(node, "directives", None) or ())
        selection_set = getattr(node, "selection_set", None)
        if selection_set is not None:
            pending.extend(selection_set.selections)
    return None


def _excess_of_value(root: ValueNode) -> Excess | None:
    count = 0
    pending: list[ValueNode] = [root]
    while pending:
        value = pending.pop()
        count += 1
        if count > VALUES_MAX:
            return Excess(what="values in one argument", limit=VALUES_MAX)
        if isinstance(value, ListValueNode):
            pending.extend(value.values)
        elif isinstance(value, ObjectValueNode):
            if len(value.fields) > PROPERTIES_MAX:
                return Excess(what="fields in one value", limit=PROPERTIES_MAX)
            pending.extend(field.value for field in value.fields)
    return None


def is_introspecting(document: DocumentNode) -> bool:
    """True when the document asks for the schema anywhere."""
    pending = [
        definition.selection_set
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    while pending:
        for selection in pending.pop().selections:
            if isinstance(selection, FieldNode) and selection.name.value in ("__schema", "__type"):
                return True
            if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set is not None:
                pending.append(selection.selection_set)
    return False


@dataclass(slots=True)
class _Weight:
    """What a selection set amounts to with its fragments spread; names are those at its top."""

    fields: int = 0
    aliases: int = 0
    directives: int = 0
    depth: int = 0
    names: set[str] = field(default_factory=set)

    def add(self, other: "_Weight", *, levels: int) -> None:
        # Saturating, so that doubling fragments do not make numbers that are slow to add.
        self.fields = min(self.fields + other.fields, FIELDS_MAX + 1)
        self.aliases = min(self.aliases + other.aliases, ALIASES_MAX + 1)
        self.directives = min(self.directives + other.directives, DIRECTIVES_MAX + 1)
        self.depth = max(self.depth, other.depth + levels)


class _Weigher:
    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._weights: dict[str, _Weight] = {}
        self._open: set[str] = set()

    def weigh(self, selections: SelectionSetNode, level: int = 0) -> _Weight:
        weight = _Weight()
        if level > DEPTH_MAX:
            # Cut short, and told as too deep: what lies below was not weighed.
            weight.depth = DEPTH_MAX + 1
            return weight
        for selection in selections.selections:
            weight.directives += len(selection.directives or ())
            match selection:
                case FieldNode():
                    weight.fields += 1
                    weight.aliases += selection.alias is not None
                    weight.names.add((selection.alias or selection.name).value)
                    weight.depth = max(weight.depth, 1)
                    if selection.selection_set is not None:
                        weight.add(self.weigh(selection.selection_set, level + 1), levels=1)
                case InlineFragmentNode():
                    self._spread(weight, self.weigh(selection.selection_set, level + 1))
                case FragmentSpreadNode():
                    self._spread(weight, self._fragment(selection.name.value))
        return weight

    def _spread(self, weight: _Weight, spread: _Weight) -> None:
        weight.add(spread, levels=0)
        weight.names |= spread.names

    def _fragment(self, name: str) -> _Weight:
        known = self._weights.get(name)
        definition = self._fragments.get(name)
        if known is not None or definition is None or name in self._open:
            # Unknown and circular spreads are validation's to refuse.
            return known or _Weight()
        self._open.add(name)
        weight = self.weigh(definition.selection_set)
        weight.directives += len(definition.directives or ())
        self._open.discard(name)
        self._weights[name] = weight
        return weight


@dataclass(slots=True)
class _Merged:
    """The fields of one name at one place of the answer, and what lies below them."""

    count: int = 0
    below: "dict[str, _Merged]" = field(default_factory=dict)


class _Merger:
    """Counts the pairs of fields that validation compares: all of one name at one place of the answer."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._open: set[str] = set()
        self.visits = 0
        self.pairs = 0

    def merge_definition(self, selections: SelectionSetNode) -> None:
        self._merge(selections, {})

    def _merge(self, selections: SelectionSetNode, into: dict[str, _Merged]) -> None:
        for selection in selections.selections:
            self.visits += 1
            if self.visits > VISITS_MAX:
                return
            match selection:
                case FieldNode():
                    merged = into.setdefault((selection.alias or selection.name).value, _Merged())
                    self.pairs += merged.count
                    merged.count += 1
                    if selection.selection_set is not None:
                        self._merge(selection.selection_set, merged.below)
                case InlineFragmentNode():
                    self._merge(selection.selection_set, into)
                case FragmentSpreadNode():
                    self._merge_fragment(selection.name.value, into)

    def _merge_fragment(self, name: str, into: dict[str, _Merged]) -> None:
        definition = self._fragments.get(name)
        if definition is None or name in self._open:
            return
        self._open.add(name)
        self._merge(definition.selection_set, into)
        self._open.discard(name)


def _excess_of_operation(operation: OperationDefinitionNode, weight: _Weight) -> Excess | None:
    if weight.depth > DEPTH_MAX:
        return Excess(what="levels", limit=DEPTH_MAX)
    if weight.fields > FIELDS_MAX:
        return Excess(what="fields", limit=FIELDS_MAX)
    if weight.aliases > ALIASES_MAX:
        return Excess(what="aliases", limit=ALIASES_MAX)
    variables = operation.variable_definitions or ()
    if len(variables) > VARIABLES_MAX:
        return Excess(what="variables", limit=VARIABLES_MAX)
    own = len(operation.directives or ()) + sum(len(one.directives or ()) for one in variables)
    if weight.directives + own > DIRECTIVES_MAX:
        return Excess(what="directives", limit=DIRECTIVES_MAX)
    # Each root field asks the database by itself and at once: a hundred of them keep all others waiting.
    if operation.operation is OperationType.QUERY and len(weight.names) > QUERIES_MAX:
        return Excess(what="queries in one operation", limit=QUERIES_MAX)
    if operation.operation is OperationType.MUTATION and len(weight.names) > MUTATIONS_MAX:
        return Excess(what="mutations in one operation", limit=MUTATIONS_MAX)
    if operation.operation is OperationType.SUBSCRIPTION and len(weight.names) > SUBSCRIPTIONS_MAX:
        return Excess(what="subscriptions in one operation", limit=SUBSCRIPTIONS_MAX)
    return None
