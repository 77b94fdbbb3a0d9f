"""Whether an adviser's order can be taken as a block, and what its division comes to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.core.allocation import Allocation, AllocationGroup, AllocationMethod, divided
from app.core.errors import Problem
from app.core.ids import AccountId, OrderId
from app.core.messages import NewOrder
from app.core.money import ZERO, is_multiple, rounded
from app.orders.domain.order import LoggedEvent
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem
from app.orders.events import OrderEventType

PERCENTAGE_MAX: Final = Decimal(1_000)
_PERCENTAGE_STEP: Final = Decimal("0.0001")
_HUNDRED: Final = Decimal(100)


def allocation_problem(new: NewOrder, groups: Sequence[AllocationGroup] | None) -> Problem | None:
    """Why the order is no order of its account; None when it is one.

    groups are those of an adviser's account as the broker told them last, None where the account is no adviser's.
    """
    allocation = new.allocation
    if groups is None:
        return None if allocation is None else problem(OrderProblem.ALLOCATION_UNEXPECTED, "allocation")
    if allocation is None:
        return problem(OrderProblem.ALLOCATION_REQUIRED, "allocation")
    unsuited = _unsuited(new)
    if unsuited is not None:
        return problem(OrderProblem.ALLOCATION_UNSUITED, unsuited)
    if not groups:
        message = "the broker has told no groups of this adviser; it is asked while the account is connected"
        return problem(OrderProblem.ALLOCATION_GROUP_UNKNOWN, "allocation", "group", message=message)
    group = group_of(allocation, groups)
    if group is None:
        return problem(OrderProblem.ALLOCATION_GROUP_UNKNOWN, "allocation", "group")
    method = allocation.method or group.method
    if method is None or (method.needs_amounts and not any(group.amounts)):
        return problem(OrderProblem.ALLOCATION_METHOD_UNSUITED, "allocation", "method")
    is_suited = allocation.percentage is None
    if method is AllocationMethod.PERCENT_CHANGE:
        is_suited = _is_percentage(allocation.percentage)
    return None if is_suited else problem(OrderProblem.ALLOCATION_PERCENTAGE_INVALID, "allocation", "percentage")


def group_of(allocation: Allocation, groups: Sequence[AllocationGroup]) -> AllocationGroup | None:
    """The group that the allocation names."""
    return next((group for group in groups if group.name == allocation.group), None)


def percentage_problem(
    quantity: Decimal, percentage: Decimal, held: Iterable[Decimal], lot_size: Decimal
) -> Problem | None:
    """Why a block by PERCENT_CHANGE is not taken for the accounts' positions; None when it is.

    The broker works out what such a block is about. The order's quantity is the most that it may come to, so that what
    was checked bounds what is dealt.
    """
    expected = sum((abs(one) for one in held), ZERO) * percentage / _HUNDRED // lot_size * lot_size
    if ZERO < expected <= quantity:
        return None
    return problem(OrderProblem.ALLOCATION_QUANTITY_SHORT, "quantity")


def expected_shares(
    group: AllocationGroup, quantity: Decimal, weights: Mapping[str, Decimal] | None, lot_size: Decimal
) -> dict[str, Decimal]:
    """How much of a block each account of the group is expected to get, by its number; all of it together.

    weights say what each account weighs by the block's method; None where all weigh the same. An account that is not
    among them, or weighs less than nothing, has no share, and where nobody weighs anything all share alike.
    """
    numbers = group.account_numbers
    told = [Decimal(1) if weights is None else max(weights.get(number, ZERO), ZERO) for number in numbers]
    if not any(told):
        told = [Decimal(1)] * len(numbers)
    return dict(zip(numbers, divided(quantity, told, lot_size), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What an account has of a block: by the number at the broker, and here where the tenant has the account.

    order_id is the order that the share is in that account. price is the average.
    """

    account_number: str
    account_id: AccountId | None
    order_id: OrderId | None
    quantity: Decimal
    price: Decimal | None


def shares_of(events: Iterable[LoggedEvent]) -> list[Share]:
    """What each account has of a block by the block's events, by account number; busted shares are left out.

    Of each execution the highest revision holds, whichever was told last.
    """
    holding: dict[tuple[str, str], tuple[int, LoggedEvent]] = {}
    for logged in events:
        if logged.event.type != OrderEventType.ORDER_ALLOCATED:
            continue
        details = logged.event.details
        place = (details["accountNumber"], details["root"])
        known = holding.get(place)
        if known is None or known[0] < details["revision"]:
            holding[place] = (details["revision"], logged)
    shares: dict[str, list[LoggedEvent]] = {}
    for (number, _), (_, logged) in sorted(holding.items(), key=lambda one: one[0]):
        shares.setdefault(number, []).append(logged)
    return [share for number, told in shares.items() if (share := _share(number, told)).quantity]


def told_executions(events: Iterable[LoggedEvent]) -> set[tuple[str, str]]:
    """Account numbers and ids of the executions that the block's events have told as shares."""
    return {
        (logged.event.details["accountNumber"], logged.event.details["executionId"])
        for logged in events
        if logged.event.type == OrderEventType.ORDER_ALLOCATED
    }


def _share(number: str, told: Sequence[LoggedEvent]) -> Share:
    parts = [logged.event.details for logged in told]
    quantity = sum((Decimal(part["quantity"]) for part in parts), ZERO)
    worth = sum((Decimal(part["quantity"]) * Decimal(part["price"]) for part in parts), ZERO)
    newest = parts[-1]
    return Share(
        account_number=number,
        account_id=None if newest["shareOfAccountId"] is None else AccountId(UUID(newest["shareOfAccountId"])),
        order_id=None if newest["shareId"] is None else OrderId(UUID(newest["shareId"])),
        quantity=quantity,
        price=rounded(worth / quantity) if quantity else None,
    )


def _unsuited(new: NewOrder) -> str | None:
    if new.take_profit is not None:
        return "takeProfit"
    if new.stop_loss is not None:
        return "stopLoss"
    return "allocation" if new.oco is not None or new.aim is not None else None


def _is_percentage(percentage: Decimal | None) -> bool:
    return percentage is not None and ZERO < percentage <= PERCENTAGE_MAX and is_multiple(percentage, _PERCENTAGE_STEP)
