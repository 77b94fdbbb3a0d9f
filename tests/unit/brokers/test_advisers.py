"""An adviser's words at the broker: the groups as they are told, and the fields of a block."""

from decimal import Decimal

import pytest

from app.brokers.ib.advisers import DOCUMENT_LENGTH_MAX, FaFields, fa_fields, read_groups, told_allocation
from app.core.allocation import Allocation, AllocationGroup, AllocationMethod
from app.core.fix import Side
from app.simulator.advisers import AccountGroup, groups_document

D = Decimal
ONE, TWO = "DU1000001", "DU1000002"


def test_groups_are_read_as_both_ages_of_the_protocol_tell_them() -> None:
    told = [
        AccountGroup(name="Équipe & <co>", method="NetLiq", account_ids=(ONE, TWO)),
        AccountGroup(name="ratio", method="Ratio", account_ids=(ONE, TWO), amounts=(D(3), D("0.5"))),
    ]

    old, new = read_groups(groups_document(told, 176)), read_groups(groups_document(told, 178))

    worth = AllocationGroup(name="Équipe & <co>", method=AllocationMethod.NET_LIQUIDATION, account_numbers=(ONE, TWO))
    ratio = AllocationGroup(name="ratio", method=AllocationMethod.RATIO, account_numbers=(ONE, TWO))
    assert old == (worth, ratio)
    assert new == (
        worth,
        AllocationGroup(
            name="ratio", method=AllocationMethod.RATIO, account_numbers=(ONE, TWO), amounts=(D(3), D("0.5"))
        ),
    )


BOMB = """<?xml version="1.0"?><!DOCTYPE g [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<ListOfGroups><Group><name>&b;</name></Group></ListOfGroups>"""
OUTSIDE = """<!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/passwd">]><ListOfGroups><Group><name>&x;</name></Group>
</ListOfGroups>"""


@pytest.mark.parametrize(
    "document",
    ["", "no xml", "<ListOfGroups>", BOMB, OUTSIDE, "<a>&undefined;</a>", "<a>" + "x" * DOCUMENT_LENGTH_MAX + "</a>"],
    ids=["empty", "text", "unended", "bomb", "outside", "entity", "long"],
)
def test_a_document_that_is_none_or_declares_things_is_not_read(document: str) -> None:
    with pytest.raises(ValueError, match="groups"):
        read_groups(document)


def group(name: str, accounts: str, method: str = "NetLiq") -> str:
    members = f"<ListOfAccts>{accounts}</ListOfAccts>"
    return f"<Group><name>{name}</name>{members}<defaultMethod>{method}</defaultMethod></Group>"


@pytest.mark.parametrize(
    "element",
    [
        group("", f"<String>{ONE}</String>"),
        group("x" * 101, f"<String>{ONE}</String>"),
        group("a&#10;b", f"<String>{ONE}</String>"),
        group("bidi &#x202E;", f"<String>{ONE}</String>"),
        group("nobody", ""),
        group("odd", "<String>DU1'; --</String>"),
        group("odd", "<String></String>"),
        group("twice", f"<String>{ONE}</String><String>{ONE}</String>"),
    ],
    ids=["nameless", "long", "two lines", "bidi", "nobody", "odd account", "no account", "twice"],
)
def test_a_group_that_cannot_be_named_or_has_odd_accounts_is_left_out(element: str) -> None:
    sound = group("sound", f"<String>{ONE}</String>")

    found = read_groups(f"<ListOfGroups>{element}{sound}</ListOfGroups>")

    assert [one.name for one in found] == ["sound"]


def test_a_method_that_is_not_known_is_none_and_odd_amounts_are_nothing() -> None:
    accounts = "".join(
        f"<Account><acct>DU{place}000</acct><amount>{amount}</amount></Account>"
        for place, amount in enumerate(["5", "NaN", "-1", "1e400", "many"], start=1)
    )

    [found] = read_groups(f"<ListOfGroups>{group('g', accounts, 'Astrology')}</ListOfGroups>")

    assert found.method is None
    assert found.amounts == (D(5), D(0), D(0), D(0), D(0))


@pytest.mark.parametrize(
    ("allocation", "side", "fields"),
    [
        (Allocation(group="g"), Side.BUY, FaFields(group="g", method="", percentage="")),
        (
            Allocation(group="g", method=AllocationMethod.EQUAL_QUANTITY),
            Side.SELL,
            FaFields(group="g", method="EqualQuantity", percentage=""),
        ),
        (
            Allocation(group="g", method=AllocationMethod.PERCENT_CHANGE, percentage=D("12.50")),
            Side.BUY,
            FaFields(group="g", method="PctChange", percentage="12.5"),
        ),
        (
            Allocation(group="g", method=AllocationMethod.PERCENT_CHANGE, percentage=D(100)),
            Side.SELL,
            FaFields(group="g", method="PctChange", percentage="-100"),
        ),
    ],
)
def test_a_block_is_written_in_the_brokers_words(allocation: Allocation, side: Side, fields: FaFields) -> None:
    assert fa_fields(allocation, side) == fields


@pytest.mark.parametrize(
    ("told", "allocation"),
    [
        (("g", "Equal", ""), Allocation(group="g", method=AllocationMethod.EQUAL_QUANTITY)),
        (
            ("g", "PctChange", "-50"),
            Allocation(group="g", method=AllocationMethod.PERCENT_CHANGE, percentage=D(50)),
        ),
        (("g", "Astrology", "NaN"), Allocation(group="g")),
    ],
)
def test_a_block_of_somebody_else_is_read_as_far_as_it_can_be(
    told: tuple[str, str, str], allocation: Allocation
) -> None:
    assert told_allocation(*told) == allocation
