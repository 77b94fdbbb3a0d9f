"""The schema as it is exported, and what its operations ask of a credential."""

import re
from pathlib import Path

import pytest
import strawberry
from strawberry.printer import print_schema

import schema as package
from app.identity.domain import Scope
from schema.base.permissions import OperationWithoutScopeError, public, requirements, scoped, signed_in
from schema.schema import REQUIREMENTS, operation_costs, schema


def test_the_committed_schema_is_the_one_that_the_code_makes() -> None:
    assert package.__file__ is not None
    committed = Path(package.__file__).with_name("schema.graphql").read_text(encoding="utf-8")

    assert committed == print_schema(schema).rstrip() + "\n", "run `oms schema export` and look at the difference"


def test_an_operation_without_a_scope_stops_the_process() -> None:
    @strawberry.type
    class Silent:
        @strawberry.field(extensions=scoped(Scope.VIEW_ORDERS))
        def told(self) -> int:
            return 1

        @strawberry.field
        def untold(self) -> int:
            return 1

        @strawberry.field(extensions=[*public(), *signed_in()])
        def told_twice(self) -> int:
            return 1

    with pytest.raises(OperationWithoutScopeError, match=r"Silent\.untold, Silent\.told_twice$"):
        requirements([Silent])


def test_the_ways_in_alone_are_public() -> None:
    open_to_all = {name for (_, name), requirement in REQUIREMENTS.items() if not requirement.needs_principal}

    assert open_to_all == {
        "register",
        "verify_email",
        "login",
        "verify_two_factor",
        "refresh_token",
        "request_password_reset",
        "reset_password",
        "accept_invitation",
        "platform_login",
    }


def test_what_moves_money_needs_its_own_scope() -> None:
    asked = {name: requirement.scope for (kind, name), requirement in REQUIREMENTS.items() if kind == "Mutation"}

    assert asked["place_order"] is Scope.PLACE_ORDERS
    assert asked["modify_order"] is Scope.MODIFY_ORDERS
    assert asked["cancel_order"] is Scope.CANCEL_ORDERS


def test_every_operation_tells_its_scope_and_its_cost_to_whoever_reads_the_schema() -> None:
    roots = [kind for kind in (schema._schema.query_type, schema._schema.mutation_type) if kind is not None]
    assert schema._schema.subscription_type is not None
    costs = operation_costs()
    for root in (*roots, schema._schema.subscription_type):
        for name, field in root.fields.items():
            told = re.search(
                r"Scope: ([A-Z_]+|any credential|the platform's|none)\. Cost: (\d+)\.$", field.description or ""
            )

            assert told is not None, f"{root.name}.{name} does not tell its scope and its cost"
            assert told[1] in {*Scope, "any credential", "the platform's", "none"}
            assert int(told[2]) == costs[root.name, name] > 0


def test_the_costs_follow_the_kind_unless_an_operation_has_its_own() -> None:
    costs = operation_costs()

    assert (costs["Query", "viewer"], costs["Mutation", "placeOrder"]) == (1, 10)
    assert costs["Subscription", "orderEvents"] == 10
    # A password is checked on purpose slowly.
    assert costs["Mutation", "login"] == 100
