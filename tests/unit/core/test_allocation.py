"""How a block is divided, and how allocations and groups are written down."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.core.allocation import (
    Allocation,
    AllocationGroup,
    AllocationMethod,
    allocation_document,
    allocation_from_document,
    divided,
    group_document,
    group_from_document,
)
from app.orders.domain.allocating import expected_shares

D = Decimal
amounts = st.decimals(min_value=0, max_value=10**9, places=4, allow_nan=False, allow_infinity=False)
numbers = st.lists(st.from_regex(r"DU[0-9]{4,8}", fullmatch=True), min_size=1, max_size=12, unique=True)
lots = st.sampled_from([D("0.01"), D(1), D(100)])


@given(lots=st.integers(0, 10**7), lot_size=lots, weights=st.lists(amounts, min_size=1, max_size=12))
def test_parts_are_whole_lots_fair_to_a_lot_and_add_up(lots: int, lot_size: Decimal, weights: list[Decimal]) -> None:
    total = lots * lot_size

    parts = divided(total, weights, lot_size)

    whole = sum(weights)
    assert sum(parts) == (total if whole else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert part % lot_size == 0
        assert not whole or abs(part - total * weight / whole) < lot_size


@given(lots=st.integers(0, 10**5), weights=st.lists(amounts, min_size=2, max_size=6, unique=True))
def test_who_weighs_more_never_has_less(lots: int, weights: list[Decimal]) -> None:
    parts = divided(D(lots), weights, D(1))

    by_weight = [part for _, part in sorted(zip(weights, parts, strict=True))]
    assert by_weight == sorted(by_weight)


@given(names=numbers, quantity=st.integers(1, 10**6), data=st.data())
def test_expected_shares_give_all_of_a_block_to_the_accounts_of_its_group(
    names: list[str], quantity: int, data: st.DataObject
) -> None:
    group = AllocationGroup(name="g", method=None, account_numbers=tuple(names))
    worth = data.draw(st.dictionaries(st.sampled_from(names), st.decimals(-1000, 1000, places=2)))
    weights = data.draw(st.sampled_from([None, worth]))

    shares = expected_shares(group, D(quantity), weights, D(1))

    assert set(shares) == set(names)
    assert sum(shares.values()) == quantity
    assert all(share >= 0 for share in shares.values())


def test_an_account_that_weighs_less_than_nothing_has_no_share_beside_one_that_weighs() -> None:
    group = AllocationGroup(name="g", method=AllocationMethod.NET_LIQUIDATION, account_numbers=("DU1", "DU2"))

    assert expected_shares(group, D(9), {"DU1": D(-5), "DU2": D(1)}, D(1)) == {"DU1": D(0), "DU2": D(9)}


@given(
    group=st.none() | st.text(max_size=20),
    method=st.none() | st.sampled_from(AllocationMethod),
    percentage=st.none() | st.decimals(D("0.0001"), 1000, places=4),
)
def test_an_allocation_comes_back_from_its_document(
    group: str | None, method: AllocationMethod | None, percentage: Decimal | None
) -> None:
    allocation = Allocation(group=group, method=method, percentage=percentage)

    assert allocation_from_document(allocation_document(allocation)) == allocation


@given(names=numbers, method=st.none() | st.sampled_from(AllocationMethod), data=st.data())
def test_a_group_comes_back_from_its_document(
    names: list[str], method: AllocationMethod | None, data: st.DataObject
) -> None:
    has_amounts = data.draw(st.booleans())
    told = data.draw(st.lists(amounts, min_size=len(names), max_size=len(names))) if has_amounts else []
    group = AllocationGroup(name="g", method=method, account_numbers=tuple(names), amounts=tuple(told))

    assert group_from_document(group_document(group)) == group
