"""How an adviser's block order is divided: methods, groups of accounts, and parts in whole lots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

from app.core.money import ZERO, plain


class AllocationMethod(StrEnum):
    """AllocMethod (626) as Interactive Brokers has it: what a block is divided by.

    PERCENT_CHANGE changes what the accounts hold by a percentage. The last four go by an amount that the group has
    for each account.
    """

    EQUAL_QUANTITY = "EQUAL_QUANTITY"
    NET_LIQUIDATION = "NET_LIQUIDATION"
    AVAILABLE_EQUITY = "AVAILABLE_EQUITY"
    PERCENT_CHANGE = "PERCENT_CHANGE"
    RATIO = "RATIO"
    PERCENT = "PERCENT"
    CONTRACTS_OR_SHARES = "CONTRACTS_OR_SHARES"
    MONETARY_AMOUNT = "MONETARY_AMOUNT"

    @property
    def needs_amounts(self) -> bool:
        """True when the group must say an amount for each account."""
        return self in _BY_AMOUNT


_BY_AMOUNT = frozenset(
    {
        AllocationMethod.RATIO,
        AllocationMethod.PERCENT,
        AllocationMethod.CONTRACTS_OR_SHARES,
        AllocationMethod.MONETARY_AMOUNT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What a block order says of its division.

    group is the broker's name of some accounts, None where a block was placed outside and the broker has not told it.
    method None is the group's own. percentage is for PERCENT_CHANGE alone, above zero.
    """

    group: str | None
    method: AllocationMethod | None = None
    percentage: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationGroup:
    """Some accounts of an adviser by their numbers, with an amount for each where the group has amounts.

    method is None where the broker names one that is not known here.
    """

    name: str
    method: AllocationMethod | None
    account_numbers: tuple[str, ...]
    amounts: tuple[Decimal, ...] = ()


def divided(total: Decimal, weights: Sequence[Decimal], lot_size: Decimal) -> list[Decimal]:
    """A quantity in parts by weight, each of whole lots; what is left over goes to the largest remainders first.

    Nobody has a part when nobody weighs anything.
    """
    whole = sum(weights, ZERO)
    if not whole:
        return [ZERO for _ in weights]
    lots = int(total / lot_size)
    exact = [lots * weight / whole for weight in weights]
    parts = [share.to_integral_value(rounding=ROUND_FLOOR) for share in exact]
    left = lots - int(sum(parts))
    by_remainder = sorted(range(len(weights)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_remainder[:left]:
        parts[place] += 1
    return [part * lot_size for part in parts]


def allocation_document(allocation: Allocation) -> dict[str, str | None]:
    """The allocation as a JSON document; what is not said is left out."""
    document: dict[str, str | None] = {"group": allocation.group}
    if allocation.method is not None:
        document["method"] = allocation.method.value
    if allocation.percentage is not None:
        document["percentage"] = plain(allocation.percentage)
    return document


def allocation_from_document(document: Mapping[str, Any]) -> Allocation:
    """The allocation of such a document."""
    method, percentage = document.get("method"), document.get("percentage")
    return Allocation(
        group=document["group"],
        method=None if method is None else AllocationMethod(method),
        percentage=None if percentage is None else Decimal(percentage),
    )


def group_document(group: AllocationGroup) -> dict[str, Any]:
    """The group as a JSON document."""
    return {
        "name": group.name,
        "method": None if group.method is None else group.method.value,
        "accounts": list(group.account_numbers),
        "amounts": [plain(amount) for amount in group.amounts],
    }


def group_from_document(document: Mapping[str, Any]) -> AllocationGroup:
    """The group of such a document."""
    method = document["method"]
    return AllocationGroup(
        name=document["name"],
        method=None if method is None else AllocationMethod(method),
        account_numbers=tuple(document["accounts"]),
        amounts=tuple(Decimal(amount) for amount in document["amounts"]),
    )
