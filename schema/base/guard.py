"""What a document may cost, found in one pass before validation: each fragment is looked at once."""

from dataclasses import dataclass, field
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

TOKENS_MAX: Final = 4_000
DEPTH_MAX: Final = 20
FIELDS_MAX: Final = 2_000
ALIASES_MAX: Final = 100
REPEATS_MAX: Final = 10
FRAGMENTS_MAX: Final = 100
OPERATIONS_MAX: Final = 50
MUTATIONS_MAX: Final = 20
SUBSCRIPTIONS_MAX: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A limit that the document breaks."""

    what: str
    limit: int


@dataclass(slots=True)
class _Weight:
    """What a selection set amounts to with its fragments spread; names holds how often each stands at its top."""

    fields: int = 0
    aliases: int = 0
    depth: int = 0
    names: dict[str, int] = field(default_factory=dict)

    def add(self, other: "_Weight", *, levels: int) -> None:
        # Saturating, so that doubling fragments do not make numbers that are slow to add.
        self.fields = min(self.fields + other.fields, FIELDS_MAX + 1)
        self.aliases = min(self.aliases + other.aliases, ALIASES_MAX + 1)
        self.depth = max(self.depth, other.depth + levels)


class _Weigher:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._weights: dict[str, _Weight] = {}
        self._open: set[str] = set()
        self.repeats = 0

    def weigh(self, selections: SelectionSetNode | None, level: int = 0) -> _Weight:
        weight = _Weight()
        if selections is None or level > DEPTH_MAX:
            # Cut short, and told as too deep: what lies below was not weighed.
            weight.depth = 0 if selections is None else DEPTH_MAX + 1
            return weight
        for selection in selections.selections:
            match selection:
                case FieldNode():
                    name = (selection.alias or selection.name).value
                    weight.fields += 1
                    weight.aliases += selection.alias is not None
                    weight.names[name] = weight.names.get(name, 0) + 1
                    weight.add(self.weigh(selection.selection_set, level + 1), levels=1)
                    weight.depth = max(weight.depth, 1)
                case InlineFragmentNode():
                    self._merge(weight, self.weigh(selection.selection_set, level + 1))
                case FragmentSpreadNode():
                    self._merge(weight, self._fragment(selection.name.value))
        self.repeats = max(self.repeats, max(weight.names.values(), default=0))
        return weight

    def _merge(self, weight: _Weight, spread: _Weight) -> None:
        weight.add(spread, levels=0)
        for name, count in spread.names.items():
            weight.names[name] = min(weight.names.get(name, 0) + count, REPEATS_MAX + 1)

    def _fragment(self, name: str) -> _Weight:
        known = self._weights.get(name)
        definition = self._fragments.get(name)
        if known is not None or definition is None or name in self._open:
            # Unknown and circular spreads are validation's to refuse.
            return known or _Weight()
        self._open.add(name)
        weight = self.weigh(definition.selection_set)
        self._open.discard(name)
        self._weights[name] = weight
        return weight


def excess_of(document: DocumentNode) -> Excess | None:
    """The first limit that the document breaks, None when it keeps all."""
    weigher = _Weigher(document)
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) > OPERATIONS_MAX:
        return Excess(what="operations", limit=OPERATIONS_MAX)
    if len(document.definitions) - len(operations) > FRAGMENTS_MAX:
        return Excess(what="fragments", limit=FRAGMENTS_MAX)
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            continue
        weight = weigher.weigh(definition.selection_set)
        found = _broken(weight, weigher.repeats)
        if found is not None:
            return found
        if isinstance(definition, OperationDefinitionNode):
            roots = sum(weight.names.values())
            if definition.operation is OperationType.MUTATION and roots > MUTATIONS_MAX:
                return Excess(what="mutations in one operation", limit=MUTATIONS_MAX)
            if definition.operation is OperationType.SUBSCRIPTION and roots > SUBSCRIPTIONS_MAX:
                return Excess(what="subscriptions in one operation", limit=SUBSCRIPTIONS_MAX)
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


def _broken(weight: _Weight, repeats: int) -> Excess | None:
    if weight.depth > DEPTH_MAX:
        return Excess(what="levels", limit=DEPTH_MAX)
    if weight.fields > FIELDS_MAX:
        return Excess(what="fields", limit=FIELDS_MAX)
    if weight.aliases > ALIASES_MAX:
        return Excess(what="aliases", limit=ALIASES_MAX)
    if repeats > REPEATS_MAX:
        return Excess(what="repetitions of a field", limit=REPEATS_MAX)
    return None
