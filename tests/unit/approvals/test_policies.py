"""Which policies an order meets, and what only closes."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.approvals.domain import (
    ApprovalPolicy,
    Candidate,
    DailyWindow,
    Hours,
    hours_document,
    hours_from_document,
    met_policies,
    only_reduces,
)
from app.core.fix import Side
from app.core.ids import AccountId, PolicyId, StrategyId

ACCOUNT, OTHER = AccountId(UUID(int=1)), AccountId(UUID(int=2))
MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
QUANTITIES = st.decimals(min_value=0, max_value=1000, places=2)


def policy(**terms: object) -> ApprovalPolicy:
    return ApprovalPolicy(id=PolicyId(UUID(int=9)), expiry_s=60, **terms)  # type: ignore[arg-type]


def candidate(notional: str | None = "1000", at: datetime = MONDAY, currency: str = "USD") -> Candidate:
    value = None if notional is None else Decimal(notional)
    return Candidate(account_id=ACCOUNT, notional=value, currency=currency, at=at)


def reasons(one: ApprovalPolicy, order: Candidate) -> list[str]:
    return [reason for _, found in met_policies([one], order) for reason in found]


def test_a_policy_without_conditions_holds_every_order_that_it_covers() -> None:
    assert reasons(policy(), candidate()) == ["every order that the policy covers needs approval"]
    assert reasons(policy(account_id=ACCOUNT), candidate()) != []
    assert reasons(policy(account_id=OTHER), candidate()) == []
    assert reasons(policy(strategy_id=StrategyId(UUID(int=3))), candidate()) == []
    assert reasons(policy(is_active=False), candidate()) == []


@pytest.mark.parametrize(
    ("notional", "currency", "expected"),
    [
        ("1000", "USD", []),
        ("1000.01", "USD", ["notional 1000.01 USD is above 1000"]),
        (None, "USD", ["no fresh price to value the order by"]),
        ("1", "EUR", ["no rate from EUR to USD to value the order by"]),
    ],
)
def test_a_notional_is_met_above_it_and_where_it_cannot_be_judged(
    notional: str | None, currency: str, expected: list[str]
) -> None:
    limit = policy(notional=Decimal(1000), currency="USD")

    assert reasons(limit, candidate(notional, currency=currency)) == expected


@pytest.mark.parametrize(
    ("at", "is_met"),
    [
        (datetime(2026, 3, 2, 14, 29, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 14, 30, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 20, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 21, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 1, 15, 0, tzinfo=UTC), True),
        # New York has changed its clocks: the same hours come an hour earlier.
        (datetime(2026, 3, 9, 13, 30, tzinfo=UTC), False),
        (datetime(2026, 3, 9, 20, 0, tzinfo=UTC), True),
    ],
)
def test_hours_follow_the_clocks_of_their_zone(at: datetime, is_met: bool) -> None:
    hours = Hours(time_zone="America/New_York", windows=(DailyWindow(opens=570, closes=960, days=(1, 2, 3, 4, 5)),))

    assert bool(reasons(policy(hours=hours), candidate(at=at))) is is_met
    assert hours_from_document(hours_document(hours)) == hours


@given(
    side=st.sampled_from(Side),
    quantity=QUANTITIES.filter(bool),
    position=st.decimals(min_value=-1000, max_value=1000, places=2),
    open_buy=QUANTITIES,
    open_sell=QUANTITIES,
)
def test_an_order_that_only_reduces_never_flips_or_grows_the_position(
    side: Side, quantity: Decimal, position: Decimal, open_buy: Decimal, open_sell: Decimal
) -> None:
    reduces = only_reduces(side, quantity, position=position, open_buy=open_buy, open_sell=open_sell)

    own_side = open_buy if side is Side.BUY else open_sell
    worst = position + side.sign * (own_side + quantity)
    assert reduces == (position * side.sign < 0 and worst * position >= 0)
