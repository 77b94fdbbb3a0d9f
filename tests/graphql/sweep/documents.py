"""Documents and variables made from the schema itself: every field selected, every argument with a value."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLOutputType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
    parse,
    visit,
)

DEPTH: Final = 5
# What a mutation answers with, a query shows to the bottom.
MUTATION_DEPTH: Final = 3
# What wraps a whole order shows it a level less deep: `order` asks for it to the bottom.
WRAPPERS: Final = frozenset({"explainOrder"})
PAGE: Final = 2
# The server takes 4,000 tokens and 2,000 fields; many a field is one token.
TOKENS_MAX: Final = 1_500
_TOKEN: Final = re.compile(r"\w+|[^\s\w]")
NOTHING: Final[Mapping[str, Any]] = {}
Leaf = tuple[str, ...]
# Fields by type and name.
Fields = frozenset[tuple[str, str]]
Values = dict[str, Any]
# The id for an argument of an operation.
IdOf = Callable[[str, str], str]


def _hours_from_now(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


# What takes an input, or a field's arguments, past their own checks to the ids in them.
FITTING: Final[Mapping[str, Callable[[], Values]]] = {
    "PlaceOrderInput": lambda: {"symbol": "AAPL", "orderType": "MARKET", "clientOrderId": uuid4().hex},
    "PlaceBracketOrderInput": lambda: {"symbol": "AAPL", "orderType": "MARKET", "clientOrderId": uuid4().hex},
    "ModifyOrderInput": lambda: {"quantity": "2", "idempotencyKey": uuid4().hex},
    "AdjustPositionInput": lambda: {
        "type": "BALANCE",
        "quantity": "1",
        "price": "1",
        "idempotencyKey": uuid4().hex,
    },
    "CreateBrokerAccountInput": lambda: {
        "accountNumber": f"DU{uuid4().int % 10**9}",
        "accountType": "MARGIN",
        "host": "gateway.test",
        "port": 4001,
        "clientId": 1 + uuid4().int % 900,
    },
    "PlaceOcoInput": lambda: {
        "symbol": "AAPL",
        "clientOrderId": uuid4().hex,
        "legs": [
            {"side": "SELL", "orderType": "LIMIT", "limitPrice": "900"},
            {"side": "SELL", "orderType": "STOP", "stopPrice": "1"},
        ],
    },
    "InviteMemberInput": lambda: {"email": f"{uuid4().hex}@example.com", "role": "VIEWER"},
    "SetApprovalPolicyInput": lambda: {"expirySeconds": 3600},
    "SetCircuitBreakerInput": lambda: {"kind": "LOSS", "threshold": "1", "mode": "HALTED"},
    "SetRiskLimitInput": lambda: {"limitType": "MAX_ORDER_QUANTITY", "value": "1"},
    "ApplyRiskTemplateInput": lambda: {"template": "conservative", "capital": "100000"},
    "ImportRestrictedListInput": lambda: {"content": "symbol,kind,reason\n"},
    "HaltTradingInput": lambda: {"scope": "ACCOUNT", "mode": "REDUCE_ONLY"},
    "KillSwitchInput": lambda: {"scope": "ACCOUNT", "drill": True},
    "RequestOrderRecordsInput": lambda: {"fromTime": _hours_from_now(-1), "toTime": _hours_from_now(1)},
    "SimulatorFaultInput": lambda: {"pathology": "cancel-not-found"},
    "pnlHistory": lambda: {"start": _hours_from_now(-1), "end": _hours_from_now(1)},
    "riskUtilisationHistory": lambda: {"start": _hours_from_now(-1), "end": _hours_from_now(1), "resolutionMinutes": 5},
    "stressTest": lambda: {"past": ["COVID_2020"]},
    "CancelOrderInput": lambda: {"idempotencyKey": uuid4().hex},
}
# Of two ways to name a thing an input takes one.
INSTEAD: Final[Mapping[str, tuple[str, ...]]] = {
    "customRoleId": ("role",),
    "instrumentId": ("symbol",),
    "orderIds": ("filter",),
}
VALUES: Final[Mapping[str, Any]] = {
    "Int": 1,
    "Float": 1.0,
    "Decimal": "1",
    "Boolean": True,
    "JSON": {},
    "DateTime": "2026-01-02T03:04:05Z",
    "Date": "2026-01-02",
    "Time": "09:30:00",
}
TEXTS: Final[Mapping[str, str]] = {
    "symbol": "AAPL",
    "symbols": "AAPL",
    "currency": "USD",
    "baseCurrency": "USD",
    "exchange": "SMART",
    "timeZone": "America/New_York",
    "opens": "09:30",
    "closes": "16:00",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One field of a root type, with everything below it selected."""

    kind: str
    name: str
    document: str
    arguments: Mapping[str, GraphQLArgument]

    def variables(self, id_of: IdOf, leaf: Leaf | None = None) -> Values:
        """Values for what is required, and for what leads to the leaf; ids by the name of their argument."""
        fitting = FITTING[self.name]() if self.name in FITTING else NOTHING
        filled = _filled(self.arguments, is_required_argument, lambda name: id_of(self.name, name), leaf, fitting)
        # A page of fifty with all that hangs on each costs more than an operation may.
        return {"first": PAGE, **filled} if "first" in self.arguments else filled

    def id_leaves(self) -> Iterator[Leaf]:
        """Where an id may stand in the variables."""
        for name, argument in self.arguments.items():
            yield from _id_leaves(argument.type, (name,), ())


