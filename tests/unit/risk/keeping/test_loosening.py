"""What loosens a limit never passes as a tightening."""

from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest

from app.core.fix import OrderType, RiskLimitType, Side
from app.core.ids import AccountId, LimitId, OrderId
from app.core.messages import OrderTerms
from app.core.sessions import ToldHours, ToldSession
from app.risk.domain import (
    CHECKS,
    AccountFigures,
    AccountMode,
    Activity,
    Exposure,
    Facts,
    Proposal,
    Reference,
    Resting,
    RiskLimit,
    chain_of,
    evaluate,
    first_breach,
    limit_problems,
)
from app.risk.domain.facts import fingerprint
from app.risk.domain.limits import VALUES
from app.risk.keeping.domain.loosening import loosenings, second_person_reasons
from tests.examples import examples
from tests.factories import instrument

_TYPE = RiskLimitType
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ACCOUNT = AccountId(UUID(int=2))
AAPL = instrument("AAPL")
NEW_YORK = "America/New_York"
SYMBOLS = ["AAPL", "MSFT", "SAP"]


def _session(day: int, opens: int, closes: int) -> ToldSession:
    at = NOW.replace(hour=0, minute=0) + timedelta(days=day)
    return ToldSession(day=at.date(), opens_at=at + timedelta(hours=opens), closes_at=at + timedelta(hours=closes))


FIELDS = ("value", "conditions", "is_active", "is_shadow", "effective_from", "effective_until")
CASES = examples(5_000, campaign=20_000)
HOURS = ToldHours(
    zone="UTC",
    regular=tuple(_session(day, 14, 21) for day in range(6)),
    extended=tuple(_session(day, 8, 23) for day in range(6)),
    closed_days=(),
    known_from=NOW - timedelta(days=1),
    known_until=NOW + timedelta(days=6),
)
OWN_CONDITIONS: dict[RiskLimitType, dict[str, list[Any]]] = {
    _TYPE.MAX_DRAWDOWN: {"windowDays": [30, 60]},
    _TYPE.MIN_MARGIN_EXCESS: {"marginPercent": ["10", "50", "200"]},
    _TYPE.TRADING_HOURS: {"extended": [True, False], "minutesAfterOpen": [0, 600], "minutesBeforeClose": [0, 600]},
    _TYPE.MAX_ORDERS_PER_MINUTE: {"windowSeconds": [1, 30, 60, 300]},
    _TYPE.PRICE_COLLAR: {"direction": ["WORSE", "BOTH"]},
    _TYPE.MAX_CONCENTRATION: {"basis": ["EQUITY", "GROSS"]},
    _TYPE.DUPLICATE_ORDER: {"allowance": [0, 1, 5]},
    _TYPE.WASH_TRADE: {"stops": [True, False], "policy": ["BLOCK_NEWEST", "CANCEL_RESTING"]},
    _TYPE.COOLDOWN: {"after": [["LOSS"], ["REJECT"], ["FILL", "LOSS"], ["LOSS", "REJECT", "FILL"]]},
    _TYPE.CANCEL_RATE: {"windowSeconds": [60, 300], "allowance": [0, 20, 5]},
    _TYPE.ORDER_TO_TRADE_RATIO: {"windowSeconds": [60, 300], "allowance": [0, 20, 5]},
}


def _limit(limit_type: RiskLimitType, value: str | None = None, **more: Any) -> RiskLimit:
    return RiskLimit(
        id=LimitId(UUID(int=9)),
        limit_type=limit_type,
        value=None if value is None else Decimal(value),
        account_id=ACCOUNT,
        **more,
    )


