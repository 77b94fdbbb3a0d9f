"""Compiled operations answer what graphql-core answers, errors and all."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.identity.domain import Client
from app.infra.outages import known_as
from schema.base.context import RequestContext
from schema.base.execution import Asked, GraphQLEngine
from schema.schema import schema, subscription_requirements
from tests.graphql.conftest import PLACE, Firm

NEVER = 10**9
CLIENT = Client(ip_address="192.0.2.7", request_id="request-1", user_agent="pytest")

ORDERS = """
query Orders($filter: OrderFilter, $first: Int = 2, $with: String) {
  some: orders(filter: $filter, first: $first, after: $with) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { cursor node { ...basic ... on Order { state __typename } events { type sequence details order { id } } } }
  }
  __typename
  viewer { scopes user { email } memberships { role tenant { slug } } }
}
fragment basic on Order { id quantity limitPrice account { id cash connection { state } } id riskChecks { check } }
"""
NODE = "query Node($id: ID!) { node(id: $id) { __typename id ... on Order { side account { ... on Node { id } } } } }"
LITERAL = """
query Literal($symbol: String!, $open: Boolean) {
  orders(filter: {symbols: [$symbol], isOpen: $open, states: [ROUTED, HELD], sides: BUY}) { totalCount }
  positions(includeFlat: true) { quantity instrument { symbol quote { bid time } } }
}
"""
UNKNOWN = 'query Unknown($id: ID!) { order(id: $id) { id } quote(symbol: "NONE") { bid } other: order(id: "x") { id } }'
SKIPPING = "query Skipping($is: Boolean!) { viewer { scopes @include(if: $is) tenant { id } } }"


def engine(compiled_after: int) -> GraphQLEngine:
    """An engine over the schema."""
    return GraphQLEngine(
        schema._schema,
        subscription_requirements(),
        known_as=known_as,
        compiled_after=compiled_after,
    )


COMPILED, EXECUTED = engine(0), engine(NEVER)


async def both(firm: Firm, document: str, variables: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of the compiled operation and of the executor."""
    asked = Asked(document=document, variables=variables)
    contexts = (RequestContext(firm.desk, CLIENT, firm.principal) for _ in range(2))
    return [await one.answer(asked, context) for one, context in zip((COMPILED, EXECUTED), contexts, strict=True)]


def was_compiled(document: str) -> bool:
    """True when the compiler took the document's first operation."""
    return any(COMPILED.prepare(document).compiled.values())


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (ORDERS, {}),
        (ORDERS, {"filter": None, "first": 1}),
        (ORDERS, {"filter": {"states": "ROUTED", "sides": ["BUY"], "isOpen": True}, "surplus": 1}),
        (ORDERS, {"first": 0}),
        (ORDERS, {"first": 2.0}),
        (ORDERS, {"first": None, "with": "no cursor"}),
        (ORDERS, {"first": "2"}),
        (ORDERS, {"filter": {"state": ["ROUTED"]}}),
        (ORDERS, {"filter": {"states": ["NONE"]}}),
        (ORDERS, {"filter": {"createdAfter": "yesterday"}}),
        (LITERAL, {"symbol": "AAPL"}),
        (LITERAL, {"symbol": "AAPL", "open": False}),
        (LITERAL, {"symbol": None}),
        (LITERAL, {}),
        (UNKNOWN, {"id": "00000000-0000-7000-8000-000000000000"}),
        (UNKNOWN, {"id": "nothing"}),
        (UNKNOWN, {"id": 7}),
        (SKIPPING, {"is": True}),
    ],
)
async def test_a_compiled_query_answers_what_the_executor_answers(
    firm: Firm, document: str, variables: dict[str, Any]
) -> None:
    for _ in range(3):
        await firm.api.place(**firm.order())

    compiled, executed = await both(firm, document, variables)

    assert compiled == executed
    assert list(compiled.get("data") or ()) == list(executed.get("data") or ())
    assert was_compiled(document) is (document is not SKIPPING)


async def test_a_compiled_node_answers_by_what_it_is(firm: Firm) -> None:
    order_id = (await firm.api.place(**firm.order()))["order"]["id"]

    for wanted, kind in ((order_id, "Order"), (str(firm.account_id), "BrokerAccount")):
        compiled, executed = await both(firm, NODE, {"id": wanted})

        assert compiled == executed
        assert compiled["data"]["node"]["__typename"] == kind


async def test_a_compiled_mutation_answers_what_the_executor_answers(firm: Firm) -> None:
    order = firm.order()

    compiled, executed = await both(firm, PLACE, {"input": order})

    # The same key: the second of them answers the first one's order.
    assert compiled == executed
    assert compiled["data"]["placeOrder"]["order"]["clientOrderId"] == order["clientOrderId"]
    assert was_compiled(PLACE)


async def test_who_may_not_place_is_refused_by_both(firm: Firm) -> None:
    asked = Asked(document=PLACE, variables={"input": firm.order()})

    compiled, executed = [
        await one.answer(asked, RequestContext(firm.desk, CLIENT, None)) for one in (COMPILED, EXECUTED)
    ]

    assert compiled == executed
    assert compiled["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**40)
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.just("10"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "sides"]), inner, max_size=2),
    max_leaves=4,
)
WORDS = st.sampled_from(["BUY", "10", "MARKET", "GTC"])
FIELDS = ("accountId", "symbol", "side", "orderType", "quantity", "limitPrice", "timeInForce", "clientOrderId", "none")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(st.sampled_from(FIELDS), VALUES | st.just("BUY"), max_size=2),
    left_out=st.sampled_from(FIELDS),
)
async def test_whatever_the_input_both_say_the_same(firm: Firm, changes: dict[str, Any], left_out: str) -> None:
    order = {**firm.order(), **changes}
    order.pop(left_out, None)

    compiled, executed = await both(firm, PLACE, {"input": order})

    assert compiled == executed
