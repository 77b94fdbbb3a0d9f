"""The GraphQL types of an adviser's block: how it is divided, as it is asked for and as it is shown."""

from decimal import Decimal

import strawberry

from app.core import allocation as domain
from app.core.allocation import AllocationMethod
from app.core.errors import Problem
from app.core.ids import AccountId
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem
from schema.base.ids import is_id, parse_id


@strawberry.input(
    description="For whom an adviser's order is dealt: for the accounts of a group, or for one account. Exactly one of "
    "group and accountId; method and percentage go with a group."
)
class AllocationInput:
    """For whom an adviser's order is dealt."""

    group: str | None = strawberry.field(default=None, description="One of the account's allocationGroups, by name.")
    method: AllocationMethod | None = strawberry.field(
        default=None, description="The group's own where nothing is said."
    )
    percentage: Decimal | None = strawberry.field(
        default=None,
        description="For PERCENT_CHANGE: above 0, up to 1000, at most four decimals. The broker works the quantity out "
        "of what the accounts hold; the order's own is the most that it may come to.",
    )
    account_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="An account under the adviser. The order is then that account's own, as if placed there.",
    )


@strawberry.type(description="How a block is divided among the accounts of an adviser.")
class OrderAllocation:
    """How a block is divided."""

    group: str | None = strawberry.field(
        description="The broker's name of the accounts; null for a block that was placed outside, until it is told."
    )
    method: AllocationMethod | None = strawberry.field(description="Null where it is the group's own.")
    percentage: Decimal | None

    @classmethod
    def of(cls, allocation: domain.Allocation) -> "OrderAllocation":
        """The type of the value."""
        return cls(group=allocation.group, method=allocation.method, percentage=allocation.percentage)


def asked_allocation(given: AllocationInput) -> domain.Allocation | AccountId | Problem:
    """The allocation to a group, or the one account, or what is wrong with the form of the input."""
    if (given.group is None) == (given.account_id is None):
        return problem(OrderProblem.ALLOCATION_INVALID, "allocation")
    if given.account_id is None:
        return domain.Allocation(group=given.group, method=given.method, percentage=given.percentage)
    if given.method is not None or given.percentage is not None:
        return problem(OrderProblem.ALLOCATION_INVALID, "allocation")
    if not is_id(given.account_id):
        return problem(OrderProblem.ALLOCATION_ACCOUNT_UNKNOWN, "allocation", "accountId")
    return AccountId(parse_id(given.account_id))
