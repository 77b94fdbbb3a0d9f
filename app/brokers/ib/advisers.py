"""An adviser's words at Interactive Brokers: the fields of a block order, and the groups as requestFA tells them."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final
from xml.etree import ElementTree

from app.core.allocation import Allocation, AllocationGroup, AllocationMethod
from app.core.fix import Side
from app.core.money import ZERO, parse_decimal, plain

GROUPS: Final = 1
"""What requestFA asks for; profiles (2) are gone, and other names of accounts (3) are not used."""

NO_GROUPS: Final = frozenset({321, 585})
"""Errors without a request that mean a refusal of requestFA: the login is no adviser's, or its data is not served."""

DOCUMENT_LENGTH_MAX: Final = 1_000_000
GROUPS_MAX: Final = 1_000
MEMBERS_MAX: Final = 5_000
NAME_LENGTH_MAX: Final = 100

_NAMES: Final = {
    AllocationMethod.EQUAL_QUANTITY: "EqualQuantity",
    AllocationMethod.NET_LIQUIDATION: "NetLiq",
    AllocationMethod.AVAILABLE_EQUITY: "AvailableEquity",
    AllocationMethod.PERCENT_CHANGE: "PctChange",
    AllocationMethod.RATIO: "Ratio",
    AllocationMethod.PERCENT: "Percent",
    AllocationMethod.CONTRACTS_OR_SHARES: "ContractsOrShares",
    AllocationMethod.MONETARY_AMOUNT: "MonetaryAmount",
}
# TWS has come to write the first of them shorter.
_METHODS: Final = {name: method for method, name in _NAMES.items()} | {"Equal": AllocationMethod.EQUAL_QUANTITY}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaFields:
    """What placeOrder writes for a block beside its terms. With a percentage the broker works out the quantity."""

    group: str
    method: str
    percentage: str


def fa_fields(allocation: Allocation, side: Side) -> FaFields:
    """The fields of a block; a percentage that lowers what is held is below zero."""
    percentage = allocation.percentage
    return FaFields(
        group=allocation.group or "",
        method="" if allocation.method is None else _NAMES[allocation.method],
        percentage="" if percentage is None else plain(percentage * side.sign),
    )


def told_allocation(group: str, method: str, percentage: str) -> Allocation:
    """The allocation of an order that was not placed here; what cannot be read of it is left out."""
    try:
        told = abs(parse_decimal(percentage))
    except ValueError:
        told = ZERO
    return Allocation(group=group[:NAME_LENGTH_MAX], method=_METHODS.get(method), percentage=told or None)


def read_groups(document: str) -> tuple[AllocationGroup, ...]:
    """The groups of requestFA's XML: up to server version 176 lists of accounts, from 177 on with amounts.

    Groups without a name that could be told back, without accounts, or with accounts that have no number are left out.
    Raises ValueError for a document that is none: not well-formed, too long, or with declarations of its own.
    """
    if len(document) > DOCUMENT_LENGTH_MAX or "<!" in document:
        raise ValueError("the groups are told in a document that is too long or declares what it may not")
    try:
        # No declarations, so no entities: nothing to expand.
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise ValueError(f"the groups are not well-formed: {error}") from error
    found: dict[str, AllocationGroup] = {}
    for element in root.iter("Group"):
        group = _group(element)
        if group is not None and len(found) < GROUPS_MAX:
            found.setdefault(group.name, group)
    return tuple(found.values())


def _group(element: ElementTree.Element) -> AllocationGroup | None:
    name, method = (element.findtext(tag, "").strip() for tag in ("name", "defaultMethod"))
    members = element.findall("ListOfAccts/Account")
    if members:
        numbers = [member.findtext("acct", "").strip() for member in members]
        amounts = [_amount(member.findtext("amount", "")) for member in members]
    else:
        numbers = [(member.text or "").strip() for member in element.findall("ListOfAccts/String")]
        amounts = []
    is_sound = all(number.isascii() and number.isalnum() for number in numbers) and len(set(numbers)) == len(numbers)
    if not is_name(name) or not numbers or len(numbers) > MEMBERS_MAX or not is_sound:
        return None
    return AllocationGroup(
        name=name,
        method=_METHODS.get(method),
        account_numbers=tuple(numbers),
        amounts=tuple(amounts) if any(amounts) else (),
    )


def is_name(name: str) -> bool:
    """True for a group's name that can be written to the wire, whose fields end with NUL."""
    return 0 < len(name) <= NAME_LENGTH_MAX and name.isprintable()


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.strip() or "0")
    except InvalidOperation:
        return ZERO
    return amount if amount.is_finite() and ZERO <= amount < Decimal(10**18) else ZERO
