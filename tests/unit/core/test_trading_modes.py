"""Trading modes: the strictest of the halts that cover an order holds, whatever else is halted."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import AccountId, InstrumentId, StrategyId
from app.core.trading_modes import (
    HaltInForce,
    HaltScope,
    HaltTarget,
    TradingMode,
    halt_from_document,
    strictest_mode,
)

ACCOUNT, OTHER = AccountId(UUID(int=1)), AccountId(UUID(int=2))
AAPL, MSFT = InstrumentId(UUID(int=3)), InstrumentId(UUID(int=4))
STRATEGY = StrategyId(UUID(int=5))
MINE = [(HaltScope.TENANT, None), (HaltScope.ACCOUNT, ACCOUNT), (HaltScope.INSTRUMENT, AAPL)]
THEIRS = [(HaltScope.ACCOUNT, OTHER), (HaltScope.INSTRUMENT, MSFT), (HaltScope.STRATEGY, STRATEGY)]


def halt(scope: HaltScope, target: UUID | None, mode: TradingMode = TradingMode.HALTED) -> HaltInForce:
    return HaltInForce(target=HaltTarget(scope=scope, target_id=target), mode=mode)


HALTS = st.builds(
    lambda pair, mode: halt(pair[0], pair[1], mode),
    st.sampled_from([*MINE, *THEIRS]),
    st.sampled_from(list(TradingMode)),
)


@pytest.mark.parametrize(("scope", "target"), MINE)
def test_a_halt_covers_its_own(scope: HaltScope, target: UUID | None) -> None:
    assert strictest_mode([halt(scope, target)], (ACCOUNT,), AAPL) is TradingMode.HALTED


@pytest.mark.parametrize(("scope", "target"), THEIRS)
def test_a_halt_leaves_others_alone(scope: HaltScope, target: UUID | None) -> None:
    assert strictest_mode([halt(scope, target)], (ACCOUNT,), AAPL) is TradingMode.ACTIVE


def test_a_strategys_halt_covers_its_orders_alone() -> None:
    mine = halt(HaltScope.STRATEGY, STRATEGY)

    assert strictest_mode([mine], (ACCOUNT,), AAPL, STRATEGY) is TradingMode.HALTED
    assert strictest_mode([mine], (ACCOUNT,), AAPL, StrategyId(UUID(int=6))) is TradingMode.ACTIVE


def test_a_block_meets_the_halts_of_every_account_that_it_trades_for() -> None:
    assert strictest_mode([halt(HaltScope.ACCOUNT, OTHER)], (ACCOUNT, OTHER), AAPL) is TradingMode.HALTED


@given(st.lists(HALTS, max_size=6), HALTS)
def test_another_halt_never_lets_more_through(halts: list[HaltInForce], more: HaltInForce) -> None:
    before = strictest_mode(halts, (ACCOUNT,), AAPL)
    after = strictest_mode([*halts, more], (ACCOUNT,), AAPL)

    assert after.strictness >= before.strictness
    assert after.strictness >= (more.mode.strictness if more.target.covers((ACCOUNT,), AAPL) else 0)


@given(st.permutations([halt(pair[0], pair[1], mode) for pair in (*MINE, *THEIRS) for mode in TradingMode]))
def test_the_order_of_halts_does_not_matter(halts: list[HaltInForce]) -> None:
    assert strictest_mode(halts[:4], (ACCOUNT,), AAPL) is strictest_mode(halts[:4][::-1], (ACCOUNT,), AAPL)


def test_a_halt_is_read_from_its_document() -> None:
    document = {"scope": "ACCOUNT", "mode": "REDUCE_ONLY", "target": str(ACCOUNT)}

    assert halt_from_document(document) == halt(HaltScope.ACCOUNT, ACCOUNT, TradingMode.REDUCE_ONLY)
    assert halt_from_document({"scope": "TENANT", "mode": "HALTED", "target": None}) == halt(HaltScope.TENANT, None)