@dataclass(frozen=True, slots=True)
class Draws:
    """Limits and orders by chance, close enough to each other that breaches are common."""

    chance: Random

    def window(self) -> dict[str, Any]:
        begins, ends = sorted(self.chance.sample(range(8, 19), 2))
        days = self.chance.sample(range(1, 8), self.chance.randint(1, 7))
        zone = self.chance.choice([NEW_YORK, "Europe/Berlin"])
        return {"from": f"{begins:02}:00", "to": f"{ends:02}:00", "weekdays": days, "zone": zone}

    def conditions(self, limit_type: RiskLimitType) -> dict[str, Any]:
        chance, found = self.chance, dict[str, Any]()
        if limit_type in (_TYPE.SYMBOL_WHITELIST, _TYPE.SYMBOL_BLACKLIST) or chance.random() < 0.25:
            found["symbols"] = chance.sample(SYMBOLS, chance.randint(1, 3))
        if chance.random() < 0.25:
            found["sides"] = chance.sample(["BUY", "SELL"], chance.randint(1, 2))
        if chance.random() < 0.25:
            found["times"] = [self.window() for _ in range(chance.randint(1, 3))]
        if chance.random() < 0.25:
            found["reducing"] = chance.choice(["PASS", "HOLD"])
        if chance.random() < 0.25:
            found["modes"] = chance.sample(["LIVE", "PAPER", "SIM"], chance.randint(1, 2))
        for key, values in OWN_CONDITIONS.get(limit_type, {}).items():
            if chance.random() < 0.6:
                found[key] = chance.choice(values)
        return found

    def version(self, limit_type: RiskLimitType) -> RiskLimit:
        chance = self.chance
        return _limit(
            limit_type,
            None if VALUES[limit_type] is None else chance.choice(["1", "5", "10", "20", "40", "50", "90", "1000"]),
            conditions=self.conditions(limit_type),
            is_active=chance.random() < 0.8,
            is_shadow=chance.random() < 0.2,
            effective_from=chance.choice([None, NOW - timedelta(days=1), NOW + timedelta(days=2)]),
            effective_until=chance.choice([None, NOW + timedelta(days=3), NOW + timedelta(days=4)]),
        )

    def change(self) -> tuple[RiskLimit, RiskLimit]:
        # A change of everything is looser in some way nearly always.
        limit_type = self.chance.choice(sorted(CHECKS))
        before, other = self.version(limit_type), self.version(limit_type)
        changed = self.chance.sample(FIELDS, self.chance.randint(1, 2))
        after = replace(before, **{name: getattr(other, name) for name in changed})
        keys = sorted({*before.conditions, *other.conditions})
        if "conditions" in changed and keys:
            key = self.chance.choice(keys)
            told = {key: other.conditions[key]} if key in other.conditions else {}
            kept = {one: value for one, value in before.conditions.items() if one != key}
            after = replace(after, conditions=kept | told)
        return before, after

    def order(self) -> Proposal:
        chance = self.chance
        quantity = Decimal(chance.choice([1, 10, 100, 1000]))
        return Proposal(
            account_id=ACCOUNT,
            instrument=replace(AAPL, symbol=chance.choice([*SYMBOLS, "SIE"]), hours=HOURS),
            side=chance.choice(list(Side)),
            order_type=OrderType.LIMIT,
            terms=OrderTerms(quantity=quantity, limit_price=Decimal(chance.choice(["9", "9.9", "10.3", "11", "20"]))),
            adds_quantity=quantity,
            adds_orders=1,
            reference=Reference(price=Decimal(10), at=NOW),
            exposure=Exposure(
                position_quantity=Decimal(chance.choice([-500, 0, 50, 2000])),
                open_buy_quantity=Decimal(0),
                open_sell_quantity=Decimal(0),
                open_orders=chance.choice([0, 4, 9, 99]),
            ),
            can_wait=chance.random() < 0.7,
        )

    def facts(self, at: datetime, order: Proposal) -> Facts:
        chance = self.chance
        instants = sorted(at - timedelta(seconds=chance.randint(0, 400)) for _ in range(chance.randint(0, 30)))
        same = fingerprint(order.instrument.id, order.side, order.order_type, order.terms)
        figures = AccountFigures(
            mode=chance.choice(list(AccountMode)),
            base_currency="USD",
            equity=Decimal(chance.choice([10, 1_000, 100_000])),
            daily_pnl=Decimal(chance.choice([-500, -20, 0, 20])),
            excess_liquidity=Decimal(chance.choice([0, 95, 500, 1_000])),
            gross_position_value=Decimal(chance.choice([0, 1_000, 100_000])),
            is_fresh=chance.random() < 0.95,
            is_pnl_fresh=chance.random() < 0.95,
            peaks={None: Decimal(2_000), 30: Decimal(1_200), 60: Decimal(1_500)},
        )
        activity = Activity(
            orders=deque((one, same) for one in instants),
            cancels=deque(instants[::2]),
            changes=deque(instants[::3]),
            executions=deque(instants[:1]),
            last_loss_at=chance.choice([None, at - timedelta(seconds=30)]),
            last_reject_at=chance.choice([None, at - timedelta(seconds=3)]),
            last_fill_at=chance.choice([None, at - timedelta(seconds=70)]),
        )
        resting = Resting(
            order_id=OrderId(UUID(int=6)),
            account_id=ACCOUNT,
            instrument_id=AAPL.id,
            family=OrderId(UUID(int=5)),
            side=chance.choice(list(Side)),
            price=Decimal(10),
            is_stop=chance.random() < 0.5,
            gives_way=chance.random() < 0.7,
        )
        return Facts(now=at, account=figures, activity=activity, resting=(resting,))


def _refuses(limit: RiskLimit, order: Proposal, facts: Facts) -> bool:
    return first_breach(evaluate(chain_of([limit]), order, facts)) is not None


