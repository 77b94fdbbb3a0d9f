"""What an operation is charged to its limits, and how the answer tells of them."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    VariableNode,
)

from app.core.gcra import Standing
from app.flows.identity.operation_rates import refusal_of
from schema.base.context import RequestContext

# A document that was not seen before is parsed and validated, and a flood of them must end before that.
UNSEEN_COST: Final = 10
UNFIT_COST: Final = 1
# What each item of a list costs that a mutation is given, such as an order of many.
ITEM_COST: Final = 5


async def charge(
    context: RequestContext, cost: int, *, is_way_in: bool = False, opens: bool = True, is_first: bool = True
) -> None:
    """Charges who asks, and keeps how their limits stand for the answer. Raises RateLimitedError."""
    admitted = context.principal if context.is_signed_in else None
    standing = await context.desk.rates.charge(
        context.client, admitted, cost=cost, is_way_in=is_way_in, opens=opens, is_first=is_first
    )
    context.standing = standing
    refused = refusal_of(standing)
    if refused is not None:
        raise refused


async def charge_operation(
    context: RequestContext,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    ways_in: frozenset[str],
    *,
    is_first: bool,
) -> None:
    """Charges who asks for the operation what it costs. Raises RateLimitedError."""
    is_mutation = operation.operation is OperationType.MUTATION
    cost, fields = max(1, context.cost), dict[str, FieldNode]()
    if is_mutation:
        fields = _root_fields(document, operation.selection_set.selections)
        cost += ITEM_COST * _items(fields.values(), _given(operation, variables))
    await charge(
        context,
        cost,
        is_way_in=any(one.name.value in ways_in for one in fields.values()),
        opens=not is_mutation,
        is_first=is_first,
    )


def rate_headers(standing: Standing | None) -> list[tuple[bytes, bytes]]:
    """The tightest limit as headers tell it; none where no limit is kept.

    Source: draft-ietf-httpapi-ratelimit-headers-06; Retry-After is of RFC 9110, section 10.2.3.
    """
    if standing is None:
        return []
    burst = standing.limit.burst
    window = max(1, math.ceil(burst / standing.limit.units_per_s))
    headers = [
        (b"ratelimit-limit", b"%d" % burst),
        (b"ratelimit-remaining", b"%d" % standing.remaining),
        (b"ratelimit-reset", b"%d" % math.ceil(standing.full_in_s)),
        (b"ratelimit-policy", b"%d;w=%d" % (burst, window)),
    ]
    refused = refusal_of(standing)
    if refused is not None:
        headers.append((b"retry-after", b"%d" % refused.retry_after_s))
    return headers


def _given(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    definitions = operation.variable_definitions or ()
    defaults = {one.variable.name.value: one.default_value for one in definitions if one.default_value is not None}
    return {**defaults, **variables} if defaults else variables


def _items(fields: Iterable[FieldNode], variables: Mapping[str, Any]) -> int:
    # As often as it is given: twenty aliases that take the same variable are twenty times its work.
    count = 0
    for one in fields:
        for argument in one.arguments or ():
            count += _items_of(argument.value, variables)
    return count


def _items_of(root: Any, variables: Mapping[str, Any]) -> int:
    # Literals and the values of variables alike; how deep and how large they are was bounded before.
    count = 0
    pending: list[Any] = [root]
    while pending:
        one = pending.pop()
        if isinstance(one, VariableNode):
            one = variables.get(one.name.value)
        if isinstance(one, ListValueNode):
            one = one.values
        if isinstance(one, list | tuple):
            count += len(one)
            pending.extend(one)
        elif isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, ObjectValueNode):
            pending.extend(field.value for field in one.fields)
    return count


def _root_fields(document: DocumentNode, selections: Iterable[SelectionNode]) -> dict[str, FieldNode]:
    # By their name in the answer: of those that are alike one is done.
    found: dict[str, FieldNode] = {}
    fragments: dict[str, FragmentDefinitionNode] | None = None
    pending: list[Any] = list(selections)
    while pending:
        one = pending.pop()
        if isinstance(one, FieldNode):
            found[(one.alias or one.name).value] = one
            continue
        if isinstance(one, FragmentSpreadNode):
            if fragments is None:
                listed = (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))
                fragments = {each.name.value: each for each in listed}
            # Each is looked into once, however often it is spread.
            one = fragments.pop(one.name.value, None)
        if one is not None:
            pending.extend(one.selection_set.selections)
    return found