def operations(schema: GraphQLSchema, without: Fields = frozenset()) -> list[Operation]:
    """All root fields of the schema; below them, everything but the fields left out."""
    roots = (
        ("query", schema.query_type),
        ("mutation", schema.mutation_type),
        ("subscription", schema.subscription_type),
    )
    return [
        Operation(kind=kind, name=name, document=_document(kind, name, field, selection), arguments=field.args)
        for kind, root in roots
        if root is not None
        for name, field in root.fields.items()
        for selection in _selections(schema, field.type, without, _depth(kind, name))
    ]


def _depth(kind: str, name: str) -> int:
    if kind == "mutation":
        return MUTATION_DEPTH
    return DEPTH - 1 if name in WRAPPERS else DEPTH


def fields_asked(schema: GraphQLSchema, asked: Iterable[Operation]) -> set[tuple[str, str]]:
    """Every field that the documents select, with its type."""
    found: set[tuple[str, str]] = set()
    for operation in asked:
        walking = TypeInfo(schema)
        visit(parse(operation.document), TypeInfoVisitor(walking, _Collector(walking, found)))
    return found


class _Collector(Visitor):
    def __init__(self, walking: TypeInfo, found: set[tuple[str, str]]) -> None:
        super().__init__()
        self._walking = walking
        self._found = found

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent = self._walking.get_parent_type()
        assert parent is not None
        self._found.add((parent.name, node.name.value))


def with_id(variables: Values, leaf: Leaf, value: str) -> Values:
    """The variables with another id at the leaf."""
    changed = deepcopy(variables)
    place: Any = changed
    for name in leaf[:-1]:
        place = place[name][0] if isinstance(place[name], list) else place[name]
    place[leaf[-1]] = [value] if isinstance(place[leaf[-1]], list) else value
    return changed


def _document(kind: str, name: str, field: GraphQLField, selection: str) -> str:
    # Of a page's two ends one is asked for: the other would count as a full page.
    asked = {one: argument for one, argument in field.args.items() if one != "last"}
    declared = ", ".join(f"${one}: {argument.type}" for one, argument in asked.items())
    given = ", ".join(f"{one}: ${one}" for one in asked)
    head = f"{kind} Sweep{f'({declared})' if declared else ''}"
    call = f"{name}{f'({given})' if given else ''}"
    return f"{head} {{ {call} {selection} }}"


def _selections(schema: GraphQLSchema, kind: GraphQLOutputType, without: Fields, depth: int) -> list[str]:
    # One document for all of it may be more than the server takes.
    writer = _Writer(schema=schema, without=without, depth=depth)
    named = get_named_type(kind)
    if is_leaf_type(named):
        return [""]
    if not is_abstract_type(named):
        return [f"{{ {piece} }}" for piece in _pieces(writer.parts(named))]
    return [
        f"{{ __typename ... on {one.name} {{ {piece} }} }}"
        for one in schema.get_possible_types(named)
        for piece in _pieces(writer.parts(one))
    ]


