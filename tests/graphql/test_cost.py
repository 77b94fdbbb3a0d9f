"""What an operation costs by its document and the sizes of its pages."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse, validate

from schema.base.cost import COST_MAX, Costs
from schema.base.guard import excess_of
from schema.schema import operation_costs, schema
from tests.graphql.conftest import Api, Firm

COSTS = Costs(schema._schema, operation_costs())


def cost(text: str, **variables: Any) -> int:
    """The cost of the first operation of a document."""
    document = parse(text)
    assert validate(schema._schema, document) == []
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return COSTS.plan(document, operation).cost(variables)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ __typename }", 0),
        ("{ viewer { scopes } }", 1 + 1),
        ("{ viewer { scopes tenant { id } user { id } } }", 1 + 1 + 2),
        ("{ a: viewer { scopes } b: viewer { scopes } }", 4),
        ("{ viewer { scopes } viewer { tenant { id } } ...v } fragment v on Query { viewer { tenant { id } } }", 3),
        ("{ positions { id } }", 1 + 5),
        ("{ positions { id instrument { symbol } } }", 1 + 5 * 2),
        ("{ orders { totalCount } }", 1 + 1),
        ("{ orders { edges { node { id } } } }", 1 + 1 + 50 * 2),
        ("{ orders(first: 3) { edges { node { id } } } }", 1 + 1 + 3 * 2),
        ("{ orders(last: 4) { edges { node { id } } } }", 1 + 1 + 4 * 2),
        ("{ orders(first: 3) { edges { node { id events { sequence } } } pageInfo { endCursor } } }", 2 + 3 * 7 + 1),
        ("{ orders(first: 0) { edges { node { id } } } }", 1 + 1 + 1 * 2),
        ("{ orders(first: 2000000000) { edges { node { id } } } }", 1 + 1 + 500 * 2),
        ("{ node(id: 1) { ... on Order { id account { id } } ... on BrokerAccount { id } } }", 1 + 1 + 1),
        ("mutation { logout { errors { code } } }", 10 + 1 + 5),
        ("subscription { executions { id order { id } } }", 10 + 1 + 1),
    ],
)
def test_an_operation_costs_its_fields_and_the_objects_that_it_may_tell(document: str, expected: int) -> None:
    assert cost(document) == expected


@pytest.mark.parametrize(
    ("variables", "size"),
    [({}, 7), ({"n": 3}, 3), ({"n": 10_000}, 500), ({"n": -4}, 1), ({"n": None}, 7), ({"n": "9"}, 7), ({"n": True}, 7)],
)
def test_the_size_of_a_page_may_come_as_a_variable(variables: dict[str, Any], size: int) -> None:
    document = "query($n: Int = 7) { orders(first: $n) { edges { node { id events { order { id } } } } } }"

    assert cost(document, **variables) == 1 + 1 + size * (2 + 5 * 2)


async def test_what_costs_too_much_is_refused_with_the_figures(firm: Firm) -> None:
    document = (
        "query($n: Int) {"
        + "".join(f" a{one}: orders(first: $n) {{ edges {{ node {{ id }} }} }}" for one in range(25))
        + " }"
    )

    refused = await firm.api.error(document, n=500)

    assert refused["extensions"] == {"code": "COST_TOO_HIGH", "cost": 25 * 1002, "limit": COST_MAX}
    assert "errors" not in await firm.api.answer(document, n=5)


async def test_without_a_credential_costs_are_counted_too(anonymous: Api) -> None:
    within = "events { order { " * 7 + "id" + " } }" * 7

    assert (await anonymous.refusal(f"{{ order(id: 1) {{ {within} }} }}"))[0] == "COST_TOO_HIGH"


def test_interfaces_within_lists_are_counted_by_their_fragments() -> None:
    text = "{ orders(first: 10) { edges { node { ... on Node { id } ... on Order { account { id } } } } } }"

    assert excess_of(parse(text)) is None
    assert cost(text) == 1 + 1 + 10 * 3