def test_what_a_limit_refused_is_refused_after_a_change_that_is_no_loosening() -> None:
    draws = Draws(Random(20260302))
    let_pass, refused = [], 0
    for _ in range(CASES):
        before, after = draws.change()
        if loosenings(before, after, NOW):
            continue
        at = NOW + timedelta(hours=draws.chance.randint(0, 24 * 5))
        for order in [draws.order() for _ in range(4)]:
            facts = draws.facts(at, order)
            if _refuses(before, order, facts):
                refused += 1
                let_pass += [] if _refuses(after, order, facts) else [(before, after, order, facts)]

    assert let_pass == []
    assert refused > CASES / 10, "too few of the cases said anything"


LOOSENINGS: list[tuple[str, RiskLimit, dict[str, Any]]] = [
    ("a higher maximum", _limit(_TYPE.MAX_ORDER_QUANTITY, "100"), {"value": Decimal("100.0000000001")}),
    ("a lower minimum", _limit(_TYPE.MIN_MARGIN_EXCESS, "100"), {"value": Decimal(99)}),
    ("a shorter cooldown", _limit(_TYPE.COOLDOWN, "60"), {"value": Decimal(59)}),
    ("a shorter memory of duplicates", _limit(_TYPE.DUPLICATE_ORDER, "60"), {"value": Decimal(1)}),
    ("a wider collar", _limit(_TYPE.PRICE_COLLAR, "2"), {"value": Decimal(3)}),
    ("another currency", _limit(_TYPE.MAX_ORDER_NOTIONAL, "100", currency="USD"), {"currency": "JPY"}),
    ("no currency", _limit(_TYPE.MAX_DAILY_LOSS, "100", currency="USD"), {"currency": None}),
    ("off", _limit(_TYPE.MAX_OPEN_ORDERS, "5"), {"is_active": False}),
    ("a shadow", _limit(_TYPE.MAX_OPEN_ORDERS, "5"), {"is_shadow": True}),
    ("a later start", _limit(_TYPE.MAX_OPEN_ORDERS, "5"), {"effective_from": NOW + timedelta(seconds=1)}),
    ("an end", _limit(_TYPE.MAX_OPEN_ORDERS, "5"), {"effective_until": NOW + timedelta(days=900)}),
    (
        "an earlier end",
        _limit(_TYPE.MAX_OPEN_ORDERS, "5", effective_until=NOW + timedelta(days=2)),
        {"effective_until": NOW + timedelta(days=1)},
    ),
    (
        "a longer white list",
        _limit(_TYPE.SYMBOL_WHITELIST, conditions={"symbols": ["A"]}),
        {"conditions": {"symbols": ["A", "B"]}},
    ),
    (
        "a shorter black list",
        _limit(_TYPE.SYMBOL_BLACKLIST, conditions={"symbols": ["A", "B"]}),
        {"conditions": {"symbols": ["A"]}},
    ),
    ("fewer symbols", _limit(_TYPE.MAX_OPEN_ORDERS, "5"), {"conditions": {"symbols": ["A"]}}),
    ("one side", _limit(_TYPE.MAX_OPEN_ORDERS, "5"), {"conditions": {"sides": ["BUY"]}}),
    ("one mode", _limit(_TYPE.MAX_OPEN_ORDERS, "5"), {"conditions": {"modes": ["PAPER"]}}),
    ("reducing orders pass", _limit(_TYPE.MAX_OPEN_ORDERS, "5"), {"conditions": {"reducing": "PASS"}}),
    (
        "hours",
        _limit(_TYPE.MAX_OPEN_ORDERS, "5"),
        {"conditions": {"times": {"from": "00:00", "to": "24:00", "zone": "UTC"}}},
    ),
    (
        "fewer hours",
        _limit(_TYPE.MAX_OPEN_ORDERS, "5", conditions={"times": {"from": "09:00", "to": "17:00", "zone": "UTC"}}),
        {"conditions": {"times": {"from": "09:00", "to": "16:59", "zone": "UTC"}}},
    ),
    (
        "a gap between hours",
        _limit(_TYPE.MAX_OPEN_ORDERS, "5", conditions={"times": {"from": "09:00", "to": "17:00", "zone": "UTC"}}),
        {
            "conditions": {
                "times": [
                    {"from": "09:00", "to": "12:00", "zone": "UTC"},
                    {"from": "12:01", "to": "17:00", "zone": "UTC"},
                ]
            }
        },
    ),
    (
        "hours of another zone",
        _limit(_TYPE.MAX_OPEN_ORDERS, "5", conditions={"times": {"from": "09:00", "to": "17:00", "zone": "UTC"}}),
        {"conditions": {"times": {"from": "00:00", "to": "24:00", "zone": NEW_YORK}}},
    ),
    ("extended hours", _limit(_TYPE.TRADING_HOURS), {"conditions": {"extended": True}}),
    (
        "open from the first minute",
        _limit(_TYPE.TRADING_HOURS, conditions={"minutesAfterOpen": 15}),
        {"conditions": {"minutesAfterOpen": 14}},
    ),
    (
        "one direction",
        _limit(_TYPE.PRICE_COLLAR, "2", conditions={"direction": "BOTH"}),
        {"conditions": {}},
    ),
    ("another basis", _limit(_TYPE.MAX_CONCENTRATION, "2"), {"conditions": {"basis": "GROSS"}}),
    (
        "a shorter window of orders",
        _limit(_TYPE.MAX_ORDERS_PER_MINUTE, "2"),
        {"conditions": {"windowSeconds": 59}},
    ),
    (
        "a longer window of cancels",
        _limit(_TYPE.CANCEL_RATE, "50", conditions={"windowSeconds": 60}),
        {"conditions": {"windowSeconds": 61}},
    ),
    (
        "a larger allowance",
        _limit(_TYPE.CANCEL_RATE, "50", conditions={"allowance": 10}),
        {"conditions": {"allowance": 11}},
    ),
    ("an allowance", _limit(_TYPE.DUPLICATE_ORDER, "50"), {"conditions": {"allowance": 1}}),
    (
        "fewer causes",
        _limit(_TYPE.COOLDOWN, "50", conditions={"after": ["LOSS", "REJECT"]}),
        {"conditions": {"after": ["REJECT"]}},
    ),
    ("a shorter memory", _limit(_TYPE.MAX_DRAWDOWN, "5"), {"conditions": {"windowDays": 30}}),
    ("less margin", _limit(_TYPE.MIN_MARGIN_EXCESS, "5"), {"conditions": {"marginPercent": "50"}}),
    (
        "newest first",
        _limit(_TYPE.WASH_TRADE, conditions={"policy": "BLOCK_NEWEST"}),
        {"conditions": {"policy": "CANCEL_RESTING"}},
    ),
    ("newest first by default", _limit(_TYPE.WASH_TRADE), {"conditions": {"policy": "CANCEL_RESTING"}}),
    ("no stops", _limit(_TYPE.WASH_TRADE, conditions={"stops": True}), {"conditions": {}}),
]