def _pieces(parts: Iterable[str]) -> Iterator[str]:
    piece, tokens = "", 0
    for part in parts:
        more = len(_TOKEN.findall(part))
        if piece and tokens + more > TOKENS_MAX:
            yield piece
            piece, tokens = "__typename", 1
        piece, tokens = f"{piece} {part}".strip(), tokens + more
    yield piece


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    schema: GraphQLSchema
    without: Fields
    depth: int

    def selection(self, named: GraphQLNamedType, above: tuple[str, ...] = (), *, is_one_of_many: bool = False) -> str:
        if is_leaf_type(named):
            return ""
        if is_abstract_type(named):
            inner = " ".join(
                f"... on {one.name} {self.selection(one, above, is_one_of_many=True)}"
                for one in self.schema.get_possible_types(named)
            )
            return f"{{ __typename {inner} }}"
        return f"{{ {' '.join(self.parts(named, above, is_one_of_many=is_one_of_many))} }}"

    def parts(self, named: GraphQLNamedType, above: tuple[str, ...] = (), *, is_one_of_many: bool = False) -> list[str]:
        assert is_object_type(named)
        parts = ["__typename"]
        for name, field in named.fields.items():
            below = get_named_type(field.type)
            needs_more = any(is_required_argument(argument) for argument in field.args.values())
            if needs_more or (named.name, name) in self.without:
                continue
            # Two types may have fields of one name and of different kinds.
            head = f"{named.name}_{name}: {name}" if is_one_of_many else name
            head += f"(first: {PAGE})" if "first" in field.args else ""
            if is_leaf_type(below):
                parts.append(head)
            elif len(above) < self.depth - 1 and below.name not in above:
                parts.append(f"{head} {self.selection(below, (*above, named.name))}")
            elif is_object_type(below) and "id" in below.fields and not is_list_type(get_nullable_type(field.type)):
                # A way back to what stands above: whose it is shows by its id.
                parts.append(f"{head} {{ id }}")
        return parts


def _filled(
    fields: Mapping[str, Any],
    is_required: Callable[[Any], bool],
    id_of: Callable[[str], str],
    leaf: Leaf | None,
    fitting: Mapping[str, Any] = NOTHING,
) -> Values:
    values: Values = {}
    for name, field in fields.items():
        is_on_the_way = leaf is not None and leaf[0] == name
        if is_on_the_way or is_required(field):
            below = leaf[1:] or None if is_on_the_way and leaf is not None else None
            values[name] = fitting[name] if name in fitting else _value(field.type, name, id_of, below)
        elif name in fitting:
            values[name] = fitting[name]
    for name in tuple(values):
        if leaf is not None and leaf[0] == name:
            for other in INSTEAD.get(name, ()):
                values.pop(other, None)
    return values


def _value(given: GraphQLInputType, name: str, id_of: Callable[[str], str], leaf: Leaf | None) -> Any:
    kind: Any = get_nullable_type(given)
    if is_list_type(kind):
        return [_value(kind.of_type, name, id_of, leaf)]
    if is_input_object_type(kind):
        fitting = FITTING[kind.name]() if kind.name in FITTING else {}
        return _filled(kind.fields, is_required_input_field, id_of, leaf, fitting)
    if is_enum_type(kind):
        return next(iter(kind.values))
    named = get_named_type(kind)
    if named.name == "ID":
        return id_of(name)
    return VALUES[named.name] if named.name in VALUES else TEXTS.get(name, f"sweep-{name}")


def _id_leaves(kind: GraphQLInputType, path: Leaf, above: tuple[str, ...]) -> Iterator[Leaf]:
    named = get_named_type(kind)
    if is_input_object_type(named):
        if named.name not in above:
            for name, field in named.fields.items():
                assert isinstance(field, GraphQLInputField)
                yield from _id_leaves(field.type, (*path, name), (*above, named.name))
    elif named.name == "ID":
        yield path
