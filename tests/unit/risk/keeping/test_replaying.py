"""What a limit would have said is what it says of the same order on the same facts, or nothing."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from app.core.fix import RiskLimitType, RiskOutcome
from app.core.ids import LimitId, OrderId
from app.risk.domain import CHECKS, Facts, Proposal, RiskLimit, chain_of, evaluate
from app.risk.keeping.domain.replaying import Answer, PastOrder, Source, answer_of
from tests.unit.risk.keeping.test_loosening import ACCOUNT, NOW, Draws

_TYPE = RiskLimitType
LIVE = [
    (_TYPE.MAX_POSITION_QUANTITY, "1000000"),
    (_TYPE.MAX_POSITION_NOTIONAL, "1000000"),
    (_TYPE.MAX_OPEN_ORDERS, "1000"),
    (_TYPE.MAX_DAILY_LOSS, "100000"),
    (_TYPE.MAX_DRAWDOWN, "100"),
    (_TYPE.MAX_CONCENTRATION, "10000"),
    (_TYPE.PRICE_COLLAR, "100"),
    (_TYPE.MAX_ORDERS_PER_MINUTE, "1000"),
]
CASES = 3_000


def live_limits() -> list[RiskLimit]:
    """Loose limits, whose facts are recorded with every order."""
    return [
        RiskLimit(id=LimitId(UUID(int=100 + place)), limit_type=kind, value=Decimal(value), account_id=ACCOUNT)
        for place, (kind, value) in enumerate(LIVE)
    ]


def past(order: Proposal, facts: Facts) -> PastOrder:
    """The order as it was stored, with what the live limits recorded."""
    return PastOrder(
        id=OrderId(UUID(int=1)),
        account_id=order.account_id,
        base_currency="USD",
        instrument=order.instrument,
        side=order.side,
        order_type=order.order_type,
        terms=order.terms,
        placed_at=facts.now,
        checks=evaluate(chain_of(live_limits()), order, facts),
    )


def test_a_replayed_answer_is_what_the_chain_says_on_the_facts_of_then() -> None:
    draws = Draws(Random(7))
    sources: Counter[tuple[RiskLimitType, Source]] = Counter()
    wrong: list[tuple[RiskLimit, Answer]] = []
    blocked = 0
    for _ in range(CASES):
        limit = replace(
            draws.version(draws.chance.choice(sorted(CHECKS))),
            is_active=True,
            is_shadow=True,
            effective_from=None,
            effective_until=None,
        )
        order = draws.order()
        facts = draws.facts(NOW + timedelta(hours=draws.chance.randint(0, 48)), order)
        answer = answer_of(limit, past(order, facts))
        sources[limit.limit_type, answer.source] += 1
        if answer.source is not Source.REPLAYED:
            continue
        checks = evaluate(chain_of([limit]), order, facts)
        is_blocked = any(check.outcome is RiskOutcome.FAILED for check in checks)
        blocked += is_blocked
        if (answer.is_covered, answer.is_blocked) != (bool(checks), is_blocked):
            wrong.append((limit, answer))

    assert wrong == []
    assert blocked > CASES / 20
    replayed = {kind for kind, source in sources if source is Source.REPLAYED}
    assert replayed == {kind for kind, _ in LIVE} | {
        _TYPE.MAX_ORDER_QUANTITY,
        _TYPE.MAX_ORDER_NOTIONAL,
        _TYPE.SYMBOL_WHITELIST,
        _TYPE.SYMBOL_BLACKLIST,
    }


def test_what_was_recorded_under_the_version_is_told_and_of_another_version_is_replayed() -> None:
    draws = Draws(Random(1))
    order = draws.order()
    facts = draws.facts(NOW, order)
    [shadow, *_] = live_limits()
    stored = past(order, facts)

    assert answer_of(shadow, stored).source is Source.RECORDED
    assert answer_of(replace(shadow, version=2), stored).source is Source.REPLAYED


def test_an_order_without_recorded_facts_is_told_as_such() -> None:
    draws = Draws(Random(1))
    order = draws.order()
    bare = replace(past(order, draws.facts(NOW, order)), checks=())
    of_position = live_limits()[0]

    answer = answer_of(of_position, bare)

    assert answer.source is Source.NOT_REPLAYABLE
    assert answer.message == "not recorded with the order: adds, openBuys, openSells, position"
    assert not answer.is_blocked
