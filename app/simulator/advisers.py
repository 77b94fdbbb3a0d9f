"""An adviser's login: its groups of accounts, and how a block order is divided among the accounts of one."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree

from app.core.money import plain

EQUAL_QUANTITY, NET_LIQUIDATION, AVAILABLE_EQUITY = "EqualQuantity", "NetLiq", "AvailableEquity"
PERCENT_CHANGE = "PctChange"
BY_AMOUNT = frozenset({"Ratio", "Percent", "ContractsOrShares", "MonetaryAmount"})
"""The methods that go by what the group says of each account, known from 177 on."""

METHODS = frozenset({EQUAL_QUANTITY, NET_LIQUIDATION, AVAILABLE_EQUITY, PERCENT_CHANGE}) | BY_AMOUNT
_METHOD_NAMES = {"Equal": EQUAL_QUANTITY}
GROUPS, PROFILES, ALIASES = 1, 2, 3
"""What reqFA and replaceFA are about."""

_AMOUNTS_FROM = 177
_XML_LENGTH_MAX = 100_000
_GROUPS_MAX = 1_000


class GroupsError(ValueError):
    """The groups that a client sent do not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGroup:
    """Some accounts of an adviser; `amounts` says of each what BY_AMOUNT methods go by."""

    name: str
    method: str
    account_ids: tuple[str, ...]
    amounts: tuple[Decimal, ...] = ()


def method_of(name: str) -> str:
    """The method under any of its names."""
    return _METHOD_NAMES.get(name, name)


def groups_document(groups: Iterable[AccountGroup], version: int) -> str:
    """The groups as reqFA tells them; from 177 on with the amount of each account."""
    root = ElementTree.Element("ListOfGroups")
    for group in groups:
        element = ElementTree.SubElement(root, "Group")
        ElementTree.SubElement(element, "name").text = group.name
        members = ElementTree.SubElement(element, "ListOfAccts", varName="list")
        for place, account_id in enumerate(group.account_ids):
            if version < _AMOUNTS_FROM:
                ElementTree.SubElement(members, "String").text = account_id
                continue
            member = ElementTree.SubElement(members, "Account")
            ElementTree.SubElement(member, "acct").text = account_id
            if group.amounts:
                ElementTree.SubElement(member, "amount").text = plain(group.amounts[place])
        ElementTree.SubElement(element, "defaultMethod").text = group.method
    return _written(root)


def aliases_document(account_ids: Iterable[str]) -> str:
    """The accounts as reqFA tells their other names; none has another here."""
    root = ElementTree.Element("ListOfAccountAliases")
    for account_id in account_ids:
        element = ElementTree.SubElement(root, "AccountAlias")
        ElementTree.SubElement(element, "account").text = account_id
        ElementTree.SubElement(element, "alias").text = account_id
    return _written(root)


def read_groups(document: str, known_ids: Iterable[str]) -> tuple[AccountGroup, ...]:
    """The groups of a replaceFA. Raises GroupsError saying what does not hold."""
    if len(document) > _XML_LENGTH_MAX or "<!" in document:
        raise GroupsError("the document is too long or declares what it may not")
    try:
        # No declarations, so no entities: nothing to expand.
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise GroupsError(f"not well-formed: {error}") from error
    known = frozenset(known_ids)
    groups = tuple(_read_group(element, known) for element in root.iter("Group"))
    if len(groups) > _GROUPS_MAX or len({group.name for group in groups}) != len(groups):
        raise GroupsError("too many groups, or two of one name")
    return groups


def _read_group(element: ElementTree.Element, known_ids: frozenset[str]) -> AccountGroup:
    name, method = (element.findtext(tag, "").strip() for tag in ("name", "defaultMethod"))
    accounts = element.findall("ListOfAccts/Account")
    if accounts:
        account_ids = tuple(account.findtext("acct", "").strip() for account in accounts)
        amounts = tuple(_amount(account.findtext("amount", "0")) for account in accounts)
    else:
        account_ids = tuple((string.text or "").strip() for string in element.findall("ListOfAccts/String"))
        amounts = ()
    if not name or method_of(method) not in METHODS:
        raise GroupsError(f"group {name!r} has no name or method {method!r}")
    if not account_ids or not known_ids.issuperset(account_ids):
        raise GroupsError(f"group {name!r} has no accounts, or some that this login does not manage")
    has_amounts = any(amounts)
    if method in BY_AMOUNT and not has_amounts:
        raise GroupsError(f"group {name!r} needs an amount for each account")
    return AccountGroup(
        name=name, method=method_of(method), account_ids=account_ids, amounts=amounts if has_amounts else ()
    )


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.strip() or "0")
    except InvalidOperation as error:
        raise GroupsError(f"{text!r} is no amount") from error
    if not amount.is_finite() or amount < 0:
        raise GroupsError(f"{text!r} is no amount")
    return amount


def _written(root: ElementTree.Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")
