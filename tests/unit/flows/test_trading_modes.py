"""What a halt lets through: nothing under HALTED but our own closes, what only reduces under REDUCE_ONLY."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.brokers.batch import AccountFacts, Adviser
from app.core.allocation import Allocation, AllocationGroup, AllocationMethod
from app.core.fix import OrderType, Side
from app.core.ids import AccountId
from app.core.messages import OrderTerms
from app.core.money import ZERO
from app.core.records import replace
from app.core.trading_modes import HaltInForce, HaltScope, HaltTarget, TradingMode
from app.flows.halts.trading_modes import halted_out, only_shrinks
from app.orders.errors import OrderProblem
from app.risk.domain import Exposure, Proposal
from app.risk.halts.domain import KILL_SWITCH_ACTOR
from tests.factories import instrument

ACCOUNT, SHARE, OTHER = (AccountId(UUID(int=number)) for number in (1, 2, 3))
AAPL = instrument("AAPL")
QUANTITIES = st.integers(0, 50).map(Decimal)


def facts(mode: TradingMode, target: HaltTarget | None = None, **more: object) -> AccountFacts:
    halt = HaltInForce(target=target or HaltTarget(scope=HaltScope.TENANT), mode=mode)
    return AccountFacts(is_active=True, is_gate_open=True, halts=[halt], **more)  # type: ignore[arg-type]


def proposal(
    side: Side,
    quantity: Decimal,
    *,
    position: Decimal = ZERO,
    bought: Decimal = ZERO,
    sold: Decimal = ZERO,
    closes: bool = False,
) -> Proposal:
    return Proposal(
        account_id=ACCOUNT,
        instrument=AAPL,
        side=side,
        order_type=OrderType.MARKET,
        terms=OrderTerms(quantity=quantity),
        adds_quantity=quantity,
        adds_orders=1,
        reference=None,
        exposure=Exposure(position_quantity=position, open_buy_quantity=bought, open_sell_quantity=sold, open_orders=0),
        closes_position=closes,
    )


@given(
    side=st.sampled_from(list(Side)),
    quantity=st.integers(1, 50).map(Decimal),
    position=st.integers(-50, 50).map(Decimal),
    bought=QUANTITIES,
    sold=QUANTITIES,
    told=st.none() | st.integers(-50, 50).map(Decimal),
)
def test_what_reduce_only_lets_through_makes_no_position_larger_and_turns_none_round(
    side: Side, quantity: Decimal, position: Decimal, bought: Decimal, sold: Decimal, told: Decimal | None
) -> None:
    one = proposal(side, quantity, position=position, bought=bought, sold=sold)
    account = facts(TradingMode.REDUCE_ONLY, frozen={} if told is None else {AAPL.id: told})

    leaving = side.sign * (quantity + (bought if side is Side.BUY else sold))
    books = [position] if told is None else [position, told]
    only_reduces = all(book * leaving < ZERO and abs(leaving) <= abs(book) for book in books)

    assert (halted_out(account, one, "user:1") is None) is only_reduces


@pytest.mark.parametrize(
    ("placed_by", "closes", "passes"),
    [
        (KILL_SWITCH_ACTOR, True, True),
        (KILL_SWITCH_ACTOR, False, False),
        ("user:1", True, False),
        ("closes", True, False),
        ("system:kill-switch ", True, False),
    ],
)
def test_halted_takes_the_kill_switchs_own_closes_alone(placed_by: str, closes: bool, passes: bool) -> None:
    one = proposal(Side.SELL, Decimal(10), position=Decimal(10), closes=closes)

    found = halted_out(facts(TradingMode.HALTED), one, placed_by)

    assert found is (None if passes else OrderProblem.TRADING_HALTED)


def test_without_a_halt_everything_passes() -> None:
    assert halted_out(replace(facts(TradingMode.HALTED), halts=()), proposal(Side.BUY, Decimal(1)), "user:1") is None


@pytest.mark.parametrize(("group", "is_out"), [("mine", True), ("others", False), ("gone", True)])
def test_a_block_is_out_where_an_account_of_its_group_is_halted(group: str, is_out: bool) -> None:
    adviser = Adviser(
        groups=(
            AllocationGroup(name="mine", method=AllocationMethod.EQUAL_QUANTITY, account_numbers=("U1",)),
            AllocationGroup(name="others", method=AllocationMethod.EQUAL_QUANTITY, account_numbers=("U2",)),
        ),
        accounts={"U1": SHARE, "U2": OTHER},
    )
    target = HaltTarget(scope=HaltScope.ACCOUNT, target_id=SHARE)
    account = facts(TradingMode.HALTED, target, adviser=adviser)

    found = halted_out(account, proposal(Side.BUY, Decimal(1)), "user:1", Allocation(group=group))

    assert (found is OrderProblem.TRADING_HALTED) is is_out


@pytest.mark.parametrize(
    ("quantity", "limit_price", "shrinks"),
    [("9", "100", True), ("10", "100", True), ("11", "100", False), ("9", "101", False), ("10", "99", False)],
)
def test_new_terms_that_only_shrink(quantity: str, limit_price: str, shrinks: bool) -> None:
    before = OrderTerms(quantity=Decimal(10), limit_price=Decimal(100))

    assert only_shrinks(before, OrderTerms(quantity=Decimal(quantity), limit_price=Decimal(limit_price))) is shrinks