@pytest.mark.parametrize(("before", "change"), [one[1:] for one in LOOSENINGS], ids=[one[0] for one in LOOSENINGS])
def test_each_way_to_loosen_is_told_and_back_is_none(before: RiskLimit, change: dict[str, Any]) -> None:
    after = replace(before, **change)

    assert limit_problems(before) == ()
    assert limit_problems(after) == ()
    assert len(loosenings(before, after, NOW)) == 1
    incomparable = {"currency"} & change.keys() or "basis" in str(change) or NEW_YORK in str(change)
    is_window = before.limit_type is _TYPE.CANCEL_RATE and "windowSeconds" in str(change)
    if not incomparable and not is_window:
        assert loosenings(after, before, NOW) == ()


def test_a_deletion_loosens_what_refuses_and_nothing_else() -> None:
    live = _limit(_TYPE.MAX_OPEN_ORDERS, "5")

    assert loosenings(live, None, NOW) == ("the limit is deleted",)
    for idle in (
        replace(live, is_active=False),
        replace(live, is_shadow=True),
        replace(live, effective_until=NOW),
    ):
        assert second_person_reasons(idle, None, NOW) == ()


def test_a_limit_that_cannot_be_read_refuses_all_so_that_mending_it_loosens() -> None:
    broken = _limit(_TYPE.SYMBOL_WHITELIST, conditions={"symbols": "AAPL"})
    valueless = _limit(_TYPE.MAX_OPEN_ORDERS)

    assert loosenings(broken, replace(broken, conditions={"symbols": ["AAPL"]}), NOW) != ()
    assert loosenings(valueless, replace(valueless, value=Decimal(5)), NOW) != ()


def test_a_shadow_that_becomes_live_takes_two_though_it_tightens() -> None:
    shadow = _limit(_TYPE.MAX_OPEN_ORDERS, "5", is_shadow=True)
    live = replace(shadow, is_shadow=False)

    assert loosenings(shadow, live, NOW) == ()
    assert second_person_reasons(shadow, live, NOW) == ("a shadow becomes live and may refuse orders",)
    assert second_person_reasons(shadow, replace(shadow, value=Decimal(50)), NOW) == ()


def test_a_limit_that_has_yet_to_begin_is_not_put_off_by_one() -> None:
    planned = _limit(_TYPE.MAX_OPEN_ORDERS, "5", effective_from=NOW + timedelta(days=1))

    assert loosenings(planned, replace(planned, effective_from=NOW + timedelta(days=2)), NOW) != ()
    assert loosenings(planned, replace(planned, effective_from=NOW - timedelta(days=2)), NOW) == ()
